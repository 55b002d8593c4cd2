//! `canopy call`: any operation, by name.

use std::io::Read;

use canopy_highlevel::{AnswerKind, Description, Forms, TryStreamExt};
use serde_json::Value;

use crate::auth;
use crate::config::{self, ConnectionConfig, Loaded};
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::ops::cli::Call;
use crate::ops::{Caller, Entry, Given, Known, Preview, catalog, failure, pick};
use crate::output::{self, Output};
use crate::program::existing_store;

pub(super) async fn call(options: Call, environment: &Environment) -> Result<Ended, Failure> {
    let entry = catalog::find(&options.name)?;
    let description = entry.describe();
    let given = Given {
        params: options.params.clone(),
        body: options.body.as_deref().map(body).transpose()?,
    };
    let arguments = entry.expand(&given.arguments(&entry, &description)?, Forms::Numbers)?;
    // Reading all pages fills in page sizes, so that the check comes later there.
    if !options.all_pages {
        entry.check(&description, &arguments)?;
    }
    if options.dry_run {
        return dry_run(&options, environment, &entry, &description, arguments).await;
    }
    if options.all_pages && entry.operation.items.is_none() {
        return Err(Failure::BadInput(format!(
            "{} gives no list, so there are no pages; leave --all-pages out",
            entry.name
        )));
    }
    let output = Output::to(options.out.as_deref())?;
    if description.answer == AnswerKind::Bytes && output.is_terminal() {
        return Err(Failure::BadInput(format!(
            "{} answers with a file, which a terminal cannot show; give --out FILE",
            entry.name
        )));
    }
    let caller = Caller::open(&options.connection, environment).await?;
    let result = send(&options, &caller, &entry, &description, arguments, output).await;
    caller.close().await;
    result
}

async fn send(
    options: &Call,
    caller: &Caller,
    entry: &Entry,
    description: &Description,
    arguments: Value,
    mut output: Output,
) -> Result<Ended, Failure> {
    caller.may_send(entry.only_reads())?;
    let arguments = caller.complete(description, arguments).await?;
    let (client, name) = (caller.client(), entry.operation.name);
    if options.all_pages {
        let mut items = client.items(name, &arguments);
        let mut odd = 0_u32;
        while !output.is_closed() {
            match items.try_next().await {
                Ok(Some(item)) => output.write(format!("{}\n", item.value()).as_bytes())?,
                Ok(None) => break,
                Err(error) if error.odd_record().is_some() => {
                    tracing::warn!(%error, "one record is left out");
                    odd += 1;
                }
                Err(error) => return Err(failure(&error)),
            }
        }
        output.finish()?;
        return match odd {
            0 => Ok(Ended::Well),
            odd => Err(Failure::Failed(format!(
                "{odd} record(s) could not be read"
            ))),
        };
    }
    if description.answer == AnswerKind::Bytes {
        let download = client.download(name, &arguments).await;
        let mut pieces = download.map_err(|error| failure(&error))?;
        while !output.is_closed()
            && let Some(piece) = pieces.try_next().await.map_err(|error| failure(&error))?
        {
            output.write(&piece)?;
        }
        return output.finish();
    }
    let answer = client.invoke(name, &arguments).await;
    let answer = answer.map_err(|error| failure(&error))?;
    let text = if options.json {
        format!("{answer}\n")
    } else {
        format!("{answer:#}\n")
    };
    output.write(text.as_bytes())?;
    output.finish()
}

async fn dry_run(
    options: &Call,
    environment: &Environment,
    entry: &Entry,
    description: &Description,
    arguments: Value,
) -> Result<Ended, Failure> {
    let loaded = config::load(&options.connection.config.config)?;
    let connection = pick(&loaded, options.connection.connection.as_deref())?;
    let location = connection.highlevel.location_id.as_deref();
    if location.is_none() && catalog::lacks_location(description, &arguments) {
        return Err(Failure::BadInput(format!(
            "{} needs a location, and a dry run asks no service which one the token is for; \
             give --param locationId=ID or write highlevel.location_id",
            entry.name
        )));
    }
    let arguments = catalog::with_location(description, arguments, location.unwrap_or_default());
    let preview = Preview::new(&connection.highlevel.base_url, entry, &arguments)?;
    let need = known(&loaded, connection, environment)
        .await?
        .of(entry.operation);
    if options.json {
        let mut shown = preview.as_json();
        shown["scopes"] = need.as_json();
        return output::line(&shown);
    }
    eprintln!("{}", need.as_text());
    output::text(&preview.as_text())
}

/// What is known of the token's scopes without a call.
async fn known(
    loaded: &Loaded,
    connection: &ConnectionConfig,
    environment: &Environment,
) -> Result<Known, Failure> {
    if connection.highlevel.oauth.is_none() {
        return Ok(Known::default());
    }
    let Some(store) = existing_store(loaded, environment).await? else {
        return Ok(Known::default());
    };
    let granted = auth::granted(&store, &connection.id).await;
    store.close().await;
    Ok(granted.map_or_else(Known::default, |granted| Known::granted(&granted)))
}

/// The text that `--body` stands for.
fn body(given: &str) -> Result<String, Failure> {
    let read = |what: &str, error: std::io::Error| {
        Failure::BadInput(format!("--body: {what} cannot be read: {error}"))
    };
    if given == "-" {
        let mut text = String::new();
        let result = std::io::stdin().read_to_string(&mut text);
        result.map_err(|error| read("standard input", error))?;
        return Ok(text);
    }
    match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| read(path, error)),
        None => Ok(given.to_owned()),
    }
}
