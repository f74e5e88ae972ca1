//! `/sign-in`: two small forms, which need no script. The number never stands in an address.

use askama::Template;
use axum::{
    extract::{self, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode, Uri, header};

use super::{
    Problem, Site, ask, form,
    form::Pairs,
    look, problem, session, sign_in,
    sign_in::{SignedIn, Tried},
    who::Who,
};

#[derive(Template)]
#[template(path = "sign-in.html")]
struct Page<'a> {
    title: &'a str,
    step: Step,
    /// Where they came from.
    to: &'a str,
    note: Option<String>,
    told: Option<String>,
    /// The number people text to.
    number: Option<&'a str>,
    /// A phone is in this browser.
    phone: bool,
    guest_pages: usize,
}

/// What the page shows.
enum Step {
    /// A number is wanted.
    Number,
    /// A code is wanted, for this number.
    Code(String),
    /// They are in: their name, the end of their number.
    In(String, String),
    /// The store is away.
    Away,
}

/// What stands on the page besides its step.
#[derive(Default)]
struct Said {
    note: Option<String>,
    told: Option<String>,
}

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = form::query(&uri);
    let to = checked(&site, form::first(&query, "to"));
    let said = Said { told: form::first(&query, "moved").and_then(told_of_moved), ..Said::default() };
    match site.who(&headers).await {
        Ok(who) => draw(&site, &uri, &headers, &who, first_step(&who), &to, said).await,
        Err(_) => draw(&site, &uri, &headers, &Who::default(), Step::Away, &to, said).await,
    }
}

pub(super) async fn act(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    ask::check_form_origin(&site, &parts.uri, &parts.headers)?;
    let pairs = form::pairs(&parts.headers, body).await?;
    let to = checked(&site, form::first(&pairs, "to"));
    let token = session::cookie(&parts.headers, &site.config().server);
    let sending = Sending { site: &site, parts: &parts, pairs: &pairs, to: &to, token };
    match form::first(&pairs, "do").unwrap_or_default() {
        "code" => sending.code().await,
        "enter" => sending.enter().await,
        "move" => sending.move_pages().await,
        "out" => {
            sign_in::sign_out(&site, sending.token).await?;
            let cookie = session::no_cookie(&site.config().server);
            Ok(sign_in::private(Redirect::to("/sign-in").into_response(), cookie))
        }
        _ => Err(ask::unprocessable("form-incomplete", "This form was not sent whole.").todo("Send it again.")),
    }
}

/// A form that was sent.
struct Sending<'a> {
    site: &'a Site,
    parts: &'a http::request::Parts,
    pairs: &'a Pairs,
    to: &'a str,
    token: Option<session::Token>,
}

impl Sending<'_> {
    fn value(&self, name: &str) -> &str {
        form::first(self.pairs, name).unwrap_or_default()
    }

    async fn draw(&self, who: &Who, step: Step, note: Option<&Problem>) -> Result<Response, Problem> {
        let said = Said { note: note.map(Problem::words), ..Said::default() };
        let mut response = draw(self.site, &self.parts.uri, &self.parts.headers, who, step, self.to, said).await?;
        if let Some(why) = note {
            *response.status_mut() = why.status();
            response.extensions_mut().insert(problem::Told);
        }
        Ok(response)
    }

    async fn code(self) -> Result<Response, Problem> {
        let phone = match sign_in::number(self.value("phone")) {
            Ok(phone) => phone,
            Err(problem) => return self.draw(&Who::default(), Step::Number, Some(&problem)).await,
        };
        let (from, shown) = (sign_in::from(self.site, self.parts), phone.e164().to_owned());
        match sign_in::text_code(self.site, from, self.token.clone(), phone).await {
            Ok((token, fresh)) => {
                let who = self.site.who_holds(Some(token.clone())).await?;
                let response = self.draw(&who, Step::Code(shown), None).await?;
                Ok(sign_in::private(response, sign_in::cookie_of(self.site, &token, fresh)))
            }
            Err(problem) => self.draw(&Who::default(), Step::Number, Some(&problem)).await,
        }
    }

    async fn enter(self) -> Result<Response, Problem> {
        let phone = sign_in::number(self.value("phone"))?;
        let shown = phone.e164().to_owned();
        let tried = Tried {
            token: self.token.clone(),
            phone,
            code: self.value("code"),
            move_pages: form::first(self.pairs, "move_pages").is_some(),
        };
        match sign_in::try_code(self.site, sign_in::from(self.site, self.parts), tried).await {
            Ok(SignedIn { token, .. }) => {
                let cookie = sign_in::cookie_of(self.site, &token, true);
                Ok(sign_in::private(Redirect::to(self.to).into_response(), cookie))
            }
            Err(problem) => {
                let who = self.site.who_holds(self.token.clone()).await?;
                let again = matches!(problem.code(), "wrong-code" | "code-malformed" | "store-unavailable");
                let step = if again { Step::Code(shown) } else { Step::Number };
                self.draw(&who, step, Some(&problem)).await
            }
        }
    }

    async fn move_pages(self) -> Result<Response, Problem> {
        let who = self.site.who_holds(self.token.clone()).await?;
        let moved = sign_in::move_now(self.site, &who).await;
        Ok(Redirect::to(&format!("/sign-in?moved={}", moved.pages)).into_response())
    }
}

