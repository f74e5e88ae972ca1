//! Texts to send, and where each stands.

use std::time::Duration;

use super::{
    super::{Delivery, Heard, NewText, OutboxText, Standing, TextStatus},
    db::{Db, Row, Scope, args},
    fault::{Fault, Outcome},
    people::{self, Turned},
};
use crate::job::{Asker, JobId, LONGEST_WAIT, Millis, Phone};

/// How long a text that was handed to a sender is given to nobody else.
const LEASE: Duration = Duration::from_mins(2);

macro_rules! texts {
    ($rest:literal) => {
        concat!(
            "select text_id, job_id, occasion, phone, body, status, attempts, sid, segments, error, created_ms, updated_ms ",
            "from wtaf_outbox o where ",
            $rest
        )
    };
}

/// Writes a text down; gives whether it is new.
pub(super) async fn write(db: &mut Db<'_>, text: &NewText, now: Millis) -> Outcome<bool> {
    let made = db
        .run(
            "insert into wtaf_outbox (job_id, occasion, phone, body, due_ms, created_ms, updated_ms) values ($1, $2, $3, $4, $5, $5, $5) \
             on conflict (job_id, occasion) do nothing",
            args![text.job, &text.occasion, &text.to, &text.body, now],
        )
        .await?;
    Ok(made > 0)
}

/// Takes texts that are due. One taker at a time: that is what keeps two texts to one number from overtaking each other.
pub(super) async fn take(db: &mut Db<'_>, (now, limit): &(Millis, u32)) -> Outcome<Vec<OutboxText>> {
    db.lock(Scope::Outbox).await?;
    let rows = db
        .all(
            texts!(
                "o.status in ('waiting', 'sending') and (o.due_ms <= $1 or o.due_ms > $3) and not exists (select 1 from wtaf_outbox e \
                 where e.phone = o.phone and e.status in ('waiting', 'sending') and e.text_id < o.text_id) \
                 order by o.text_id limit $2"
            ),
            args![*now, *limit, now.after(LONGEST_WAIT)],
        )
        .await?;
    let mut taken = Vec::with_capacity(rows.len());
    for row in &rows {
        // Whoever had it may have held it, or said what came of it, since it was read.
        let ours = db
            .run(
                "update wtaf_outbox set status = 'sending', attempts = attempts + 1, due_ms = $2, updated_ms = $3 where text_id = $1 \
                 and attempts = $4 and status in ('waiting', 'sending') and (due_ms <= $3 or due_ms > $5)",
                args![
                    row.int("text_id")?,
                    now.after(LEASE),
                    *now,
                    row.int("attempts")?,
                    now.after(LONGEST_WAIT)
                ],
            )
            .await?;
        if ours > 0 {
            taken.push(read(row)?);
        }
    }
    Ok(taken)
}

/// A text as one taker has it: the attempts count who took it, so nobody else's claim says the same.
pub(super) struct Claim {
    id: String,
    attempts: i64,
}

impl Claim {
    /// Of a text as it was given to its taker.
    pub(super) fn of(text: &OutboxText) -> Self {
        Self { id: text.id.clone(), attempts: i64::from(text.attempts) + 1 }
    }

    /// The job and the occasion.
    fn text(&self) -> Outcome<(&str, &str)> {
        self.id.split_once('-').ok_or_else(|| Fault::Refused("that is no text's id".into()))
    }
}

/// Keeps a text for its taker, who still has it or is told otherwise.
pub(super) async fn hold(db: &mut Db<'_>, (claim, now): &(Claim, Millis)) -> Outcome<bool> {
    let (job, occasion) = claim.text()?;
    let held = db
        .run(
            "update wtaf_outbox set due_ms = $4, updated_ms = $5 where job_id = $1 and occasion = $2 and attempts = $3 and status = 'sending'",
            args![job, occasion, claim.attempts, now.after(LEASE), *now],
        )
        .await?;
    Ok(held > 0)
}

/// Puts a text back. The attempts stay: they are what tells claims apart.
pub(super) async fn put_back(db: &mut Db<'_>, (claim, was, now): &(Claim, TextStatus, Millis)) -> Outcome<()> {
    let (job, occasion) = claim.text()?;
    db.run(
        "update wtaf_outbox set status = $4, due_ms = $5, updated_ms = $5 where job_id = $1 and occasion = $2 and attempts = $3 \
         and status = 'sending'",
        args![job, occasion, claim.attempts, was.as_str(), *now],
    )
    .await
    .map(drop)
}

/// Lets go of every text in hand.
pub(super) async fn release(db: &mut Db<'_>, now: &Millis) -> Outcome<u64> {
    db.run("update wtaf_outbox set due_ms = $1 where status = 'sending' and due_ms > $1", args![*now]).await
}

/// A text, what came of a try, and when.
pub(super) type Tried = (Claim, Delivery, Millis);

