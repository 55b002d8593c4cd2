//! Who may send webhooks.

use canopy_engine::Connection;
use canopy_highlevel::webhook::Verifier;
use canopy_mapping::{FileError, On, Workflow};
use canopy_store::SqliteStore;
use canopy_triggers::WorkflowHook;

use super::{Config, Loaded};
use crate::environment::Environment;
use crate::exit::Failure;

/// The mistake of a workflow on a webhook that nobody may send: nothing would ever start it.
pub(super) fn unknown(
    config: &Config,
    (file, text): (&str, &str),
    workflow: &Workflow,
) -> Option<String> {
    let known = || config.webhooks.workflow.iter().map(|hook| &*hook.name);
    let name = workflow.on.iter().find_map(|on| match on {
        On::Webhook(on) if !known().any(|name| name == on.webhook) => Some(&*on.webhook),
        _ => None,
    })?;
    let problem = format!("the configuration has no workflow webhook \"{name}\"");
    let error = FileError::new(file, problem).at(text, &format!("\"{name}\""));
    let error = match canopy_mapping::nearest(name, known()) {
        Some(near) => error.fix(format!("did you mean \"{near}\"?")),
        None => error.fix("add [[webhooks.workflow]] with this name and a secret to it"),
    };
    Some(error.to_string())
}

pub(super) fn check(file: &str, text: &str, config: &Config) -> Result<(), FileError> {
    let hooks = &config.webhooks.workflow;
    for (index, hook) in hooks.iter().enumerate() {
        let name = &hook.name;
        let refuse = |problem: &str, needle: &str, fix: &str| {
            let problem = format!("workflow webhook \"{name}\": {problem}");
            Err(FileError::new(file, problem).at(text, needle).fix(fix))
        };
        let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(usable) {
            let fix = "use small letters, digits, \"-\" and \"_\"";
            return refuse("its name is not usable in an address", "name =", fix);
        }
        if hooks[..index].iter().any(|other| other.name == *name) {
            let needle = format!("name = \"{name}\"");
            return refuse("there are two", &needle, "give each a name of its own");
        }
        if hook.header.is_empty()
            || !hook
                .header
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-')
        {
            let fix = "write e.g. \"X-Canopy-Secret\"";
            return refuse("its header is no name of one", &hook.header, fix);
        }
        let longest = std::time::Duration::from_hours(31 * 24);
        if hook
            .dedupe
            .is_some_and(|length| length.is_zero() || length > longest)
        {
            let fix = "write e.g. \"10m\", at most \"31d\", or leave it out";
            return refuse("its dedupe is out of bounds", "dedupe", fix);
        }
        let ids = || {
            config
                .connection
                .iter()
                .map(|connection| connection.id.as_str())
        };
        match &hook.connection {
            Some(id) if !ids().any(|other| other == id) => {
                let fix = format!("write one of {}", ids().collect::<Vec<_>>().join(", "));
                return refuse("there is no such connection", id, &fix);
            }
            None if config.connection.len() > 1 => {
                let fix = "add connection = \"the id of a connection\"";
                return refuse("it does not say whose it is", name, fix);
            }
            _ => {}
        }
    }
    Ok(())
}

/// What signs deliveries.
pub(crate) fn verifier(loaded: &Loaded) -> Result<Verifier, Failure> {
    let webhooks = &loaded.config.webhooks;
    let keys = &webhooks.public_keys;
    let wrong = |field: &str, error: &dyn std::fmt::Display| {
        Failure::BadInput(format!("{}: webhooks.{field}: {error}", loaded.file))
    };
    let verifier = if keys.is_empty() {
        Verifier::highlevel()
    } else {
        Verifier::with_keys(keys.iter().map(String::as_str))
            .map_err(|error| wrong("public_keys", &error))?
    };
    let rsa = webhooks.rsa_public_keys.iter().map(String::as_str);
    let verifier = verifier
        .accept_rsa(rsa)
        .map_err(|error| wrong("rsa_public_keys", &error))?;
    Ok(verifier.window(webhooks.window))
}

