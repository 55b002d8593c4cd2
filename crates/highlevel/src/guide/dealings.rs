//! Sales and conversations.
//!
//! # opportunities
//!
//! Sales, from open to won. Types and calls: [`api::opportunities`](crate::api::opportunities).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::opportunities::types::{CreateOpportunity, OpportunityStatus};
//!
//! let sale = CreateOpportunity::builder()
//!     .location_id("LOCATION")
//!     .pipeline_id("PIPELINE")
//!     .contact_id("CONTACT")
//!     .name("A hundred trees")
//!     .status(OpportunityStatus::Open);
//! client.raw().create_opportunity().body(sale).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # pipelines
//!
//! The stages that opportunities go through. Types and calls: [`api::pipelines`](crate::api::pipelines).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let pipelines = client.raw().get_pipelines().location_id("LOCATION").send().await?.into_inner().pipelines;
//! println!("{}", pipelines.unwrap_or_default().len());
//! # Ok(())
//! # }
//! ```
//!
//! # conversations
//!
//! Everything that was said with a contact. Types and calls: [`api::conversations`](crate::api::conversations).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::TryStreamExt as _;
//! use serde_json::json;
//!
//! let mut unread = client.items("search-conversation", &json!({"locationId": "LOCATION", "status": "unread"}));
//! while let Some(conversation) = unread.try_next().await? {
//!     println!("{:?}", conversation.id());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # messages
//!
//! Sent, read, and recorded. Types and calls: [`api::messages`](crate::api::messages).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::TryStreamExt as _;
//! use canopy_highlevel::api::messages::types::{MessageChannel, SendMessage};
//! use serde_json::json;
//!
//! let text = SendMessage::builder().contact_id("CONTACT").type_(MessageChannel::Sms).message("Your tree is planted.".to_owned());
//! client.raw().send_a_new_message().body(text).send().await?;
//!
//! let args = json!({"locationId": "LOCATION", "messageId": "MESSAGE"});
//! let mut recording = client.download("get-message-recording", &args).await?;
//! while let Some(piece) = recording.try_next().await? {
//!     println!("{} bytes", piece.len());
//! }
//! # Ok(())
//! # }
//! ```
