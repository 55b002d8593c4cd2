//! The README's examples, made for real: each `curl` of it is answered as it says, and its table of settings is complete.

use std::collections::BTreeSet;

use canopy_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::harness::{Receiver, Reply, World, send, start, until};

const README: &str = include_str!("../../README.md");

/// The lines of all console blocks.
fn console() -> impl Iterator<Item = &'static str> {
    let blocks = README.split("```console\n").skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines())
}

/// What one line of `curl` asks for.
#[derive(Debug, Default)]
struct Curl {
    method: Option<String>,
    url: String,
    headers: Vec<(String, String)>,
    data: Option<String>,
}

/// A command line's words, as a shell divides them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

impl Curl {
    fn read(line: &str) -> Self {
        let mut curl = Self::default();
        let mut words = words(line).into_iter().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "-X" => curl.method = words.next(),
                "-d" => curl.data = words.next(),
                "-H" => {
                    let header = words.next().unwrap();
                    let (name, value) = header.split_once(": ").unwrap();
                    curl.headers.push((name.to_owned(), value.to_owned()));
                }
                _ => curl.url = word,
            }
        }
        curl
    }

    async fn send(self, world: &World) -> Reply {
        let method = match (&self.method, &self.data) {
            (Some(method), _) => method.as_str(),
            (None, Some(_)) => "POST",
            (None, None) => "GET",
        };
        let mut request = world.http.request(method.parse().unwrap(), &self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(data) = self.data {
            let form = "application/x-www-form-urlencoded";
            request = request.header("content-type", form).body(data);
        }
        send(request).await.unwrap()
    }
}

/// Puts real addresses, secrets and ids in the place of those that the README names.
async fn filled(world: &World, hooks: &Receiver, line: &str) -> String {
    let info = world.info();
    let mut line = line
        .replace("$TOKEN", &info.token)
        .replace("$LOCATION", &info.location_id)
        .replace("$KEY", &info.ecologi_key)
        .replace("$H", &info.highlevel_url)
        .replace("$E", &info.ecologi_url)
        .replace("$C", &info.control_url)
        .replace("http://127.0.0.1:8080/webhooks/highlevel", &hooks.url);
    let create = async |path: &str, body: Value| {
        let made = world.control("POST", path, body).await;
        made["id"].as_str().unwrap().to_owned()
    };
    let contact = async || create("/contacts", json!({ "firstName": "Ada" })).await;
    let first = async |collection: &str| {
        let record = world.first(collection).await;
        record["id"].as_str().unwrap().to_owned()
    };
    for (place, made) in [
        ("/contacts/ID", 0),
        ("\"contactId\":\"ID\"", 0),
        ("\"pipelineId\":\"ID\"", 1),
        ("\"calendarId\":\"ID\"", 2),
        ("/locations/ID", 3),
        ("/opportunities/ID", 4),
        ("/appointments/ID", 5),
        ("/workflows/ID", 6),
        ("/custom-fields/ID", 7),
        ("/tokens/TOKEN", 8),
        ("/webhooks/ID", 9),
    ] {
        if !line.contains(place) {
            continue;
        }
        let id = match made {
            0 => contact().await,
            1 => first("pipelines").await,
            2 => first("calendars").await,
            3 => info.location_id.clone(),
            4 => {
                let body = json!({ "name": "Hedge", "pipelineId": first("pipelines").await, "contactId": contact().await });
                create("/opportunities", body).await
            }
            5 => {
                let body = json!({ "calendarId": first("calendars").await, "contactId": contact().await,
                    "startTime": "2027-03-02T09:00:00-08:00" });
                create("/appointments", body).await
            }
            6 => create("/records/workflows", json!({ "name": "Welcome" })).await,
            7 => {
                let path = format!("/locations/{}/customFields", info.location_id);
                let body = json!({ "name": "Trees", "dataType": "TEXT" });
                let made = world.call("POST", &path, body).await.expect(201);
                made["customField"]["id"].as_str().unwrap().to_owned()
            }
            8 => world.token(json!({ "class": "location_key" })).await,
            _ => {
                let target = json!({ "url": hooks.url });
                world.control("POST", "/webhook-target", target).await;
                contact().await;
                let log = async || world.control("GET", "/webhooks/log", Value::Null).await;
                until("a delivery to fail", || async { log().await != json!([]) }).await;
                log().await[0]["delivery"].to_string()
            }
        };
        let real = place.replace("TOKEN", "ID").replace("ID", &id);
        line = line.replace(place, &real);
    }
    line
}

#[tokio::test]
async fn every_example_is_answered_as_it_says() {
    let world = start(Sandbox::builder().contacts(3).seed(7).limits(false)).await;
    let hooks = Receiver::start(vec![500; 1_000]).await;
    let lines: Vec<&str> = console().collect();
    let mut made = 0;
    for (number, line) in lines.iter().enumerate() {
        let Some(command) = line.strip_prefix("$ curl ") else {
            continue;
        };
        // What an example orders must not spoil the next one.
        world.sandbox.clear_faults();
        let command = filled(&world, &hooks, &format!("curl {command}")).await;
        world.sandbox.clear_faults();
        let reply = Curl::read(&command).send(&world).await;
        assert!(
            (200..=299).contains(&reply.status),
            "{line}\n{} {}",
            reply.status,
            reply.body
        );
        if let Some(shown) = lines.get(number + 1)
            && shown.starts_with('{')
        {
            let shown: Value = serde_json::from_str(shown).unwrap();
            assert_eq!(members(&shown), members(&reply.body), "{line}");
        }
        made += 1;
    }
    assert!(made > 30, "only {made} examples were found");
}

#[tokio::test]
async fn the_commands_line_has_the_members_that_are_shown() {
    let world = start(Sandbox::builder()).await;
    let shown = console().find(|line| line.starts_with("{\"highlevel_url\""));
    let shown: Value = serde_json::from_str(shown.unwrap()).unwrap();
    let real = serde_json::to_value(world.info()).unwrap();
    assert_eq!(members(&shown), members(&real));
}

#[tokio::test]
async fn all_settings_and_fault_kinds_are_in_the_tables() {
    let world = start(Sandbox::builder()).await;
    let settings = world.control("GET", "/settings", Value::Null).await;
    for (name, value) in settings.as_object().unwrap() {
        let row = README
            .lines()
            .find(|line| line.starts_with('|') && line.contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("{name} is in no table"));
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), ToOwned::to_owned);
        let default = cells[2].replace('`', "");
        assert!(default.contains(&value), "{name}: {value} is not in {row}");
    }
    let refused = world
        .try_control("POST", "/faults", json!({ "kind": "unknown" }))
        .await
        .expect(400);
    // The refusal lists all kinds.
    let kinds = refused["error"]
        .as_str()
        .unwrap()
        .split('`')
        .skip(3)
        .step_by(2);
    for kind in kinds {
        assert!(README.contains(&format!("| `{kind}` |")), "{kind}");
    }
}

fn members(value: &Value) -> BTreeSet<&String> {
    value
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys())
        .collect()
}
