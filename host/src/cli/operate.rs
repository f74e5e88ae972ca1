//! Talks to the engine that runs with a pipeline, as its operator.

use std::time::Duration;

use miette::{IntoDiagnostic, miette};
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

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
        // The token goes to this machine, past any proxy.
        let client = crate::adapter::ai::local_client().into_diagnostic()?;
        let base = format!("http://{}", pipeline.server.listen);
        let alive = client.get(format!("{base}/healthz")).timeout(Duration::from_secs(2)).send().await;
        if !alive.is_ok_and(|response| response.status().is_success()) {
            return Ok(None);
        }
        let token = pipeline.server.admin_token.as_ref().map(|token| token.expose_secret().to_owned());
        Ok(Some(Self { client, base, token: token.filter(|token| !token.is_empty()) }))
    }

    /// Whether it is ready, and what it says of its parts.
    pub async fn health(&self) -> miette::Result<(bool, Value)> {
        let response = self.request(Method::GET, self.url(&["readyz"])?).send().await.into_diagnostic()?;
        let ready = response.status().is_success();
        Ok((ready, response.json().await.unwrap_or(Value::Null)))
    }

    /// Its metrics, as Prometheus reads them.
    pub async fn metrics(&self) -> miette::Result<String> {
        let response = self.request(Method::GET, self.url(&["metrics"])?).send().await.into_diagnostic()?;
        let status = response.status();
        if !status.is_success() {
            return Err(miette!("the engine at {} answered {status} when asked for its metrics", self.base));
        }
        response.text().await.into_diagnostic()
    }

    /// What it says of its plugins.
    pub async fn plugins(&self) -> miette::Result<Value> {
        self.answer(self.request(Method::GET, self.url(&["api", "plugins"])?)).await
    }

    /// Posts something an operator may, and gives its answer; a refusal is an error in its own words.
    pub async fn post(&self, path: &[&str]) -> miette::Result<Value> {
        self.answer(self.request(Method::POST, self.url(path)?)).await
    }

    /// Posts JSON.
    pub async fn post_json(&self, path: &[&str], body: &Value) -> miette::Result<Value> {
        self.answer(self.request(Method::POST, self.url(path)?).json(body)).await
    }

    /// Sends a component.
    pub async fn send(&self, path: &[&str], at_once: bool, component: Vec<u8>) -> miette::Result<Value> {
        let mut url = self.url(path)?;
        url.query_pairs_mut().append_pair("at_once", if at_once { "true" } else { "false" });
        let request = self.request(Method::POST, url).header("content-type", "application/wasm").body(component);
        self.answer(request).await
    }

    /// A plugin may be called by a path or a reference: slashes in it belong to its name.
    fn url(&self, path: &[&str]) -> miette::Result<Url> {
        let mut url: Url = self.base.parse().into_diagnostic()?;
        url.path_segments_mut().map_err(|()| miette!("{} has no paths", self.base))?.clear().extend(path);
        Ok(url)
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.client.request(method, url).timeout(Duration::from_mins(2));
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
