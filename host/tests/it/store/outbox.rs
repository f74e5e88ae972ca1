use wtaf_host::{
    adapter::store::{Delivery, Heard, OutboxText, Standing, TextStatus},
    job::{Asker, Phone},
};

use super::{NOW, Place, at, job_id, on_every_store, text, texter};

on_every_store!(
    a_text_is_written_once_for_an_occasion_of_a_job,
    a_taken_text_is_given_to_nobody_else,
    texts_to_one_number_go_out_one_at_a_time_in_order,
    a_text_left_by_a_crashed_sender_is_given_again_as_sending,
    a_text_that_another_has_taken_since_is_not_held,
    a_text_that_is_done_with_is_not_held,
    of_a_text_that_another_has_only_that_it_was_sent_is_written_down,
    a_text_that_is_put_back_is_given_again_as_it_was,
    a_sender_that_is_alone_need_not_wait_for_what_a_crashed_one_had,
    a_text_that_waits_is_given_again_when_it_is_due,
    what_a_try_came_to_is_kept,
    a_later_status_is_not_overwritten_by_an_earlier_one,
    a_callback_for_a_text_that_is_not_ours_changes_nothing,
    a_callback_that_is_faster_than_the_carriers_answer_finds_its_text,
    texts_are_found_by_number_and_by_job,
    an_opt_out_told_of_again_mutes_nobody_who_came_back,
);

fn bodies(texts: &[OutboxText]) -> Vec<&str> {
    texts.iter().map(|text| text.text.body.as_str()).collect()
}

fn sent(sid: &str) -> Delivery {
    Delivery::Sent { sid: sid.into(), segments: 2 }
}

/// Whether a callback is about a text of ours; and then whose it is, is told.
async fn heard(place: &Place, sid: &str, id: Option<&str>, status: TextStatus) -> bool {
    let heard = Heard { sid: sid.into(), id: id.map(Into::into), status, error: None, left: false };
    let to = place.store.text_delivery(heard, at(2)).await.unwrap();
    assert!(to.as_ref().is_none_or(|to| to == texter(1).phone().unwrap()));
    to.is_some()
}

async fn write(place: &Place, to: &Asker, body: &str) {
    assert!(place.store.write_text(text(job_id(), "reply", to, body), NOW).await.unwrap());
}

async fn a_text_is_written_once_for_an_occasion_of_a_job(place: &Place) {
    let job = job_id();
    assert!(place.store.write_text(text(job, "accepted", &texter(1), "On it"), NOW).await.unwrap());
    assert!(!place.store.write_text(text(job, "accepted", &texter(1), "On it again"), NOW).await.unwrap());
    assert!(place.store.write_text(text(job, "page-live", &texter(1), "Live"), NOW).await.unwrap());
    assert_eq!(bodies(&place.store.texts_of(job).await.unwrap()), ["On it", "Live"]);
    assert_eq!(place.store.texts_waiting().await.unwrap(), 2);
}

async fn a_taken_text_is_given_to_nobody_else(place: &Place) {
    for n in 1..=3 {
        write(place, &texter(n), "hi").await;
    }
    let first = place.store.take_texts(NOW, 2).await.unwrap();
    assert_eq!(first.len(), 2);
    assert!(first.iter().all(|text| text.status == TextStatus::Waiting && text.attempts == 0));
    assert_eq!(place.store.take_texts(NOW, 9).await.unwrap().len(), 1);
    assert!(place.store.take_texts(at(119), 9).await.unwrap().is_empty());
}

async fn texts_to_one_number_go_out_one_at_a_time_in_order(place: &Place) {
    for body in ["one", "two", "three"] {
        write(place, &texter(1), body).await;
    }
    write(place, &texter(2), "other").await;
    let taken = place.store.take_texts(NOW, 9).await.unwrap();
    assert_eq!(bodies(&taken), ["one", "other"]);
    assert!(place.store.take_texts(NOW, 9).await.unwrap().is_empty());
    place.store.text_tried(&taken[0], sent("SM1"), at(1)).await.unwrap();
    let taken = place.store.take_texts(at(1), 9).await.unwrap();
    assert_eq!(bodies(&taken), ["two"]);
    let later = Delivery::Again { at: at(60), error: "busy".into() };
    place.store.text_tried(&taken[0], later, at(2)).await.unwrap();
    assert!(place.store.take_texts(at(3), 9).await.unwrap().is_empty(), "three must not overtake two");
    assert_eq!(bodies(&place.store.take_texts(at(60), 9).await.unwrap()), ["two"]);
}

async fn a_text_left_by_a_crashed_sender_is_given_again_as_sending(place: &Place) {
    write(place, &texter(1), "hi").await;
    place.store.take_texts(NOW, 9).await.unwrap();
    let again = place.store.take_texts(at(121), 9).await.unwrap();
    assert_eq!((again[0].status, again[0].attempts), (TextStatus::Sending, 1));
    assert!(place.store.take_texts(at(121), 9).await.unwrap().is_empty());
}

