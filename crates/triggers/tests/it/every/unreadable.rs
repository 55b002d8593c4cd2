//! Each trigger and each form of an answer that shows nothing: no event, no moved cursor, a failure that is told; and the
//! next good answer tells exactly what changed meanwhile. Both sides of the table come from the descriptions.

use canopy_highlevel::operation::{Operation, Reading, Shown};
use canopy_store::{Cursor, Store};
use canopy_triggers::{PollOptions, Poller};
use serde_json::{Value, json};

use super::{Case, Play, account, contacts, dealings};

/// What is answered in place of the truth.
struct Form {
    name: String,
    fault: Value,
}

fn json_form(name: &str, body: &Value) -> Form {
    let fault = json!({ "kind": "answer", "status": 200, "body": body });
    let name = name.to_owned();
    Form { name, fault }
}

fn text_form(name: &str, status: u16, content_type: &str, text: &str) -> Form {
    let fault =
        json!({ "kind": "answer", "status": status, "content_type": content_type, "text": text });
    let name = name.to_owned();
    Form { name, fault }
}

/// A document with a value at a pointer.
fn with(pointer: &str, value: Value) -> Value {
    let names = pointer.split('/').skip(1).collect::<Vec<_>>();
    names
        .into_iter()
        .rev()
        .fold(value, |inner, name| json!({ name: inner }))
}

/// The true answer, in which these places are changed.
fn altered(name: &str, set: &Value, remove: &[&str]) -> Form {
    let fault = json!({ "kind": "alter", "set": set, "remove": remove });
    let name = name.to_owned();
    Form { name, fault }
}

/// Any 2xx code may be the good one, and none of them makes a page or nothing an answer.
const SUCCESSES: [u16; 5] = [200, 201, 202, 204, 206];

fn forms(operation: &Operation, reading: Reading) -> Vec<Form> {
    let page = "<html><body>Please wait</body></html>";
    let mut forms = Vec::new();
    for status in SUCCESSES {
        let name = format!("an empty body with {status}");
        forms.push(text_form(&name, status, "", ""));
        // HTTP allows no body with 204.
        if status != 204 {
            let name = format!("a page with {status}");
            forms.push(text_form(&name, status, "text/html", page));
        }
    }
    forms.extend([
        json_form("null", &Value::Null),
        json_form(
            "an error's body",
            &json!({ "statusCode": 500, "message": "Internal server error" }),
        ),
        json_form(
            "an explicit false",
            &json!({ "success": false, "traceId": "x" }),
        ),
        text_form(
            "half of it",
            200,
            "application/json",
            "{\"contacts\":[{\"id\":\"a",
        ),
    ]);
    match reading {
        Reading::Changes { .. } | Reading::Snapshot => {
            let items = operation.items.unwrap_or_default();
            let odd = json!([null, "x", 7, [], [{ "id": "a" }], {}, { "error": "could not load" }, { "id": null }]);
            forms.push(json_form("a list without a record", &with(items, odd)));
        }
        Reading::Record | Reading::Answer | Reading::Bytes => {}
    }
    forms.extend(without_evidence(operation.evidence.shown));
    forms
}

/// Answers that lack what the description says this operation's must show. Free slots show nothing but days.
fn without_evidence(shown: Shown) -> Vec<Form> {
    let nothing = || json_form("nothing of it", &json!({ "message": "ok", "traceId": "x" }));
    let mut forms = Vec::new();
    // At the top there is no member to take away: null is one of the forms of all.
    let mut absent = |pointers: &[&str]| {
        if pointers.iter().any(|pointer| !pointer.is_empty()) {
            let name = pointers.join(" and ");
            let nulls = pointers.iter().map(|at| ((*at).to_owned(), Value::Null));
            let nulls = Value::Object(nulls.collect());
            forms.push(altered(&format!("{name} null"), &nulls, &[]));
            forms.push(altered(&format!("no {name}"), &json!({}), pointers));
        }
    };
    match shown {
        Shown::Bytes | Shown::Answer { .. } => {}
        Shown::List { at, some } => {
            absent(&[at]);
            let values = [json!("none"), json!({}), json!([])];
            for value in values.into_iter().take(if some { 3 } else { 2 }) {
                if !at.is_empty() {
                    forms.push(altered(
                        &format!("{at} {value}"),
                        &json!({ at: value }),
                        &[],
                    ));
                }
            }
            forms.push(nothing());
        }
        Shown::Record { id, asked } => {
            absent(&[id]);
            forms.push(altered("an empty id", &json!({ id: "" }), &[]));
            if asked.is_some() {
                let other = json!({ id: "someoneElse" });
                forms.push(altered("another record", &other, &[]));
            }
            forms.push(nothing());
        }
        Shown::RecordOrNull { at, .. } => {
            forms.push(altered(&format!("no {at}"), &json!({}), &[at]));
            forms.push(altered("a record without its id", &json!({ at: {} }), &[]));
            forms.push(nothing());
        }
        Shown::Members(groups) => {
            // Of each group one is missing, so none is whole.
            let first: Vec<_> = groups.iter().map(|group| group[0].at).collect();
            absent(&first);
            forms.push(nothing());
        }
        Shown::Flag => forms.push(nothing()),
    }
    forms
}

