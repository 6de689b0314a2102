//! The text of a snapshot: a state with the version of its shape. A snapshot only saves time, so one
//! that can't be read is no fault: the whole journal says the same.

use serde::{Deserialize, Serialize};

use crate::state::State;

/// Version of the shape and meaning of [`State`]. It grows with every change after which an older
/// snapshot would be folded on wrongly, even if its text can still be read.
pub const STATE_VERSION: u16 = 1;

#[derive(Serialize)]
struct Written<'a> {
    v: u16,
    state: &'a State,
}

#[derive(Deserialize)]
struct Version {
    v: u16,
}

#[derive(Deserialize)]
struct Read {
    state: State,
}

/// The text that keeps a state; none if it can't be written, which is no more than slow.
pub fn write(state: &State) -> Option<String> {
    let v = STATE_VERSION;
    serde_json::to_string(&Written { v, state }).ok()
}

/// The state that a text keeps, as of event `seq`.
///
/// # Errors
/// In words, why it can't be used: damaged, of another version, or not as of `seq`. Then the journal
/// is to be folded from its beginning.
pub fn read(text: &str, seq: u64) -> Result<State, String> {
    let damaged = |error: serde_json::Error| format!("it is damaged: {error}");
    let Version { v } = serde_json::from_str(text).map_err(damaged)?;
    if v != STATE_VERSION {
        return Err(format!(
            "it has version {v}, and this binary's is {STATE_VERSION}"
        ));
    }
    let Read { state } = serde_json::from_str(text).map_err(damaged)?;
    if state.head != seq {
        return Err(format!("it is as of event {}, not {seq}", state.head));
    }
    Ok(state)
}