async fn a_text_that_another_has_taken_since_is_not_held(place: &Place) {
    write(place, &texter(1), "hi").await;
    let mine = place.store.take_texts(NOW, 9).await.unwrap().remove(0);
    assert!(place.store.hold_text(&mine, at(60)).await.unwrap());
    let other = place.again().await;
    assert!(other.take_texts(at(179), 9).await.unwrap().is_empty(), "it is held for two minutes from then on");

    let theirs = other.take_texts(at(181), 9).await.unwrap().remove(0);

    assert!(!place.store.hold_text(&mine, at(182)).await.unwrap());
    assert!(other.hold_text(&theirs, at(182)).await.unwrap());
    assert_eq!((theirs.id, theirs.status), (mine.id, TextStatus::Sending));
}

async fn a_text_that_is_done_with_is_not_held(place: &Place) {
    write(place, &texter(1), "hi").await;
    let mine = place.store.take_texts(NOW, 9).await.unwrap().remove(0);
    assert!(heard(place, "SM1", Some(&mine.id), TextStatus::Sent).await);
    assert!(!place.store.hold_text(&mine, at(3)).await.unwrap());
}

async fn of_a_text_that_another_has_only_that_it_was_sent_is_written_down(place: &Place) {
    write(place, &texter(1), "hi").await;
    let mine = place.store.take_texts(NOW, 9).await.unwrap().remove(0);
    let theirs = place.store.take_texts(at(121), 9).await.unwrap().remove(0);
    let there = async || place.store.texts_of(mine.text.job).await.unwrap().remove(0);

    let again = Delivery::Again { at: at(122), error: "busy".into() };
    for untold in [again, Delivery::Failed { error: "30007".into() }, Delivery::Withheld] {
        place.store.text_tried(&mine, untold, at(122)).await.unwrap();
        assert_eq!((there().await.status, there().await.error), (TextStatus::Sending, None));
    }
    place.store.text_tried(&mine, sent("SM1"), at(123)).await.unwrap();

    assert_eq!((there().await.status, there().await.sid.as_deref()), (TextStatus::Sent, Some("SM1")));
    assert!(!place.store.hold_text(&theirs, at(124)).await.unwrap(), "it is not sent once more");
}

async fn a_text_that_is_put_back_is_given_again_as_it_was(place: &Place) {
    write(place, &texter(1), "hi").await;
    let first = place.store.take_texts(NOW, 9).await.unwrap().remove(0);
    place.store.put_text_back(&first, at(1)).await.unwrap();

    let second = place.store.take_texts(at(1), 9).await.unwrap().remove(0);

    assert_eq!((second.status, second.attempts), (TextStatus::Waiting, 1), "the carrier need not be asked");
    place.store.put_text_back(&first, at(2)).await.unwrap();
    assert!(place.store.take_texts(at(2), 9).await.unwrap().is_empty(), "what another has is not put back");
    // One that an earlier sender may have handed over is still in doubt.
    let third = place.store.take_texts(at(122), 9).await.unwrap().remove(0);
    place.store.put_text_back(&third, at(123)).await.unwrap();
    assert_eq!(place.store.take_texts(at(123), 9).await.unwrap()[0].status, TextStatus::Sending);
}

async fn a_sender_that_is_alone_need_not_wait_for_what_a_crashed_one_had(place: &Place) {
    write(place, &texter(1), "hi").await;
    place.store.take_texts(NOW, 9).await.unwrap();
    assert!(place.store.take_texts(at(1), 9).await.unwrap().is_empty());
    assert_eq!(place.store.release_texts(at(1)).await.unwrap(), 1);
    let again = place.store.take_texts(at(1), 9).await.unwrap();
    assert_eq!(again.iter().map(|text| text.status).collect::<Vec<_>>(), [TextStatus::Sending]);
}

async fn a_text_that_waits_is_given_again_when_it_is_due(place: &Place) {
    write(place, &texter(1), "hi").await;
    let taken = place.store.take_texts(NOW, 9).await.unwrap();
    let later = Delivery::Again { at: at(30), error: "429".into() };
    place.store.text_tried(&taken[0], later, at(1)).await.unwrap();
    assert!(place.store.take_texts(at(29), 9).await.unwrap().is_empty());
    let again = place.store.take_texts(at(30), 9).await.unwrap();
    assert_eq!((again[0].status, again[0].attempts), (TextStatus::Waiting, 1));
    assert_eq!(again[0].error.as_deref(), Some("429"));
}

