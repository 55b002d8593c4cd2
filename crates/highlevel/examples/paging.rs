//! All contacts, page by page, record by record, and typed.
//!
//! `HIGHLEVEL_TOKEN=pit-... cargo run -p canopy-highlevel --example paging`

mod support;

use std::error::Error;

use canopy_highlevel::api::common::types::Contact;
use canopy_highlevel::{Client, TryStreamExt as _};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, location) = support::connect(|name| std::env::var(name).ok()).await?;
    run(&client, &location).await
}

pub async fn run(client: &Client, location: &str) -> Result<(), Box<dyn Error>> {
    let args = json!({
        "locationId": location,
        "pageLimit": 2,
        "sort": [{"field": "dateAdded", "direction": "asc"}],
    });

    let mut pages = client.pages("search-contacts-advanced", &args);
    while let Some(page) = pages.try_next().await? {
        println!(
            "{} of {:?}; then {:?}",
            page.items().len(),
            page.total(),
            page.next_args()
        );
    }

    let mut contacts = client.items_as::<Contact>("search-contacts-advanced", &args);
    loop {
        match contacts.try_next().await {
            Ok(Some(contact)) => println!("{:?}", contact.email),
            Ok(None) => return Ok(()),
            // One record is odd. It is here as it came, and the others still follow.
            Err(error) => match error.odd_record() {
                Some(record) => eprintln!("{}: {}", record.path(), record.problem()),
                None => return Err(error.into()),
            },
        }
    }
}
