//! What all examples begin with.

use std::error::Error;

use canopy_highlevel::{Client, DEFAULT_BASE_URL, StreamExt as _};
use serde_json::json;

/// Connects with `HIGHLEVEL_TOKEN` at `HIGHLEVEL_URL` (the live service when not set), and finds the token's location.
pub async fn connect(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(Client, String), Box<dyn Error>> {
    let token =
        variable("HIGHLEVEL_TOKEN").ok_or("set HIGHLEVEL_TOKEN to a private integration token")?;
    let url = variable("HIGHLEVEL_URL").unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
    let client = Client::builder()
        .base_url(url)
        .token(token.into())
        .build()?;
    let mut locations = client.items("search-locations", &json!({}));
    let location = locations
        .next()
        .await
        .ok_or("the token sees no location")??;
    let id = location.id().ok_or("the location has no id")?;
    Ok((client, id.to_owned()))
}
