//! `wtaf-host plugin keygen|sign|verify|push`: what a plugin's author does to have it trusted, and found, by other engines.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use miette::{IntoDiagnostic, WrapErr, miette};
use rand::{TryRngCore, rngs::OsRng};

use crate::{
    cli::{ConfigFlags, Outcome, block_on, boot},
    config::{OciReference, PublicKey, SECRET_KEY},
    plugin::{self, About, oci, signature},
};

#[derive(clap::Subcommand)]
pub(in crate::cli) enum Verb {
    /// Make a key pair to sign plugins with.
    #[command(
        after_help = "Examples:\n  wtaf-host plugin keygen --out release.key      and into pipeline.toml what it prints"
    )]
    Keygen {
        /// Where the secret key goes; a file that is there stays as it is.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Sign a component, in place.
    #[command(after_help = "Examples:\n  wtaf-host plugin sign my-names.wasm --key release.key --name slug\n  \
                            wtaf-host plugin sign my-names.wasm --key release.key --counter 7")]
    Sign {
        /// The component.
        file: PathBuf,
        /// The secret key, as keygen wrote it.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Which release it is: never lower than the last one's. Unset: the time, in seconds.
        #[arg(long, value_name = "N")]
        counter: Option<u64>,
        /// The plugin's name where it is used. Unset: the file's.
        #[arg(long)]
        name: Option<String>,
    },
    /// Say whether a pipeline's keys let a component in.
    #[command(
        after_help = "Examples:\n  wtaf-host plugin verify my-names.wasm --name slug\n  wtaf-host plugin verify slug.wasm --config /etc/wtaf/pipeline.toml"
    )]
    Verify {
        /// The component.
        component: PathBuf,
        /// The plugin's name where it is to be used. Unset: the file's.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        config: ConfigFlags,
    },
    /// Put a component into a registry.
    #[command(
        after_help = "Examples:\n  wtaf-host plugin push slug.wasm oci://registry.example/plugins/slug:1.2.0\n\nIt signs in as docker's config.json says, else with WTAF_OCI_USER and WTAF_OCI_PASSWORD."
    )]
    Push {
        /// The component.
        file: PathBuf,
        /// Where: oci://registry/name:tag.
        #[arg(value_name = "REFERENCE")]
        to: String,
    },
}

