//! The port that strangers reach: what they send, hold back or leave half done shuts nobody out and costs little.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{Process, served};
use crate::support::{World, eventually};

/// KiB that all that strangers do may cost.
const MOST: u64 = 50 * 1024;
/// Looks like a signature, and is none.
pub const FORGED: &str =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

pub fn address(webhooks: &str) -> String {
    let rest = webhooks.strip_prefix("http://").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

pub fn head(signature: Option<&str>, length: usize) -> String {
    let signature = signature.map(|one| format!("X-GHL-Signature: {one}\r\n"));
    format!(
        "POST /webhooks/highlevel HTTP/1.1\r\nHost: canopy\r\n{}Content-Length: {length}\r\n\r\n",
        signature.unwrap_or_default()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_shut_nobody_out_and_cost_little() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    let first = world.seed(5).await;
    served(&world, &process, 5).await;
    let before = process.memory();
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(TcpStream::connect(address(&webhooks)).await.unwrap());
    }
    let mut contacts = world.seed(5).await;
    served(&world, &process, 10).await;
    let cost = process.memory().saturating_sub(before);
    println!("1000 idle connections: {cost} KiB");
    assert!(cost < MOST, "{cost} KiB");
    drop(idle);
    process.stop().await;
    contacts.extend(first);
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_half_sent_bodies_shut_nobody_out_and_cost_little() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    let first = world.seed(5).await;
    served(&world, &process, 5).await;
    let before = process.memory();
    let mut stuck = Vec::new();
    let half = vec![b' '; 512 * 1024];
    for _ in 0..400 {
        let mut stream = TcpStream::connect(address(&webhooks)).await.unwrap();
        let begin = head(Some(FORGED), 1024 * 1024);
        // Who has to make room is cut off meanwhile.
        if stream.write_all(begin.as_bytes()).await.is_ok() {
            let _ = stream.write_all(&half).await;
        }
        stuck.push(stream);
    }
    let mut contacts = world.seed(5).await;
    served(&world, &process, 10).await;
    let cost = process.memory().saturating_sub(before);
    println!("400 half-sent bodies: {cost} KiB");
    assert!(cost < MOST, "{cost} KiB");
    drop(stuck);
    process.stop().await;
    contacts.extend(first);
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_signature_it_answers_before_the_body() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    for path in [
        "/webhooks/highlevel",
        "/webhooks/highlevel/InvoicePaid",
        "/webhooks/workflow/x",
    ] {
        let mut stream = TcpStream::connect(address(&webhooks)).await.unwrap();
        let begin = head(None, 1_000_000).replace("/webhooks/highlevel", path);
        stream.write_all(begin.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401", "{path}");
    }
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_at_the_page_and_one_at_the_webhooks_do_not_starve_each_other() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    let page = process.told("status page: ").await;
    let crowd = |url: String, is_post: bool| {
        let http = world.http.clone();
        tokio::spawn(async move {
            loop {
                let request = if is_post {
                    http.post(&url).header("X-GHL-Signature", FORGED).body("{}")
                } else {
                    http.get(&url)
                };
                // Some are turned away: it is a crowd.
                let _ = request.send().await;
            }
        })
    };
    let mut crowds = Vec::new();
    for _ in 0..16 {
        crowds.push(crowd(page.clone(), false));
        crowds.push(crowd(webhooks.clone(), true));
    }
    let contacts = world.seed(5).await;
    served(&world, &process, 5).await;
    for one in crowds {
        one.abort();
    }
    process.stop().await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_its_answer_keeps_nobody_from_ending() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    let mut half = TcpStream::connect(address(&webhooks)).await.unwrap();
    half.write_all(head(Some(FORGED), 1000).as_bytes())
        .await
        .unwrap();
    let page = process.told("status page: ").await;
    let mut unread = TcpStream::connect(address(&page)).await.unwrap();
    for _ in 0..200 {
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        if unread.write_all(request.as_bytes()).await.is_err() {
            break;
        }
    }
    eventually("the requests to be there", async || {
        process.status(&world).await["summary"]["events"] == 0
    })
    .await;
    tokio::time::timeout(Duration::from_secs(20), process.stop())
        .await
        .expect("it ends within 10 s");
}

/// Who begins a request and does not go on is cut off by time, at both ports.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_or_a_body_that_does_not_come_to_its_end_is_cut_off() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    let page = process.told("status page: ").await;
    let body = head(Some(FORGED), 1000);
    let half = "POST /webhooks/highlevel HTTP/1.1\r\nHost: canopy\r\n";
    let mut open = Vec::new();
    for (port, begin) in [
        (address(&webhooks), half),
        (address(&webhooks), body.as_str()),
        (address(&webhooks), ""),
        (address(&page), "GET / HTTP/1.1\r\nHost: localhost\r\n"),
    ] {
        let mut stream = TcpStream::connect(port).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        open.push(stream);
    }
    for (number, mut stream) in open.into_iter().enumerate() {
        let mut answer = Vec::new();
        // An end that is no clean one is an end as well.
        let end = tokio::time::timeout(Duration::from_mins(2), stream.read_to_end(&mut answer));
        let _ = end
            .await
            .unwrap_or_else(|_| panic!("{number} is still open"));
        assert!(
            !answer.starts_with(b"HTTP/1.1 200"),
            "{number}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    process.stop().await;
}