struct Watched {
    play: Play,
    poller: Poller,
    operation: &'static str,
}

impl Watched {
    async fn cursors(&self) -> Vec<Cursor> {
        let location = self.play.world.location();
        self.play.world.store.cursors(location).await.unwrap()
    }

    async fn kinds(&self, after: usize) -> Vec<String> {
        let events = self.play.world.events().await;
        events
            .into_iter()
            .skip(after)
            .map(|(kind, _)| kind)
            .collect()
    }

    async fn poll(&self, expected: &[&str]) -> Result<(), String> {
        let before = self.play.world.events().await.len();
        self.play.world.advance(600).await;
        self.poller
            .poll()
            .await
            .map_err(|error| error.to_string())?;
        let told = self.kinds(before).await;
        if told == expected {
            return Ok(());
        }
        Err(format!(
            "the next good answer told {told:?} and not {expected:?}"
        ))
    }

    /// One poll that is answered so.
    async fn blind(&self, form: &Form) -> Result<(), String> {
        let world = &self.play.world;
        let (events, cursors) = (world.events().await.len(), self.cursors().await);
        world.advance(600).await;
        let mut fault = form.fault.clone();
        fault["operation"] = json!(self.operation);
        world.control("/faults", fault).await;
        let polled = self.poller.poll().await;
        world.delete("/faults").await;
        if polled.is_ok() {
            return Err("it was taken for an answer".to_owned());
        }
        let told = self.kinds(events).await;
        if !told.is_empty() {
            return Err(format!("it told {told:?}"));
        }
        if self.cursors().await != cursors {
            return Err("the cursor moved".to_owned());
        }
        Ok(())
    }
}

impl Watched {
    /// One poll in which the first record of the list has become null. Whether it was told: the list may be empty.
    async fn hide_one(&self, items: &str) -> Result<bool, String> {
        let world = &self.play.world;
        let events = world.events().await.len();
        world.advance(600).await;
        let fault = json!({ "kind": "alter", "operation": self.operation, "set": { format!("{items}/0"): null } });
        world.control("/faults", fault).await;
        let polled = self.poller.poll().await;
        world.delete("/faults").await;
        let told = self.kinds(events).await;
        if told.is_empty() {
            return Ok(polled.is_err());
        }
        Err(format!("null in the place of a record told {told:?}"))
    }
}

/// How many forms were tried.
async fn hold(case: &Case) -> Result<usize, String> {
    let mut play = Play::new().await;
    for done in &case.before {
        play.act(done).await?;
    }
    let operation = canopy_highlevel::operation(case.operation).unwrap();
    let reading = operation.trigger.unwrap().reading;
    let spec = play.spec(case.operation, &case.arguments);
    let token = play.token(case.operation);
    let poller = play.world.poller_as(token, PollOptions::default(), &[spec]);
    poller.poll().await.map_err(|error| error.to_string())?;
    let mut watched = Watched {
        play,
        poller,
        operation: case.operation,
    };
    let forms = forms(operation, reading);
    for form in &forms {
        let told = |problem: String| format!("{}: {problem}", form.name);
        watched.blind(form).await.map_err(told)?;
        watched.poll(&[]).await.map_err(told)?;
    }
    if let Some(items) = operation.items {
        for _ in 0..3 {
            watched.hide_one(items).await?;
        }
        watched.poll(&[]).await?;
    }
    // Something happens while nothing can be read.
    for (done, kind) in [&case.new, &case.changed].into_iter().flatten() {
        watched.play.world.advance(600).await;
        for done in done {
            watched.play.act(done).await?;
        }
        for form in &forms {
            watched
                .blind(form)
                .await
                .map_err(|problem| format!("{}: {problem}", form.name))?;
        }
        watched.poll(&[kind]).await?;
        watched.poll(&[]).await?;
    }
    Ok(forms.len())
}

async fn hold_all(cases: Vec<Case>) {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for case in &cases {
        match hold(case).await {
            Ok(forms) => tried += forms,
            Err(problem) => wrong.push(format!("{}: {problem}", case.operation)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "{} triggers, {tried} pairs of a trigger and a form",
        cases.len()
    );
}

#[tokio::test]
async fn what_shows_nothing_changes_nothing_of_contacts_and_calendars() {
    hold_all(contacts::cases()).await;
}

#[tokio::test]
async fn what_shows_nothing_changes_nothing_of_opportunities_users_and_conversations() {
    hold_all(dealings::cases()).await;
}

#[tokio::test]
async fn what_shows_nothing_changes_nothing_of_the_account() {
    hold_all(account::cases()).await;
}
