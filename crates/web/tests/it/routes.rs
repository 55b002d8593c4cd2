//! Which routes the internet reaches, and which the operator.

use axum::http::StatusCode;

use crate::support::World;

#[tokio::test]
async fn the_internet_sees_webhooks_and_health_only() {
    let world = World::new().await;
    for path in ["/", "/status.json", "/webhooks", "/metrics"] {
        let (status, _) = world.send("GET", path, &[], "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let (status, text) = world.send("GET", "/healthz", &[], "").await;
    assert_eq!((status, &*text), (StatusCode::OK, "ok\n"));
    world.store.close().await;
    let (status, text) = world.send("GET", "/healthz", &[], "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!text.contains(".db"), "no paths for strangers: {text}");
}

#[tokio::test]
async fn the_operator_sees_the_page_under_local_names_only() {
    let world = World::new().await;
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        let (status, _) = world.open("/", host).await;
        assert_eq!(status, StatusCode::OK, "{host}");
    }
    for host in ["canopy.example", "127.0.0.1.nip.example"] {
        let (status, _) = world.open("/", host).await;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let (status, _) = world.open("/webhooks/highlevel", "localhost").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
