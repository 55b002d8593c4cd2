//! `canopy init`: a commented configuration to start from.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::schema::{self, Described};
use crate::cli::Init;
use crate::exit::{Ended, Failure};

pub(super) const TEMPLATE: &str = include_str!("../../assets/canopy.toml");

pub(super) fn init(options: &Init) -> Result<Ended, Failure> {
    let path = options.path.display();
    let failure = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::BadInput(format!(
            "{path} is there already; give another name, or delete it first"
        )),
        _ => Failure::Failed(format!("{path} cannot be written: {error}")),
    };
    let mut file = private().open(&options.path).map_err(failure)?;
    // Beside the configuration, so that an editor needs no network and has the schemas of this version.
    let folder = options.path.parent().unwrap_or(Path::new(""));
    let hint = match schema::write(&folder.join(schema::FOLDER)) {
        Ok(()) => schema::hint(&format!("./{}", schema::FOLDER), Described::Config),
        Err(problem) => {
            eprintln!("editors will not complete {path}: {problem}");
            String::new()
        }
    };
    let text = format!("{hint}{TEMPLATE}");
    file.write_all(text.as_bytes()).map_err(failure)?;
    eprintln!("wrote {path}; fill in the two credentials, then `canopy check --config {path}`");
    if !hint.is_empty() {
        eprintln!(
            "wrote {} for editors",
            folder.join(schema::FOLDER).display()
        );
    }
    Ok(Ended::Well)
}

/// A new file that only its owner reads: people write credentials into it.
fn private() -> std::fs::OpenOptions {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The template with all its settings, once with a token and once with an app: a connection has one of them.
#[cfg(test)]
pub(super) fn switched_on() -> [String; 2] {
    // A commented setting begins with "# " and a key or a section; prose lines begin with "# " and a capital.
    let text: String = TEMPLATE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
                format!("{setting}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(text.trim(), TEMPLATE.trim());
    let (before, app) = text.split_once("[connection.highlevel.oauth]\n").unwrap();
    let (of_app, after) = app.split_once("[connection.ecologi]\n").unwrap();
    let token = ["token = ", "next_token = "];
    let without_token: Vec<_> = before
        .lines()
        .filter(|line| !token.iter().any(|name| line.starts_with(name)))
        .collect();
    assert_eq!(before.lines().count() - without_token.len(), 2);
    let without_token = without_token.join("\n");
    assert!(of_app.lines().count() > 6, "{of_app}");
    [
        format!("{before}[connection.ecologi]\n{after}"),
        format!(
            "{without_token}\n[connection.highlevel.oauth]\n{of_app}[connection.ecologi]\n{after}"
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config;

    #[test]
    fn the_template_is_a_valid_configuration() {
        let loaded = config::parse("canopy.toml", TEMPLATE.to_owned(), PathBuf::new()).unwrap();
        assert!(
            loaded.config.connection[0].test,
            "it must not spend money as written"
        );
    }

    #[test]
    fn every_commented_line_can_be_switched_on() {
        for text in switched_on() {
            let loaded = config::parse("canopy.toml", text.clone(), PathBuf::new());
            assert!(loaded.is_ok(), "{}\n{text}", loaded.unwrap_err());
        }
    }
}
