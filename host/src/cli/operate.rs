//! Talks to the engine that runs with a pipeline, as its operator.

use std::time::Duration;

use miette::{IntoDiagnostic, miette};
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::config::Checked;

/// An engine that answers.
pub(super) struct Running {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Running {
    /// The engine that runs with this pipeline; none where nobody answers at its address.
    pub async fn find(pipeline: &Checked) -> miette::Result<Option<Self>> {
        let client = crate::adapter::ai::client().into_diagnostic()?;
        let base = format!("http://{}", pipeline.server.listen);
        let alive = client.get(format!("{base}/healthz")).timeout(Duration::from_secs(2)).send().await;
        if !alive.is_ok_and(|response| response.status().is_success()) {
            return Ok(None);
        }
        let token = pipeline.server.admin_token.as_ref().map(|token| token.expose_secret().to_owned());
        Ok(Some(Self { client, base, token: token.filter(|token| !token.is_empty()) }))
    }

    /// What it says of its plugins.
    pub async fn plugins(&self) -> miette::Result<Value> {
        self.answer(self.request(Method::GET, "/api/plugins")).await
    }

    /// Posts something an operator may, and gives its answer; a refusal is an error in its own words.
    pub async fn post(&self, path: &str) -> miette::Result<Value> {
        self.answer(self.request(Method::POST, path)).await
    }

    /// Sends a component.
    pub async fn send(&self, path: &str, component: Vec<u8>) -> miette::Result<Value> {
        let request = self.request(Method::POST, path).header("content-type", "application/wasm").body(component);
        self.answer(request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base)).timeout(Duration::from_mins(2));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn answer(&self, request: RequestBuilder) -> miette::Result<Value> {
        let response = request.send().await.into_diagnostic()?;
        let status = response.status();
        let body: Value = response.json().await.unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let words = body["detail"].as_str().or_else(|| body["title"].as_str()).unwrap_or("no reason was given");
        Err(miette!("the engine at {} answered {status}: {words}", self.base))
    }
}
