//! A sale: into the first pipeline, to its last stage, won.
//!
//! `HIGHLEVEL_TOKEN=pit-... cargo run -p canopy-highlevel --example opportunities`

mod support;

use std::error::Error;

use canopy_highlevel::api::contacts::types::UpsertContact;
use canopy_highlevel::api::opportunities::types::{
    CreateOpportunity, OpportunityStatus, UpdateOpportunity, UpdateOpportunityStatus,
};
use canopy_highlevel::api::pipelines::types::Pipeline;
use canopy_highlevel::{Client, TryStreamExt as _};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, location) = support::connect(|name| std::env::var(name).ok()).await?;
    run(&client, &location).await
}

pub async fn run(client: &Client, location: &str) -> Result<(), Box<dyn Error>> {
    let api = client.raw();
    let mut pipelines =
        client.items_as::<Pipeline>("get-pipelines", &json!({"locationId": location}));
    let pipeline = pipelines
        .try_next()
        .await?
        .ok_or("the location has no pipeline")?;
    let pipeline_id = pipeline.id.ok_or("a pipeline has an id")?;
    let last_stage = pipeline
        .stages
        .and_then(|mut stages| stages.pop()?.id)
        .ok_or("a pipeline has stages")?;

    let contact = UpsertContact::builder()
        .location_id(location)
        .email("grace@example.com".to_owned());
    let contact = api
        .upsert_contact()
        .body(contact)
        .send()
        .await?
        .into_inner()
        .contact;
    let contact_id = contact
        .and_then(|contact| contact.id)
        .ok_or("an upsert answers the contact")?;

    let sale = CreateOpportunity::builder()
        .location_id(location)
        .pipeline_id(&pipeline_id)
        .contact_id(&contact_id)
        .name("A hundred trees")
        .status(OpportunityStatus::Open)
        .monetary_value(120.0);
    let sale = api
        .create_opportunity()
        .body(sale)
        .send()
        .await?
        .into_inner()
        .opportunity;
    let id = sale
        .and_then(|sale| sale.id)
        .ok_or("a create answers the opportunity")?;

    let stage = UpdateOpportunity::builder().pipeline_stage_id(last_stage);
    api.update_opportunity().id(&id).body(stage).send().await?;
    let won = UpdateOpportunityStatus::builder().status(OpportunityStatus::Won);
    api.update_opportunity_status()
        .id(&id)
        .body(won)
        .send()
        .await?;

    let sale = api
        .get_opportunity()
        .id(&id)
        .send()
        .await?
        .into_inner()
        .opportunity;
    let sale = sale.ok_or("the opportunity was there just now")?;
    println!("{:?}: {:?}", sale.name, sale.status);
    Ok(())
}
