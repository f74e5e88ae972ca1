//! Compiled components, kept in the data directory so that a start or a swap compiles nothing twice.
//!
//! What is kept is native code: whoever can put a file here runs code as the engine. So the folder must be ours and closed to everyone else, each file
//! begins with a MAC under a key that never leaves it, and exactly the bytes whose MAC was right are loaded; a file is never mapped. Anything odd is
//! compiled anew and written over. Precompiled code is taken from nowhere else. This is the only place in the engine with `unsafe`.

use std::{
    fs,
    hash::{Hash, Hasher},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use hmac::{Hmac, KeyInit, Mac};
use rand::RngCore;
use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

use super::own;

/// Files kept at most, how long without use, and how much all of them may take: an interpreter's is some 40 MiB.
const MOST: usize = 64;
const OLDEST: Duration = Duration::from_hours(30 * 24);
const ALL: u64 = 1 << 30;

/// What a crash may leave of a file that was being written.
const DRAFT: Duration = Duration::from_hours(1);

/// Bytes of a key, which are those of SHA-256's block, and of a MAC.
const KEY: usize = 64;
const MAC: usize = 32;

/// Where a plugin's code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// Compiled from the component.
    Compiled,
    /// Compiled by an earlier run of the same engine.
    Cached,
}

impl Made {
    /// One word, for metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compiled => "compiled",
            Self::Cached => "cached",
        }
    }
}

/// Why nothing is kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoCache {
    /// Someone else could have written it.
    #[error(
        "{0} is not ours alone (owner, and mode 0700 for the folder, 0600 for the key): what is in it is not trusted"
    )]
    NotOurs(PathBuf),
    /// The disk.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
}

/// The compiled components of one engine.
pub(super) struct Cache {
    dir: PathBuf,
    key: [u8; KEY],
    /// Of the engine's version, its settings and the machine's instructions.
    engine: String,
}

impl Cache {
    /// Below a data directory.
    pub fn open(data_dir: &Path, engine: &Engine) -> Result<Self, NoCache> {
        let dir = data_dir.join("plugins/compiled");
        let at = |path: &Path, error| NoCache::Io(path.to_owned(), error);
        // Looked at before it is made: a folder that was open may hold anything by now.
        match own::is_closed(&dir) {
            Ok(true) => {}
            Ok(false) => return Err(NoCache::NotOurs(dir)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                own::folder(&dir).map_err(|error| at(&dir, error))?;
                if !own::is_closed(&dir).map_err(|error| at(&dir, error))? {
                    return Err(NoCache::NotOurs(dir));
                }
            }
            Err(error) => return Err(at(&dir, error)),
        }
        let key = key(&dir.join("key"))?;
        let mut hash = Hashed(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hash);
        let mut engine = hex::encode(hash.0.finalize());
        engine.truncate(16);
        Ok(Self { dir, key, engine })
    }

    /// The code kept for a component, by its digest, if it is there and every bit of it is what this engine wrote.
    pub fn get(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = self.name(digest);
        let path = self.dir.join(&name);
        let file = fs::read(&path).ok()?;
        let component = self.verified(&name, &file).and_then(|code| code.load(engine));
        if component.is_some() {
            // What is used stays; where its time cannot be written it is compiled anew some day.
            let _ = fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        } else {
            tracing::warn!(file = %path.display(), "kept code is not as it was written: compiled anew");
        }
        component
    }

    /// Keeps a component's code. That it could not be kept is no fault of the plugin.
    pub fn put(&self, digest: &str, component: &Component) {
        let name = self.name(digest);
        let kept = component.serialize().map_err(io::Error::other).and_then(|code| {
            let mac = self.mac(&name, &code).finalize().into_bytes();
            // Its MAC tells whether it is whole: what a crash spoils is compiled anew.
            own::write_lazily(&self.dir.join(&name), &[&mac[..], &code].concat())?;
            self.prune(&name)
        });
        if let Err(error) = kept {
            tracing::warn!(folder = %self.dir.display(), %error, "compiled code could not be kept");
        }
    }

