//! Integers in workflow files: by a way to round that is named, and never `2.0`.

use canopy_store::{RunState, Store as _};
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn an_amount_is_rounded_as_it_says_and_too_little_is_skipped_with_its_reason() {
    let world = World::new(
        r#"
id = "by-name"
title = "By name"
on = "contact.created"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = "{{ ((contact.firstName | int) / 100) | round }}" }

[[do]]
id = "note"
action = "create-note"
with = { contactId = "{{ contact.id }}", body = "{{ steps.tree.skipped or 'planted' }}" }
"#,
    )
    .await;
    let rich = world.create("249").await;
    let poor = world.create("49").await;
    world.poll_and_drain().await;
    let bought = world.bought().await;
    assert_eq!(bought.len(), 1);
    assert_eq!(bought[0]["quantity"], json!(2), "{bought:?}");
    assert_eq!(world.notes(&rich).await[0]["body"], "planted");
    let note = world.notes(&poor).await.remove(0);
    assert_eq!(
        note["body"],
        "`number` is 0 and must be at least 1, so nothing is bought"
    );
    let summary = world.store.summary().await.unwrap();
    assert_eq!((summary.runs_done, summary.runs_dead), (2, 0));
}

#[tokio::test]
async fn a_fraction_where_an_integer_is_wanted_asks_for_a_way_to_round() {
    let world = World::new(
        r#"
id = "half"
title = "Half"
on = "contact.created"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = "{{ 5 / 2 }}" }
"#,
    )
    .await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let run = world.runs_of("half").await.remove(0);
    let error = run.error.unwrap();
    assert_eq!(run.state, RunState::Dead);
    assert!(
        error.contains(
            "2.5 and must be a whole number; name how to round it, e.g. {{ ... | round }}"
        ),
        "{error}"
    );
    assert!(world.bought().await.is_empty());
}

/// Opens a calendar at this hour.
fn calendar(hour: &str) -> String {
    format!(
        r#"
id = "calendar"
title = "A calendar"
on = "contact.created"

[[do]]
id = "open"
action = "create-calendar"

[do.with]
locationId = "{{{{ location.id }}}}"
name = "Visits"
slotDuration = 30.0
slotBuffer = "{{{{ 10 / 2 }}}}"

[[do.with.openHours]]
daysOfTheWeek = [1.0, "{{{{ 4 / 2 }}}}"]
hours = [{{ openHour = "{{{{ {hour} }}}}", openMinute = 0.0, closeHour = 17, closeMinute = 0 }}]
"#
    )
}

#[tokio::test]
async fn an_integer_is_sent_as_one_to_highlevel_however_deep_it_lies() {
    let world = World::new(&calendar("18 / 2")).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.error);
    let request = &world.store.steps(run.id).await.unwrap()[0].request;
    let made = &world.store.steps(run.id).await.unwrap()[0].output;
    // What the service says shows what it was told: there is no 9 that is 9.0.
    for calendar in [request, &made.as_ref().unwrap()["calendar"]] {
        assert_eq!(calendar["slotDuration"].to_string(), "30");
        assert_eq!(calendar["slotBuffer"].to_string(), "5");
        let open = &calendar["openHours"][0];
        assert_eq!(open["daysOfTheWeek"].to_string(), "[1,2]");
        let hours = json!({ "openHour": 9, "openMinute": 0, "closeHour": 17, "closeMinute": 0 });
        assert_eq!(open["hours"][0], hours);
    }
}

#[tokio::test]
async fn a_fraction_in_a_call_of_highlevel_asks_for_a_way_to_round_as_a_purchase_does() {
    let world = World::new(&calendar("19 / 2")).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Dead);
    let expected = "create-calendar: `openHours[0].hours[0].openHour` must be a whole number; \
        name how to round it, e.g. {{ ... | round }}, or floor, ceil, trunc, round_even";
    assert_eq!(run.error.as_deref(), Some(expected));
    let asked = world.requests().await;
    assert!(
        asked
            .iter()
            .all(|one| one["operation"] != "create-calendar")
    );

    // A text is no number, and rounding makes none of it.
    let world = World::new(&calendar("'nine'")).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let error = world.run().await.error.unwrap();
    assert!(
        error.ends_with("`openHours[0].hours[0].openHour` must be a whole number"),
        "{error}"
    );
}
