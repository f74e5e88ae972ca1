//! `wtaf-host send`: be a texter from the shell.

use std::{
    io::IsTerminal,
    process::ExitCode,
    time::{Duration, Instant},
};

use miette::{IntoDiagnostic, miette};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{ConfigFlags, Outcome, OutputFormat, block_on, boot};
use crate::config::Checked;

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  wtaf-host send \"wtaf a tip calculator\"\n  wtaf-host send --from +15550002222 commands"
)]
pub(super) struct Args {
    /// What to text.
    #[arg(required = true)]
    words: Vec<String>,
    /// The number it comes from.
    #[arg(long, default_value = "+15550001111")]
    from: String,
    /// How long to wait for the page, seconds.
    #[arg(long, default_value_t = 300)]
    wait: u64,
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
    #[command(flatten)]
    config: ConfigFlags,
}

/// Texts the engine that runs with this pipeline, shows the stages as they pass, and prints the page's address.
pub(super) fn send(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config.clone().into())?;
    let (job, texts) = block_on(text_and_wait(args, &pipeline))??;
    let done = job["status"] == "done";
    match args.format {
        OutputFormat::Json => println!("{job:#}"),
        OutputFormat::Text => println!("{}", told(&job, &texts)),
    }
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The page's address, else what was texted back, else what the job says of itself.
fn told(job: &Value, texts: &[String]) -> String {
    let text = |name: &str| job[name].as_str().map(str::to_owned);
    text("url")
        .or_else(|| (!texts.is_empty()).then(|| texts.join("\n\n")))
        .or_else(|| job["error"]["message"].as_str().map(str::to_owned))
        .unwrap_or_else(|| format!("{}; the words went by text", job["status"].as_str().unwrap_or("unknown")))
}

async fn text_and_wait(args: &Args, pipeline: &Checked) -> miette::Result<(Value, Vec<String>)> {
    // The token goes to this machine, past any proxy.
    let client = crate::adapter::ai::local_client().into_diagnostic()?;
    let base = format!("http://{}", pipeline.server.listen);
    let form = [("From", args.from.clone()), ("Body", args.words.join(" ")), ("NumMedia", "0".into())];
    let mut request = client.post(format!("{base}/sms/webhook")).form(&form);
    if let Some(token) = &pipeline.server.bridge_token {
        request = request.bearer_auth(token.expose_secret());
    }
    let response = request.send().await.map_err(|why| {
        let why = if why.is_connect() { String::new() } else { format!(": {}", why.without_url()) };
        miette!(help = "start it with `wtaf-host run`", "no engine answers at {base}{why}")
    })?;
    let status = response.status();
    let id = response.headers().get("x-wtaf-job").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let Some(id) = id.filter(|_| status.is_success()) else {
        return Err(miette!("the engine did not take it ({status}): {}", response.text().await.unwrap_or_default()));
    };
    let job = follow(&client, &format!("{base}/api/jobs/{id}"), args).await.map_err(|gone| match gone {
        Gone::Late(why) => why,
        // It was durable before the engine answered.
        Gone::Away(why) => miette!(
            help = format!("it goes on when the engine runs again: `wtaf-host jobs show {id}` tells"),
            "the engine no longer answers ({why}); the request was taken in and is safe, as job {id}"
        ),
    })?;
    let texts = texts_of(&client, &base, &args.from, &id).await.unwrap_or_default();
    Ok((job, texts))
}

/// What was texted back for a job; only the phone in the browser can tell, so with a real carrier there is nothing here.
async fn texts_of(client: &reqwest::Client, base: &str, number: &str, job: &str) -> reqwest::Result<Vec<String>> {
    let digits = number.trim_start_matches('+');
    let url = format!("{base}/phone/texts?number={digits}");
    let phone: Value = client.get(url).send().await?.error_for_status()?.json().await?;
    let bubbles = phone["bubbles"].as_array().cloned().unwrap_or_default();
    let ours = bubbles.into_iter().filter(|bubble| bubble["job"] == job && bubble["way"] == "out");
    Ok(ours.filter_map(|bubble| bubble["text"].as_str().map(str::to_owned)).collect())
}

/// Why there is no end to show.
enum Gone {
    /// It takes longer than we were to wait.
    Late(miette::Report),
    /// The engine stopped answering.
    Away(reqwest::Error),
}

async fn follow(client: &reqwest::Client, url: &str, args: &Args) -> Result<Value, Gone> {
    let until = Instant::now() + Duration::from_secs(args.wait);
    let shows = std::io::stderr().is_terminal() && args.format == OutputFormat::Text;
    let mut shown = None;
    loop {
        let job = async { client.get(url).send().await?.json::<Value>().await };
        let job = job.await.map_err(|why| Gone::Away(why.without_url()))?;
        if shows && job["stage"] != Value::Null && shown.as_ref() != Some(&job["stage"]) {
            eprintln!("  {}", job["stage"].as_str().unwrap_or_default());
            shown = Some(job["stage"].clone());
        }
        if matches!(job["status"].as_str(), Some("done" | "failed" | "refused")) {
            return Ok(job);
        }
        if Instant::now() > until {
            let why = miette!(help = format!("it goes on: look at {url}"), "not ended after {} s", args.wait);
            return Err(Gone::Late(why));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
