//! What each vendor knows, for people to look at: read from the state file, so that it is the same whether
//! the sandbox runs or not.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::{Error, Vendor, persist};

/// Credentials that vendors have given out: as good as real ones, here.
const CREDENTIALS: [&str; 1] = ["tokens"];

/// What each vendor of the sandbox that keeps its state in this file knows, by the vendor's name, without
/// credentials. Vendors that keep nothing aren't there, and neither is anybody before the first start.
///
/// # Errors
/// [`Error::ReadState`] and [`Error::CorruptState`].
pub fn vendors(state_file: &Path) -> Result<BTreeMap<String, Value>, Error> {
    let Some(state) = persist::load(state_file)? else {
        return Ok(BTreeMap::new());
    };
    // The state is plain data with text keys, so it always has a JSON form.
    let mut state = serde_json::to_value(state).unwrap_or(Value::Null);
    let known = Vendor::ALL.into_iter().filter_map(|vendor| {
        let name = vendor.to_string();
        let mut known = state.get_mut(&name).map(Value::take)?;
        if let Some(known) = known.as_object_mut() {
            known.retain(|key, _| !CREDENTIALS.contains(&key.as_str()));
        }
        Some((name, known))
    });
    Ok(known.collect())
}