/// The webhooks of workflows, with their secrets.
pub(crate) async fn workflow_hooks(
    loaded: &Loaded,
    environment: &Environment,
    store: Option<&SqliteStore>,
    connections: &[Connection],
) -> Result<Vec<WorkflowHook>, Failure> {
    let mut hooks = Vec::new();
    for hook in &loaded.config.webhooks.workflow {
        let secret = hook
            .secret
            .resolve(&loaded.folder, environment, store)
            .await
            .map_err(|error| {
                Failure::BadInput(format!(
                    "{}: workflow webhook \"{}\": secret: {error}",
                    loaded.file, hook.name
                ))
            })?;
        let own = connections.iter().find(|connection| {
            hook.connection
                .as_ref()
                .is_none_or(|id| *id == connection.id)
        });
        let Some(connection) = own else { continue };
        hooks.push(WorkflowHook {
            name: hook.name.clone(),
            location: connection.location.clone(),
            header: hook.header.clone(),
            secret,
            dedupe: hook
                .dedupe
                .and_then(|length| jiff::SignedDuration::try_from(length).ok()),
        });
    }
    Ok(hooks)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    const GOOD: &str = r#"
[[connection]]
[connection.highlevel]
token = "env:TOKEN"
[connection.ecologi]
api_key = "env:KEY"

[[webhooks.workflow]]
name = "won-deal"
secret = "env:SECRET"
"#;

    fn parse(text: &str) -> Result<crate::config::Loaded, String> {
        crate::config::parse("canopy.toml", text.to_owned(), PathBuf::new())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_workflow_webhook_needs_a_name_and_a_secret_only() {
        let loaded = parse(GOOD).unwrap();
        assert_eq!(loaded.config.webhooks.workflow[0].header, "X-Canopy-Secret");
    }

    #[test]
    fn mistakes_are_told() {
        let twice = GOOD.to_owned()
            + "[[webhooks.workflow]]\nname = \"won-deal\"\nsecret = \"env:SECRET\"\n";
        for (text, expected) in [
            (
                GOOD.replace("won-deal", "Won Deal"),
                "canopy.toml:9: workflow webhook \"Won Deal\": its name is not usable",
            ),
            (twice, "there are two"),
            (
                GOOD.to_owned() + "header = \"a b\"\n",
                "its header is no name",
            ),
            (
                GOOD.to_owned() + "connection = \"other\"\n",
                "there is no such connection; write one of main",
            ),
            (
                GOOD.replace("secret = \"env:SECRET\"\n", ""),
                "\"secret\" is missing",
            ),
        ] {
            let problem = parse(&text).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn a_workflow_on_a_webhook_that_is_not_there_is_told() {
        let (bare, hook) = GOOD.split_at(GOOD.find("[[webhooks.workflow]]").unwrap());
        let told = |hook: &str, on: &str| {
            let loaded = crate::config::parse("canopy.toml", bare.to_owned() + hook, "".into());
            let text = format!(
                "id = \"w\"\ntitle = \"W\"\non = {{ webhook = \"{on}\" }}\n[[do]]\nid = \"p\"\naction = \"profile.save\"\n"
            );
            let workflow =
                canopy_mapping::Workflow::parse("w.toml", &text, &canopy_engine::Catalog);
            super::unknown(
                &loaded.unwrap().config,
                ("w.toml", &text),
                &workflow.unwrap(),
            )
        };
        assert_eq!(told(hook, "won-deal"), None);
        for (hook, fix) in [
            (hook, "did you mean \"won-deal\"?"),
            (
                "",
                "add [[webhooks.workflow]] with this name and a secret to it",
            ),
        ] {
            let expected =
                format!("w.toml:3: the configuration has no workflow webhook \"won-dael\"; {fix}");
            assert_eq!(told(hook, "won-dael"), Some(expected));
        }
    }
}
