//! A certificate authority of the sandbox's own, made at each start, and one certificate by it.

use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::Error;

/// What a TLS listener needs, and what its clients need.
pub(crate) struct Tls {
    pub config: RustlsConfig,
    /// The same for what isn't HTTP.
    pub server: Arc<ServerConfig>,
    pub ca_pem: String,
}

/// Makes keys and certificates for 127.0.0.1 and localhost.
pub(crate) fn make() -> Result<Tls, Error> {
    let certificate = |error: rcgen::Error| Error::Certificate(error.to_string());
    let ca_key = KeyPair::generate().map_err(certificate)?;
    let mut ca = CertificateParams::new(Vec::<String>::new()).map_err(certificate)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name
        .push(DnType::CommonName, "AgentOps sandbox authority");
    let ca_certificate = ca.self_signed(&ca_key).map_err(certificate)?;
    let issuer = Issuer::new(ca, ca_key);

    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut leaf = CertificateParams::new(names).map_err(certificate)?;
    leaf.distinguished_name
        .push(DnType::CommonName, "AgentOps sandbox");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let leaf_key = KeyPair::generate().map_err(certificate)?;
    let leaf_certificate = leaf.signed_by(&leaf_key, &issuer).map_err(certificate)?;

    let chain = vec![leaf_certificate.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| Error::Certificate(error.to_string()))?;
    // HTTP/1.1 only: there, dropping an answer drops the connection, which is what a fault wants.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut server = config.clone();
    server.alpn_protocols.clear();
    Ok(Tls {
        config: RustlsConfig::from_config(Arc::new(config)),
        server: Arc::new(server),
        ca_pem: ca_certificate.pem(),
    })
}