async fn what_a_try_came_to_is_kept(place: &Place) {
    for n in 1..=3 {
        write(place, &texter(n), "hi").await;
    }
    let taken = place.store.take_texts(NOW, 9).await.unwrap();
    place.store.text_tried(&taken[0], sent("SM1"), at(1)).await.unwrap();
    place.store.text_tried(&taken[1], Delivery::Failed { error: "30007".into() }, at(1)).await.unwrap();
    place.store.text_tried(&taken[2], Delivery::Withheld, at(1)).await.unwrap();
    place.store.text_tried(&taken[2], sent("SM3"), at(2)).await.unwrap();
    let mut kept = Vec::new();
    for n in 1..=3 {
        kept.extend(place.store.texts_to(texter(n).phone().unwrap(), 9).await.unwrap());
    }
    let told: Vec<_> = kept.iter().map(|t| (t.status, t.sid.as_deref(), t.segments, t.error.as_deref())).collect();
    assert_eq!(
        told,
        [
            (TextStatus::Sent, Some("SM1"), Some(2), None),
            (TextStatus::Failed, None, None, Some("30007")),
            (TextStatus::Withheld, None, None, None)
        ]
    );
    assert!(kept.iter().all(|text| text.updated == at(1) && text.created == NOW));
    assert_eq!(place.store.texts_waiting().await.unwrap(), 0);
}

async fn a_later_status_is_not_overwritten_by_an_earlier_one(place: &Place) {
    write(place, &texter(1), "hi").await;
    let taken = place.store.take_texts(NOW, 9).await.unwrap();
    place.store.text_tried(&taken[0], sent("SM1"), at(1)).await.unwrap();
    for status in [TextStatus::Delivered, TextStatus::Sent, TextStatus::Sending, TextStatus::Delivered] {
        assert!(heard(place, "SM1", None, status).await);
        let now = &place.store.texts_of(taken[0].text.job).await.unwrap()[0];
        assert_eq!(now.status, TextStatus::Delivered);
    }
    place.store.text_tried(&taken[0], Delivery::Again { at: at(9), error: String::new() }, at(3)).await.unwrap();
    assert_eq!(place.store.texts_of(taken[0].text.job).await.unwrap()[0].status, TextStatus::Delivered);
}

async fn a_callback_for_a_text_that_is_not_ours_changes_nothing(place: &Place) {
    write(place, &texter(1), "hi").await;
    assert!(!heard(place, "SM9", None, TextStatus::Delivered).await);
    let another = format!("{}-reply", job_id());
    for id in [another.as_str(), "nonsense", ""] {
        assert!(!heard(place, "SM9", Some(id), TextStatus::Delivered).await, "{id}");
    }
    assert_eq!(place.store.texts_waiting().await.unwrap(), 1);
}

async fn a_callback_that_is_faster_than_the_carriers_answer_finds_its_text(place: &Place) {
    write(place, &texter(1), "hi").await;
    let taken = place.store.take_texts(NOW, 9).await.unwrap().remove(0);

    assert!(heard(place, "SM1", Some(&taken.id), TextStatus::Delivered).await);
    place.store.text_tried(&taken, sent("SM1"), at(3)).await.unwrap();

    let kept = place.store.texts_of(taken.text.job).await.unwrap().remove(0);
    assert_eq!((kept.status, kept.sid.as_deref(), kept.segments), (TextStatus::Delivered, Some("SM1"), Some(2)));
    assert!(place.store.take_texts(at(500), 9).await.unwrap().is_empty(), "it is not sent again");
    assert!(!heard(place, "SM2", Some(&taken.id), TextStatus::Failed).await, "another text's id opens nothing");
    assert_eq!(place.store.texts_of(taken.text.job).await.unwrap()[0].status, TextStatus::Delivered);
}

async fn texts_are_found_by_number_and_by_job(place: &Place) {
    for body in ["one", "two", "three"] {
        write(place, &texter(1), body).await;
    }
    let found = place.store.texts_to(texter(1).phone().unwrap(), 2).await.unwrap();
    assert_eq!(bodies(&found), ["three", "two"]);
    let one = &found[0];
    assert_eq!(one.id, format!("{}-reply", one.text.job));
    assert_eq!(place.store.texts_of(one.text.job).await.unwrap().as_slice(), std::slice::from_ref(one));
}

async fn an_opt_out_told_of_again_mutes_nobody_who_came_back(place: &Place) {
    write(place, &texter(1), "hi").await;
    let taken = place.store.take_texts(NOW, 1).await.unwrap().remove(0);
    place.store.text_tried(&taken, sent("SM9"), NOW).await.unwrap();
    let opted_out = || Heard { sid: "SM9".into(), id: None, status: TextStatus::Failed, error: None, left: true };
    let standing = async || place.store.person(&texter(1)).await.unwrap().map(|person| person.standing);

    place.store.text_delivery(opted_out(), at(1)).await.unwrap();
    assert_eq!(standing().await, Some(Standing::Left));
    assert!(place.store.set_standing(&texter(1), Standing::Active, at(2)).await.unwrap());
    let to = place.store.text_delivery(opted_out(), at(3)).await.unwrap();

    assert_eq!(to.as_ref().map(Phone::e164), texter(1).phone().map(Phone::e164), "it is ours all the same");
    assert_ne!(standing().await, Some(Standing::Left));
}
