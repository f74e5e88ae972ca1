//! What people do with an engine, and what came of it: texts and chats, jobs, texts that went out, pages.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Host, until};

/// What `POST /api/chat` answered.
#[derive(Debug, Clone)]
pub struct Asked {
    pub id: String,
    pub session: String,
    pub status_url: String,
    pub events_url: String,
}

/// A text that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub to: String,
    pub at: String,
    pub body: String,
    pub file: String,
}

impl Sent {
    /// The addresses in it.
    pub fn links(&self) -> Vec<&str> {
        self.body.split_whitespace().filter(|word| word.contains("://")).collect()
    }
}

/// A live page as a browser gets it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub status: u16,
    pub location: Option<String>,
    pub policy: String,
    pub html: String,
}

impl Host {
    // Texts and chats.

    /// Texts it, and gives the job.
    pub async fn text(&self, from: &str, body: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let sid = format!("SM{:032x}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.text_with_sid(from, body, &sid).await
    }

    /// Texts it under a carrier's id of its own.
    pub async fn text_with_sid(&self, from: &str, body: &str, sid: &str) -> String {
        self.try_text(from, body, sid).await.expect("the text is taken")
    }

    /// The same where it may be refused, or there is nobody to take it.
    pub async fn try_text(&self, from: &str, body: &str, sid: &str) -> Result<String, String> {
        let form = [("From", from), ("Body", body), ("MessageSid", sid), ("NumMedia", "0")];
        let url = self.url("/sms/webhook");
        let response = self.client.post(url).form(&form).send().await.map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err(format!("{}: {}", response.status(), response.text().await.unwrap_or_default()));
        }
        let job = response.headers()["x-wtaf-job"].to_str().expect("an id is plain").to_owned();
        let answer = response.text().await.map_err(|error| error.to_string())?;
        assert!(answer.contains("<Response/>"), "{answer}");
        Ok(job)
    }

    /// Asks in the chat, as a guest nobody has seen before.
    pub async fn ask(&self, message: &str) -> Asked {
        self.ask_as(message, None).await
    }

    /// Asks in the chat, as the guest of a session.
    pub async fn ask_as(&self, message: &str, session: Option<&str>) -> Asked {
        let mut body = json!({ "message": message });
        if let Some(session) = session {
            body["session"] = json!(session);
        }
        let response = self.client.post(self.url("/api/chat")).json(&body).send().await.expect("it answers");
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let answer: Value = response.json().await.expect("the answer is JSON");
        let text = |name: &str| answer[name].as_str().expect("the answer is complete").to_owned();
        Asked {
            id: text("id"),
            session: text("session"),
            status_url: text("status_url"),
            events_url: text("events_url"),
        }
    }

    // What came of it.

    /// A job as the API shows it to anyone.
    pub async fn job(&self, id: &str) -> Value {
        self.job_for(id, None).await
    }

    /// A job as the API shows it to a session.
    pub async fn job_for(&self, id: &str, session: Option<&str>) -> Value {
        let mut request = self.client.get(self.url(&format!("/api/jobs/{id}")));
        if let Some(session) = session {
            request = request.bearer_auth(session);
        }
        let response = request.send().await.expect("it answers");
        assert_eq!(response.status(), StatusCode::OK, "job {id}");
        response.json().await.expect("a job is JSON")
    }

    /// A job at its end.
    pub async fn ended(&self, id: &str) -> Value {
        until(&format!("job {id} ends"), async || {
            let job = self.job(id).await;
            matches!(job["status"].as_str(), Some("done" | "failed" | "refused")).then_some(job)
        })
        .await
    }

    /// A job that ended in a page: its address.
    pub async fn made(&self, id: &str) -> String {
        let job = self.ended(id).await;
        assert_eq!(job["status"], "done", "{job:#}");
        job["url"].as_str().unwrap_or_else(|| panic!("no page: {job:#}")).to_owned()
    }

    /// The job's own file, wherever in the queue it is.
    pub fn file_of(&self, id: &str) -> Option<(&'static str, Value)> {
        ["new", "work", "done", "failed"].into_iter().find_map(|folder| {
            let text = fs::read_to_string(self.data().join("wtaf").join(folder).join(format!("{id}.json"))).ok()?;
            Some((folder, serde_json::from_str(&text).expect("a job's file is JSON")))
        })
    }

    /// The ids of the jobs in one of the queue's folders.
    pub fn jobs_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.data().join("wtaf").join(folder)).expect("the queue has its folders");
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect()
    }

    /// Every text that went out to a number, in order.
    pub fn texts(&self, to: &str) -> Vec<Sent> {
        self.outbox().into_iter().filter(|sent| sent.to == to).collect()
    }

    /// Every text that went out.
    pub fn outbox(&self) -> Vec<Sent> {
        let entries = fs::read_dir(self.data().join("outbox")).expect("there is an outbox");
        let files = entries.flatten().map(|entry| entry.path());
        let mut sent: Vec<_> =
            files.filter(|file| file.extension().is_some_and(|e| e == "txt")).map(|file| read(&file)).collect();
        sent.sort_by(|a, b| (&a.at, &a.file).cmp(&(&b.at, &b.file)));
        sent
    }

    /// The first text to a number that fits, as soon as it went out.
    pub async fn told(&self, to: &str, fits: impl Fn(&Sent) -> bool) -> Sent {
        until(&format!("a text goes out to {to}"), async || self.texts(to).into_iter().find(&fits)).await
    }

    /// The text that announces a page.
    pub async fn told_of(&self, to: &str, url: &str) -> Sent {
        self.told(to, |sent| sent.body.contains(url)).await
    }

    /// A page at an address of ours; what follows the host and port counts.
    pub async fn page(&self, url: &str) -> Shown {
        let base = self.public();
        let path = url.strip_prefix(base.as_str()).unwrap_or(url);
        assert!(path.starts_with('/'), "{url} is not below {base}");
        let response = self.get(path).await;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, location) = (response.status().as_u16(), header("location"));
        let policy = header("content-security-policy").unwrap_or_default();
        Shown { status, location, policy, html: response.text().await.expect("a page is text") }
    }
}

/// A page as an AI writes it, in a fence, with prose around it.
pub fn answer_with(words: &str) -> String {
    format!(
        "Here you are:\n\n```html\n<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{words}</title></head>\n\
         <body><h1>{words}</h1><p>Made for you.</p></body>\n</html>\n```\n\nEnjoy!"
    )
}

/// What the person said, in a call as an AI sees it: the last message.
pub fn asked_in(call: &crate::kit::ai::Call) -> String {
    let messages = call.body["messages"].as_array().expect("a call has messages");
    messages.last().and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
}

fn read(file: &Path) -> Sent {
    let text = fs::read_to_string(file).expect("a text in the outbox is readable");
    let (head, body) = text.split_once("\n\n").expect("a text has a head and a body");
    let field = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {head}")).trim().to_owned()
    };
    let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
    Sent { to: field("To:"), at: field("At:"), body: body.strip_suffix('\n').unwrap_or(body).to_owned(), file: name }
}
