//! A Q-SYS core: JSON-RPC 2.0, each message ended by a NUL byte. It lets nobody in without a log-on,
//! and tells its status unasked when a connection opens.

use serde_json::{Value, json};

use super::state::QSys;
use super::{Asked, Said};
use crate::credentials::{QSYS_PIN, QSYS_USER};
use crate::reply::Fail;
use crate::world::World;

/// The most controls in one request.
const MOST_CONTROLS: usize = 200;
/// Snapshots of a controller.
const BANKS: u64 = 24;

/// One connection.
#[derive(Default)]
pub(super) struct Talk {
    logged_on: bool,
}

/// An error as QRC tells it.
type Refused = (i64, String);

impl super::Talk for Talk {
    fn greeting(&mut self, world: &World) -> Vec<u8> {
        let status = world.read(|state| status(&state.qsys));
        message(&json!({"jsonrpc": "2.0", "method": "EngineStatus", "params": status}))
    }

    fn take(&mut self, read: &mut Vec<u8>) -> Option<Asked> {
        let end = read.iter().position(|byte| *byte == 0)?;
        let mut bytes: Vec<u8> = read.drain(..=end).collect();
        bytes.pop();
        let request: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let path = format!("/{}", request["method"].as_str().unwrap_or(""));
        Some(Asked { path, bytes })
    }

    fn answer(&mut self, world: &World, asked: &Asked) -> Said {
        let Ok(request) = serde_json::from_slice::<Value>(&asked.bytes) else {
            return said(&Value::Null, Err((-32700, "Parse error".to_owned())));
        };
        let (id, params) = (&request["id"], &request["params"]);
        let Some(method) = request["method"].as_str().filter(|_| request["jsonrpc"] == "2.0") else {
            return said(id, Err((-32600, "Invalid request".to_owned())));
        };
        if method == "Logon" {
            self.logged_on = params["User"] == QSYS_USER && params["Password"] == QSYS_PIN;
            let answer = if self.logged_on {
                Ok(json!(true))
            } else {
                Err((10, "Logon required".to_owned()))
            };
            return said(id, answer);
        }
        if method == "NoOp" {
            return said(id, Ok(json!(true)));
        }
        if !self.logged_on {
            return said(id, Err((10, "Logon required".to_owned())));
        }
        let answer = match method {
            "StatusGet" => Ok(world.read(|state| status(&state.qsys))),
            "Control.Get" => world.read(|state| get_controls(&state.qsys, params)),
            "Component.Get" => world.read(|state| get_component(&state.qsys, params)),
            "Control.Set" => change(world, |core| set_control(core, params)),
            "Component.Set" => change(world, |core| set_component(core, params)),
            "Snapshot.Load" => change(world, |core| load_snapshot(core, params)),
            other => Err((-32601, format!("Method not found: {other}"))),
        };
        said(id, answer)
    }
}

fn message(body: &Value) -> Vec<u8> {
    let mut bytes = body.to_string().into_bytes();
    bytes.push(0);
    bytes
}

fn said(id: &Value, answer: Result<Value, Refused>) -> Said {
    let body = match answer {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err((code, words)) => json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": words}}),
    };
    Said {
        bytes: message(&body),
        last: false,
    }
}

/// Changes the core durably; what is refused changes nothing.
fn change(world: &World, act: impl FnOnce(&mut QSys) -> Result<Value, Refused>) -> Result<Value, Refused> {
    let changed = world.write(|state| {
        let mut next = state.qsys.clone();
        let answer = act(&mut next);
        if answer.is_ok() {
            next.changes += 1;
            state.qsys = next;
        }
        Ok::<_, Fail>(answer)
    });
    changed.unwrap_or_else(|_| Err((-32603, "Server error".to_owned())))
}

fn status(core: &QSys) -> Value {
    json!({
        "Platform": "Core 110f", "State": "Active", "DesignName": core.design,
        "DesignCode": "qALFilm6IcAz", "IsRedundant": false, "IsEmulator": true,
        "Status": {"Code": 0, "String": "OK"},
    })
}

