//! The location itself, its agency, and what belongs to them.
//!
//! # users
//!
//! Who works at a location. Types and calls: [`api::users`](crate::api::users).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let users = client.raw().get_user_by_location().location_id("LOCATION").send().await?.into_inner().users;
//! println!("{}", users.unwrap_or_default().len());
//! # Ok(())
//! # }
//! ```
//!
//! # locations
//!
//! Sub-accounts. Types and calls: [`api::locations`](crate::api::locations).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let location = client.raw().get_location().location_id("LOCATION").send().await?.into_inner().location;
//! println!("{:?}", location.and_then(|location| location.timezone));
//! # Ok(())
//! # }
//! ```
//!
//! # custom_fields
//!
//! Fields that a location defines for itself. Types and calls: [`api::custom_fields`](crate::api::custom_fields).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let fields = client.raw().get_custom_fields().location_id("LOCATION").send().await?.into_inner();
//! for field in fields.custom_fields.unwrap_or_default() {
//!     println!("{:?} is {:?}", field.field_key, field.id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # companies
//!
//! Agencies. Types and calls: [`api::companies`](crate::api::companies).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let agency = client.raw().get_company().company_id("COMPANY").send().await?.into_inner().company;
//! println!("{:?}", agency.and_then(|agency| agency.name));
//! # Ok(())
//! # }
//! ```
//!
//! # snapshots
//!
//! Settings that an agency copies to its locations. Types and calls: [`api::snapshots`](crate::api::snapshots).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let snapshots = client.raw().get_custom_snapshots().company_id("COMPANY").send().await?.into_inner().snapshots;
//! println!("{}", snapshots.unwrap_or_default().len());
//! # Ok(())
//! # }
//! ```
//!
//! # associations
//!
//! Kinds of links between records. Types and calls: [`api::associations`](crate::api::associations).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::TryStreamExt as _;
//! use serde_json::json;
//!
//! let kinds: Vec<_> = client.items("find-associations", &json!({"locationId": "LOCATION"})).try_collect().await?;
//! println!("{}", kinds.len());
//! # Ok(())
//! # }
//! ```
//!
//! # relations
//!
//! Links between two records. Types and calls: [`api::relations`](crate::api::relations).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::relations::types::CreateRelation;
//!
//! let link = CreateRelation::builder()
//!     .location_id("LOCATION")
//!     .association_id("ASSOCIATION")
//!     .first_record_id("CONTACT")
//!     .second_record_id("OTHER");
//! client.raw().create_relation().body(link).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # blogs
//!
//! Posts, their authors and categories. Types and calls: [`api::blogs`](crate::api::blogs).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let slug = client.raw().check_url_slug_exists().location_id("LOCATION").url_slug("our-forest").send().await?;
//! println!("{:?}", slug.into_inner().exists);
//! # Ok(())
//! # }
//! ```
//!
//! # oauth
//!
//! Tokens of an installed app; [`crate::oauth`] does the usual part. Types and calls: [`api::oauth`](crate::api::oauth).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::oauth::types::LocationTokenRequest;
//!
//! // With an agency's token: one for a location where the app is installed.
//! let request = LocationTokenRequest::builder().company_id("COMPANY").location_id("LOCATION");
//! let tokens = client.raw().get_location_access_token().body(request).send().await?.into_inner();
//! println!("{:?} until {:?} s from now", tokens.location_id, tokens.expires_in);
//! # Ok(())
//! # }
//! ```
