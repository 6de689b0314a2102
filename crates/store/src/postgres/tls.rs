//! TLS to the database: whose certificates a connection believes, and what people are told of one that it
//! doesn't.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Trust, Unusable};

/// The largest file of authorities, in bytes: those of the big operators have a few hundred thousand.
const LARGEST: u64 = 4 * 1024 * 1024;
/// What is spoken inside, as PostgreSQL's registration with IANA says: a server of version 17 wants it said
/// if nothing else is negotiated first.
const PROTOCOL: &[u8] = b"postgresql";
const NAME_A_FILE: &str =
    "name the PEM file of its authority as database.ca_file, or sslrootcert= in database.url";

/// The machine's own list, read once.
static MACHINE: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    // A list may hold what no connection could use; the others count.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

/// A certificate that isn't believed, in words for people.
#[derive(Debug)]
pub(super) struct Untrusted(String);

/// Believes what the authorities have signed for the host's name.
#[derive(Debug)]
struct Authorities {
    verifier: Arc<WebPkiServerVerifier>,
    /// Whose they are, to be told.
    whose: String,
}

/// Believes whoever answers.
#[derive(Debug)]
struct Anybody {
    provider: Arc<CryptoProvider>,
}

/// What makes TLS connections. `direct` is for those that begin with TLS.
pub(super) fn connector(trust: &Trust, direct: bool) -> Result<MakeRustlsConnect, Unusable> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Plain | Trust::Anybody => Arc::new(Anybody {
            provider: Arc::clone(&provider),
        }),
        Trust::Machine => {
            let whose = "this machine's list of authorities".to_owned();
            Arc::new(Authorities::new(Arc::clone(&MACHINE), whose, &provider)?)
        }
        Trust::File(file) => {
            let roots = Arc::new(read(file)?);
            Arc::new(Authorities::new(
                roots,
                format!("'{}'", file.display()),
                &provider,
            )?)
        }
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Unusable::new(format!("TLS can't be set up: {error}"), "say sslmode=disable"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    if direct {
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

/// The authorities in a PEM file.
fn read(file: &Path) -> Result<RootCertStore, Unusable> {
    let failed = |why: String| {
        Unusable::new(
            format!(
                "the authorities of the database in '{}' can't be read: {why}",
                file.display()
            ),
            "database.ca_file, or sslrootcert= in database.url, names a PEM file with the certificate of the \
             authority that signed the database's",
        )
    };
    let mut pem = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut pem))
        .map_err(|error| failed(error.to_string()))?;
    if pem.len() as u64 > LARGEST {
        return Err(failed(format!("it has more than {LARGEST} bytes")));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(failed("it holds no certificate".to_owned()));
    }
    Ok(roots)
}

impl Authorities {
    fn new(
        roots: Arc<RootCertStore>,
        whose: String,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Unusable> {
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
        let verifier = verifier.map_err(|error| {
            Unusable::new(
                format!("the database's certificate can't be checked by {whose}: {error}"),
                "install the machine's list of authorities (Debian: ca-certificates), or name the PEM file of \
                 the database's authority as database.ca_file",
            )
        })?;
        Ok(Self { verifier, whose })
    }

    /// What is wrong, and what to do.
    fn told(&self, error: &CertificateError, host: &str) -> String {
        let whose = &self.whose;
        match error {
            // The latter by one of the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                "the certificate of the database at {host} is signed by no authority of {whose}: {NAME_A_FILE}"
            ),
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => format!(
                "the certificate of the database at {host} names no host (subjectAltName): give the server one \
                 for this name"
            ),
            CertificateError::NotValidForNameContext { presented, .. } => format!(
                "the certificate of the database at {host} is for another name, {}: write its name in \
                 database.url, or give the server a certificate for this one",
                presented
                    .iter()
                    .map(|name| plain(name))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of the database at {host} has expired: renew it at the server")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
                "the certificate of the database at {host} is not valid yet: look at the clock of this machine"
            ),
            // Only its text tells.
            other if format!("{other:?}").contains("CaUsedAsEndEntity") => format!(
                "the certificate of the database at {host} is an authority's own: give the server one that the \
                 authority has signed, with CA:FALSE"
            ),
            other => format!(
                "the certificate of the database at {host} is not believed by {whose}: {other}; give the server \
                 another one"
            ),
        }
    }
}

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self
            .verifier
            .verify_server_cert(end_entity, intermediates, host, ocsp, now);
        verified.map_err(|error| match error {
            Error::InvalidCertificate(why) => {
                let told = Untrusted(self.told(&why, &host.to_str()));
                CertificateError::Other(OtherError(Arc::new(told))).into()
            }
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Whoever stands between could show a certificate and sign with it just as well, so neither is looked at:
/// a server that has an odd one is reached as it was without TLS.
impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Untrusted {}

/// What is told of a handshake that failed for reasons that waiting doesn't cure, if it is one.
pub(super) fn told(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let error = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    let error = error.downcast_ref::<Error>()?;
    if let Error::InvalidCertificate(CertificateError::Other(OtherError(why))) = error
        && let Some(untrusted) = why.downcast_ref::<Untrusted>()
    {
        return Some(untrusted.to_string());
    }
    Some(format!(
        "TLS with the database failed: {error}; its log may say more"
    ))
}

/// A name of a certificate without its kind, such as `DnsName("db.example")`.
fn plain(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .map_or(name, |(_, inner)| inner.trim_end_matches(')'));
    inner.trim_matches('"')
}
