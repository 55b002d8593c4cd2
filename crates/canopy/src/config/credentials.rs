//! How a connection gets into `HighLevel`: a private integration token, or an app. Exactly one of both.

use canopy_mapping::FileError;
use url::{Host, Url};

use super::HighLevel;

/// What is wrong, without file and connection: the problem, the text to point at, the remedy.
pub(super) struct Problem {
    pub what: String,
    pub needle: String,
    pub fix: &'static str,
}

impl Problem {
    fn new(what: impl Into<String>, needle: impl Into<String>, fix: &'static str) -> Self {
        Self {
            what: what.into(),
            needle: needle.into(),
            fix,
        }
    }

    /// With where it is.
    pub fn located(self, file: &str, connection: &str, text: &str) -> FileError {
        let what = format!("connection \"{connection}\": {}", self.what);
        FileError::new(file, what)
            .at(text, &self.needle)
            .fix(self.fix)
    }
}

pub(super) fn check(highlevel: &HighLevel) -> Result<(), Problem> {
    let section = "[connection.highlevel";
    let oauth = match (&highlevel.token, &highlevel.oauth) {
        (None, None) => {
            return Err(Problem::new(
                "highlevel has neither \"token\" nor \"oauth\"",
                section,
                "write token = \"env:NAME\" for a private integration token, or add [connection.highlevel.oauth]",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::new(
                "highlevel has both \"token\" and \"oauth\"",
                "[connection.highlevel.oauth]",
                "keep one of them",
            ));
        }
        (Some(_), None) => return Ok(()),
        (None, Some(oauth)) => oauth,
    };
    if highlevel.next_token.is_some() {
        return Err(Problem::new(
            "highlevel.next_token has no \"token\" that it could follow",
            "next_token",
            "remove it: tokens of an app renew themselves",
        ));
    }
    if oauth.client_id.trim().is_empty() {
        return Err(Problem::new(
            "oauth.client_id is empty",
            "client_id",
            "copy it from the app's page in HighLevel's marketplace",
        ));
    }
    if let Err(problem) = check_redirect(&oauth.redirect_uri) {
        return Err(Problem::new(
            format!("oauth.redirect_uri \"{}\" {problem}", oauth.redirect_uri),
            "redirect_uri",
            "write an https:// address of yours that the app names; nothing needs to answer there, because the code can be pasted",
        ));
    }
    if Url::parse(&oauth.chooser_url).map_or(true, |url| url.scheme() != "https") {
        return Err(Problem::new(
            format!(
                "oauth.chooser_url \"{}\" is no https:// address",
                oauth.chooser_url
            ),
            "chooser_url",
            "leave it out, or write the white-label one",
        ));
    }
    if oauth.agency && highlevel.location_id.is_none() {
        return Err(Problem::new(
            "oauth.agency = true, but highlevel.location_id is missing",
            "agency",
            "name the sub-account: an agency's installation is for many",
        ));
    }
    if oauth.company_id.is_some() && !oauth.agency {
        return Err(Problem::new(
            "oauth.company_id is for an agency's installation",
            "company_id",
            "add agency = true, or remove it",
        ));
    }
    Ok(())
}

/// `HighLevel` refuses plain HTTP and this machine.
fn check_redirect(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => true,
    };
    if url.scheme() != "https" {
        Err("is not https, and HighLevel takes nothing else")
    } else if local {
        Err("is this machine, which HighLevel refuses")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::config::parse;

    const FILE: &str = r#"
[[connection]]

[connection.highlevel]
location_id = "loc"

[connection.highlevel.oauth]
client_id = "app"
client_secret = "env:SECRET"
redirect_uri = "https://a.example/back"

[connection.ecologi]
api_key = "env:KEY"
"#;

    fn read(text: &str) -> Result<(), String> {
        parse("canopy.toml", text.to_owned(), PathBuf::new())
            .map(drop)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_app_stands_in_for_a_token() {
        read(FILE).unwrap();
        read(&FILE.replace("client_id", "agency = true\nclient_id")).unwrap();
    }

    #[test]
    fn mistakes_are_told_with_line_and_remedy() {
        for (from, to, expected) in [
            (
                "location_id = \"loc\"",
                "token = \"env:T\"",
                "canopy.toml:7: connection \"main\": highlevel has both \"token\" and \"oauth\"; keep one of them",
            ),
            (
                "location_id = \"loc\"",
                "next_token = \"env:T\"",
                "canopy.toml:5: connection \"main\": highlevel.next_token has no \"token\"",
            ),
            (
                "https://a.example/back",
                "http://a.example/back",
                "canopy.toml:10: connection \"main\": oauth.redirect_uri \"http://a.example/back\" is not https",
            ),
            (
                "https://a.example/back",
                "https://localhost/back",
                "is this machine, which HighLevel refuses",
            ),
            (
                "location_id = \"loc\"\n\n[connection.highlevel.oauth]",
                "\n[connection.highlevel.oauth]\nagency = true",
                "canopy.toml:7: connection \"main\": oauth.agency = true, but highlevel.location_id is missing",
            ),
            ("client_id = \"app\"\n", "", "client_id"),
            (
                "\"app\"",
                "\"app\"\ncompany_id = \"c\"",
                "add agency = true",
            ),
        ] {
            let text = FILE.replacen(from, to, 1);
            assert_ne!(text, FILE);
            let problem = read(&text).unwrap_err();
            assert!(problem.contains(expected), "{from} -> {to}: {problem}");
        }
    }
}
