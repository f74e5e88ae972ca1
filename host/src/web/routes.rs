//! The table of routes, and what goes around every one of them.

use std::{convert::Infallible, sync::Arc};

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::{DefaultBodyLimit, Request},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post, put},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, DefaultPredicate},
    cors::{AllowOrigin, CorsLayer},
};

use super::{
    Problem, Site, State, access, api, card, chat, console, events, front, gallery, health, home, jobs, look, owner,
    page, pages, people, phone, plugins, portrait, problem, qr, records, shelf, sign_in, sign_in_page, sms,
    views::Visitor,
};

/// No request has a longer body: a text is 1,600 characters, a chat message 8,000.
pub(super) const BODY: usize = 64 * 1024;

/// A path, what answers it, and its methods as the API's description names them.
type Route = (&'static str, MethodRouter<Site>, &'static [&'static str]);

fn table() -> Vec<Route> {
    vec![
        ("/", get(front::show), &["get"]),
        ("/chat", get(chat::show).post(chat::ask), &["get", "post"]),
        ("/phone", get(phone::show), &["get"]),
        ("/phone/texts", get(phone::texts), &["get"]),
        ("/sms/webhook", post(sms::webhook), &["post"]),
        ("/sms/status", post(sms::status), &["post"]),
        ("/api/chat", post(api::chat), &["post"]),
        ("/sign-in", get(sign_in_page::show).post(sign_in_page::act), &["get", "post"]),
        ("/api/session", get(sign_in::show).post(sign_in::ask).delete(sign_in::end), &["get", "post", "delete"]),
        ("/api/session/verify", post(sign_in::verify), &["post"]),
        ("/api/jobs/{id}", get(jobs::show), &["get"]),
        ("/api/jobs/{id}/events", get(events::stream), &["get"]),
        ("/api/pages", get(pages::since), &["get"]),
        ("/api/apps/{user}/{app}/records", get(records::list).post(records::add), &["get", "post"]),
        ("/api/apps/{user}/{app}/records/events", get(records::stream), &["get"]),
        ("/api/apps/{user}/{app}/records/{id}", put(records::change).delete(records::remove), &["put", "delete"]),
        ("/api/apps/{user}/{app}/friends", post(records::join), &["post"]),
        ("/api/pages/{user}/{app}", get(portrait::show), &["get"]),
        ("/api/people/erase", post(people::erase), &["post"]),
        ("/api/plugins", get(plugins::list), &["get"]),
        ("/api/plugins/{name}", post(plugins::install), &["post"]),
        ("/api/plugins/{name}/rollback", post(plugins::roll_back), &["post"]),
        ("/api/plugins/{name}/promote", post(plugins::promote), &["post"]),
        ("/api/reload", post(plugins::reload), &["post"]),
        ("/api/openapi.json", get(health::openapi), &["get"]),
        ("/healthz", get(health::alive), &["get"]),
        ("/readyz", get(health::ready), &["get"]),
        ("/metrics", get(health::metrics), &["get"]),
        ("/console", get(console::overview).post(console::enter), &["get", "post"]),
        ("/console/jobs", get(console::jobs), &["get"]),
        ("/console/jobs/{id}", get(console::story).post(console::act_on_job), &["get", "post"]),
        ("/console/queue", get(console::queue).post(console::act_on_queue), &["get", "post"]),
        ("/console/plugins", get(console::plugins).post(console::act_on_plugin), &["get", "post"]),
        ("/console/plugins/{name}", post(console::offer_plugin), &["post"]),
        ("/console/providers", get(console::providers), &["get"]),
        ("/console/people", get(console::people).post(console::find_person), &["get", "post"]),
        ("/console/configuration", get(console::configuration).post(console::reload), &["get", "post"]),
        ("/look/{file}", get(look::file), &["get"]),
        ("/robots.txt", get(look::robots), &["get"]),
        ("/favicon.ico", get(look::icon), &["get"]),
        ("/gallery", get(gallery::show), &["get"]),
        ("/{user}", get(home::show), &["get"]),
        ("/{user}/{app}", get(page::show), &["get"]),
        ("/{user}/{app}/card.png", get(card::show), &["get"]),
        ("/{user}/{app}/qr.svg", get(qr::show), &["get"]),
        ("/{user}/{app}/owner", get(owner::show).post(owner::act), &["get", "post"]),
        ("/{user}/{app}/records.csv", get(owner::csv), &["get"]),
    ]
}

/// Paths and methods, for the test that holds the API's description to them.
#[cfg(test)]
pub(super) fn described() -> Vec<(&'static str, &'static [&'static str])> {
    table().into_iter().map(|(path, _, methods)| (path, methods)).collect()
}

/// The whole web, over an engine. Its streams end when the process does; [`super::serve`] ends them at shutdown.
pub fn router(state: Arc<State>) -> Router {
    let door = Door::of(Site::new(state, CancellationToken::new()));
    let answer = move |request: Request| {
        let door = door.clone();
        async move { door.answer(request).await }
    };
    Router::new().fallback_service(tower::service_fn(answer))
}

/// What every request comes to first: pages that are kept are answered here, all else by the routes.
#[derive(Clone)]
pub(super) struct Door(Arc<(Site, Router)>);

impl Door {
    pub fn of(site: Site) -> Self {
        Self(Arc::new((site.clone(), over(site))))
    }

    /// Answers.
    pub async fn answer<B>(&self, request: http::Request<B>) -> Result<Response, Infallible>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (site, routes) = self.0.as_ref();
        if let Some(kept) = shelf::answer(site, &Visitor::of(&request)).await {
            return Ok(kept);
        }
        let path = shelf::path(&Visitor::of(&request)).map(str::to_owned);
        let mut response = routes.clone().oneshot(request.map(Body::new)).await?;
        shelf::keep(site, path, &mut response);
        Ok(response)
    }
}

fn over(site: Site) -> Router {
    table()
        .into_iter()
        .fold(Router::new(), |router, (path, methods, _)| router.route(path, methods))
        .fallback(nothing)
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "That is not how this address is asked.")
        })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(site.clone(), own_origins))
        .layer(cors(&site.config().web.allowed_origins))
        .layer(CatchPanicLayer::custom(|_| problem::internal().into_response()))
        .layer(middleware::from_fn(problem::for_people))
        // Outside of all that may refuse: a page must be able to read why.
        .layer(middleware::from_fn(records::any_origin))
        // Leaves streams of events alone: an event must not wait in a compressor.
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new()))
        .layer(middleware::from_fn(defaults))
        .layer(middleware::from_fn(access::log))
        .with_state(site)
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|o| o.trim_end_matches('/').parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([header::RETRY_AFTER, header::LOCATION])
        .max_age(std::time::Duration::from_hours(1))
}

