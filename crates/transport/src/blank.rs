//! A client that only builds requests.

use std::sync::OnceLock;

/// Generated clients build their requests with a `reqwest::Client`, but [`crate::Execute`] sends them. This one needs no
/// certificates and opens no connection.
pub fn request_builder() -> reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(build).clone()
}

fn build() -> reqwest::Client {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .build()
        .expect("a client without proxies, files or certificates has nothing that can fail")
}
