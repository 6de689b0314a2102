//! Plain HTTP connectors, one per tool: `GET /devices/<tool>/health` and
//! `POST /devices/<tool>/action` with `{"tool", "action", "args"}`, also
//! `GET /devices/<tool>/devices` and `POST /devices/<tool>/devices/<id>/command`.
//!
//! An action with an `Idempotency-Key` is done once: asked again, it gets the first answer.
//!
//! Three tools are there: `qsys_control` (audio cores), `dante_ctrl` (audio routes) and
//! `network_api` (switch ports). They keep what they are told.

mod actions;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::reply::{self, Answer, Fail, Handled};
use crate::state::Keyed;
use crate::vendor;
use crate::world::World;

/// The most actions remembered, and the most answers kept by key.
const MAX_LOG: usize = 200;
const MAX_KEYED: usize = 1_000;
/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// Answers for it.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("qsys_control", "/qsys_control"),
            ("dante_ctrl", "/dante_ctrl"),
            ("network_api", "/network_api"),
        ]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn handle(&self, world: &World, call: &Call) -> Handled {
        handle(world, call)
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        rate_limited(retry_after_s)
    }

    fn token_expired(&self) -> Answer {
        refuse(StatusCode::UNAUTHORIZED, "the session has expired")
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        refuse(status, "the device's gateway failed")
    }

    fn too_large(&self) -> Answer {
        refuse(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 2 MB")
    }
}

/// Answers a call.
fn handle(world: &World, call: &Call) -> Handled {
    let route = call.route();
    let Some((&tool, rest)) = route.split_first() else {
        return Ok(refuse(
            StatusCode::NOT_FOUND,
            "no tool named; ask /devices/<tool>/health",
        ));
    };
    if !world.read(|state| state.devices.tools.contains_key(tool)) {
        return Ok(refuse(StatusCode::NOT_FOUND, &format!("unknown tool '{tool}'")));
    }
    match (&call.method, rest) {
        (&Method::GET, ["health"]) => Ok(health(world, tool)),
        (&Method::GET, ["devices"]) => Ok(list(world, tool)),
        (&Method::POST, ["action"]) => act(world, call, tool, None),
        (&Method::POST, ["devices", device, "command"]) => act(world, call, tool, Some(device)),
        (_, ["health" | "devices" | "action"]) => Ok(refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path doesn't take that method",
        )),
        _ => Ok(refuse(
            StatusCode::NOT_FOUND,
            "no such path; there are /health, /devices and /action",
        )),
    }
}

/// 429 with `Retry-After`.
fn rate_limited(retry_after_s: u32) -> Answer {
    let answer = refuse(StatusCode::TOO_MANY_REQUESTS, "too many requests");
    reply::with_header(answer, "retry-after", &retry_after_s.to_string())
}

/// `{"ok": false, "error": …}`.
pub(crate) fn refuse(status: StatusCode, error: &str) -> Answer {
    reply::json(status, &json!({"ok": false, "error": error}))
}

fn health(world: &World, tool: &str) -> Answer {
    let devices = world.read(|state| state.devices.tools.get(tool).map_or(0, |tool| tool.devices.len()));
    reply::json(
        StatusCode::OK,
        &json!({"ok": true, "tool": tool, "status": "online", "devices": devices}),
    )
}

fn list(world: &World, tool: &str) -> Answer {
    let devices: Vec<Value> = world.read(|state| {
        let tool = state.devices.tools.get(tool);
        tool.map(|tool| tool.devices.values().cloned().collect())
            .unwrap_or_default()
    });
    reply::json(StatusCode::OK, &json!({"ok": true, "devices": devices}))
}

fn act(world: &World, call: &Call, tool: &str, device: Option<&str>) -> Handled {
    let Some(mut sent) = call.json_object() else {
        return Ok(refuse(StatusCode::BAD_REQUEST, "the body must be a JSON object"));
    };
    if sent.get("tool").is_some_and(|named| named != tool) {
        return Ok(refuse(
            StatusCode::BAD_REQUEST,
            &format!("this is '{tool}', but the body names another tool"),
        ));
    }
    let action = sent.remove(if device.is_some() { "command" } else { "action" });
    let Some(Value::String(action)) = action else {
        return Ok(refuse(StatusCode::BAD_REQUEST, "the body names no action"));
    };
    let mut args = match sent.remove("args") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(args)) => args,
        Some(_) => return Ok(refuse(StatusCode::BAD_REQUEST, "args must be an object")),
    };
    if let Some(device) = device {
        args.insert("device_id".to_owned(), json!(device));
    }
    let key = call.header("idempotency-key").filter(|key| !key.is_empty());
    if key.is_some_and(|key| key.len() > MAX_KEY) {
        return Ok(refuse(
            StatusCode::BAD_REQUEST,
            "the idempotency key is longer than 255 bytes",
        ));
    }
    let result = perform(world, tool, &action, args, key)?;
    Ok(reply::json(
        StatusCode::OK,
        &json!({"ok": true, "result": result}),
    ))
}

/// Does the action and remembers it, or finds what the same key got before.
fn perform(
    world: &World,
    tool: &str,
    action: &str,
    args: Map<String, Value>,
    key: Option<&str>,
) -> Result<Value, Fail> {
    let at = world.now().to_string();
    let digest = types::digest(&json!({"action": action, "args": args}));
    world.write(|state| {
        let mut keyed = state.devices.keyed.iter();
        if let Some(before) = keyed.find(|before| before.tool == tool && Some(before.key.as_str()) == key) {
            if before.digest != digest {
                let say = "this idempotency key was used for another request";
                return Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, say).into());
            }
            return Ok(before.result.clone());
        }
        let serial = state.next();
        let devices = &mut state.devices;
        let missing = || refuse(StatusCode::NOT_FOUND, "unknown tool");
        let known = devices.tools.get_mut(tool).ok_or_else(missing)?;
        let result = actions::perform(tool, known, action, &args)
            .map_err(|refusal| refuse(refusal.status(), &refusal.to_string()))?;
        push(
            &mut devices.log,
            json!({"n": serial, "at": at, "tool": tool, "action": action, "args": args}),
            MAX_LOG,
        );
        if let Some(key) = key {
            let answered = Keyed {
                tool: tool.to_owned(),
                key: key.to_owned(),
                digest,
                result: result.clone(),
            };
            push(&mut devices.keyed, answered, MAX_KEYED);
        }
        Ok(result)
    })
}

/// Adds to a list that forgets its oldest entries.
fn push<T>(list: &mut Vec<T>, entry: T, most: usize) {
    list.push(entry);
    if list.len() > most {
        list.remove(0);
    }
}
