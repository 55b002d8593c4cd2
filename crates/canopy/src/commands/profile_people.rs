//! `canopy profile create` and `canopy profile import`: people who are to have a contact and a profile.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use canopy_engine::{
    AdoptError, Adopted, Adoption, Connection, Engine, Observer, Options, PERSON_FIELDS,
};
use canopy_mapping::fields::FieldMapping;
use canopy_mapping::nearest;
use canopy_store::clock::SystemClock;
use canopy_store::{SqliteStore, Store};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::people_file::{self, Person};
use super::people_report::{Count, bar, described, report, told, wrong};
use crate::call_log::CallSink;
use crate::cli::ConfigArgs;
use crate::config::{self, Loaded};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure, chain};
use crate::program::{OWNER, lock, open_store};
use crate::{output, shutdown};

#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[arg(long)]
    pub email: Option<String>,
    #[arg(long)]
    pub phone: Option<String>,
    /// First and last name
    #[arg(long)]
    pub name: Option<String>,
    /// A field of the profile, as the configuration maps it; can be given several times
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = super::profile_fields::pair)]
    pub fields: Vec<(String, String)>,
    /// The connection; needed where there are several
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// A CSV file with a header line: email, phone, name, firstName, lastName and the profile's mapped fields
    pub file: PathBuf,
    /// Say what would be done, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The connection; needed where there are several
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
    /// Print one line of JSON for each line of the file, and one for the whole
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn create(
    options: &Create,
    environment: &Environment,
    observer: Arc<dyn Observer>,
) -> Result<Ended, Failure> {
    let mut fields = Map::new();
    for (name, value) in [
        ("email", &options.email),
        ("phone", &options.phone),
        ("name", &options.name),
    ] {
        if let Some(value) = value {
            fields.insert(name.to_owned(), json!(value.trim()));
        }
    }
    for (name, value) in &options.fields {
        fields.insert(name.clone(), json!(value));
    }
    let person = Person { line: 0, fields };
    let loaded = config::load(&options.config.config)?;
    let desk = Desk::open(
        &loaded,
        environment,
        observer,
        options.connection.as_deref(),
    )
    .await?;
    let done = desk.create(&person).await;
    desk.close().await;
    let adopted = done?;
    if options.json {
        output::line(&described(&adopted))?;
    } else {
        println!("{}", told(&adopted, false));
    }
    Ok(ending(adopted.problems.len() + adopted.not_written.len()))
}

pub(super) async fn import(
    options: &Import,
    environment: &Environment,
    observer: Arc<dyn Observer>,
) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    let lines = people_file::read(&options.file)?;
    let desk = Desk::open(
        &loaded,
        environment,
        observer,
        options.connection.as_deref(),
    )
    .await?;
    let stop = shutdown::on_signal();
    let done = tokio::select! {
        done = desk.import(&lines, options) => done,
        () = stop.cancelled() => Err(Failure::Failed(
            "stopped; the same command goes on from here and does nothing twice".to_owned(),
        )),
    };
    desk.close().await;
    done
}

/// What the work takes: one connection, its mapping, an engine on the store.
struct Desk {
    engine: Engine,
    connection: Connection,
    mapping: FieldMapping,
    store: SqliteStore,
    calls: CallSink,
    file: String,
    _lock: std::fs::File,
}

impl Desk {
    async fn open(
        loaded: &Loaded,
        environment: &Environment,
        observer: Arc<dyn Observer>,
        wanted: Option<&str>,
    ) -> Result<Self, Failure> {
        let configs = &loaded.config.connection;
        let config = match wanted {
            Some(id) => configs.iter().find(|config| config.id == id),
            None => configs.first().filter(|_| configs.len() == 1),
        };
        let Some(config) = config else {
            let ids: Vec<_> = configs.iter().map(|config| &*config.id).collect();
            return Err(Failure::BadInput(format!(
                "name the connection with --connection; there are: {}",
                ids.join(", ")
            )));
        };
        // A running canopy works on the location, and its calls count against the same limits.
        let held = lock(loaded)?;
        let store = open_store(loaded, environment).await?;
        let (calls, log) = CallSink::new();
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        log.start(shared.clone());
        let connector = Connector {
            loaded,
            environment,
            store: Some(&store),
            calls: &calls,
        };
        let connection = connector
            .connection(config, canopy_engine::Workflows::default())
            .await?;
        shared
            .register_connection(&connection.location, &connection.id, Timestamp::now())
            .await
            .map_err(|error| Failure::bad_input(&error))?;
        let clock = Arc::new(SystemClock);
        let engine = Engine::new(
            shared,
            clock,
            [connection.clone()],
            OWNER,
            Options::default(),
        )
        .observed_by(observer);
        let mapping = engine
            .field_mapping(&connection)
            .await
            .map_err(|error| Failure::failed(&error))?;
        Ok(Self {
            engine,
            connection,
            mapping,
            store,
            calls,
            file: loaded.file.clone(),
            _lock: held,
        })
    }

    async fn close(self) {
        self.calls.flush().await;
        self.store.close().await;
    }

