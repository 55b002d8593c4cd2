//! Changed workflow files take effect while the program runs: all of them, or none.

use std::time::Duration;

use canopy_engine::Workflows;
use canopy_store::{NewAlert, SqliteStore, Store};
use canopy_triggers::{Poller, Polls, Schedule, Scheduler};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Loaded};
use crate::{polls, schedules};

/// How often the files are read. They are few and small, and a folder on the network tells nobody of changes.
const EVERY: Duration = Duration::from_secs(2);
const KIND: &str = "workflows";
const SUBJECT: &str = "files";

/// What new workflows are put into.
pub(crate) struct Reload<'a> {
    pub loaded: &'a Loaded,
    pub store: &'a SqliteStore,
    /// Shared by all connections.
    pub workflows: &'a Workflows,
    pub pollers: &'a [Poller],
    pub schedulers: &'a [Scheduler],
    /// Where an alert belongs that is about no location.
    pub location: &'a str,
}

type Texts = Vec<Result<(String, String), String>>;

impl Reload<'_> {
    /// Watches the files until `shutdown`.
    pub async fn serve(&self, shutdown: &CancellationToken) {
        let mut taken = self.texts();
        let mut seen = taken.clone();
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = shutdown.cancelled() => return,
            }
            let now = self.texts();
            // Only what stands still for two looks: an editor may be in the middle of writing.
            if now == seen && now != taken {
                self.take().await;
                taken.clone_from(&now);
            }
            seen = now;
        }
    }

    fn texts(&self) -> Texts {
        config::workflow_files(self.loaded)
    }

    async fn take(&self) {
        match self.read() {
            Ok(count) => {
                tracing::info!(workflows = count, "changed workflow files take effect");
                let now = Timestamp::now();
                let resolved = self.store.resolve_alert(self.location, KIND, SUBJECT, now);
                if let Err(error) = resolved.await {
                    tracing::warn!(%error, "the alert of workflow files could not be resolved");
                }
            }
            Err(mistakes) => self.tell(&mistakes).await,
        }
    }

    /// Puts all files into force, or says what is wrong.
    fn read(&self) -> Result<usize, Vec<String>> {
        let workflows = config::all_workflows(self.loaded)?;
        let told = |failure: crate::exit::Failure| vec![failure.to_string()];
        let wanted: Polls = polls::polls(self.loaded, &workflows).map_err(told)?;
        polls::must_fit(self.loaded, &wanted).map_err(told)?;
        let timetables: Vec<Schedule> = schedules::schedules(&workflows).map_err(told)?;
        let count = workflows.len();
        // Nothing can fail from here on.
        self.workflows.replace(workflows);
        for poller in self.pollers {
            poller.replace(wanted.clone());
        }
        for scheduler in self.schedulers {
            scheduler.replace(timetables.clone());
        }
        Ok(count)
    }

    async fn tell(&self, mistakes: &[String]) {
        let message = format!(
            "changed workflow files are not used, the former ones still run: {}",
            mistakes.join("; ")
        );
        tracing::error!("{message}");
        let alert = NewAlert {
            location: self.location.to_owned(),
            kind: KIND.to_owned(),
            subject: SUBJECT.to_owned(),
            message,
        };
        if let Err(error) = self.store.raise_alert(alert, Timestamp::now()).await {
            tracing::warn!(%error, "the alert of workflow files could not be stored");
        }
    }
}