fn first_step(who: &Who) -> Step {
    match &who.person {
        Some(person) => Step::In(person.slug.clone(), person.phone().map(sign_in::hint).unwrap_or_default()),
        None => Step::Number,
    }
}

async fn draw(
    site: &Site,
    uri: &Uri,
    headers: &HeaderMap,
    who: &Who,
    step: Step,
    to: &str,
    said: Said,
) -> Result<Response, Problem> {
    // An offer is a courtesy: where it cannot be told, the page stands without.
    let guest_pages = match step {
        Step::Code(_) | Step::In(..) => sign_in::guest_pages(site, who).await.unwrap_or_default(),
        Step::Number | Step::Away => 0,
    };
    let away = matches!(step, Step::Away);
    let page = Page {
        title: "Sign in",
        step,
        to,
        note: said.note,
        told: said.told,
        number: site.number().filter(|_| !site.console()),
        phone: site.console() && site.local(uri, headers).is_ok(),
        guest_pages,
    };
    let mut response = look::page(&page, &site.config().server)?;
    if away {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.extensions_mut().insert(problem::Told);
        response.headers_mut().insert(header::RETRY_AFTER, http::HeaderValue::from_static("5"));
    }
    Ok(response)
}

/// A path of ours to go to after; anything else is the chat.
fn checked(site: &Site, to: Option<&str>) -> String {
    let public = &site.config().server.public_url;
    to.and_then(|to| path_of_ours(public, to)).unwrap_or_else(|| "/chat".to_owned())
}

fn path_of_ours(public: &url::Url, to: &str) -> Option<String> {
    let is_path = to.starts_with('/') && to.len() <= 500 && !to.contains('\\') && !to.chars().any(char::is_control);
    let joined = public.join(to).ok().filter(|url| is_path && url.origin() == public.origin())?;
    let query = joined.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}{query}", joined.path())).filter(|path| !path.starts_with("//"))
}

fn told_of_moved(pages: &str) -> Option<String> {
    Some(match pages.parse::<u32>().ok()? {
        0 => "There was nothing to move.".to_owned(),
        1 => "One page is among yours now. Its old link keeps working.".to_owned(),
        more => format!("{more} pages are among yours now. Their old links keep working."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_back_to_a_path_of_ours_and_nowhere_else() {
        let public: url::Url = "https://wtaf.example".parse().unwrap();
        let to = |text: &str| path_of_ours(&public, text);
        assert_eq!(to("/chat?job=1").as_deref(), Some("/chat?job=1"));
        assert_eq!(to("/a/b/owner").as_deref(), Some("/a/b/owner"));
        for text in [
            "",
            "chat",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/..//evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
        ] {
            assert_eq!(to(text), None, "{text}");
        }
    }
}
