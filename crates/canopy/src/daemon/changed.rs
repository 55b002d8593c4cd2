//! The configuration's file, compared with what is in force: what is not is told, in the log and as an alert.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use canopy_store::{NewAlert, SqliteStore, Store as _};
use jiff::Timestamp;

use crate::config::{self, Config};
use crate::exit::Failure;
use crate::program::Program;

/// Kind of the alert that the file says something else than what is in force.
const KIND: &str = "configuration";

/// What of the file is in force.
pub(crate) struct Changed<'a> {
    path: &'a Path,
    store: SqliteStore,
    /// Where an alert belongs that is about no location.
    location: String,
    texts: Mutex<Texts>,
}

#[derive(Default)]
struct Texts {
    /// In force.
    taken: String,
    /// At the last look.
    seen: Found,
    /// Told of.
    told: Option<Found>,
}

/// What stands in the file; `None`: it cannot be read.
type Found = Option<String>;

impl<'a> Changed<'a> {
    pub fn new(path: &'a Path, program: &Program) -> Self {
        let taken = program.text().to_owned();
        Self {
            path,
            store: program.store.clone(),
            location: program.first_location().to_owned(),
            texts: Mutex::new(Texts {
                seen: Some(taken.clone()),
                taken,
                told: None,
            }),
        }
    }

    /// This text is in force from now on.
    pub fn taken(&self, text: String) {
        let mut texts = self.texts();
        texts.told = None;
        texts.taken = text;
    }

    /// Looks at the file, and tells when it says something else than what is in force.
    pub async fn look(&self) {
        let text = std::fs::read_to_string(self.path).ok();
        let (is_back, is_news) = {
            let mut texts = self.texts();
            // Only what stands still for two looks: an editor may be in the middle of writing, or have it replaced.
            let stands = texts.seen == text;
            texts.seen.clone_from(&text);
            let is_taken = text.as_ref() == Some(&texts.taken);
            let is_back = stands && is_taken && texts.told.is_some();
            let is_news = stands && !is_taken && texts.told.as_ref() != Some(&text);
            if is_back {
                texts.told = None;
            }
            if is_news {
                texts.told = Some(text);
            }
            (is_back, is_news)
        };
        if is_back {
            self.resolve().await;
        }
        if is_news {
            self.tell(&self.not_in_force()).await;
        }
    }

    /// What is said of a file that has changed, or is gone.
    fn not_in_force(&self) -> String {
        let path = self.path.display();
        if !self.path.exists() {
            return format!(
                "{path} is gone; what was read from it stays in force until canopy is started again, which cannot be done without it: put it back"
            );
        }
        let problem = match config::load(self.path) {
            Ok(_) => String::new(),
            Err(failure) => format!(", and cannot be put into force: {failure}"),
        };
        format!(
            "{path} has changed since it was read; it comes into force when canopy gets the signal HUP (`kill -HUP {}`) or is \
             started again{problem}",
            std::process::id()
        )
    }

    /// The file is in force, except for these settings.
    pub async fn is_in_force(&self, kept_back: &[&str]) {
        let path = self.path.display();
        if kept_back.is_empty() {
            tracing::info!("{path} is in force");
            return self.resolve().await;
        }
        self.tell(&format!(
            "{path} is in force, except for {}: that takes a new start of canopy",
            kept_back.join(", ")
        ))
        .await;
    }

    /// The file cannot be put into force; the former one still is.
    pub async fn is_refused(&self, failure: &Failure) {
        self.texts().told = Some(std::fs::read_to_string(self.path).ok());
        self.tell(&format!(
            "{} is not put into force, the former configuration still is: {failure}",
            self.path.display()
        ))
        .await;
    }

    fn texts(&self) -> std::sync::MutexGuard<'_, Texts> {
        // Nothing that is done under the lock can leave it half done.
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tell(&self, message: &str) {
        tracing::warn!("{message}");
        let alert = NewAlert {
            location: self.location.clone(),
            kind: KIND.to_owned(),
            subject: self.path.display().to_string(),
            message: message.to_owned(),
        };
        if let Err(error) = self.store.raise_alert(alert, Timestamp::now()).await {
            tracing::warn!(%error, "the alert of the configuration could not be stored");
        }
    }

    async fn resolve(&self) {
        let subject = self.path.display().to_string();
        let now = Timestamp::now();
        let resolved = self
            .store
            .resolve_alert(&self.location, KIND, &subject, now)
            .await;
        if let Err(error) = resolved {
            tracing::warn!(%error, "the alert of the configuration could not be resolved");
        }
    }
}

/// Takes the settings back that cannot change while the process runs, and names those that would have changed.
pub(crate) fn keep_back(former: &Config, next: &mut Config) -> Vec<&'static str> {
    let mut kept = Vec::new();
    let mut keep = |name, differs| {
        if differs {
            kept.push(name);
        }
    };
    keep("store", next.store != former.store);
    keep("key_file", next.key_file != former.key_file);
    keep("server.listen", next.server.listen != former.server.listen);
    keep(
        "webhooks.listen",
        next.webhooks.listen != former.webhooks.listen,
    );
    keep(
        "webhooks.enabled",
        next.webhooks.enabled != former.webhooks.enabled,
    );
    next.store.clone_from(&former.store);
    next.key_file.clone_from(&former.key_file);
    next.server.listen = former.server.listen;
    next.webhooks.listen = former.webhooks.listen;
    next.webhooks.enabled = former.webhooks.enabled;
    kept
}
