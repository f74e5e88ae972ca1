//! What the world sees: where we listen, what we are called, who may do what there.

use std::{net::TcpListener, sync::Arc, time::Duration};

use secrecy::ExposeSecret;

use super::{Check, Notes, is_here};
use crate::{adapter::ai, cli::operate::Running, config::Checked, web};

const LIMIT: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(10);

pub(super) fn check(pipeline: &Arc<Checked>) -> Check {
    let pipeline = Arc::clone(pipeline);
    Check::new("web", "listen", LIMIT, async move {
        let mut notes = Notes::default();
        let runs = listen(&pipeline, &mut notes).await;
        public(&pipeline, runs, &mut notes).await;
        rights(&pipeline, &mut notes);
        notes
    })
}

/// Whether the port is ours, or can be; gives whether an engine answers there.
async fn listen(pipeline: &Checked, notes: &mut Notes) -> bool {
    let at = pipeline.server.listen;
    if matches!(Running::find(pipeline).await, Ok(Some(_))) {
        notes.ok("listen", format!("an engine answers at {at}"));
        return true;
    }
    match TcpListener::bind(at) {
        Ok(_) => notes.ok("listen", format!("{at} is free: no engine runs there")),
        Err(why) => {
            let todo = match why.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    "take a port above 1023, or give the engine CAP_NET_BIND_SERVICE".to_owned()
                }
                std::io::ErrorKind::AddrInUse => {
                    format!("another program has it (ss -ltnp 'sport = :{}'): stop it, or set server.listen", at.port())
                }
                _ => "set server.listen to an address of this machine".to_owned(),
            };
            notes.fail("listen", format!("{at}: {why}"), todo);
        }
    }
    false
}

async fn public(pipeline: &Checked, runs: bool, notes: &mut Notes) {
    let url = &pipeline.server.public_url;
    if is_here(url) {
        return notes.ok("public_url", format!("{}: for this machine alone", pipeline.server.url("")));
    }
    if url.scheme() != "https" {
        let todo =
            "put a reverse proxy with a certificate before it, and set server.public_url to its https:// address";
        notes.warn("public_url", format!("{url} is not encrypted: who is in between reads codes and pages"), todo);
    }
    if !runs {
        return notes.ok("reached", format!("{url} is looked at while an engine runs"));
    }
    let asked = async {
        let client = ai::client().map_err(|error| error.to_string())?;
        let answer = client.get(pipeline.server.url("/healthz")).timeout(ANSWER).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answers {}", answer.status())),
            Err(error) => {
                Err(if error.is_timeout() { "no answer".to_owned() } else { "it cannot be reached".to_owned() })
            }
        }
    };
    match asked.await {
        Ok(()) => notes.ok("reached", format!("{url} leads here, as far as can be told from here")),
        Err(why) => notes.warn(
            "reached",
            format!("{url}: {why}"),
            format!("see whether its name leads to this machine and the proxy passes on to {}", pipeline.server.listen),
        ),
    }
}

fn rights(pipeline: &Checked, notes: &mut Notes) {
    let server = &pipeline.server;
    let open = !is_here(&server.public_url) || !server.listen.ip().is_loopback();
    match (&server.admin_token, open) {
        (Some(token), true) if !web::is_beyond_guessing(token.expose_secret()) => {
            notes.warn("admin_token", "short enough to be found by trying", "WTAF_ADMIN_TOKEN=$(openssl rand -hex 32)");
        }
        (Some(_), _) => notes.ok("admin_token", "set"),
        (None, false) => notes.ok("admin_token", "not set: this machine alone may operate it"),
        (None, true) => notes.warn(
            "admin_token",
            "not set, and this is no longer a machine of its own: nobody can operate it over the web",
            "WTAF_ADMIN_TOKEN=$(openssl rand -hex 32)",
        ),
    }
    if !open {
        return;
    }
    match &server.pages_url {
        Some(pages) => notes.ok("pages_url", format!("pages have {pages} to themselves")),
        None => notes.warn(
            "pages_url",
            "not set: generated pages are served, sandboxed, beside everything else",
            "give them a domain of their own and set server.pages_url to it",
        ),
    }
    if server.listen.ip().is_loopback() && server.trusted_proxies.is_empty() && !is_here(&server.public_url) {
        notes.warn(
            "trusted_proxies",
            "none: to every limit all visitors have the proxy's address",
            "server.trusted_proxies = [\"127.0.0.1\"] where the proxy is on this machine",
        );
    }
}
