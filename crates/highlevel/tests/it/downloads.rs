//! Files, as they arrive.

use std::time::Duration;

use canopy_highlevel::{Cause, Client, Timeouts, TryStreamExt as _};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use wiremock::ResponseTemplate;

use crate::{answering, builder, requests};

const OPERATION: &str = "get-message-recording";

async fn whole(client: &Client) -> Vec<u8> {
    let download = client
        .download(OPERATION, &json!({"messageId": "m", "locationId": "l"}))
        .await
        .unwrap();
    download
        .try_fold(Vec::new(), async |mut all, piece| {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn bytes_come_as_they_are() {
    let file: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    for kind in ["audio/x-wav", "text/plain", "application/json"] {
        let (client, server) =
            answering(ResponseTemplate::new(200).set_body_raw(file.clone(), kind)).await;
        assert_eq!(whole(&client).await, file, "{kind}");
        let download = client
            .download(OPERATION, &json!({"messageId": "m", "locationId": "l"}))
            .await
            .unwrap();
        assert_eq!(
            (download.content_type(), download.length()),
            (Some(kind), Some(400_000))
        );
        let sent = &requests(&server).await[0];
        assert_eq!(sent.headers["accept"], "*/*");
    }
}

#[tokio::test]
async fn refusals_are_errors_as_everywhere() {
    let (client, server) = answering(
        ResponseTemplate::new(404).set_body_json(json!({"message": "no", "traceId": "t"})),
    )
    .await;
    let error = client
        .download(OPERATION, &json!({"messageId": "m", "locationId": "l"}))
        .await
        .unwrap_err();
    assert_eq!((error.status(), error.trace_id()), (Some(404), Some("t")));
    let error = client
        .download(OPERATION, &json!({"locationId": "l"}))
        .await
        .unwrap_err();
    assert_eq!(error.field(), Some("messageId"));
    assert_eq!(requests(&server).await.len(), 1);
}

/// A server that sends the head of a file of 10 bytes and half of it, then waits for a word and sends the rest, or
/// hangs up.
async fn half(rest: bool) -> (String, oneshot::Sender<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (go, wait) = oneshot::channel();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await.unwrap();
        socket
            .write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: audio/x-wav\r\ncontent-length: 10\r\n\r\nhello",
            )
            .await
            .unwrap();
        let _ = wait.await;
        if rest {
            socket.write_all(b"world").await.unwrap();
        }
    });
    (url, go)
}

#[tokio::test]
async fn the_first_piece_is_there_before_the_last_is_sent() {
    let (url, go) = half(true).await;
    let client = builder(&url).build().unwrap();
    let mut download = client
        .download(OPERATION, &json!({"messageId": "m", "locationId": "l"}))
        .await
        .unwrap();
    assert_eq!(download.try_next().await.unwrap().unwrap(), "hello");
    go.send(()).unwrap();
    assert_eq!(download.try_next().await.unwrap().unwrap(), "world");
    assert!(download.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_broken_or_stalled_file_is_an_error_and_not_a_short_file() {
    let (url, go) = half(false).await;
    let client = builder(&url).build().unwrap();
    let mut download = client
        .download(OPERATION, &json!({"messageId": "m", "locationId": "l"}))
        .await
        .unwrap();
    assert!(download.try_next().await.unwrap().is_some());
    drop(go);
    let broken = download.try_next().await.unwrap_err();

    let (url, _go) = half(true).await;
    let quick = Timeouts {
        total: Duration::from_millis(100),
        ..Timeouts::default()
    };
    let client = builder(&url).timeouts(quick).build().unwrap();
    let mut download = client
        .download(OPERATION, &json!({"messageId": "m", "locationId": "l"}))
        .await
        .unwrap();
    assert!(download.try_next().await.unwrap().is_some());
    let stalled = download.try_next().await.unwrap_err();
    for error in [broken, stalled] {
        assert!(matches!(error.cause(), Cause::Lost { .. }), "{error:?}");
        assert!(
            error.is_retryable() && !format!("{error:?}").contains("127.0.0.1"),
            "{error:?}"
        );
    }
}
