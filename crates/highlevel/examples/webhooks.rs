//! Takes webhooks: checks who sent them, reads them, answers.
//!
//! `HIGHLEVEL_WEBHOOK_KEY=MCow... cargo run -p canopy-highlevel --example webhooks -- 127.0.0.1:8080`; without a key it is
//! HighLevel's own. Point the sandbox at it with
//! `curl -d '{"url":"http://127.0.0.1:8080/"}' http://127.0.0.1:4010/control/webhook-target`.

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use canopy_highlevel::api::webhooks::Payload;
use canopy_highlevel::webhook::{ParseError, Signatures, Verifier, parse};
use canopy_highlevel::{Clock as _, SystemClock};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let verifier = match std::env::var("HIGHLEVEL_WEBHOOK_KEY") {
        Ok(key) => Verifier::with_keys([key.as_str()])?,
        Err(_) => Verifier::highlevel(),
    };
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{address}/");
    run(listener, verifier, |payload| match payload {
        Payload::ContactCreate(contact) => println!("new contact {:?}", contact.id),
        Payload::ContactTagUpdate(contact) => {
            println!("{:?} is now tagged {:?}", contact.id, contact.tags);
        }
        other => println!("{other:?}"),
    })
    .await
}

pub async fn run(
    listener: TcpListener,
    verifier: Verifier,
    take: impl Fn(Payload) + Send + Sync + 'static,
) -> Result<(), Box<dyn Error>> {
    let shared = Arc::new((verifier, take));
    let handler = move |headers: HeaderMap, body: Bytes| {
        let shared = Arc::clone(&shared);
        async move {
            let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
            let signatures = Signatures {
                ed25519: header("x-ghl-signature"),
                rsa: header("x-wh-signature"),
            };
            if let Err(error) = shared.0.verify(signatures, &body, SystemClock.now()) {
                return (StatusCode::UNAUTHORIZED, error.to_string());
            }
            match parse(&body) {
                Ok(payload) => (shared.1)(payload),
                // Taken all the same: anything but 2xx is sent again twelve times, and counts against the address.
                Err(ParseError::UnknownEvent { event }) => println!("{event}: not known here"),
                Err(error) => println!("not to be read: {error}"),
            }
            (StatusCode::OK, String::new())
        }
    };
    axum::serve(listener, Router::new().route("/", post(handler))).await?;
    Ok(())
}