fn shown(name: &str, value: &Value) -> Value {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let position = value
        .as_f64()
        .map_or(0.0, |number| ((number + 100.0) / 120.0).clamp(0.0, 1.0));
    json!({"Name": name, "Value": value, "String": text, "Position": position})
}

fn invalid() -> Refused {
    (-32602, "Invalid params".to_owned())
}

fn no_control(name: &str) -> Refused {
    (8, format!("Unknown control: {name}"))
}

fn names(list: &Value) -> Result<Vec<String>, Refused> {
    let list = list
        .as_array()
        .filter(|list| list.len() <= MOST_CONTROLS)
        .ok_or_else(invalid)?;
    let name = |entry: &Value| entry.as_str().or(entry["Name"].as_str()).map(str::to_owned);
    list.iter().map(|entry| name(entry).ok_or_else(invalid)).collect()
}

fn get_controls(core: &QSys, params: &Value) -> Result<Value, Refused> {
    let found = names(params)?
        .into_iter()
        .map(|name| match core.controls.get(&name) {
            Some(value) => Ok(shown(&name, value)),
            None => Err(no_control(&name)),
        });
    Ok(Value::Array(found.collect::<Result<_, _>>()?))
}

fn get_component(core: &QSys, params: &Value) -> Result<Value, Refused> {
    let name = params["Name"].as_str().ok_or_else(invalid)?;
    let component = core.components.get(name);
    let component = component.ok_or_else(|| (7, format!("Unknown component: {name}")))?;
    let found = names(&params["Controls"])?
        .into_iter()
        .map(|name| match component.get(&name) {
            Some(value) => Ok(shown(&name, value)),
            None => Err(no_control(&name)),
        });
    Ok(json!({"Name": name, "Controls": found.collect::<Result<Vec<_>, _>>()?}))
}

/// The value to set: of the same kind as the one that is there.
fn fitting(name: &str, old: &Value, new: &Value) -> Result<Value, Refused> {
    let same = (old.is_number() && new.is_number())
        || (old.is_boolean() && new.is_boolean())
        || (old.is_string() && new.as_str().is_some_and(|text| text.len() <= 1_000));
    if same {
        Ok(new.clone())
    } else {
        Err((-32602, format!("Invalid value for {name}")))
    }
}

fn set_control(core: &mut QSys, params: &Value) -> Result<Value, Refused> {
    let name = params["Name"].as_str().ok_or_else(invalid)?;
    let old = core.controls.get_mut(name).ok_or_else(|| no_control(name))?;
    *old = fitting(name, old, &params["Value"])?;
    Ok(shown(name, old))
}

fn set_component(core: &mut QSys, params: &Value) -> Result<Value, Refused> {
    let name = params["Name"].as_str().ok_or_else(invalid)?;
    let component = core.components.get_mut(name);
    let component = component.ok_or_else(|| (7, format!("Unknown component: {name}")))?;
    let wishes = params["Controls"]
        .as_array()
        .filter(|list| list.len() <= MOST_CONTROLS)
        .ok_or_else(invalid)?;
    for wish in wishes {
        let control = wish["Name"].as_str().ok_or_else(invalid)?;
        let old = component.get_mut(control).ok_or_else(|| no_control(control))?;
        *old = fitting(control, old, &wish["Value"])?;
    }
    Ok(json!(true))
}

fn load_snapshot(core: &mut QSys, params: &Value) -> Result<Value, Refused> {
    let name = params["Name"].as_str().ok_or_else(invalid)?;
    let bank = params["Bank"]
        .as_u64()
        .filter(|bank| (1..=BANKS).contains(bank))
        .ok_or_else(invalid)?;
    let loaded = core
        .snapshots
        .get_mut(name)
        .ok_or_else(|| (7, format!("Unknown component: {name}")))?;
    *loaded = bank;
    Ok(json!(true))
}
