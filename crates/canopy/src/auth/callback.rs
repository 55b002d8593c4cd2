//! The code comes to the running program by itself, where the redirect address leads to it.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use canopy_highlevel::oauth::OAuthApp;
use canopy_store::Store;
use canopy_web::{CALLBACK_PATH, NotTaken, Returned, Routes};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::install::{self, Answer};
use super::{Time, kept};
use crate::call_log::CallSink;
use crate::config::{self, Config, ConnectionConfig, Loaded, OAuthConfig};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::log::note;
use crate::program::open_store;

/// Whether the redirect address may lead to this program: what stands before it cannot be known.
pub(crate) fn comes_here(config: &Config, oauth: &OAuthConfig) -> bool {
    let leads = |url: Url| url.path().ends_with(CALLBACK_PATH);
    config.webhooks.enabled && Url::parse(&oauth.redirect_uri).is_ok_and(leads)
}

/// Takes codes for the connections whose redirect address leads here.
#[derive(Debug, Clone)]
pub(crate) struct Callback(Arc<Inner>);

struct Inner {
    apps: Vec<Expected>,
    store: Arc<dyn Store>,
    time: Time,
    /// One at a time: a state that two read at once would be good twice.
    one: Mutex<()>,
    connected: Notify,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

/// An app whose code may come here.
struct Expected {
    config: ConnectionConfig,
    oauth: OAuthConfig,
    app: OAuthApp,
}

impl Callback {
    /// `None` where no redirect address leads here.
    pub async fn new(
        connector: Connector<'_>,
        store: Arc<dyn Store>,
        time: Time,
    ) -> Result<Option<Self>, Failure> {
        let mut apps = Vec::new();
        for config in &connector.loaded.config.connection {
            let Some(oauth) = &config.highlevel.oauth else {
                continue;
            };
            if comes_here(&connector.loaded.config, oauth) {
                apps.push(Expected {
                    config: config.clone(),
                    oauth: oauth.clone(),
                    app: connector.app(config, oauth).await?,
                });
            }
        }
        let inner = |apps| Inner {
            apps,
            store,
            time,
            one: Mutex::new(()),
            connected: Notify::new(),
        };
        Ok((!apps.is_empty()).then(|| Self(Arc::new(inner(apps)))))
    }
}

#[async_trait]
impl canopy_web::Callback for Callback {
    async fn take(&self, returned: Returned) -> Result<String, NotTaken> {
        let inner = self.0.clone();
        // In a task of its own: a code that was exchanged must be kept, whoever closes the browser.
        let task = tokio::spawn(async move { inner.take(returned).await });
        task.await.unwrap_or(Err(NotTaken::Failed))
    }
}

impl Inner {
    async fn take(&self, returned: Returned) -> Result<String, NotTaken> {
        let _one = self.one.lock().await;
        let state = returned.state.unwrap_or_default();
        for one in &self.apps {
            let now = self.time.0.now();
            let known = install::take_state(&*self.store, &one.config.id, &state, now).await;
            if known.map_err(|error| failed(&Failure::failed(&error)))? {
                let answer = Answer {
                    code: returned.code,
                    error: returned.error,
                };
                return self.finish(one, answer).await;
            }
        }
        Err(NotTaken::State)
    }

    async fn finish(&self, one: &Expected, answer: Answer) -> Result<String, NotTaken> {
        let Expected { config, oauth, app } = one;
        let told = |failure: Failure| match failure {
            Failure::BadInput(text) => NotTaken::Refused(text),
            failure => failed(&failure),
        };
        let code = answer.code(&config.id).map_err(told)?;
        let (store, time) = (self.store.clone(), self.time.clone());
        let finished = install::finish(config, oauth, app, store, time, &code).await;
        let place = finished.map_err(told)?.to_string();
        tracing::info!(connection = %config.id, "connected{place}");
        self.connected.notify_one();
        Ok(format!(
            "Connection {} is connected{place}. You can close this page.",
            config.id
        ))
    }
}

/// The cause is for the log: it may name paths of this machine.
fn failed(failure: &Failure) -> NotTaken {
    tracing::error!(%failure, "the connection could not be made");
    NotTaken::Failed
}

/// Where apps are not connected yet whose redirect address leads here: takes their codes at the webhooks' port before the
/// program begins.
pub(crate) async fn wait(
    loaded: &Loaded,
    environment: &Environment,
    stop: &CancellationToken,
    (routes, at): (&Routes, SocketAddr),
) -> Result<(), Failure> {
    let here = |one: &ConnectionConfig| {
        let oauth = one.highlevel.oauth.as_ref();
        oauth.is_some_and(|oauth| comes_here(&loaded.config, oauth))
    };
    if !loaded.config.connection.iter().any(here) {
        return Ok(());
    }
    // What a person has to correct is told before, and not after the connection.
    config::workflows(loaded)?;
    let store = open_store(loaded, environment).await?;
    let (calls, _) = CallSink::new();
    let connector = Connector {
        loaded,
        environment,
        store: Some(&store),
        calls: &calls,
        limiters: None,
    };
    let waited = wait_for(connector, Arc::new(store.clone()), stop, (routes, at)).await;
    store.close().await;
    waited
}

async fn wait_for(
    connector: Connector<'_>,
    store: Arc<dyn Store>,
    stop: &CancellationToken,
    (routes, at): (&Routes, SocketAddr),
) -> Result<(), Failure> {
    let callback = Callback::new(connector, store.clone(), Time::system()).await?;
    let Some(callback) = callback else {
        return Ok(());
    };
    if !is_missing(&callback.0.apps, &*store).await? {
        return Ok(());
    }
    routes.replace(canopy_web::callback_router(Arc::new(callback.clone())));
    announce(&callback.0.apps, &*store, at).await?;
    while !stop.is_cancelled() && is_missing(&callback.0.apps, &*store).await? {
        tokio::select! {
            () = callback.0.connected.notified() => {}
            // `canopy auth finish` in another process.
            () = tokio::time::sleep(std::time::Duration::from_secs(2)) => {}
            () = stop.cancelled() => {}
        }
    }
    routes.replace(canopy_web::starting_router());
    Ok(())
}

async fn missing<'a>(apps: &'a [Expected], store: &dyn Store) -> Result<Vec<&'a str>, Failure> {
    let mut missing = Vec::new();
    for one in apps {
        let kept = kept::read(store, &one.config.id).await;
        if kept.map_err(|error| Failure::failed(&error))?.is_none() {
            missing.push(one.config.id.as_str());
        }
    }
    Ok(missing)
}

async fn is_missing(apps: &[Expected], store: &dyn Store) -> Result<bool, Failure> {
    Ok(!missing(apps, store).await?.is_empty())
}

async fn announce(apps: &[Expected], store: &dyn Store, at: SocketAddr) -> Result<(), Failure> {
    for id in missing(apps, store).await? {
        note(&format!(
            "connection {id} is not connected yet: run `canopy auth url --connection {id}` and open the link"
        ));
    }
    note(&format!("waiting for:  http://{at}{CALLBACK_PATH}"));
    Ok(())
}
