//! Talks with coaches, line by line.

use super::{
    super::{PersonId, Turn},
    db::{Db, Row, args},
    fault::Outcome,
};
use crate::job::{JobId, Millis};

/// A line of a talk.
pub(super) struct Line {
    pub(super) person: PersonId,
    pub(super) job: JobId,
    pub(super) turn: Turn,
}

/// Adds a line; what one side says in one job is there once. The person's own lines are said by ''.
pub(super) async fn add(db: &mut Db<'_>, line: &Line) -> Outcome<()> {
    let said_by = line.turn.coach.as_deref().unwrap_or_default();
    db.run(
        "insert into wtaf_turns (person_id, job_id, said_by, words, at_ms) values ($1, $2, $3, $4, $5) on conflict (job_id, said_by) do nothing",
        args![line.person, line.job, said_by, &line.turn.text, line.turn.at],
    )
    .await
    .map(drop)
}

/// Whose talk, since when, how many lines.
pub(super) type Since = (PersonId, Millis, u32);

/// The last lines since a moment, oldest first.
pub(super) async fn since(db: &mut Db<'_>, (person, since, limit): &Since) -> Outcome<Vec<Turn>> {
    let rows = db
        .all(
            "select said_by, words, at_ms from wtaf_turns where person_id = $1 and at_ms >= $2 order by at_ms desc, turn_id desc limit $3",
            args![*person, *since, *limit],
        )
        .await?;
    let read = |row: &Row| {
        let coach = Some(row.text("said_by")?).filter(|coach| !coach.is_empty());
        Ok(Turn { coach, text: row.text("words")?, at: row.moment("at_ms")? })
    };
    rows.iter().rev().map(read).collect()
}
