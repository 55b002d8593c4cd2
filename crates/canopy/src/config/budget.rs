//! Caps that make no sense are refused. That of the connection is looked at with the connection.

use canopy_engine::BudgetZone;
use canopy_mapping::FileError;
use rust_decimal::Decimal;

use super::{CapsConfig, Config, Loaded};

pub(super) fn check(file: &str, text: &str, config: &Config) -> Result<(), FileError> {
    for (currency, caps) in &config.budget {
        let section = format!("budget.{currency}");
        check_caps(file, text, &section, *caps)?;
        let used = |currency: &str| {
            let mut connections = config.connection.iter();
            connections.any(|connection| connection.ecologi.currency == currency)
        };
        if !used(currency) {
            let problem = format!("[{section}]: no connection has the currency \"{currency}\"");
            return Err(FileError::new(file, problem)
                .at(text, &section)
                .fix("write the ecologi.currency of a connection, e.g. [budget.GBP]"));
        }
    }
    for (currency, prices) in &config.prices {
        for (purchase, price) in prices {
            let set = canopy_ecologi::PriceList::default().set(currency, purchase, *price);
            if let Err(error) = set {
                let problem = format!("[prices.{currency}] {purchase}: {error}");
                return Err(FileError::new(file, problem).at(text, purchase));
            }
        }
    }
    for budget in config
        .connection
        .iter()
        .filter_map(|one| one.budget.as_ref())
    {
        if let Some(limit) = budget.per_contact_per_day {
            above_zero(file, text, "per_contact_per_day", limit)?;
        }
        if let Err(problem) = zone(&budget.timezone) {
            let error = FileError::new(file, format!("[connection.budget] timezone: {problem}"));
            return Err(error
                .at(text, &budget.timezone)
                .fix("write \"UTC\", \"location\", or a zone such as \"Europe/London\""));
        }
        for (id, caps) in &budget.workflow {
            check_caps(
                file,
                text,
                &format!("connection.budget.workflow.{id}"),
                *caps,
            )?;
        }
    }
    Ok(())
}

/// Where the days of caps begin.
pub(crate) fn zone(name: &str) -> Result<BudgetZone, String> {
    match name {
        "UTC" => Ok(BudgetZone::Utc),
        "location" => Ok(BudgetZone::Location),
        name => canopy_mapping::zone(name)
            .map(BudgetZone::Named)
            .map_err(|_| format!("there is no time zone \"{name}\"")),
    }
}

fn check_caps(file: &str, text: &str, section: &str, caps: CapsConfig) -> Result<(), FileError> {
    for (name, limit) in [("per_day", caps.per_day), ("per_month", caps.per_month)] {
        if let Some(limit) = limit {
            above_zero(file, text, &format!("{section}.{name}"), limit)?;
        }
    }
    match (caps.per_day, caps.per_month) {
        (None, None) => Err(FileError::new(file, format!("[{section}] caps nothing"))
            .at(text, last(section))
            .fix("give it per_day, per_month or both")),
        (Some(day), Some(month)) if month < day => {
            let problem = format!("[{section}]: {month} a month is below {day} a day");
            Err(FileError::new(file, problem)
                .at(text, last(section))
                .fix("write a per_month that is not below per_day"))
        }
        _ => Ok(()),
    }
}

fn above_zero(file: &str, text: &str, name: &str, limit: Decimal) -> Result<(), FileError> {
    if limit > Decimal::ZERO {
        return Ok(());
    }
    let problem = format!("{name} is {limit}, so nothing could ever be bought");
    Err(FileError::new(file, problem)
        .at(
            text,
            last(
                name.trim_end_matches(".per_day")
                    .trim_end_matches(".per_month"),
            ),
        )
        .fix("write an amount above zero"))
}

fn last(section: &str) -> &str {
    section.rsplit('.').next().unwrap_or(section)
}

/// The mistake of a cap for a workflow that is not there: it would guard nothing.
pub(super) fn unknown_workflow<'a>(
    loaded: &Loaded,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<String> {
    let budgets = loaded.config.connection.iter();
    let id = budgets
        .filter_map(|one| one.budget.as_ref())
        .flat_map(|budget| budget.workflow.keys())
        .find(|id| !known.clone().any(|name| name == id.as_str()))?;
    let error = FileError::new(
        &loaded.file,
        format!("[connection.budget.workflow.\"{id}\"]: there is no such workflow"),
    )
    .at(&loaded.text, id);
    let error = match canopy_mapping::nearest(id, known) {
        Some(near) => error.fix(format!("did you mean \"{near}\"?")),
        None => error.fix("write the id of a workflow that runs"),
    };
    Some(error.to_string())
}

#[cfg(test)]
mod tests {
    const GOOD: &str = r#"
[budget.GBP]
per_month = 50
[[connection]]
highlevel = { token = "env:TOKEN" }
ecologi = { api_key = "env:KEY" }
[connection.budget]
per_day = 5
per_month = 20
per_contact_per_day = 1
[connection.budget.workflow."new-contact"]
per_day = 2
per_month = 4
"#;

    fn parse(text: &str) -> Result<super::Loaded, String> {
        crate::config::parse("canopy.toml", text.to_owned(), "".into()).map_err(|e| e.to_string())
    }

    #[test]
    fn caps_of_every_kind_are_read_and_nonsense_is_refused_with_its_line() {
        let loaded = parse(GOOD).unwrap();
        assert!(crate::config::workflows(&loaded).is_ok());
        for (from, to, expected) in [
            (
                "budget.GBP",
                "budget.USD",
                "canopy.toml:2: [budget.USD]: no connection has",
            ),
            (
                "per_day = 2\nper_month = 4",
                "",
                "canopy.toml:11: [connection.budget.workflow.new-contact] caps nothing",
            ),
            (
                "per_month = 4",
                "per_month = 1",
                "canopy.toml:11: [connection.budget.workflow.new-contact]: 1 a month is below 2 a day",
            ),
            (
                "per_day = 1\n",
                "per_day = 0\n",
                "canopy.toml:10: per_contact_per_day is 0",
            ),
            (
                "per_contact_per_day = 1\n",
                "timezone = \"Europe/Londn\"\n",
                "canopy.toml:10: [connection.budget] timezone: there is no time zone \"Europe/Londn\"",
            ),
            (
                "[[connection]]",
                "[prices.GBP]\nbuy-tree = 1\n[[connection]]",
                "canopy.toml:5: [prices.GBP] buy-tree: `buy-tree` is no purchase",
            ),
        ] {
            let error = parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(expected), "{from} -> {to}: {error}");
        }
        let loaded = parse(&GOOD.replace("new-contact", "new-contakt")).unwrap();
        let error = crate::config::workflows(&loaded).unwrap_err().to_string();
        assert!(
            error.contains("canopy.toml:11: ") && error.contains("did you mean \"new-contact\"?"),
            "{error}"
        );
    }
}
