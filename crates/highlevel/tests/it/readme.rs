//! The example of the project's README is the code of this file, and its `?` says what to do.

use serde_json::json;
use wiremock::ResponseTemplate;

use crate::answering;

const README: &str = include_str!("../../../../README.md");
const THIS: &str = include_str!("readme.rs");

// README
use canopy_highlevel::api::contacts::types::ContactAnswer;
use canopy_highlevel::{Client, Error};

async fn contact(client: &Client, id: &str) -> Result<ContactAnswer, Error> {
    // An error says what to do: `get-contact: the service answered 401: ... What to do: give the token ...`
    Ok(client
        .raw()
        .get_contact()
        .contact_id(id)
        .send()
        .await?
        .into_inner())
}
// README

#[allow(dead_code, reason = "it would ask the real service")]
async fn program() -> Result<(), Box<dyn std::error::Error>> {
    // README
    let client = Client::builder()
        .token(std::env::var("HIGHLEVEL_TOKEN")?.into())
        .build()?;
    println!(
        "{:?}",
        contact(&client, "ocQHyuzHvysMo5N5VsXc").await?.contact
    );
    // README
    Ok(())
}

/// Without spaces and line ends, which formatting moves.
fn squeezed(code: &str) -> String {
    code.split_whitespace().collect()
}

#[test]
fn the_readmes_example_is_what_is_tried_here() {
    let shown = README.split("```rust\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    // What stands between the marks.
    let mut parts = THIS.split("// README\n").skip(1).step_by(2);
    let here: String = parts.by_ref().take(2).collect();
    assert_eq!(squeezed(shown), squeezed(&here));
}

#[tokio::test]
async fn the_readmes_question_mark_says_what_to_do() {
    let body = json!({ "statusCode": 401, "message": "Invalid JWT" });
    let answer = ResponseTemplate::new(401).set_body_json(body);
    let (client, _server) = answering(answer).await;
    let told = contact(&client, "c").await.unwrap_err().to_string();
    assert!(
        told.starts_with("get-contact: the service answered 401"),
        "{told}"
    );
    assert!(told.contains("What to do: "), "{told}");
}
