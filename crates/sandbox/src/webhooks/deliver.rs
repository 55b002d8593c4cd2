//! The task that sends what is due, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;

use super::{Job, Outcome};
use crate::shared::Shared;

type Http = Client<HttpConnector, Full<Bytes>>;

/// Sends webhooks until the task is dropped.
pub async fn run(shared: Arc<Shared>) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let mut under_way: JoinSet<(Job, Outcome)> = JoinSet::new();
    loop {
        let pause = start_due(&shared, &http, &mut under_way);
        tokio::select! {
            Some(ended) = under_way.join_next() => {
                if let Ok((job, outcome)) = ended {
                    let mut world = shared.world();
                    let world = &mut *world;
                    world.outbox.finished(&job, &outcome, shared.clock.now(), &world.settings);
                }
            }
            () = shared.wake.notified() => {}
            () = pause_for(pause) => {}
        }
    }
}

async fn pause_for(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

/// Starts what is due and answers how long to wait for the next, when there is room for one.
fn start_due(
    shared: &Arc<Shared>,
    http: &Http,
    under_way: &mut JoinSet<(Job, Outcome)>,
) -> Option<Duration> {
    let mut world = shared.world();
    let now = shared.clock.now();
    let room = usize::try_from(world.settings.webhook_concurrency.max(1)).unwrap_or(1);
    let limit = Duration::from_millis(u64::from(world.settings.webhook_timeout_ms));
    {
        let world = &mut *world;
        world.outbox.look(now, &world.settings);
    }
    while under_way.len() < room {
        let Some(job) = world.outbox.take_due(now) else {
            let pause = world.outbox.next_in(now, shared.clock.is_frozen())?;
            return Some(pause.max(Duration::from_millis(1)));
        };
        let signature = shared.signature.sign(&job.body);
        let http = http.clone();
        under_way.spawn(async move {
            let outcome = match tokio::time::timeout(limit, send(&http, &job, signature)).await {
                Ok(outcome) => outcome,
                Err(_) => Err("no answer in time".to_owned()),
            };
            (job, outcome)
        });
    }
    None
}

async fn send(http: &Http, job: &Job, signature: String) -> Outcome {
    let request = Request::builder()
        .method(Method::POST)
        .uri(&job.url)
        .header("content-type", "application/json")
        .header("x-ghl-signature", signature)
        .body(Full::new(job.body.clone()))
        .map_err(|error| error.to_string())?;
    match http.request(request).await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => Err(error.to_string()),
    }
}
