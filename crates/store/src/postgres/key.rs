//! The key of the secrets, which every node needs and the database doesn't have.

use std::path::Path;

use ports::StoreError;
use tokio_postgres::Client;
use types::{Entropy, TenantId};

use super::fault::of_postgres;
use crate::files;
use crate::seal::{Sealed, Sealer, wrong_key};

/// What is sealed to tell one key from another.
const KNOWN: &str = "agentops";
/// What it is bound to.
const BOUND: (TenantId, &str, &str) = (TenantId::DEFAULT, "key_check", "");

/// The sealer of this node. The first node on a database makes the key; the others must be given it.
///
/// # Errors
/// [`StoreError::SecretKey`] if the key file isn't that of the other nodes, or isn't there.
pub(super) async fn sealer(
    client: &Client,
    folder: &Path,
    entropy: &dyn Entropy,
    guest: bool,
) -> Result<Sealer, StoreError> {
    let kept = kept(client).await?;
    let may_make = !guest && kept.is_none();
    let key = files::secret_key(folder, entropy, may_make)?;
    let is_there = key.is_some();
    let sealer = Sealer::new(key);
    if guest {
        return Ok(sealer);
    }
    let kept = match kept {
        Some(kept) => kept,
        None => keep(client, &sealer.seal(entropy, BOUND, KNOWN)?).await?,
    };
    match sealer.open(BOUND, &kept) {
        Ok(known) if known == KNOWN => Ok(sealer),
        _ => {
            let path = folder.join(files::KEY);
            let seen = if is_there {
                "is not the key of"
            } else {
                "is missing beside"
            };
            Err(wrong_key(format!(
                "'{}' {seen} this database: copy secret.key from a node that works on it",
                path.display()
            )))
        }
    }
}

async fn kept(client: &Client) -> Result<Option<Sealed>, StoreError> {
    let row = client.query_opt("SELECT nonce, sealed FROM key_check", &[]).await;
    let row = row.map_err(|error| of_postgres(&error))?;
    Ok(row.map(|row| Sealed {
        nonce: row.get::<_, &[u8]>(0).try_into().unwrap_or([0; 24]),
        bytes: row.get(1),
    }))
}

/// Keeps what is sealed, unless another first node was quicker; what is kept then.
async fn keep(client: &Client, sealed: &Sealed) -> Result<Sealed, StoreError> {
    let insert = "INSERT INTO key_check (one, nonce, sealed) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";
    let nonce: &[u8] = &sealed.nonce;
    let kept_now = client.execute(insert, &[&nonce, &sealed.bytes]).await;
    kept_now.map_err(|error| of_postgres(&error))?;
    kept(client)
        .await?
        .ok_or_else(|| wrong_key("the database did not keep what the key is known by"))
}
