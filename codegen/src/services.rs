//! Policy as data: which files describe which service, and where its code goes.

/// A service that a client is generated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// As `cargo xtask spec bundle` calls it.
    pub name: &'static str,
    /// The file, or the folder (with `/` at its end), of its description.
    pub spec: &'static str,
    /// The folder of its generated crate.
    pub crate_dir: &'static str,
    /// The folder of its webhooks' descriptions.
    pub webhooks: Option<&'static str>,
    /// The file of its catalog.
    pub catalog: Option<&'static str>,
    /// The file of the members of a contact that field mapping knows (`x-field`).
    pub contact_members: Option<&'static str>,
    /// The manifests that have a cargo feature for each of its resources.
    pub manifests: &'static [Manifest],
}

/// A `Cargo.toml` with a section of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manifest {
    pub path: &'static str,
    /// The package whose feature of the same name each one enables; none where the feature is the module itself.
    pub forwards_to: Option<&'static str>,
}

/// All of them.
pub const SERVICES: &[Service] = &[
    Service {
        name: "highlevel",
        spec: "spec/highlevel/",
        crate_dir: "crates/highlevel-api",
        webhooks: Some("spec/webhooks/"),
        catalog: Some("spec/catalog.yaml"),
        contact_members: Some("crates/mapping/src/generated/contact_members.rs"),
        manifests: &[
            Manifest {
                path: "crates/highlevel-api/Cargo.toml",
                forwards_to: None,
            },
            Manifest {
                path: "crates/highlevel/Cargo.toml",
                forwards_to: Some("canopy-highlevel-api"),
            },
        ],
    },
    Service {
        name: "ecologi",
        spec: "spec/ecologi.yaml",
        crate_dir: "crates/ecologi-api",
        webhooks: None,
        catalog: None,
        contact_members: None,
        manifests: &[Manifest {
            path: "crates/ecologi-api/Cargo.toml",
            forwards_to: None,
        }],
    },
];

/// The sandbox embeds copies of the bundles here: it may depend on nothing but spec files.
pub(crate) const SANDBOX_DIR: &str = "crates/sandbox/openapi";

/// The manifest of everything that is generated.
pub const MANIFEST: &str = "codegen/generated_files.json";

/// What regenerates every output.
pub const COMMAND: &str = "cargo xtask codegen";

impl Service {
    /// The service of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SERVICES.iter().find(|service| service.name == name)
    }

    /// Whether a file describes this service.
    pub(crate) fn owns(&self, path: &str) -> bool {
        if self.spec.ends_with('/') {
            path.starts_with(self.spec)
        } else {
            path == self.spec
        }
    }
}
