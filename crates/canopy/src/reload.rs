//! Changed workflow files take effect while the program runs: all of them, or none.

use std::time::Duration;

use canopy_engine::Workflows;
use canopy_store::{NewAlert, SqliteStore, Store};
use canopy_triggers::{Poller, Polls, Schedule, Scheduler};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Loaded, WorkflowFiles};
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
    /// What those in force at the start were read from.
    pub files: &'a WorkflowFiles,
    pub pollers: &'a [Poller],
    pub schedulers: &'a [Scheduler],
    /// Where an alert belongs that is about no location.
    pub location: &'a str,
}

impl Reload<'_> {
    /// Watches the files until `shutdown`.
    pub async fn serve(&self, shutdown: &CancellationToken) {
        // They may have been changed since they were read.
        let mut taken = self.files.clone();
        let mut seen = taken.clone();
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = shutdown.cancelled() => return,
            }
            let now = config::workflow_files(self.loaded);
            // Only what stands still for two looks: an editor may be in the middle of writing.
            if now == seen && now != taken {
                self.take(&now).await;
                taken.clone_from(&now);
            }
            seen = now;
        }
    }

    async fn take(&self, files: &WorkflowFiles) {
        match self.put_into_force(files) {
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
    fn put_into_force(&self, files: &WorkflowFiles) -> Result<usize, Vec<String>> {
        let (workflows, off) = config::switched_workflows(self.loaded, files)?;
        let told = |failure: crate::exit::Failure| vec![failure.to_string()];
        let wanted: Polls = polls::polls(self.loaded, &workflows).map_err(told)?;
        polls::must_fit(self.loaded, &wanted).map_err(told)?;
        let timetables: Vec<Schedule> = schedules::schedules(&workflows).map_err(told)?;
        let count = workflows.len();
        // Nothing can fail from here on.
        self.workflows.replace(workflows.into_iter().chain(off));
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
