//! TLS for what isn't HTTP: whom a connection believes.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use types::Failure;

use crate::CallError;

/// A client that believes the given authorities only, or without any those that browsers believe.
pub(crate) fn tls_config(ca_pem: Option<&str>) -> Result<ClientConfig, CallError> {
    let misconfigured = |why: String| {
        CallError::refused(Failure::new("tool_misconfigured", why).hint("check the tool's settings"))
    };
    let mut roots = RootCertStore::empty();
    match ca_pem {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let added = certificate
                    .map_err(|error| error.to_string())
                    .and_then(|found| roots.add(found).map_err(|error| error.to_string()));
                added.map_err(|error| {
                    misconfigured(format!("the certificate authority can't be read: {error}"))
                })?;
            }
            if roots.is_empty() {
                return Err(misconfigured(
                    "the certificate authority can't be read: it holds no certificate".to_owned(),
                ));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| misconfigured(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