    /// Names that are neither fields of a person nor mapped have no place on either side.
    fn unknown(&self, name: &str) -> Option<String> {
        let mapped = self.mapping.fields().iter().map(|field| &*field.name);
        let known: Vec<&str> = PERSON_FIELDS.into_iter().chain(mapped).collect();
        if known.contains(&name) {
            return None;
        }
        let fix = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!(
                "map it in {} under [connection.fields], or leave it out; known: {}",
                self.file,
                known.join(", ")
            ),
        };
        Some(format!("there is no field \"{name}\"; {fix}"))
    }

    /// By what HighLevel knows the person, also where a mapped field gives it under a name of its own.
    fn reachable(&self, person: &Person) -> Map<String, Value> {
        let mut fields = Map::new();
        for name in ["email", "phone"] {
            let mapped = self.mapping.fields().iter();
            let mapped = mapped.filter(|field| field.contact_field() == name);
            let mut given = [name].into_iter().chain(mapped.map(|field| &*field.name));
            if let Some(value) = given.find_map(|name| person.fields.get(name)) {
                fields.insert(name.to_owned(), value.clone());
            }
        }
        fields
    }

    async fn create(&self, person: &Person) -> Result<Adopted, Failure> {
        if let Some(problem) = person.fields.keys().find_map(|name| self.unknown(name)) {
            return Err(Failure::BadInput(problem));
        }
        people_file::check(&self.reachable(person)).map_err(Failure::BadInput)?;
        self.adopt(person, None, false)
            .await
            .map_err(|error| failure(&error))
    }

    async fn adopt(
        &self,
        person: &Person,
        known: Option<&str>,
        dry_run: bool,
    ) -> Result<Adopted, AdoptError> {
        self.engine
            .adopt(
                &self.connection,
                &self.mapping,
                &person.fields,
                known,
                dry_run,
            )
            .await
    }

    async fn import(&self, file: &people_file::File, options: &Import) -> Result<Ended, Failure> {
        if let Some(problem) = file.columns.iter().find_map(|name| self.unknown(name)) {
            let problem = format!("{}:1: {problem}", options.file.display());
            return Err(Failure::BadInput(problem));
        }
        let bar = bar(file.lines.len(), options.json);
        let mut count = Count::default();
        // The search for duplicates may lag behind what was created a moment ago.
        let mut seen: HashMap<String, String> = HashMap::new();
        // What a dry run would have created, by which further lines would be the same person.
        let mut planned: HashMap<String, &Person> = HashMap::new();
        for line in &file.lines {
            let person = match line {
                Ok(person) => person,
                Err((line, problem)) => {
                    count.wrong += 1;
                    wrong(options, &bar, *line, problem)?;
                    bar.inc(1);
                    continue;
                }
            };
            let reachable = self.reachable(person);
            if let Err(problem) = people_file::check(&reachable) {
                count.wrong += 1;
                wrong(options, &bar, person.line, &problem)?;
                bar.inc(1);
                continue;
            }
            let names = people_file::names(&reachable);
            let known = names.iter().find_map(|name| seen.get(name)).cloned();
            match self.adopt(person, known.as_deref(), options.dry_run).await {
                Ok(mut adopted) => {
                    if adopted.contact.is_none() {
                        if let Some(earlier) = names.iter().find_map(|name| planned.get(name)) {
                            adopted.outcome = if earlier.fields == person.fields {
                                Adoption::Unchanged
                            } else {
                                Adoption::Updated
                            };
                        }
                        planned.extend(names.iter().map(|name| (name.clone(), person)));
                    }
                    count.add(&adopted);
                    if let Some(contact) = &adopted.contact {
                        seen.extend(names.into_iter().map(|name| (name, contact.clone())));
                    }
                    report(options, &bar, person.line, &adopted)?;
                }
                Err(error) if is_about_the_line(&error) => {
                    count.wrong += 1;
                    wrong(options, &bar, person.line, &chain(&error))?;
                }
                Err(error) => {
                    bar.finish_and_clear();
                    return Err(Failure::Failed(format!(
                        "{}:{}: {}; the same command goes on from here and does nothing twice",
                        options.file.display(),
                        person.line,
                        chain(&error)
                    )));
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        count.tell(options)?;
        if count.wrong > 0 {
            return Err(Failure::BadInput(format!(
                "{}: {} line(s) were left out; correct them and import the file again",
                options.file.display(),
                count.wrong
            )));
        }
        Ok(ending(count.problems))
    }
}

/// Whether another line can do better.
fn is_about_the_line(error: &AdoptError) -> bool {
    match error {
        AdoptError::Nameless | AdoptError::Fields(_) => true,
        AdoptError::Service(error) => matches!(error.status(), Some(400 | 404 | 409 | 422)),
        _ => false,
    }
}

fn failure(error: &AdoptError) -> Failure {
    if is_about_the_line(error) {
        Failure::bad_input(error)
    } else {
        Failure::failed(error)
    }
}

fn ending(problems: usize) -> Ended {
    if problems > 0 {
        Ended::NeedsPerson
    } else {
        Ended::Well
    }
}
