//! A contact's life: added, changed, tagged, noted, removed.
//!
//! `HIGHLEVEL_TOKEN=pit-... cargo run -p canopy-highlevel --example contacts`

mod support;

use std::error::Error;

use canopy_highlevel::api::contacts::types::{UpdateContact, UpsertContact};
use canopy_highlevel::api::notes::types::CreateNote;
use canopy_highlevel::{Client, Error as CallError, Patch, Refusal};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, location) = support::connect(|name| std::env::var(name).ok()).await?;
    run(&client, &location).await
}

pub async fn run(client: &Client, location: &str) -> Result<(), Box<dyn Error>> {
    let api = client.raw();
    let contact = UpsertContact::builder()
        .location_id(location)
        .first_name("Ada".to_owned())
        .email("ada@example.com".to_owned())
        .website("https://ada.example".to_owned());
    let upserted = api
        .upsert_contact()
        .body(contact)
        .send()
        .await?
        .into_inner();
    let id = upserted
        .contact
        .and_then(|contact| contact.id)
        .ok_or("an upsert answers the contact")?;
    println!(
        "{} {id}",
        if upserted.new == Some(true) {
            "added"
        } else {
            "found"
        }
    );

    // What is not named stays; `Patch::Clear` empties.
    let change = UpdateContact::builder()
        .city(Patch::set("London"))
        .website(Patch::Clear);
    api.update_contact()
        .contact_id(&id)
        .body(change)
        .send()
        .await?;

    // The same client takes operations by name.
    client
        .invoke("add-tags", &json!({"contactId": id, "tags": ["forest"]}))
        .await?;

    let note = CreateNote::builder().body("Planted a tree.".to_owned());
    api.create_note().contact_id(&id).body(note).send().await?;

    let contact = api
        .get_contact()
        .contact_id(&id)
        .send()
        .await?
        .into_inner()
        .contact;
    let contact = contact.ok_or("the contact was there just now")?;
    println!(
        "{:?} in {:?}, tagged {:?}",
        contact.first_name, contact.city, contact.tags
    );

    api.delete_contact().contact_id(&id).send().await?;
    match api
        .get_contact()
        .contact_id(&id)
        .send()
        .await
        .map_err(CallError::from)
    {
        Err(gone) if matches!(gone.refusal(), Some(Refusal::NotFound)) => println!("{gone}"),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("it was removed".into()),
    }
    Ok(())
}