async fn nothing(uri: Uri) -> Response {
    let path = uri.path();
    // `/someone/` was meant as `/someone`. Leading slashes go too: `//host` would name another site.
    let trimmed = path.trim_matches('/');
    if path.ends_with('/') && !trimmed.is_empty() {
        return Redirect::permanent(&format!("/{trimmed}")).into_response();
    }
    problem::not_found("There is nothing at this address.").into_response()
}

/// What every answer carries unless its handler said otherwise.
async fn defaults(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Where pages have an origin of their own, that origin serves pages and nothing else, and the other no pages: no session is ever near one.
async fn own_origins(axum::extract::State(site): axum::extract::State<Site>, request: Request, next: Next) -> Response {
    let server = &site.config().server;
    let Some(pages_url) = server.pages_url.as_ref().filter(|pages| pages.origin() != server.public_url.origin()) else {
        return next.run(request).await;
    };
    let asked = super::local::authority(request.uri(), request.headers());
    let on_pages = asked.is_some_and(|name| page::names(pages_url, name));
    // A proxy may have changed the name: only our own is sent away, so that nobody is sent in circles.
    let on_ours = asked.is_some_and(|name| page::names(&server.public_url, name));
    let route = request.extensions().get::<axum::extract::MatchedPath>().map_or("", |m| m.as_str()).to_owned();
    let is_page = matches!(route.as_str(), "/{user}/{app}" | "/{user}");
    match (on_pages, is_page) {
        (false, true) if on_ours && route == "/{user}/{app}" => {
            let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
            Redirect::permanent(&server.page_url(path)).into_response()
        }
        (true, false) if !matches!(route.as_str(), "/healthz" | "/look/{file}") => {
            problem::not_found("Only pages live at this address.").into_response()
        }
        _ => next.run(request).await,
    }
}
