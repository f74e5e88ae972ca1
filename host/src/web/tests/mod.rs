//! The routes together, over a real store and a real queue in a folder of their own.

mod asking;
mod contract;
mod events;
mod hardening;
mod jobs;
mod pages;
mod phone;
mod shelf;
mod signed_in;
mod texts;

use std::{collections::BTreeMap, sync::Arc};

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::{State, router};
use crate::{
    adapter::{
        queue::{FilesQueue, Queue, Roles},
        sms::{Sms, SmsError, Taken, Text},
        store::{self, Draft, PageKey, Person, Publication, Store},
    },
    config::{self, Places, PluginSource, Role, RoleOf, Sources},
    engine::Engine,
    job::{Asker, Job, JobId, JobIds, Millis, Phone},
};

const FILE: &str = r#"
[server]
listen = "127.0.0.1:3030"
public_url = "http://localhost:3030"
bridge_token = "a-bridge-token-that-is-long"
[[ai]]
name = "demo"
kind = "demo"
[[stage]]
name = "coach"
plugin = "coach"
[[stage]]
name = "prompt"
plugin = "prompt"
[[stage]]
name = "ai"
adapter = "ai"
[[stage]]
name = "extract"
plugin = "extract"
[[stage]]
name = "slug"
plugin = "slug"
[[stage]]
name = "publish"
adapter = "publish"
[[stage]]
name = "notify"
adapter = "notify"
"#;

/// Settings that make Twilio the carrier, with the token of the published vectors.
const TWILIO: [&str; 6] = [
    "server.public_url=https://host.example",
    "sms.provider=twilio",
    "sms.account_sid=AC00000000000000000000000000000000",
    "sms.auth_token=12345",
    "sms.from=+15005550006",
    "server.listen=127.0.0.1:3030",
];

struct ByName;

impl RoleOf for ByName {
    fn role_of(&self, source: &PluginSource, _: Places<'_>) -> Result<Role, String> {
        let PluginSource::Named(name) = source else { return Err("not named".into()) };
        Role::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| "not known".into())
    }
}

/// The web sends no text: whoever asks this finds out.
struct NoCarrier;

#[async_trait::async_trait]
impl Sms for NoCarrier {
    async fn send(&self, _: &Text) -> Result<Taken, SmsError> {
        unreachable!("the web sends no text")
    }

    async fn find_taken(&self, _: &Phone, _: &str, _: Millis) -> Result<Option<Taken>, SmsError> {
        unreachable!("the web looks for no text")
    }
}

/// An engine's web over fresh data.
struct Trial {
    router: Router,
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    state: Arc<State>,
    ids: JobIds,
    _dir: TempDir,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
    /// Whether it came from memory.
    is_shelved: bool,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The stable code of a problem, which must come as one.
    fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        json["code"].as_str().unwrap().to_owned()
    }
}

impl Trial {
    async fn new(overrides: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let overrides: Vec<String> = overrides.iter().map(|&o| o.to_owned()).collect();
        let path = dir.path().join("pipeline.toml");
        let sources =
            Sources { path: &path, text: FILE, env: &|_| None, dotenv: BTreeMap::new(), overrides: &overrides };
        let pipeline = Arc::new(config::parse(sources, &ByName).unwrap_or_else(|faults| panic!("{faults:?}")));
        std::fs::create_dir_all(&pipeline.data_dir).unwrap();
        let store = store::open(&pipeline.store.url).await.unwrap();
        let queue: Arc<dyn Queue> =
            FilesQueue::open(&pipeline.data_dir, Roles::BOTH, pipeline.queue.max_waiting).unwrap();
        let engine = Arc::new(Engine::new(pipeline, queue.clone(), store.clone(), Arc::new(NoCarrier)));
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let state = Arc::new(State { engine, metrics });
        Self { router: router(state.clone()), store, queue, state, ids: JobIds::default(), _dir: dir }
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", "localhost:3030");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let is_shelved = parts.extensions.get::<super::shelf::Shelved>().is_some();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text, is_shelved }
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    async fn ask(&self, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.call("POST", "/api/chat", &all, &body.to_string()).await
    }

    async fn text(&self, form: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.call("POST", "/sms/webhook", &all, form).await
    }

    async fn job(&self, id: &str) -> Job {
        self.state.engine.job(id.parse().unwrap()).await.unwrap().unwrap()
    }

    async fn person(&self, phone: &str, slug: &str) -> Person {
        let asker = Asker::Phone(phone.parse().unwrap());
        self.store.join(&asker, &[slug.to_owned()], &[], "coder", Millis::now()).await.unwrap().person
    }

    /// Makes a page live for somebody.
    async fn publish(&self, user: &Person, app: &str, title: &str, html: &str) -> (JobId, PageKey) {
        let job = self.ids.next(Millis::now());
        let slug = self.store.reserve(job, user.id, &[app.to_owned()], Millis::now()).await.unwrap();
        let draft = Draft {
            html: html.to_owned(),
            owner_html: None,
            title: title.to_owned(),
            description: "What it is.".to_owned(),
        };
        let publication = Publication {
            job,
            person: user.id,
            slug: slug.clone(),
            draft,
            kind: "game".into(),
            coach: None,
            prompt: "the very words".into(),
            remix_of: None,
            og_image_url: None,
            now: Millis::now(),
            texts: vec![],
        };
        self.store.publish(publication).await.unwrap();
        (job, PageKey { user: user.slug.clone(), app: slug })
    }
}