    fn name(&self, digest: &str) -> String {
        format!("{digest}-{}.cwasm", self.engine)
    }

    /// Over the name too: code in another component's place is as wrong as code with a bit turned.
    fn mac(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(code);
        mac
    }

    fn verified<'a>(&self, name: &str, file: &'a [u8]) -> Option<Verified<'a>> {
        let (mac, code) = file.split_at_checked(MAC)?;
        self.mac(name, code).verify_slice(mac).ok().map(|()| Verified(code))
    }

    /// Removes what is old, then the oldest until the rest is few and small enough; never what was written just now.
    fn prune(&self, but: &str) -> io::Result<()> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.dir)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Another process may have removed it meanwhile.
            let Ok(about) = entry.metadata() else { continue };
            let age = about.modified()?.elapsed().unwrap_or_default();
            if name.starts_with('.') && age > DRAFT {
                remove(&entry.path())?;
            } else if is_code(&name) && !name.starts_with('.') && name != but {
                kept.push((age, about.len(), entry.path()));
            }
        }
        kept.sort_unstable_by_key(|(age, ..)| *age);
        let mut all = fs::metadata(self.dir.join(but)).map_or(0, |about| about.len());
        for (index, (age, bytes, path)) in kept.into_iter().enumerate() {
            all += bytes;
            if age > OLDEST || index + 1 >= MOST || all > ALL {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

fn is_code(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "cwasm")
}

/// Native code that this engine wrote: only [`Cache::verified`] makes one.
struct Verified<'a>(&'a [u8]);

impl Verified<'_> {
    #[expect(unsafe_code, reason = "there is no safe way to load native code")]
    fn load(&self, engine: &Engine) -> Option<Component> {
        // SAFETY: `deserialize` asks that the bytes be what `Component::serialize` of this wasmtime gave, unaltered. Their MAC was right under a key that
        // only this user can read, so `put` wrote them; the bytes are in our own memory, so nobody can alter them after that; and wasmtime itself refuses
        // what another version or other settings made.
        let component = unsafe { Component::deserialize(engine, self.0) };
        component.inspect_err(|error| tracing::warn!(%error, "kept code does not fit this engine")).ok()
    }
}

