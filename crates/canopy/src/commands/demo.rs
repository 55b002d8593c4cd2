//! `canopy demo`: the main job, live, against a sandbox on this machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use canopy_engine::Observer;
use canopy_sandbox::{Sandbox, SandboxInfo};
use canopy_store::{Store, Summary};
use indicatif::{ProgressBar, ProgressStyle};
use rust_decimal::Decimal;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::bind;
use crate::audit::{Audit, Books};
use crate::cli::Demo;
use crate::config;
use crate::control::Control;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::program::{Program, Trust};
use crate::temporary;
use crate::{show, shutdown};

/// The demo gives up when nothing has moved for this long.
const PATIENCE: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(100);

pub(super) async fn demo(options: &Demo, observer: Arc<dyn Observer>) -> Result<Ended, Failure> {
    let folder = temporary::folder_for("the demo", options.contacts)?;
    let sandbox = Sandbox::builder()
        .seed(options.seed)
        .limits(!options.no_limits)
        .start()
        .await
        .map_err(|error| Failure::failed(&error))?;
    let loaded = config::parse(
        "demo",
        configuration(sandbox.info(), options.no_limits),
        folder.path().to_owned(),
    )
    .map_err(|error| Failure::failed(&error))?;
    let program = Program::assemble(
        &loaded,
        &Environment::default(),
        observer,
        Trust::Tried,
        None,
    )
    .await?;
    let page = bind(options.listen, "--listen").await?;
    let webhooks = bind(([127, 0, 0, 1], 0).into(), "webhooks").await?;
    let addresses = Addresses::of(&page, &webhooks)?;
    let stop = CancellationToken::new();
    let show = async {
        let result = job(options, &program, sandbox.info(), &addresses).await;
        if result.is_ok() && !options.once {
            eprintln!(
                "the status page stays open at {} until Ctrl-C",
                addresses.page
            );
            shutdown::on_signal().cancelled().await;
        }
        stop.cancel();
        result
    };
    let (served, ended) = tokio::join!(program.serve(page, webhooks, stop.clone()), show);
    program.close().await;
    sandbox.shutdown().await;
    served?;
    ended
}

struct Addresses {
    page: String,
    webhooks: String,
}

impl Addresses {
    fn of(page: &TcpListener, webhooks: &TcpListener) -> Result<Self, Failure> {
        let address = |listener: &TcpListener| {
            listener
                .local_addr()
                .map_err(|error| Failure::failed(&error))
        };
        Ok(Self {
            page: format!("http://{}/", address(page)?),
            webhooks: format!("http://{}/webhooks/highlevel", address(webhooks)?),
        })
    }
}

/// The configuration that an operator would write for the sandbox. It buys for real, with caps: the sandbox's money.
fn configuration(info: &SandboxInfo, no_limits: bool) -> String {
    let requests = if no_limits { 1_000_000 } else { 100 };
    format!(
        r#"
[webhooks]
public_keys = ["{key}"]

[poll]
enabled = false

[retry]
base = "1s"

[[connection]]
id = "demo"
test = false
write_in_test = true

[connection.highlevel]
base_url = "{highlevel}"
token = "{token}"
location_id = "{location}"
requests_per_10_seconds = {requests}

[connection.ecologi]
base_url = "{ecologi}"
api_key = "{api_key}"
username = "{user}"
requests_per_minute = {per_minute}

[connection.budget]
per_day = 10000
per_month = 100000
"#,
        key = info.webhook_public_key,
        highlevel = info.highlevel_url,
        token = info.token,
        location = info.location_id,
        ecologi = info.ecologi_url,
        api_key = info.ecologi_key,
        user = info.ecologi_user,
        per_minute = requests,
    )
}

async fn job(
    options: &Demo,
    program: &Program,
    info: &SandboxInfo,
    addresses: &Addresses,
) -> Result<Ended, Failure> {
    let control = Control::new(&info.control_url)?;
    control
        .post("/webhook-target", &json!({ "url": addresses.webhooks }))
        .await?;
    eprintln!(
        "sandbox: HighLevel at {}, Ecologi at {}",
        info.highlevel_url, info.ecologi_url
    );
    eprintln!("status page: {}", addresses.page);
    let started = Instant::now();
    control
        .post(
            "/seed",
            &json!({ "contacts": options.contacts, "seed": options.seed, "webhooks": true }),
        )
        .await?;
    let summary = watch(options, program, &control).await?;
    let elapsed = started.elapsed();
    program.flush().await;
    let audit = Books::gather(&control, &program.store, &info.location_id)
        .await?
        .compare();
    report(options, program, &summary, audit, elapsed).await
}

