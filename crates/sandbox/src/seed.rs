//! Contacts out of a seed.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::history::Origin;
use crate::ids::Ids;
use crate::records::Contact;
use crate::world::{Act, World};

const FIRST: &[&str] = &[
    "Ada", "Alan", "Amara", "Anders", "Aoife", "Bashir", "Beatriz", "Chen", "Dagny", "Dario",
    "Edith", "Emeka", "Farah", "Femi", "Grace", "Hana", "Ibrahim", "Ines", "Jonas", "Kaito", "Lea",
    "Linus", "Mei", "Milan", "Nadia", "Noor", "Olga", "Pavel", "Priya", "Rosa", "Sanjay", "Tomas",
    "Uma", "Viktor", "Wanjiru", "Yara", "Zoe",
];
const LAST: &[&str] = &[
    "Abara", "Berg", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jensen",
    "Kaur", "Lind", "Moreau", "Nakamura", "Okafor", "Petrov", "Quist", "Rossi", "Silva", "Tanaka",
    "Ueda", "Varga", "Weber", "Xu", "Yilmaz", "Zeman",
];
const TAGS: &[&str] = &[
    "lead",
    "customer",
    "newsletter",
    "partner",
    "webinar",
    "vip",
];
const SOURCES: &[&str] = &["website form", "landing page", "referral", "api"];
const PLACES: &[(&str, &str, &str)] = &[
    ("Portland", "OR", "US"),
    ("Austin", "TX", "US"),
    ("Bristol", "ENG", "GB"),
    ("Leeds", "ENG", "GB"),
    ("Toronto", "ON", "CA"),
    ("Perth", "WA", "AU"),
];

/// Contacts that were there before the sandbox started: one a second, no webhooks.
pub fn initial(world: &mut World, count: u64, now: Timestamp) {
    let mut ids = next_batch(world, world.seed);
    for place in 0..count {
        let age = i64::try_from(count - place).unwrap_or(i64::MAX);
        let at = now
            .saturating_sub(SignedDuration::from_secs(age))
            .unwrap_or(now);
        let contact = make(world, &mut ids, at);
        world.add_contact(
            contact,
            Act {
                at,
                origin: Origin::Control,
            },
        );
    }
}

/// Contacts made in HighLevel just now. Answers their ids.
pub fn more(
    world: &mut World,
    count: u64,
    seed: u64,
    webhooks: bool,
    now: Timestamp,
) -> Vec<String> {
    let mut ids = next_batch(world, seed);
    let act = Act {
        at: now,
        origin: Origin::Control,
    };
    world.outbox.silence(!webhooks);
    let made = (0..count)
        .map(|_| {
            let contact = make(world, &mut ids, now);
            let id = contact.id.clone();
            world.add_contact(contact, act);
            id
        })
        .collect();
    world.outbox.silence(false);
    made
}

/// A stream of its own for each batch, so that the same seed twice makes other people.
fn next_batch(world: &mut World, seed: u64) -> Ids {
    world.seeded.0 += 1;
    Ids::new(seed, 100 + world.seeded.0)
}

fn make(world: &mut World, ids: &mut Ids, at: Timestamp) -> Contact {
    world.seeded.1 += 1;
    let number = world.seeded.1;
    let mut contact = Contact::new(ids.record(), at);
    let (first, last) = (ids.pick(FIRST), ids.pick(LAST));
    let place = PLACES[usize::try_from(number).unwrap_or_default() % PLACES.len()];
    for (member, value) in [
        ("firstName", json!(first)),
        ("lastName", json!(last)),
        (
            "email",
            json!(format!("{first}.{last}.{number}@example.com").to_lowercase()),
        ),
        ("phone", json!(phone(number))),
        ("city", json!(place.0)),
        ("state", json!(place.1)),
        ("country", json!(place.2)),
        ("source", json!(ids.pick(SOURCES))),
    ] {
        contact.set(member, &value);
    }
    for tag in TAGS {
        if ids.chance(0.25) {
            contact.tags.push((*tag).to_owned());
        }
    }
    contact
}

/// Numbers that belong to nobody: 555-01xx of every area code, then made longer.
fn phone(number: u64) -> String {
    let (area, line) = (201 + (number / 100) % 780, 100 + number % 100);
    let round = number / 78_000;
    if round == 0 {
        format!("+1{area}5550{line}")
    } else {
        format!("+1{area}5550{line}{round}")
    }
}
