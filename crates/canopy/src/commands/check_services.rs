//! What `canopy check` says of a connection: what the services answer, and what the configuration comes to.

use canopy_engine::{Buyer, Went};
use canopy_mapping::Workflow;
use canopy_store::{DeliveryStore as _, SqliteStore, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::check::Finding;
use crate::assess::{self, Account, Assessment, Listed, Mode, Standing, Subject, Token};
use crate::auth;
use crate::config::{BudgetConfig, ConnectionConfig, Loaded};
use crate::connect::Connector;
use crate::exit::{Failure, chain};

/// As long as the vendor looks back at how an address fared.
const DAYS: i64 = 3;

fn name(connection: &ConnectionConfig, what: &str) -> String {
    format!("connection {}: {what}", connection.id)
}

/// What the configuration of a connection comes to, for which nobody is asked.
pub(super) fn plans(
    loaded: &Loaded,
    connection: &ConnectionConfig,
    workflows: &[Workflow],
) -> Vec<Finding> {
    let mut findings = vec![Finding::told(name(connection, "mode"), connection.mode())];
    let currency = &connection.ecologi.currency;
    findings.push(Finding::told(
        name(connection, "caps"),
        match &connection.budget {
            None => "none: simulated purchases count against no cap".to_owned(),
            Some(budget) => caps(loaded, budget, currency),
        },
    ));
    findings.push(prices(loaded, connection, workflows));
    findings
}

fn caps(loaded: &Loaded, budget: &BudgetConfig, currency: &str) -> String {
    let mut all = vec![
        format!("{} {currency} a day", budget.per_day),
        format!("{} {currency} a month", budget.per_month),
    ];
    let mut add = |limit: Option<Decimal>, words: String| {
        all.extend(limit.map(|limit| format!("{limit} {currency} {words}")));
    };
    add(
        budget.per_contact_per_day,
        "a day for one contact".to_owned(),
    );
    for (workflow, caps) in &budget.workflow {
        add(caps.per_day, format!("a day for workflow {workflow}"));
        add(caps.per_month, format!("a month for workflow {workflow}"));
    }
    if let Some(caps) = loaded.config.budget.get(currency) {
        add(caps.per_day, "a day for all connections".to_owned());
        add(caps.per_month, "a month for all connections".to_owned());
    }
    all.join(", ")
}

fn prices(loaded: &Loaded, connection: &ConnectionConfig, workflows: &[Workflow]) -> Finding {
    let what = name(connection, "prices");
    let currency = &connection.ecologi.currency;
    let prices = match crate::connect::prices(loaded) {
        Ok(prices) => prices,
        Err(failure) => return Finding::new(what, Err(failure.to_string())),
    };
    let missing = assess::without_price(workflows, &prices, currency);
    if missing.is_empty() {
        return Finding::new(what, Ok(()));
    }
    let missing: Vec<_> = missing
        .iter()
        .map(|one| {
            format!(
                "workflow {}, step {}: no price is known for {} in {currency}",
                one.workflow, one.step, one.purchase
            )
        })
        .collect();
    let told = format!(
        "{}; add what is missing to [prices.{currency}], such as \"buy-carbon-removal\" = \"0.20\"",
        missing.join("; ")
    );
    if connection.test {
        return Finding::noted(what, format!("{told}, before purchases are real"));
    }
    Finding::new(what, Err(told))
}

/// Asks the services, by calls that change nothing. What they answer stops purchases, or lets them go on.
pub(super) async fn look(
    connector: Connector<'_>,
    connection: &ConnectionConfig,
    workflows: &[Workflow],
    deadline: Instant,
) -> Vec<Finding> {
    let (mut services, token, user) = tokio::join!(
        ask(connector, connection, workflows, deadline),
        token_age(connector, connection),
        user(connector, connection, deadline)
    );
    services.insert(1.min(services.len()), token);
    services.extend(user);
    services
}

async fn ask(
    connector: Connector<'_>,
    connection: &ConnectionConfig,
    workflows: &[Workflow],
    deadline: Instant,
) -> Vec<Finding> {
    let clients = async {
        let location = connector.location(connection).await?;
        let highlevel = connector.highlevel(connection, &location).await?;
        Ok::<_, Failure>((location, highlevel))
    };
    let ecologi = connector.ecologi(connection, "").await;
    let clients = match timeout_at(deadline, clients).await {
        Ok(clients) => clients.map_err(|failure| failure.to_string()),
        Err(_) => Err(assess::late("HighLevel")),
    };
    let (location, highlevel, ecologi) = match (clients, ecologi) {
        (Ok((location, highlevel)), Ok(ecologi)) => (location, highlevel, ecologi),
        (clients, ecologi) => {
            let key = ecologi.map(drop).map_err(|failure| failure.to_string());
            return vec![
                Finding::new(name(connection, "HighLevel"), clients.map(drop)),
                Finding::new(name(connection, "Ecologi key"), key),
            ];
        }
    };
    let own = match connector.store {
        Some(store) => is_own(store, connection, &location).await,
        None => Ok(()),
    };
    let needs = auth::needs(connector.loaded, connection, workflows);
    let store = connector.store.map(|store| store as &dyn Store);
    let listed = Listed::of(connection, store).await;
    let subject = Subject {
        location: &location,
        highlevel: &highlevel,
        ecologi: &ecologi,
        currency: &connection.ecologi.currency,
        needs: &needs,
        listed: &listed,
        workflows,
    };
    let (assessment, title) = tokio::join!(
        Assessment::of(subject, deadline),
        title(&highlevel, &location, deadline)
    );
    let mode = Mode {
        test: connection.test,
        writes: connection.writes(),
        is_asked: true,
    };
    let mut findings = of_token(connection, &assessment.token, mode, title);
    if let Err(problem) = own {
        // Nothing is enforced in another connection's name.
        findings.push(Finding::new(name(connection, "id"), Err(problem)));
        findings.extend(of_account(connection, &assessment.account));
        return findings;
    }
    findings.extend(of_account(connection, &assessment.account));
    findings.extend(enforce(connector, connection, &location, &assessment, mode).await);
    findings
}

/// Whether the store knows the location by this connection, and no other connection is for it.
async fn is_own(
    store: &SqliteStore,
    connection: &ConnectionConfig,
    location: &str,
) -> Result<(), String> {
    let known = store.connection_of(location).await;
    match known.map_err(|error| chain(&error))? {
        Some(known) if known != connection.id => Err(StoreError::ConnectionChanged {
            location: location.to_owned(),
            known,
            given: connection.id.clone(),
        }
        .to_string()),
        _ => Ok(()),
    }
}

/// Keeps what was found where there is a store, and tells where purchases are stopped.
async fn enforce(
    connector: Connector<'_>,
    connection: &ConnectionConfig,
    location: &str,
    assessment: &Assessment,
    mode: Mode,
) -> Option<Finding> {
    let store = connector.store?;
    let buyer = Buyer {
        store,
        connection: &connection.id,
        location,
    };
    let what = name(connection, "purchases");
    match assessment.enforce(buyer, mode, Timestamp::now()).await {
        Ok(Went::One) => Some(Finding::noted(
            what,
            "are stopped because a write or a real order was refused; one of the runs that wait tries it again within half a minute, and the others go on once it goes through".to_owned(),
        )),
        Ok(Went::On) => Some(Finding::told(
            what,
            "were stopped, and go on: what waited is taken up within half a minute",
        )),
        Ok(Went::No) => None,
        Err(error) => Some(Finding::new(what, Err(chain(&error)))),
    }
}

/// The location with its name, where the token may read it.
async fn title(client: &canopy_highlevel::Client, location: &str, deadline: Instant) -> String {
    let arguments = json!({ "locationId": location });
    let read = timeout_at(deadline, client.invoke("get-location", &arguments)).await;
    let answer = read.ok().and_then(Result::ok);
    let name = answer
        .as_ref()
        .and_then(|answer| answer["location"]["name"].as_str());
    match name {
        Some(name) => format!("sub-account {location} ({name})"),
        None => format!("sub-account {location}"),
    }
}

fn of_token(
    connection: &ConnectionConfig,
    token: &Token,
    mode: Mode,
    title: String,
) -> Vec<Finding> {
    let reads = Finding {
        info: Some(title),
        problem: token.reads.problem().map(str::to_owned),
        ..Finding::new(name(connection, "HighLevel"), Ok(()))
    };
    let what = name(connection, "writes");
    let writes = match token.writes.problem() {
        Some(problem) if mode.writes || !token.writes.is_bad() => {
            Finding::new(what, Err(problem.to_owned()))
        }
        Some(problem) => Finding::noted(what, format!("before purchases are real: {problem}")),
        None if token.untried.is_empty() => Finding::new(what, Ok(())),
        None => Finding::noted(
            what,
            format!(
                "nothing but a real write tells whether the token has {}; if it has not, the first that is refused stops purchases before another is made (alert \"stopped\")",
                token.untried.join(", ")
            ),
        ),
    };
    vec![reads, writes]
}

fn of_account(connection: &ConnectionConfig, account: &Account) -> Vec<Finding> {
    let user = connection.ecologi.username.as_deref();
    let key = Finding {
        info: user.map(|user| format!("account {user}, key and billing are good")),
        problem: account.key.problem().map(str::to_owned),
        ..Finding::new(name(connection, "Ecologi key"), Ok(()))
    };
    let what = name(connection, "currency");
    let currency = match (&account.currency, &account.told) {
        (Standing::Good, Some(told)) => Finding::told(what, told.clone()),
        (Standing::Good, None) => Finding::new(what, Ok(())),
        // The key's own problem says why.
        (Standing::Unknown(_), _) if account.key != Standing::Good => {
            return vec![key];
        }
        (Standing::Bad(problem) | Standing::Unknown(problem), _) => {
            Finding::new(what, Err(problem.clone()))
        }
    };
    vec![key, currency]
}

/// How the connection's token stands: whether it is there, and whether it is due for rotation.
async fn token_age(connector: Connector<'_>, connection: &ConnectionConfig) -> Finding {
    let what = name(connection, "token age");
    let reminder = async {
        let tokens = connector.private_tokens(connection).await;
        let tokens = tokens.map_err(|failure| failure.to_string())?;
        let Some(store) = connector.store else {
            return Ok(None);
        };
        let ages = auth::ages(store, &connection.id, &tokens, Timestamp::now()).await;
        ages.map(|ages| auth::reminder(&ages))
            .map_err(|error| error.to_string())
    };
    match reminder.await {
        Ok(Some(note)) => Finding::noted(what, note),
        Ok(None) => Finding::new(what, Ok(())),
        Err(problem) => Finding::new(what, Err(problem)),
    }
}

async fn user(
    connector: Connector<'_>,
    connection: &ConnectionConfig,
    deadline: Instant,
) -> Option<Finding> {
    let Some(user) = connection.ecologi.username.as_ref() else {
        let note = "ecologi.username is not given: ledger and account cannot be compared, so nobody notices that a store is an old copy, and unanswered purchases wait for a person";
        let what = name(connection, "Ecologi user");
        return (!connection.test).then(|| Finding::noted(what, note.to_owned()));
    };
    let asked = async {
        let client = connector.ecologi(connection, "").await;
        let client = client.map_err(|failure| failure.to_string())?;
        let read = client.impact(user).await;
        read.map(drop).map_err(|error| chain(&error))
    };
    let answer = timeout_at(deadline, asked).await;
    let answer = answer.unwrap_or_else(|_| Err(assess::late("Ecologi")));
    Some(Finding::new(name(connection, "Ecologi user"), answer))
}

/// Whether webhooks reach this machine, as far as the last days tell.
pub(super) async fn webhooks(loaded: &Loaded, store: Option<&SqliteStore>) -> Finding {
    let what = "webhooks";
    let polls = if loaded.config.poll.enabled {
        format!(
            "polls find changes every {} min",
            loaded.config.poll.every.as_secs() / 60
        )
    } else {
        "polls are off, too, so nothing is found".to_owned()
    };
    if !loaded.config.webhooks.enabled {
        return Finding::told(what, format!("off; {polls}"));
    }
    let since = Timestamp::now() - SignedDuration::from_hours(24 * DAYS);
    let counts = match store {
        Some(store) => store.delivery_counts(since).await,
        None => Ok(Vec::new()),
    };
    let counts = match counts {
        Ok(counts) => counts,
        Err(error) => return Finding::new(what, Err(chain(&error))),
    };
    let came: u64 = counts.iter().map(canopy_store::DeliveryCount::all).sum();
    let last = counts
        .iter()
        .filter(|count| count.all() > 0)
        .map(|count| count.slot)
        .max();
    match last {
        Some(last) => Finding::told(
            what,
            format!("{came} reached this machine in {DAYS} days, the last about {last:.0}"),
        ),
        None => Finding::noted(
            what,
            format!(
                "none has reached this machine in {DAYS} days; where an app of yours is to send some, register its address (docs/webhooks.md). {polls}"
            ),
        ),
    }
}