/// Follows the work until all of it is done.
async fn watch(options: &Demo, program: &Program, control: &Control) -> Result<Summary, Failure> {
    let bar = ProgressBar::new(u64::from(options.contacts));
    let style = ProgressStyle::with_template(
        "{bar:32.green} {pos:>4}/{len} contacts  {msg}  {elapsed_precise}",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    let mut moved = Instant::now();
    let mut last = Summary::default();
    loop {
        let summary = program
            .store
            .summary()
            .await
            .map_err(|error| Failure::failed(&error))?;
        bar.set_position(summary.runs_done.min(u64::from(options.contacts)));
        bar.set_message(format!(
            "{} trees, {}",
            summary.trees.normalize(),
            show::money(&summary.cost)
        ));
        let stopped = summary.runs_held + summary.runs_dead;
        let done = summary.runs_done + stopped >= u64::from(options.contacts)
            && summary.runs_open == 0
            && summary.events_pending == 0;
        if done && control.webhooks_outstanding().await? == 0 {
            // The deliveries that just ended may have left events.
            let last = program
                .store
                .summary()
                .await
                .map_err(|error| Failure::failed(&error))?;
            if last.events_pending == 0 && last.runs_open == 0 {
                bar.finish();
                return Ok(last);
            }
        }
        if summary != last {
            moved = Instant::now();
            last = summary;
        } else if moved.elapsed() > PATIENCE {
            bar.abandon();
            return Err(Failure::Failed(format!(
                "nothing moved for {} s; run with CANOPY_LOG=debug to see why",
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn report(
    options: &Demo,
    program: &Program,
    summary: &Summary,
    audit: Audit,
    elapsed: Duration,
) -> Result<Ended, Failure> {
    let calls = program
        .store
        .summary()
        .await
        .map_err(|error| Failure::failed(&error))?
        .calls;
    let (currency, cost) = summary
        .cost
        .first()
        .cloned()
        .unwrap_or(("GBP".to_owned(), Decimal::ZERO));
    if options.json {
        println!(
            "{}",
            json!({
                "events": summary.events,
                "profiles": summary.profiles,
                "purchases": summary.purchases,
                "trees": whole(summary.trees),
                "duplicates": audit.duplicates,
                "lost": audit.lost,
                "cost": format!("{cost:.2}"),
                "currency": currency,
                "calls": calls,
                "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            })
        );
    } else {
        let budget = program
            .engine
            .connections()
            .find_map(|one| one.highlevel.rate_budget().daily);
        let used = budget.map_or_else(String::new, |daily| {
            format!("{} of {} HighLevel calls today", daily.used, daily.limit)
        });
        let echoes = format!("{} of them echoes of our own writes", summary.events_echo);
        print!(
            "{}",
            show::lines(&[
                ("events", summary.events.to_string(), &echoes),
                ("profiles", summary.profiles.to_string(), ""),
                ("trees", summary.trees.normalize().to_string(), ""),
                (
                    "cost",
                    format!("{cost:.2} {currency}"),
                    "the sandbox's money"
                ),
                ("calls", calls.to_string(), &used),
                (
                    "duplicates",
                    audit.duplicates.to_string(),
                    "by comparison with the sandbox's books"
                ),
                ("lost", audit.lost.to_string(), ""),
                ("time", format!("{:.1} s", elapsed.as_secs_f64()), ""),
            ])
        );
    }
    if audit.duplicates + audit.lost > 0 {
        return Err(Failure::Failed("the books do not agree".to_owned()));
    }
    if summary.runs_held + summary.runs_dead > 0 {
        eprintln!(
            "{} run(s) need a person; the status page lists them",
            summary.runs_held + summary.runs_dead
        );
        return Ok(Ended::NeedsPerson);
    }
    Ok(Ended::Well)
}

/// A count of trees as a JSON number.
fn whole(trees: Decimal) -> u64 {
    rust_decimal::prelude::ToPrimitive::to_u64(&trees).unwrap_or_default()
}
