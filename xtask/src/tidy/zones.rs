//! Crates that look time zones up by name bring the zones along: small machines have none, and what another crate's feature
//! brings is gone when that crate is.

/// What turns the feature on in a crate's `Cargo.toml`.
const FEATURE: &str = "tzdb-bundle-always";
/// What looks zones up.
const LOOKS: [&str; 3] = [
    concat!("TimeZone::get", "("),
    concat!("tz::db", "()"),
    concat!(".in_tz", "("),
];

/// `read`: gives the text of a file, where it is there.
pub fn problem(path: &str, text: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (folder, _) = path.split_once("/src/")?;
    let look = LOOKS.iter().find(|look| text.contains(**look))?;
    let manifest = format!("{folder}/Cargo.toml");
    let has_zones = read(&manifest)?
        .lines()
        .any(|line| line.trim_start().starts_with("jiff") && line.contains(FEATURE));
    (!has_zones).then(|| {
        format!(
            "{path}: `{look}` needs the zones where the machine has none; add features = [\"{FEATURE}\"] to jiff in {manifest}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_looks_zones_up_brings_them() {
        let told = |text: &str, manifest: &'static str| {
            problem("crates/a/src/b/c.rs", text, |path| {
                assert_eq!(path, "crates/a/Cargo.toml");
                Some(manifest.to_owned())
            })
        };
        let look = concat!("let zone = TimeZone::get", "(name);");
        let without = "[dependencies]\njiff.workspace = true\n";
        let with = "jiff = { workspace = true, features = [\"tzdb-bundle-always\"] }\n";
        assert!(told(look, without).is_some_and(|told| told.contains("crates/a/Cargo.toml")));
        assert_eq!(told(look, with), None);
        assert_eq!(told("let zone = TimeZone::UTC;", without), None);
        assert_eq!(problem("tests/tests/it/a.rs", look, |_| None), None);
    }
}
