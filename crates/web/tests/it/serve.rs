//! Listening on a real socket, within bounds.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use canopy_web::{Bounds, Routes, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

struct Server {
    address: std::net::SocketAddr,
    routes: Routes,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn answering(text: &'static str) -> Router {
    let never = || std::future::pending::<()>();
    Router::new()
        .route("/", get(move || async move { text }))
        .route("/never", get(never))
}

async fn server(bounds: Bounds) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Routes::new(answering("one"));
    let stop = CancellationToken::new();
    let ended = stop.clone().cancelled_owned();
    let task = tokio::spawn(serve(listener, routes.clone(), bounds, ended));
    Server {
        address,
        routes,
        stop,
        task,
    }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn ask(&self, stream: &mut TcpStream) -> String {
        stream.write_all(REQUEST).await.unwrap();
        let mut answer = vec![0; 1024];
        let read = stream.read(&mut answer).await.unwrap();
        String::from_utf8(answer[..read].to_vec()).unwrap()
    }
}

/// Whether the server has closed the connection; it waits until it has.
async fn is_closed(stream: &mut TcpStream) -> bool {
    !matches!(stream.read(&mut [0; 64]).await, Ok(read) if read > 0)
}

#[tokio::test]
async fn who_sends_no_head_in_time_is_closed_and_who_did_may_come_again() {
    let bounds = Bounds {
        first_head: Duration::from_millis(200),
        ..Bounds::default()
    };
    let server = server(bounds).await;
    let mut used = server.connect().await;
    assert!(server.ask(&mut used).await.starts_with("HTTP/1.1 200"));
    for begin in [&b""[..], b"GET / HTTP/1.1\r\nHo"] {
        let mut slow = server.connect().await;
        slow.write_all(begin).await.unwrap();
        assert!(is_closed(&mut slow).await);
    }
    assert!(server.ask(&mut used).await.ends_with("one"), "kept alive");
}

#[tokio::test]
async fn a_later_head_has_a_bound_too() {
    let bounds = Bounds {
        next_head: Duration::from_millis(200),
        ..Bounds::default()
    };
    let server = server(bounds).await;
    let mut stream = server.connect().await;
    assert!(server.ask(&mut stream).await.ends_with("one"));
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn where_there_is_no_room_the_quietest_goes() {
    let bounds = Bounds {
        connections: 2,
        ..Bounds::default()
    };
    let server = server(bounds).await;
    let mut idle = server.connect().await;
    let mut other = server.connect().await;
    assert!(server.ask(&mut other).await.ends_with("one"));
    let mut newest = server.connect().await;
    assert!(server.ask(&mut newest).await.ends_with("one"));
    assert!(is_closed(&mut idle).await);
    assert!(
        server.ask(&mut other).await.ends_with("one"),
        "it was heard of since"
    );
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = server(Bounds::default()).await;
    let mut stream = server.connect().await;
    let line = format!("X-Long: {}\r\n", "x".repeat(64 * 1024));
    let _ = stream.write_all(b"GET / HTTP/1.1\r\n").await;
    let _ = stream.write_all(line.as_bytes()).await;
    let mut answer = vec![0; 64];
    // It may be cut off before the answer is read: more was sent than anybody took.
    if let Ok(read) = stream.read(&mut answer).await {
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn routes_change_for_the_next_request_of_the_same_connection() {
    let server = server(Bounds::default()).await;
    let mut stream = server.connect().await;
    assert!(server.ask(&mut stream).await.ends_with("one"));
    server.routes.replace(answering("two"));
    assert!(server.ask(&mut stream).await.ends_with("two"));
}

#[tokio::test]
async fn it_ends_although_clients_and_answers_hang() {
    let bounds = Bounds {
        farewell: Duration::from_millis(100),
        ..Bounds::default()
    };
    let server = server(bounds).await;
    let _idle = server.connect().await;
    let mut half = server.connect().await;
    half.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        .await
        .unwrap();
    let mut unanswered = server.connect().await;
    unanswered
        .write_all(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    // By then all of them are known to it.
    let mut last = server.connect().await;
    assert!(server.ask(&mut last).await.ends_with("one"));
    server.stop.cancel();
    server.task.await.unwrap();
    assert!(is_closed(&mut unanswered).await);
}
