//! Reads a configuration and refuses what cannot work, naming file, line and remedy.

use std::path::{Path, PathBuf};
use std::time::Duration;

use canopy_mapping::{FileError, nearest};
use rust_decimal::Decimal;
use url::Url;

use super::{Config, ConnectionConfig, credentials};
use crate::exit::Failure;

/// A configuration and the folder that its paths are relative to.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub config: Config,
    pub file: String,
    pub text: String,
    pub folder: PathBuf,
}

impl Loaded {
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    pub fn store_path(&self) -> PathBuf {
        self.path(&self.config.store)
    }

    /// The connection with this id, or what there is.
    pub fn connection(&self, id: &str) -> Result<&ConnectionConfig, Failure> {
        let all = &self.config.connection;
        all.iter().find(|one| one.id == id).ok_or_else(|| {
            let ids = || all.iter().map(|one| one.id.as_str());
            let fix = match nearest(id, ids()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("there are: {}", ids().collect::<Vec<_>>().join(", ")),
            };
            Failure::BadInput(format!(
                "{}: no connection has the id \"{id}\"; {fix}",
                self.file
            ))
        })
    }
}

/// Reads and checks a configuration file.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::NotFound {
            "; `canopy init` writes one"
        } else {
            ""
        };
        Failure::BadInput(format!("{} cannot be read: {error}{hint}", path.display()))
    })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    parse(&path.display().to_string(), text, folder).map_err(|error| Failure::bad_input(&error))
}

/// Checks the text of a configuration.
pub(crate) fn parse(file: &str, text: String, folder: PathBuf) -> Result<Loaded, FileError> {
    let config: Config =
        toml::from_str(&text).map_err(|error| FileError::from_toml(file, &text, &error))?;
    let refuse = |problem: String, needle: &str, fix: &str| {
        Err(FileError::new(file, problem).at(&text, needle).fix(fix))
    };
    if config.connection.is_empty() {
        return refuse(
            "there is no connection".to_owned(),
            "connection",
            "add a [[connection]] section",
        );
    }
    let minutes = |count| Duration::from_mins(count);
    if !(minutes(1)..=minutes(15)).contains(&config.poll.every) {
        let problem = format!("poll.every is {} s", config.poll.every.as_secs());
        return refuse(problem, "every", "write \"1m\" to \"15m\"");
    }
    if config.retry.max_attempts == 0 {
        return refuse(
            "retry.max_attempts is 0".to_owned(),
            "max_attempts",
            "write 1 or more",
        );
    }
    if config.retry.base.is_zero() || config.retry.base > config.retry.max {
        return refuse(
            "retry.base must be above zero and at most retry.max".to_owned(),
            "base",
            "e.g. base = \"5s\", max = \"15m\"",
        );
    }
    if !(Duration::from_secs(1)..=Duration::from_hours(24)).contains(&config.check.every) {
        return refuse(
            format!("check.every is {} s", config.check.every.as_secs()),
            "every",
            "write \"1s\" to \"1d\"",
        );
    }
    if !config.server.listen.ip().is_loopback() {
        return refuse(
            format!(
                "server.listen is {}, but the status page asks for no password",
                config.server.listen
            ),
            "listen",
            "keep it on 127.0.0.1 and reach it through a tunnel",
        );
    }
    for (index, connection) in config.connection.iter().enumerate() {
        if config.connection[..index]
            .iter()
            .any(|other| other.id == connection.id)
        {
            let problem = format!("connection id \"{}\" is used twice", connection.id);
            return refuse(
                problem,
                &format!("id = \"{}\"", connection.id),
                "give each [[connection]] an id of its own",
            );
        }
        check_connection(file, &text, connection)?;
    }
    if config.purchases.window > config.purchases.key_memory {
        return refuse(
            "purchases.window is longer than purchases.key_memory: a key that is forgotten buys again".to_owned(),
            "window",
            "write a window that is not longer",
        );
    }
    super::hooks::check(file, &text, &config)?;
    super::fields::check(file, &text, &config)?;
    super::budget::check(file, &text, &config)?;
    Ok(Loaded {
        config,
        file: file.to_owned(),
        text,
        folder,
    })
}

