//! The engine on PostgreSQL, and what it does while that is away.

use reqwest::StatusCode;

use crate::kit::{
    host::{ANN, BOB, Host},
    line::Line,
    postgres,
};

#[tokio::test]
async fn a_text_becomes_a_live_page_on_postgres() {
    let database = postgres::database().await;
    let host = Host::of().set(format!("store.url={database}")).start().await;

    let url = host.made(&host.text(ANN, "WTAF a tip calculator").await).await;

    assert_eq!(host.page(&url).await.status, 200);
    host.told_of(ANN, &url).await;
}

#[tokio::test]
async fn texts_are_taken_while_the_database_is_away_and_become_pages_when_it_is_there() {
    let database = postgres::database().await;
    let line = Line::to(database.port().expect("it has a port"), false).await;
    let host = Host::of().set(line.stands_for(&database)).start_unready().await;

    let before = host.text(ANN, "WTAF a snake game").await;
    assert_eq!(host.get("/readyz").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(host.job(&before).await["url"], serde_json::Value::Null);
    line.mend();
    let url = host.made(&before).await;
    line.cut();
    let during = host.text(BOB, "WTAF a quiz about space").await;
    line.mend();
    let other = host.made(&during).await;

    assert_eq!(host.page(&url).await.status, 200);
    assert_eq!(host.page(&other).await.status, 200);
    assert_eq!(host.job(&during).await["attempts"], 0, "an outage uses up no attempt");
}
