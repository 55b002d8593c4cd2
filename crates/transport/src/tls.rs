//! TLS by rustls with ring and the machine's certificates, without touching the process-wide default provider.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// The configuration of one HTTP client.
pub(crate) fn config() -> Result<ClientConfig, rustls::Error> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
    };
    let mut config = match builder()?.with_platform_verifier() {
        Ok(builder) => builder.with_no_client_auth(),
        // A bare container has no certificates. Plain HTTP to the sandbox must still work there; HTTPS then fails with
        // an unknown issuer.
        Err(error) => {
            tracing::warn!(%error, "no certificates found on this machine, so HTTPS will fail: install ca-certificates");
            builder()?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