/// The key, made where there is none; one of another length is as good as none.
fn key(path: &Path) -> Result<[u8; KEY], NoCache> {
    let at = |error| NoCache::Io(path.to_owned(), error);
    match fs::symlink_metadata(path) {
        Ok(about) if !about.is_file() || !own::is_private(&about) || !own::is_ours(&about) => {
            return Err(NoCache::NotOurs(path.to_owned()));
        }
        Ok(_) => {
            if let Ok(key) = fs::read(path).map_err(at)?.try_into() {
                return Ok(key);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(at(error)),
    }
    let mut fresh = [0; KEY];
    rand::rng().fill_bytes(&mut fresh);
    own::write(path, &fresh).map_err(at)?;
    // Of two that make one at once, the last one's stays, for both.
    let made = fs::read(path).map_err(at)?;
    made.try_into().map_err(|_| at(io::ErrorKind::InvalidData.into()))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A hash that is the same in every build of this program.
struct Hashed(Sha256);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn engine() -> Engine {
        Engine::default()
    }

    /// A component with nothing in it, and its digest, which is only a name here.
    fn kept(folder: &Path, engine: &Engine) -> (Cache, PathBuf) {
        let cache = Cache::open(folder, engine).unwrap();
        cache.put("d1", &Component::new(engine, b"\0asm\x0d\0\x01\0").unwrap());
        let path = cache.dir.join(cache.name("d1"));
        (cache, path)
    }

    #[test]
    fn what_is_kept_is_found_again_also_after_a_restart() {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let (cache, _) = kept(folder.path(), &engine);

        assert!(cache.get(&engine, "d1").is_some());
        assert!(Cache::open(folder.path(), &engine).unwrap().get(&engine, "d1").is_some());
        assert!(cache.get(&engine, "d2").is_none());
    }

    #[test]
    fn a_bit_turned_anywhere_is_noticed() {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let (cache, path) = kept(folder.path(), &engine);
        let whole = fs::read(&path).unwrap();
        let places = (0..40).chain((40..whole.len()).step_by(whole.len() / 200 + 1)).chain([whole.len() - 1]);

        for at in places {
            let mut spoiled = whole.clone();
            spoiled[at] ^= 1 << (at % 8);
            assert!(cache.verified(&cache.name("d1"), &spoiled).is_none(), "at {at}");
        }
        for most in [0, 1, MAC - 1, MAC, MAC + 1, whole.len() / 2, whole.len() - 1] {
            assert!(cache.verified(&cache.name("d1"), &whole[..most]).is_none(), "cut to {most}");
        }
        assert!(cache.verified(&cache.name("d1"), &whole).is_some());
    }

    #[test]
    fn code_in_anothers_place_or_of_anothers_key_is_noticed() {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let (cache, path) = kept(folder.path(), &engine);

        fs::copy(&path, cache.dir.join(cache.name("d2"))).unwrap();
        assert!(cache.get(&engine, "d2").is_none(), "another component's");

        fs::remove_file(cache.dir.join("key")).unwrap();
        let again = Cache::open(folder.path(), &engine).unwrap();
        assert!(again.get(&engine, "d1").is_none(), "of another key");
    }

    #[test]
    fn another_engine_looks_for_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, _) = kept(folder.path(), &engine());
        let mut config = wasmtime::Config::new();
        config.consume_fuel(true);
        let counting = Engine::new(&config).unwrap();

        let other = Cache::open(folder.path(), &counting).unwrap();

        assert_ne!(other.engine, cache.engine);
        assert!(other.get(&counting, "d1").is_none());
    }

    #[test]
    fn a_folder_or_a_key_that_others_may_touch_is_not_trusted() {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let (cache, _) = kept(folder.path(), &engine);
        let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = || matches!(Cache::open(folder.path(), &engine), Err(NoCache::NotOurs(_)));

        for mode in [0o770, 0o707, 0o750, 0o705] {
            allow(&cache.dir, mode);
            assert!(refused(), "a folder of mode {mode:o}");
        }
        allow(&cache.dir, 0o700);
        allow(&cache.dir.join("key"), 0o640);
        assert!(refused(), "a key that the group reads");
        allow(&cache.dir.join("key"), 0o600);
        assert!(!refused());

        let elsewhere = tempfile::tempdir().unwrap();
        fs::create_dir(elsewhere.path().join("plugins")).unwrap();
        std::os::unix::fs::symlink(&cache.dir, elsewhere.path().join("plugins/compiled")).unwrap();
        assert!(matches!(Cache::open(elsewhere.path(), &engine), Err(NoCache::NotOurs(_))), "a link");
    }

    #[test]
    fn only_so_many_are_kept_and_none_for_ever() {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let (cache, path) = kept(folder.path(), &engine);
        for n in 0..MOST + 5 {
            fs::write(cache.dir.join(format!("{n}-x.cwasm")), "old").unwrap();
        }
        let ago = SystemTime::now() - OLDEST - Duration::from_mins(1);
        for (name, since) in [("ancient.cwasm", ago), (".draft.1", ago), (".draft.2", SystemTime::now())] {
            fs::File::create(cache.dir.join(name)).unwrap().set_modified(since).unwrap();
        }

        cache.prune(&cache.name("d1")).unwrap();

        let names: Vec<_> =
            fs::read_dir(&cache.dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        let code = names.iter().filter(|name| is_code(name)).count();
        assert_eq!(code, MOST);
        assert!(path.exists() && cache.dir.join("key").exists() && cache.dir.join(".draft.2").exists());
        assert!(!cache.dir.join("ancient.cwasm").exists() && !cache.dir.join(".draft.1").exists());
    }
}
