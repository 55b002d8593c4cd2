//! `canopy profile create` and `canopy profile import`: people who are to have a contact and a profile.

use std::path::PathBuf;
use std::sync::Arc;

use canopy_engine::{
    AdoptError, Adopted, Adoption, Connection, Engine, Known, Likeness, Observer, Options,
    custom_fields, likeness, recognisable,
};
use canopy_mapping::fields::FieldMapping;
use canopy_mapping::people::Country;
use canopy_store::clock::SystemClock;
use canopy_store::{SqliteStore, Store, StoreError};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::people_columns;
use super::people_file::{self, Person};
use super::people_known::{Index, Keys};
use super::people_report::{Count, bar, described, report, told, wrong};
use crate::call_log::CallSink;
use crate::cli::ConfigArgs;
use crate::config::{self, Loaded};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure, chain};
use crate::ops::pick;
use crate::program::{OWNER, job_lock, open_store};
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
    /// A CSV file with a header line: email, phone, name, firstName, lastName and the profile's mapped fields. HighLevel's
    /// own export of contacts is taken as it is
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
    let done = desk.create(person).await;
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
    /// Read when a phone number is without country code.
    country: OnceCell<Option<Country>>,
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
        let config = pick(loaded, wanted)?;
        let held = job_lock(loaded)?;
        let store = open_store(loaded, environment).await?;
        let (calls, log) = CallSink::new();
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        log.start(shared.clone());
        let connector = Connector {
            loaded,
            environment,
            store: Some(&store),
            calls: &calls,
            limiters: None,
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
            country: OnceCell::new(),
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

    /// By what two people are told apart.
    fn comparable(&self, person: &Person) -> Map<String, Value> {
        let mut fields = person.fields.clone();
        fields.extend(self.reachable(person));
        fields
    }

    async fn create(&self, person: Person) -> Result<Adopted, Failure> {
        let mut names = person.fields.keys();
        if let Some(name) = names.find(|name| !people_columns::is_known(name, &self.mapping)) {
            let problem = people_columns::unknown(name, &self.mapping, &self.file);
            return Err(Failure::BadInput(problem));
        }
        people_file::check(&self.reachable(&person)).map_err(Failure::BadInput)?;
        let person = self.recognisable(person).await;
        let person = person.map_err(|error| failure(&error))?;
        self.adopt(&person, &Known::default(), false)
            .await
            .map_err(|error| failure(&error))
    }

    /// The person with phone numbers as they are compared.
    async fn recognisable(&self, person: Person) -> Result<Person, AdoptError> {
        let reachable = self.reachable(&person);
        let phone = reachable.get("phone").and_then(Value::as_str);
        let country = match phone {
            Some(phone) if !phone.trim_start().starts_with('+') => {
                let country = || self.engine.country(&self.connection);
                *self.country.get_or_try_init(country).await?
            }
            _ => None,
        };
        Ok(Person {
            line: person.line,
            fields: recognisable(&self.mapping, person.fields, country)?,
        })
    }

    async fn adopt(
        &self,
        person: &Person,
        known: &Known,
        dry_run: bool,
    ) -> Result<Adopted, AdoptError> {
        let mut tries = 1;
        loop {
            let adopted = self.engine.adopt(
                &self.connection,
                &self.mapping,
                &person.fields,
                known,
                dry_run,
            );
            match adopted.await {
                // A `canopy run` beside us ended and gave the location back. What was done is found again.
                Err(AdoptError::Store(StoreError::Fenced { .. })) if tries < 3 => tries += 1,
                done => return done,
            }
        }
    }

    /// What the file's columns are. All that is wrong with them is told at once.
    async fn columns(
        &self,
        file: &people_file::File,
        options: &Import,
    ) -> Result<people_columns::Columns, Failure> {
        let (client, location) = (&self.connection.highlevel, &self.connection.location);
        let custom = custom_fields(client, location).await;
        let custom = custom.map_err(|error| Failure::failed(&error))?;
        people_columns::resolve(&file.columns, &self.mapping, &custom, &self.file).map_err(
            |wrong| {
                let place = options.file.display();
                let lines = wrong.iter().map(|problem| format!("{place}:1: {problem}"));
                Failure::BadInput(lines.collect::<Vec<_>>().join("\n"))
            },
        )
    }

    async fn import(&self, file: &people_file::File, options: &Import) -> Result<Ended, Failure> {
        let columns = self.columns(file, options).await?;
        let bar = bar(file.lines.len(), options.json);
        let mut count = Count {
            passed_over: columns.passed_over.clone(),
            ..Count::default()
        };
        let mut before = Before::default();
        for line in &file.lines {
            let done = match line {
                Ok(row) => {
                    let done = self.line(columns.person(row), &mut before, options).await;
                    done.map_err(|problem| (row.line, problem))
                }
                Err((line, problem)) => Err((*line, Problem::OfLine(problem.clone()))),
            };
            match done {
                Ok((line, adopted)) => {
                    count.add(&adopted);
                    report(options, &bar, line, &adopted)?;
                }
                Err((line, Problem::OfLine(problem))) => {
                    count.wrong += 1;
                    wrong(options, &bar, line, &problem)?;
                }
                Err((line, Problem::OfAll(error))) => {
                    bar.finish_and_clear();
                    return Err(Failure::Failed(format!(
                        "{}:{line}: {}; the same command goes on from here and does nothing twice",
                        options.file.display(),
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

    async fn line(
        &self,
        person: Person,
        before: &mut Before,
        options: &Import,
    ) -> Result<(u64, Adopted), Problem> {
        people_file::check(&self.reachable(&person)).map_err(Problem::OfLine)?;
        let person = self.recognisable(person).await?;
        let keys = Keys::of(&self.reachable(&person));
        if let (Some((one, _)), Some((other, _))) = before.planned.find(&keys)
            && one != other
        {
            return Err(Problem::OfLine(format!(
                "its email is of line {one} and its phone of line {other}; leave one of the two out"
            )));
        }
        let planned = match before.planned.find(&keys) {
            (None, Some((line, fields))) => {
                let one = Person {
                    line: *line,
                    fields: fields.clone(),
                };
                Some((
                    line,
                    likeness(&self.comparable(&one), &self.comparable(&person)),
                ))
            }
            _ => None,
        };
        if let Some((line, Likeness::Another)) = planned {
            return Err(Problem::OfLine(format!(
                "its phone is of line {line}, which has another email and another name; leave the phone out for a person of its own, or the email where it is the same person"
            )));
        }
        let by_phone_alone = matches!(planned, Some((_, Likeness::Unknown)));
        let known = before.contacts.known(&keys);
        let mut adopted = self.adopt(&person, &known, options.dry_run).await?;
        adopted.by_phone_alone |= by_phone_alone;
        if let Some(contact) = &adopted.contact {
            before.contacts.insert(keys, contact);
        } else {
            let (by_email, by_phone) = before.planned.find(&keys);
            if let Some((_, fields)) = by_email.or(by_phone) {
                adopted.outcome = if *fields == person.fields {
                    Adoption::Unchanged
                } else {
                    Adoption::Updated
                };
            }
            let planned = (person.line, person.fields.clone());
            before.planned.insert(keys, &planned);
        }
        Ok((person.line, adopted))
    }
}

/// The people of the lines before. The search for duplicates may lag behind what was created a moment ago.
#[derive(Debug, Default)]
struct Before {
    contacts: Index<String>,
    /// What a dry run would have created, with its line.
    planned: Index<(u64, Map<String, Value>)>,
}

/// Why a line was not taken.
enum Problem {
    OfLine(String),
    /// No further line would do better.
    OfAll(AdoptError),
}

impl From<AdoptError> for Problem {
    fn from(error: AdoptError) -> Self {
        if is_about_the_line(&error) {
            Self::OfLine(chain(&error))
        } else {
            Self::OfAll(error)
        }
    }
}

/// Whether another line can do better.
fn is_about_the_line(error: &AdoptError) -> bool {
    match error {
        AdoptError::Nameless
        | AdoptError::Fields(_)
        | AdoptError::Phone { .. }
        | AdoptError::TwoPeople { .. }
        | AdoptError::SharedPhone(_) => true,
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
