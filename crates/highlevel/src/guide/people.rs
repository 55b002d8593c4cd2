//! Contacts, what hangs on them, and whom they belong to.
//!
//! # contacts
//!
//! People: added, changed, emptied of a field, removed. Types and calls: [`api::contacts`](crate::api::contacts).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::Patch;
//! use canopy_highlevel::api::contacts::types::{CreateContact, UpdateContact};
//!
//! let ada = CreateContact::builder().location_id("LOCATION").first_name("Ada".to_owned());
//! let answer = client.raw().create_contact().body(ada).send().await?.into_inner();
//! let id = answer.contact.and_then(|contact| contact.id).unwrap_or_default();
//! let change = UpdateContact::builder().city(Patch::set("Leeds")).website(Patch::Clear);
//! client.raw().update_contact().contact_id(&id).body(change).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # contact_search
//!
//! By any field, beyond 10,000 records. Types and calls: [`api::contact_search`](crate::api::contact_search).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::TryStreamExt as _;
//! use canopy_highlevel::api::common::types::Contact;
//! use serde_json::json;
//!
//! let filters = json!([{"field": "tags", "operator": "eq", "value": ["forest"]}]);
//! let args = json!({"locationId": "LOCATION", "pageLimit": 500, "filters": filters});
//! let found: Vec<Contact> = client.items_as("search-contacts-advanced", &args).try_collect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # tags
//!
//! `add_tags` and `remove_tags` leave the other tags alone. Types and calls: [`api::tags`](crate::api::tags).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::tags::types::TagChange;
//!
//! let tags = TagChange::builder().tags(vec!["forest".to_owned()]);
//! client.raw().add_tags().contact_id("CONTACT").body(tags).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # notes
//!
//! On a contact. Types and calls: [`api::notes`](crate::api::notes).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::notes::types::CreateNote;
//!
//! let note = CreateNote::builder().body("Planted a tree.".to_owned());
//! client.raw().create_note().contact_id("CONTACT").body(note).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # tasks
//!
//! On a contact. Types and calls: [`api::tasks`](crate::api::tasks).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::tasks::types::CreateTask;
//!
//! let call = CreateTask::builder().title("Call back").due_date("2027-01-15T10:00:00Z").completed(false);
//! client.raw().create_task().contact_id("CONTACT").body(call).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # followers
//!
//! Users who follow a contact. Types and calls: [`api::followers`](crate::api::followers).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::followers::types::ContactFollowers;
//!
//! let users = ContactFollowers::builder().followers(vec!["USER".to_owned()]);
//! client.raw().add_followers_contact().contact_id("CONTACT").body(users).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # campaigns
//!
//! A contact's part in campaigns. Types and calls: [`api::campaigns`](crate::api::campaigns).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! for campaign in client.raw().get_campaigns().location_id("LOCATION").send().await?.into_inner().campaigns.unwrap_or_default() {
//!     println!("{:?}", campaign.name);
//! }
//! client.raw().add_contact_to_campaign().contact_id("CONTACT").campaign_id("CAMPAIGN").send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # workflows
//!
//! A contact's part in the service's own workflows. Types and calls: [`api::workflows`](crate::api::workflows).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! client.raw().add_contact_to_workflow().contact_id("CONTACT").workflow_id("WORKFLOW").send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # businesses
//!
//! Firms that contacts belong to. Types and calls: [`api::businesses`](crate::api::businesses).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::businesses::types::CreateBusiness;
//!
//! let firm = CreateBusiness::builder().location_id("LOCATION").name("Forest Ltd");
//! client.raw().create_business().body(firm).send().await?;
//! # Ok(())
//! # }
//! ```
