//! Public figures.

use canopy_ecologi::{Client, Refusal};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::{answering, requests};

#[tokio::test]
async fn figures_are_read_without_a_key() {
    let body = json!({
        "trees": 12, "carbonOffset": 1.25,
        "pending": {"trees": 2, "carbonOffset": 0, "carbonRemoval": 0.003, "habitatRestoration": 4.5},
    });
    let (client, server) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let impact = client.impact("some/user").await.unwrap();
    let text = |figure: Option<rust_decimal::Decimal>| figure.map(|figure| figure.to_string());
    assert_eq!(text(impact.done.trees).as_deref(), Some("12"));
    assert_eq!(text(impact.done.carbon_offset).as_deref(), Some("1.25"));
    assert_eq!(impact.done.carbon_removal, None);
    assert_eq!(
        text(impact.pending.carbon_removal).as_deref(),
        Some("0.003")
    );
    assert_eq!(
        text(impact.pending.habitat_restoration).as_deref(),
        Some("4.5")
    );
    let sent = &requests(&server).await[0];
    assert_eq!(
        (sent.method.as_str(), sent.url.path()),
        ("GET", "/users/some%2Fuser/impact")
    );
    assert!(!sent.headers.contains_key("authorization"));
}

#[tokio::test]
async fn single_figures_have_their_own_paths() {
    let (_client, server) =
        answering(ResponseTemplate::new(200).set_body_json(json!({"total": 3}))).await;
    let client = Client::builder().base_url(server.uri()).build().unwrap();
    for total in [
        client.trees("u").await,
        client.carbon_offset("u").await,
        client.carbon_removal("u").await,
        client.habitat_restoration("u").await,
    ] {
        let total = total.unwrap();
        assert_eq!((total.total, total.pending), (Some(3.into()), None));
    }
    let paths: Vec<_> = requests(&server)
        .await
        .iter()
        .map(|sent| sent.url.path().to_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "/users/u/trees",
            "/users/u/carbon-offset",
            "/users/u/carbon-removal",
            "/users/u/habitat-restoration"
        ]
    );
}

#[tokio::test]
async fn an_unknown_user_is_told() {
    let unknown = ResponseTemplate::new(404).set_body_string("User not found");
    let (client, _server) = answering(unknown).await;
    let error = client.impact("nobody").await.unwrap_err();
    assert!(error.is_gone());
    assert_eq!(error.refusal(), Some(Refusal::NotFound));
    assert!(error.to_string().contains("user name"), "{error}");
}

#[tokio::test]
async fn a_page_in_place_of_the_service_is_no_unknown_user() {
    let page = ResponseTemplate::new(404).set_body_string("<html>404</html>");
    let (client, _server) = answering(page).await;
    let error = client.impact("nobody").await.unwrap_err();
    assert_eq!((error.refusal(), error.is_gone()), (None, false));
    assert!(
        error.is_retryable() && !error.to_string().contains("user name"),
        "{error}"
    );
}