/// Writes down what a try came to.
pub(super) async fn tried(db: &mut Db<'_>, (claim, delivery, now): &Tried) -> Outcome<()> {
    let (job, occasion) = claim.text()?;
    let (status, due, sid, segments, error) = match delivery {
        Delivery::Sent { sid, segments } => {
            (TextStatus::Sent, *now, Some(sid.as_str()), Some(i64::from(*segments)), None)
        }
        Delivery::Again { at, error } => (TextStatus::Waiting, *at, None, None, Some(error.as_str())),
        Delivery::Failed { error } => (TextStatus::Failed, *now, None, None, Some(error.as_str())),
        Delivery::Withheld => (TextStatus::Withheld, *now, None, None, None),
    };
    let changed = db
        .run(
        "update wtaf_outbox set status = $3, due_ms = $4, sid = coalesce($5, sid), segments = coalesce($6, segments), error = $7, \
         updated_ms = $8 where job_id = $1 and occasion = $2 and status in ('waiting', 'sending') and (attempts = $9 or $10)",
        args![job, occasion, status.as_str(), due, sid, segments, error, *now, claim.attempts, status == TextStatus::Sent],
    )
    .await?;
    if let (0, Some(segments)) = (changed, segments) {
        // A callback was faster; it knows the text's end and not its price.
        db.run(
            "update wtaf_outbox set segments = coalesce(segments, $3) where job_id = $1 and occasion = $2 and \
             status in ('sent', 'delivered', 'failed')",
            args![job, occasion, segments],
        )
        .await?;
    }
    Ok(())
}

/// Takes a carrier's word, unless a later one was taken before; gives to whom the text went, if it is ours.
///
/// A text that nobody has written the carrier's id of yet is known by our own, and gets the other here: so it is neither lost nor sent again.
pub(super) async fn delivery(db: &mut Db<'_>, heard: &Heard, now: Millis) -> Outcome<Option<Phone>> {
    let (job, occasion) = heard.id.as_deref().and_then(|id| id.split_once('-')).unwrap_or_default();
    let changed = db.run(
        "update wtaf_outbox set status = $2, error = coalesce($3, error), updated_ms = $4, sid = $1 where \
         (sid = $1 or (sid is null and job_id = $6 and occasion = $7 and status in ('waiting', 'sending'))) and \
         case status when 'waiting' then 0 when 'sending' then 1 when 'sent' then 2 when 'delivered' then 3 when 'failed' then 4 \
         else 5 end < $5",
        args![&heard.sid, heard.status.as_str(), &heard.error, now, rank(heard.status), job, occasion],
    )
    .await?;
    let row = db.one("select phone from wtaf_outbox where sid = $1", args![&heard.sid]).await?;
    let to = row.map(|row| row.phone("phone")).transpose()?;
    if let (true, true, Some(to)) = (heard.left, changed > 0, &to) {
        let turned = Turned { asker: Asker::Phone(to.clone()), standing: Standing::Left, now };
        people::set_standing(db, &turned).await?;
    }
    Ok(to)
}

fn rank(status: TextStatus) -> i64 {
    status as i64
}

/// Texts to a number, newest first.
pub(super) async fn to(db: &mut Db<'_>, (phone, limit): &(Phone, u32)) -> Outcome<Vec<OutboxText>> {
    let rows = db.all(texts!("phone = $1 order by text_id desc limit $2"), args![phone, *limit]).await?;
    rows.iter().map(read).collect()
}

/// Texts of a job, in the order written.
pub(super) async fn of(db: &mut Db<'_>, job: JobId) -> Outcome<Vec<OutboxText>> {
    let rows = db.all(texts!("job_id = $1 order by text_id"), args![job]).await?;
    rows.iter().map(read).collect()
}

/// How many wait.
pub(super) async fn waiting(db: &mut Db<'_>) -> Outcome<u64> {
    let row = db.one("select count(*) as n from wtaf_outbox where status in ('waiting', 'sending')", &[]).await?;
    row.map_or(Ok(0), |row| row.count("n"))
}

fn read(row: &Row) -> Outcome<OutboxText> {
    let text = NewText {
        job: row.job("job_id")?,
        occasion: row.text("occasion")?,
        to: row.phone("phone")?,
        body: row.text("body")?,
    };
    let segments = row.maybe_int("segments")?.map(u32::try_from).transpose();
    Ok(OutboxText {
        id: format!("{}-{}", text.job, text.occasion),
        text,
        status: status(&row.text("status")?)?,
        attempts: row.count("attempts")?,
        sid: row.maybe_text("sid")?,
        segments: segments.map_err(|_| Fault::damaged("number"))?,
        error: row.maybe_text("error")?,
        created: row.moment("created_ms")?,
        updated: row.moment("updated_ms")?,
    })
}

fn status(word: &str) -> Outcome<TextStatus> {
    use TextStatus as S;
    let all = [S::Waiting, S::Sending, S::Sent, S::Delivered, S::Failed, S::Withheld];
    all.into_iter().find(|status| status.as_str() == word).ok_or_else(|| Fault::damaged("status"))
}