fn check_connection(
    file: &str,
    text: &str,
    connection: &ConnectionConfig,
) -> Result<(), FileError> {
    let name = &connection.id;
    let error = |problem: String| FileError::new(file, format!("connection \"{name}\": {problem}"));
    if name.is_empty()
        || !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    {
        return Err(error("its id is not usable".to_owned())
            .at(text, "id =")
            .fix("use letters, digits, \"-\" and \"_\""));
    }
    for (service, url) in [
        ("highlevel", &connection.highlevel.base_url),
        ("ecologi", &connection.ecologi.base_url),
    ] {
        if let Err(problem) = check_url(url) {
            return Err(error(format!("{service}.base_url \"{url}\" {problem}"))
                .at(text, url)
                .fix("write https://host, or http:// for a loopback address"));
        }
    }
    if connection.highlevel.requests_per_10_seconds == 0
        || connection.highlevel.requests_per_day == 0
        || connection.ecologi.requests_per_minute == 0
    {
        return Err(error("a request limit is 0".to_owned())
            .at(text, "requests_per")
            .fix("write 1 or more"));
    }
    credentials::check(&connection.highlevel)
        .map_err(|problem| problem.located(file, name, text))?;
    let currency = &connection.ecologi.currency;
    if currency.len() != 3 || !currency.chars().all(|c| c.is_ascii_uppercase()) {
        return Err(error(format!(
            "ecologi.currency \"{currency}\" is no currency code"
        ))
        .at(text, currency)
        .fix("write e.g. \"GBP\", \"USD\" or \"EUR\""));
    }
    match &connection.budget {
        Some(budget) if budget.per_day <= Decimal::ZERO || budget.per_month < budget.per_day => {
            Err(error(format!(
                "the budget of {} a day and {} a month makes no sense",
                budget.per_day, budget.per_month
            ))
            .at(text, "per_day")
            .fix("write a per_day above zero and a per_month that is not below it"))
        }
        None if !connection.test => Err(error(
            "test = false spends real money and needs caps".to_owned(),
        )
        .at(text, "test = false")
        .fix("add [connection.budget] with per_day and per_month, or write test = true")),
        _ => Ok(()),
    }
}

/// Credentials go out with every request, so plain HTTP is for this machine only.
fn check_url(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return Err("has no host"),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err("would send the credentials in clear"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[connection]]
id = "main"
test = false

[connection.highlevel]
base_url = "https://services.leadconnectorhq.com"
token = "env:TOKEN"

[connection.ecologi]
base_url = "https://public.ecologi.com"
api_key = "env:KEY"

[connection.budget]
per_day = 5
per_month = "100.50"

[poll]
every = "5m"
"#;

    fn problem(text: &str) -> String {
        parse("canopy.toml", text.to_owned(), PathBuf::new())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_good_file_is_read() {
        let loaded = parse("canopy.toml", GOOD.to_owned(), PathBuf::new()).unwrap();
        let budget = loaded.config.connection[0].budget.as_ref().unwrap();
        assert_eq!(
            (budget.per_day, budget.per_month),
            (5.into(), "100.50".parse().unwrap())
        );
    }

    #[test]
    fn test_mode_is_the_default_and_needs_no_budget() {
        let text = GOOD.replace("test = false\n", "").replace(
            "[connection.budget]\nper_day = 5\nper_month = \"100.50\"\n",
            "",
        );
        assert!(
            parse("canopy.toml", text, PathBuf::new())
                .unwrap()
                .config
                .connection[0]
                .test
        );
    }

    #[test]
    fn mistakes_are_told_with_line_and_remedy() {
        for (from, to, expected) in [
            (
                "every =",
                "evry =",
                "canopy.toml:19: unknown key \"evry\"; did you mean \"every\"?",
            ),
            (
                "\"5m\"",
                "\"30s\"",
                "canopy.toml:19: poll.every is 30 s; write \"1m\" to \"15m\"",
            ),
            (
                "\"5m\"",
                "\"often\"",
                "canopy.toml:19: \"often\" is no duration",
            ),
            (
                "[connection.budget]\nper_day = 5\nper_month = \"100.50\"\n",
                "",
                "canopy.toml:4: connection \"main\": test = false spends real money and needs caps",
            ),
            (
                "per_day = 5",
                "per_day = 500",
                "canopy.toml:15: connection \"main\": the budget of 500 a day and 100.50 a month makes no sense",
            ),
            (
                "https://public.ecologi.com",
                "http://public.ecologi.com",
                "canopy.toml:11: connection \"main\": ecologi.base_url \"http://public.ecologi.com\" would send the credentials in clear",
            ),
            (
                "token = \"env:TOKEN\"\n",
                "",
                "canopy.toml:6: connection \"main\": highlevel has neither \"token\" nor \"oauth\"",
            ),
            (
                "id = \"main\"",
                "id = \"a b\"",
                "canopy.toml:3: connection \"a b\": its id is not usable",
            ),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD);
            assert!(
                problem(&text).contains(expected),
                "{from} -> {to}: {}",
                problem(&text)
            );
        }
    }

    #[test]
    fn a_literal_token_is_not_shown() {
        let text = GOOD.replace("env:TOKEN", "pit-very-secret");
        let loaded = parse("canopy.toml", text, PathBuf::new()).unwrap();
        assert!(!format!("{:?}", loaded.config).contains("very-secret"));
    }
}
