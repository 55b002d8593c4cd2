//! Which package may use which, as ARCHITECTURE.md says.

use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::failure::Failure;

/// Package, and what it may use of ours. Tests may use more: dev-dependencies are not held.
const MAY_USE: &[(&str, &[&str])] = &[
    ("canopy-codegen", &[]),
    ("xtask", &["canopy-codegen"]),
    ("canopy-transport", &[]),
    ("canopy-highlevel-api", &["canopy-transport"]),
    ("canopy-ecologi-api", &["canopy-transport"]),
    (
        "canopy-highlevel",
        &["canopy-highlevel-api", "canopy-transport"],
    ),
    (
        "canopy-ecologi",
        &["canopy-ecologi-api", "canopy-transport"],
    ),
    ("canopy-mapping", &[]),
    // Of `mapping` only its plain data types.
    ("canopy-store", &["canopy-mapping"]),
    (
        "canopy-triggers",
        &["canopy-highlevel", "canopy-store", "canopy-mapping"],
    ),
    (
        "canopy-engine",
        &[
            "canopy-mapping",
            "canopy-store",
            "canopy-highlevel",
            "canopy-ecologi",
        ],
    ),
    ("canopy-sandbox", &[]),
    (
        "canopy-web",
        &["canopy-store", "canopy-engine", "canopy-triggers"],
    ),
    (
        "canopy",
        &[
            "canopy-transport",
            "canopy-highlevel",
            "canopy-ecologi",
            "canopy-mapping",
            "canopy-store",
            "canopy-triggers",
            "canopy-engine",
            "canopy-sandbox",
            "canopy-web",
        ],
    ),
    (
        "e2e",
        &[
            "canopy",
            "canopy-engine",
            "canopy-mapping",
            "canopy-sandbox",
            "canopy-store",
        ],
    ),
];

/// A package and those of ours that it uses.
#[derive(Debug)]
pub struct Package {
    pub name: String,
    pub uses: Vec<String>,
}

/// The packages of the workspace.
pub fn of_workspace(root: &Path) -> Result<Vec<Package>, Failure> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|error| Failure::Cargo(error.to_string()))?;
    let packages = metadata.workspace_packages().into_iter().map(|package| {
        let held = package.dependencies.iter().filter(|dependency| {
            dependency.path.is_some() && dependency.kind != DependencyKind::Development
        });
        Package {
            name: package.name.to_string(),
            uses: held.map(|dependency| dependency.name.clone()).collect(),
        }
    });
    Ok(packages.collect())
}

/// Edges that the table does not have.
pub fn problems(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for Package { name, uses } in packages {
        let Some((_, allowed)) = MAY_USE.iter().find(|(package, _)| package == name) else {
            problems.push(format!(
                "package `{name}` is not in the table of {}; say what it may use",
                file!()
            ));
            continue;
        };
        for used in uses.iter().filter(|used| !allowed.contains(&used.as_str())) {
            problems.push(format!(
                "`{name}` must not depend on `{used}`; ARCHITECTURE.md says what may use what"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_edge_and_an_unknown_package_are_found() {
        let package = |name: &str, uses: &[&str]| Package {
            name: name.into(),
            uses: uses.iter().map(|used| (*used).to_owned()).collect(),
        };
        let found = problems(&[
            package("canopy-mapping", &["canopy-store"]),
            package("canopy-store", &["canopy-mapping"]),
            package("canopy-new", &[]),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("`canopy-mapping` must not depend on `canopy-store`"));
        assert!(found[1].contains("`canopy-new`"));
    }
}
