//! `canopy auth`: connecting an app, and looking after tokens.

use std::sync::Arc;

use canopy_store::{SqliteStore, Store};
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Only;
use crate::auth;
use crate::call_log::CallSink;
use crate::cli::ConfigArgs;
use crate::config::{self, ConnectionConfig, Loaded, OAuthConfig};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::ops::pick;
use crate::program::{existing_store, open_store};

/// A refresh token lives for a year.
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);

#[derive(Debug, Subcommand)]
pub(crate) enum Auth {
    /// Print the link at which a person installs the app
    Url(Which),
    /// Take the code, or the whole address, that the link leads back to
    Finish {
        #[command(flatten)]
        which: Which,
        /// The address that the browser was led to, or the code in it
        #[arg(value_name = "CODE_OR_REDIRECT_URL")]
        pasted: String,
    },
    /// Show the kind, age and end of each connection's tokens
    Status {
        #[command(flatten)]
        config: ConfigArgs,
        #[command(flatten)]
        only: Only,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the scopes that the workflows need, and what for
    Scopes {
        #[command(flatten)]
        which: Which,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which connection.
#[derive(Debug, Args)]
pub(crate) struct Which {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The connection, where the configuration has several
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
}

pub(super) async fn auth(options: Auth, environment: &Environment) -> Result<Ended, Failure> {
    match options {
        Auth::Url(which) => url(&which, environment).await,
        Auth::Finish { which, pasted } => finish(&which, &pasted, environment).await,
        Auth::Status { config, only, json } => status((&config, &only), json, environment).await,
        Auth::Scopes { which, json } => scopes(&which, json),
    }
}

async fn url(which: &Which, environment: &Environment) -> Result<Ended, Failure> {
    let loaded = config::load(&which.config.config)?;
    let (config, oauth) = of_app(&loaded, which)?;
    let store = open_store(&loaded, environment).await?;
    let link = async {
        let (calls, _) = CallSink::new();
        let connector = connector(&loaded, environment, Some(&store), &calls);
        let app = connector.app(config, oauth).await?;
        auth::link(&loaded, config, oauth, &app, &store, Timestamp::now()).await
    };
    let link = link.await;
    store.close().await;
    println!("{}", link?);
    let place = if oauth.agency {
        "agency"
    } else {
        "sub-account"
    };
    let back = if auth::comes_here(&loaded.config, oauth) {
        format!(
            "`canopy run` takes the code by itself where {} leads to it; where it does not, ",
            oauth.redirect_uri
        )
    } else {
        String::new()
    };
    eprintln!(
        "open it within 15 minutes and choose the {place}; {back}give `canopy auth finish` the address that you are led to"
    );
    Ok(Ended::Well)
}

async fn finish(which: &Which, pasted: &str, environment: &Environment) -> Result<Ended, Failure> {
    let loaded = config::load(&which.config.config)?;
    let (config, oauth) = of_app(&loaded, which)?;
    let store = open_store(&loaded, environment).await?;
    let finished = async {
        let (calls, _) = CallSink::new();
        let connector = connector(&loaded, environment, Some(&store), &calls);
        let app = connector.app(config, oauth).await?;
        let code = auth::pick_code(pasted, &config.id, &store, Timestamp::now()).await?;
        let (store, time) = (Arc::new(store.clone()), auth::Time::system());
        auth::finish(config, oauth, &app, store, time, &code).await
    };
    let finished = finished.await;
    store.close().await;
    let finished = finished?;
    println!(
        "connected{finished}; the access token ends at {} and renews itself",
        finished.expires_at.strftime("%Y-%m-%d %H:%M UTC"),
    );
    Ok(Ended::Well)
}

async fn status(
    (config, only): (&ConfigArgs, &Only),
    as_json: bool,
    environment: &Environment,
) -> Result<Ended, Failure> {
    let mut loaded = config::load(&config.config)?;
    only.keep(&mut loaded)?;
    let store = existing_store(&loaded, environment).await?;
    let rows = async {
        let (calls, _) = CallSink::new();
        let connector = connector(&loaded, environment, store.as_ref(), &calls);
        let mut rows = Vec::new();
        for connection in &loaded.config.connection {
            rows.push(row(connector, connection, Timestamp::now()).await?);
        }
        Ok::<_, Failure>(rows)
    };
    let rows = rows.await;
    if let Some(store) = store {
        store.close().await;
    }
    let rows = rows?;
    if as_json {
        println!("{}", json!(rows));
    } else {
        for row in &rows {
            print_row(row);
        }
    }
    let calls = |row: &Value| {
        row["reminders"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    };
    Ok(if rows.iter().any(calls) {
        Ended::NeedsPerson
    } else {
        Ended::Well
    })
}

/// What is known of one connection's tokens.
async fn row(
    connector: Connector<'_>,
    config: &ConnectionConfig,
    now: Timestamp,
) -> Result<Value, Failure> {
    let failed = |error: canopy_store::StoreError| Failure::failed(&error);
    let mut reminders = Vec::new();
    let mut row = json!({ "connection": config.id });
    if let Some(oauth) = &config.highlevel.oauth {
        row["kind"] = json!(if oauth.agency {
            "oauth_agency"
        } else {
            "oauth"
        });
        let kept = connector.kept(config).await?;
        row["connected"] = json!(kept.is_some());
        if let Some(kept) = kept {
            let days = now.duration_since(kept.connected_at).as_hours() / 24;
            row["location"] = json!(
                config
                    .highlevel
                    .location_id
                    .as_deref()
                    .or(kept.tokens.location_id())
            );
            row["company"] = json!(kept.tokens.company_id());
            row["connected_at"] = json!(kept.connected_at);
            row["age_days"] = json!(days);
            row["renewed_at"] = json!(kept.renewed_at);
            row["expires_at"] = json!(kept.tokens.expires_at());
            row["refresh_expires_at"] = json!(kept.renewed_at + REFRESH_LIFE);
        } else {
            reminders.push(format!(
                "not connected yet; run `canopy auth url --connection {}`",
                config.id
            ));
        }
        if let Some(store) = connector.store {
            let open = store.alerts(true, 1000).await.map_err(failed)?;
            let mine = open
                .into_iter()
                .filter(|alert| alert.kind == auth::RECONNECT && alert.subject == config.id);
            reminders.extend(mine.map(|alert| alert.message));
        }
    } else {
        row["kind"] = json!("private");
        let tokens = connector.private_tokens(config).await?;
        if let Some(store) = connector.store {
            let ages = auth::ages(store, &config.id, &tokens, now).await;
            let ages = ages.map_err(failed)?;
            reminders.extend(auth::reminder(&ages));
            let tokens: Vec<_> = ages
                .iter()
                .zip(["token", "next_token"])
                .map(|(age, name)| json!({ "name": name, "first_used": age.first_used, "age_days": age.days }))
                .collect();
            row["age_days"] = json!(ages.first().map(|age| age.days));
            row["tokens"] = json!(tokens);
        }
        row["connected"] = json!(true);
        row["expires_at"] = Value::Null;
    }
    row["reminders"] = json!(reminders);
    Ok(row)
}

fn print_row(row: &Value) {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let age = row["age_days"]
        .as_i64()
        .map_or(String::new(), |days| format!(", {days} day(s) old"));
    let state = match (row["kind"].as_str(), row["expires_at"].as_str()) {
        (Some("private"), _) => format!("private integration token{age}, does not end by itself"),
        (_, Some(end)) => format!(
            "app at location {}{age}; access token ends {end} and renews itself; refresh token ends {}",
            text("location"),
            text("refresh_expires_at")
        ),
        _ => "app".to_owned(),
    };
    println!("{}: {state}", text("connection"));
    for reminder in row["reminders"].as_array().into_iter().flatten() {
        println!("  {}", reminder.as_str().unwrap_or_default());
    }
}

fn scopes(which: &Which, as_json: bool) -> Result<Ended, Failure> {
    let loaded = config::load(&which.config.config)?;
    let config = pick(&loaded, which.connection.as_deref())?;
    let needs = auth::needed(&loaded, config)?;
    if as_json {
        println!("{}", json!(needs));
    } else {
        for need in needs {
            println!("{}: {}", need.scope, need.needed_by.join("; "));
        }
    }
    Ok(Ended::Well)
}

/// The connection, which must be by an app.
fn of_app<'a>(
    loaded: &'a Loaded,
    which: &Which,
) -> Result<(&'a ConnectionConfig, &'a OAuthConfig), Failure> {
    let config = pick(loaded, which.connection.as_deref())?;
    let oauth = config.highlevel.oauth.as_ref().ok_or_else(|| {
        Failure::BadInput(format!(
            "{}: connection \"{}\" has a private integration token, and no app; add [connection.highlevel.oauth] in place \
             of token to connect one",
            loaded.file, config.id
        ))
    })?;
    Ok((config, oauth))
}

fn connector<'a>(
    loaded: &'a Loaded,
    environment: &'a Environment,
    store: Option<&'a SqliteStore>,
    calls: &'a CallSink,
) -> Connector<'a> {
    Connector {
        loaded,
        environment,
        store,
        calls,
        limiters: None,
    }
}