/// Does one of them.
pub(super) fn trust(verb: Verb) -> Outcome {
    match verb {
        Verb::Keygen { out } => keygen(&out)?,
        Verb::Sign { file, key, counter, name } => sign(&file, &key, counter, name)?,
        Verb::Verify { component, name, config } => return verify(&component, name, config),
        Verb::Push { file, to } => push(&file, &to)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn keygen(out: &Path) -> miette::Result<()> {
    let mut seed = [0; 32];
    OsRng.try_fill_bytes(&mut seed).into_diagnostic().wrap_err("the system's random numbers")?;
    let key = SigningKey::from_bytes(&seed);
    let public = PublicKey::from(key.verifying_key());
    write_secret(out, &key, &public).into_diagnostic().wrap_err_with(|| out.display().to_string())?;
    eprintln!(
        "{} signs: keep it secret, and keep a copy. Into each pipeline.toml that is to trust it:\n",
        out.display()
    );
    println!("[plugins]\nkeys = [\"{public}\"]");
    Ok(())
}

fn write_secret(out: &Path, key: &SigningKey, public: &PublicKey) -> io::Result<()> {
    // Never over another key: what it signed could be followed by nothing.
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out)?;
    writeln!(file, "# Secret: signs plugins for wtaf-host. Its public half is {public}")?;
    writeln!(file, "{SECRET_KEY}{}", BASE64_STANDARD.encode(key.to_bytes()))?;
    file.sync_all()
}

fn read_secret(file: &Path) -> miette::Result<SigningKey> {
    let called = || file.display().to_string();
    let text = fs::read_to_string(file).into_diagnostic().wrap_err_with(called)?;
    let mode = fs::metadata(file).into_diagnostic().wrap_err_with(called)?.permissions().mode();
    if mode & 0o077 != 0 {
        eprintln!("{} is readable by others on this machine: chmod 600 {}", file.display(), file.display());
    }
    let bytes = text.lines().find_map(|line| BASE64_STANDARD.decode(line.trim().strip_prefix(SECRET_KEY)?).ok());
    let seed: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
    seed.map(|seed| SigningKey::from_bytes(&seed)).ok_or_else(|| {
        miette!(help = "make one with `wtaf-host plugin keygen --out FILE`", "{} holds no secret key", file.display())
    })
}

fn sign(file: &Path, key: &Path, counter: Option<u64>, name: Option<String>) -> miette::Result<()> {
    let key = read_secret(key)?;
    let (bytes, about) = component(file)?;
    let name = name.unwrap_or_else(|| stem(file));
    let counter = match counter {
        Some(counter) => counter,
        None => SystemTime::now().duration_since(UNIX_EPOCH).into_diagnostic().wrap_err("the clock")?.as_secs(),
    };
    let signed = signature::sign(&bytes, &name, about.role, counter, &key).into_diagnostic()?;
    replace(file, &signed).into_diagnostic().wrap_err_with(|| file.display().to_string())?;
    let public = PublicKey::from(key.verifying_key());
    println!("{} is release {counter} of {name} ({}), signed by {public}", file.display(), about.role.as_str());
    Ok(())
}

/// Whole or not at all, with the file's own permissions: an engine may be watching it.
fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let draft = file.with_file_name(format!(".{name}.{}.signing", std::process::id()));
    let written = (|| {
        fs::write(&draft, bytes)?;
        fs::set_permissions(&draft, fs::metadata(file)?.permissions())?;
        fs::File::open(&draft)?.sync_all()?;
        fs::rename(&draft, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

fn verify(file: &Path, name: Option<String>, config: ConfigFlags) -> Outcome {
    let pipeline = boot::load(&config.into())?;
    let (bytes, about) = component(file)?;
    let name = name.unwrap_or_else(|| stem(file));
    let kept = pipeline.data_dir.join("plugins");
    let trust = signature::Trust::open(&pipeline.plugins.keys, &kept).into_diagnostic()?;
    let checked = trust.admit(&bytes, Some(&name), about.role);
    match checked.into_diagnostic().wrap_err_with(|| file.display().to_string())? {
        Some(signed) => {
            println!("{} is release {} of {}, signed by {}", file.display(), signed.counter, signed.name, signed.key);
        }
        None => println!("{}: this pipeline asks for no signatures (plugins.keys is empty)", file.display()),
    }
    Ok(ExitCode::SUCCESS)
}

fn push(file: &Path, to: &str) -> miette::Result<()> {
    let reference: OciReference = to.parse().map_err(|why| miette!("the reference {why}"))?;
    if reference.digest().is_some() {
        return Err(miette!("a digest is what a push gives, not what it is given: oci://registry/name:tag"));
    }
    let (bytes, about) = component(file)?;
    if bytes.len() as u64 > oci::MOST {
        return Err(miette!("{} has {} bytes, and engines pull {} at most", file.display(), bytes.len(), oci::MOST));
    }
    let called = reference.name();
    if let Some(signed) = signature::claimed_name(&bytes).filter(|signed| signed != called) {
        let help = format!("sign it with --name {called}, or push it under the name {signed}");
        return Err(miette!(
            help = help,
            "{} is signed as {signed} and would be called {called} there: no engine that asks for signatures would let it in",
            file.display()
        ));
    }
    let labels = oci::Labels { title: called.to_owned(), about };
    let credentials = oci::from_environment(reference.registry());
    let digest = block_on(oci::push(&reference, &bytes, &labels, &credentials))?.into_diagnostic()?;
    println!("plugin = \"{}\"", reference.pinned(&digest));
    Ok(())
}

fn component(file: &Path) -> miette::Result<(Vec<u8>, About)> {
    let bytes = fs::read(file).into_diagnostic().wrap_err_with(|| file.display().to_string())?;
    let about = plugin::about(&bytes).into_diagnostic().wrap_err_with(|| file.display().to_string())?;
    Ok((bytes, about))
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}
