//! What the tools can do to their devices.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::state::Tool;

/// The range of an output gain, in decibels.
const GAIN_DB: std::ops::RangeInclusive<f64> = -100.0..=20.0;
/// The most channels, snapshots or routes kept in a device.
const MAX_ENTRIES: usize = 200;

/// Why an action wasn't done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("unknown action '{0}'")]
    UnknownAction(String),
    #[error("unknown device '{0}'")]
    UnknownDevice(String),
    #[error("argument '{0}' is missing or of the wrong type")]
    BadArgument(&'static str),
    #[error("gain of {0} dB is outside -100 to 20")]
    GainOutOfRange(f64),
    #[error("snapshot '{0}' is not in the design")]
    UnknownSnapshot(String),
    #[error("the device keeps no more than {MAX_ENTRIES} entries")]
    Full,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Refusal::UnknownDevice(_) => StatusCode::NOT_FOUND,
            Refusal::GainOutOfRange(_) | Refusal::UnknownSnapshot(_) | Refusal::Full => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Refusal::UnknownAction(_) | Refusal::BadArgument(_) => StatusCode::BAD_REQUEST,
        }
    }
}

type Args = Map<String, Value>;

/// Does `action`; nothing has changed if it is refused.
pub(super) fn perform(name: &str, tool: &mut Tool, action: &str, args: &Args) -> Result<Value, Refusal> {
    match (name, action) {
        ("qsys_control", "set_gain") => set_gain(tool, args),
        ("qsys_control", "recall_snapshot" | "load_snapshot") => recall_snapshot(tool, args),
        ("dante_ctrl", "ensure_route") => ensure_route(tool, args),
        ("dante_ctrl", "verify_route") => verify_route(tool, args),
        ("network_api", "set_qos") => set_qos(tool, args),
        ("qsys_control", "get_device_status")
        | ("dante_ctrl", "get_routes")
        | ("network_api", "get_port_metrics") => Ok(device(tool, args)?.clone()),
        ("qsys_control", "verify_device_state") => verify_state(tool, args),
        _ => Err(Refusal::UnknownAction(action.chars().take(80).collect())),
    }
}

fn set_gain(tool: &mut Tool, args: &Args) -> Result<Value, Refusal> {
    let channel = text(args, "channel")?;
    let db = args
        .get("db")
        .and_then(Value::as_f64)
        .ok_or(Refusal::BadArgument("db"))?;
    if !GAIN_DB.contains(&db) {
        return Err(Refusal::GainOutOfRange(db));
    }
    let device = device(tool, args)?;
    let before = device["gains"][channel].clone();
    put(device, "gains", channel, json!(db))?;
    Ok(json!({"device_id": device["device_id"], "channel": channel, "db": db, "previous_db": before}))
}

fn recall_snapshot(tool: &mut Tool, args: &Args) -> Result<Value, Refusal> {
    let snapshot = text(args, "snapshot")?;
    let device = device(tool, args)?;
    let known = device["snapshots"]
        .as_array()
        .is_some_and(|list| list.iter().any(|known| known == snapshot));
    if !known {
        return Err(Refusal::UnknownSnapshot(snapshot.chars().take(80).collect()));
    }
    device["snapshot"] = json!(snapshot);
    device["state"] = json!("Operational");
    Ok(json!({"device_id": device["device_id"], "snapshot": snapshot, "state": "Operational"}))
}

fn verify_state(tool: &mut Tool, args: &Args) -> Result<Value, Refusal> {
    let expected = text(args, "expected_state")?;
    let device = device(tool, args)?;
    Ok(json!({"state": device["state"], "expected": expected, "ok": device["state"] == expected}))
}

fn ensure_route(tool: &mut Tool, args: &Args) -> Result<Value, Refusal> {
    let (tx, rx) = (text(args, "tx")?, text(args, "rx")?);
    let device = device(tool, args)?;
    let changed = device["routes"][rx] != tx;
    put(device, "routes", rx, json!(tx))?;
    Ok(json!({"tx": tx, "rx": rx, "changed": changed}))
}

fn verify_route(tool: &mut Tool, args: &Args) -> Result<Value, Refusal> {
    let (tx, rx) = (text(args, "tx")?, text(args, "rx")?);
    let device = device(tool, args)?;
    Ok(json!({"tx": tx, "rx": rx, "ok": device["routes"][rx] == tx}))
}

fn set_qos(tool: &mut Tool, args: &Args) -> Result<Value, Refusal> {
    let (port, policy) = (text(args, "port")?, text(args, "qos_policy")?);
    let device = device(tool, args)?;
    put(device, "qos", port, json!(policy))?;
    Ok(json!({"switch": device["device_id"], "port": port, "qos_policy": policy}))
}

/// The device named by `device_id`, `device` or `switch`; the only one if none is named.
fn device<'a>(tool: &'a mut Tool, args: &Args) -> Result<&'a mut Value, Refusal> {
    let named = ["device_id", "device", "switch"]
        .iter()
        .find_map(|name| args.get(*name));
    match named {
        Some(Value::String(id)) => tool
            .devices
            .get_mut(id)
            .ok_or_else(|| Refusal::UnknownDevice(id.chars().take(80).collect())),
        Some(_) => Err(Refusal::BadArgument("device_id")),
        None if tool.devices.len() == 1 => tool
            .devices
            .values_mut()
            .next()
            .ok_or(Refusal::BadArgument("device_id")),
        None => Err(Refusal::BadArgument("device_id")),
    }
}

fn text<'a>(args: &'a Args, name: &'static str) -> Result<&'a str, Refusal> {
    let text = args
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty() && text.len() <= 200);
    text.ok_or(Refusal::BadArgument(name))
}

/// Sets `device[group][name]`, within the bound.
fn put(device: &mut Value, group: &str, name: &str, value: Value) -> Result<(), Refusal> {
    let entries = device[group].as_object().map_or(0, Map::len);
    if entries >= MAX_ENTRIES && device[group].get(name).is_none() {
        return Err(Refusal::Full);
    }
    device[group][name] = value;
    Ok(())
}
