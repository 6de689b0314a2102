//! Sealing of secrets: XChaCha20-Poly1305, bound to tenant, name and origin.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ports::StoreError;
use types::{Entropy, TenantId};

use crate::fault::other;

/// Seals and opens secrets with the installation's key.
pub(crate) struct Sealer {
    cipher: Option<XChaCha20Poly1305>,
}

/// A sealed secret.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) nonce: [u8; 24],
    pub(crate) bytes: Vec<u8>,
}

impl Sealer {
    pub(crate) fn new(key: Option<[u8; 32]>) -> Self {
        Self {
            cipher: key.map(|key| XChaCha20Poly1305::new(&key.into())),
        }
    }

    pub(crate) fn seal(
        &self,
        entropy: &dyn Entropy,
        (tenant, name, origin): (TenantId, &str, &str),
        value: &str,
    ) -> Result<Sealed, StoreError> {
        let mut nonce = [0u8; 24];
        entropy.fill(&mut nonce);
        let payload = Payload {
            msg: value.as_bytes(),
            aad: &bound_to(tenant, name, origin),
        };
        let bytes = self
            .cipher()?
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| other(format!("failed to encrypt the secret '{name}'")))?;
        Ok(Sealed { nonce, bytes })
    }

    pub(crate) fn open(
        &self,
        (tenant, name, origin): (TenantId, &str, &str),
        sealed: &Sealed,
    ) -> Result<String, StoreError> {
        let payload = Payload {
            msg: &sealed.bytes,
            aad: &bound_to(tenant, name, origin),
        };
        let bytes = self
            .cipher()?
            .decrypt(&XNonce::from(sealed.nonce), payload)
            .map_err(|_| wrong_key(format!("the key file does not open the secret '{name}'")))?;
        String::from_utf8(bytes).map_err(|_| wrong_key(format!("the secret '{name}' is not text")))
    }

    fn cipher(&self) -> Result<&XChaCha20Poly1305, StoreError> {
        self.cipher
            .as_ref()
            .ok_or_else(|| wrong_key("there is no key file in the data folder"))
    }
}

/// Secrets can't be opened with the key that is there.
pub(crate) fn wrong_key(message: impl std::fmt::Display) -> StoreError {
    StoreError::SecretKey {
        message: message.to_string(),
    }
}

/// Length before each part, so that no two bindings have the same bytes.
fn bound_to(tenant: TenantId, name: &str, origin: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40 + name.len() + origin.len());
    for part in [&tenant.as_bytes()[..], name.as_bytes(), origin.as_bytes()] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
