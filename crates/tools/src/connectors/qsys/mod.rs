//! Q-SYS cores: status, named controls, controls of components, snapshots. Setting a control to a value
//! again changes nothing more, so every action may be repeated.

mod qrc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use types::ToolSpec;

use self::qrc::Core;
use crate::arguments::text;
use crate::connector::unknown_action;
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};

/// The connector.
pub(crate) struct QSys;

/// Every core has its own address; a user only where the design asks for one.
pub(crate) const ACCESS: Access = Access {
    base_url: None,
    ways: &[Way::Basic("user", "password"), Way::Open],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for QSys {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        let output = match action {
            "get_status" => status(ctx).await?,
            "get_controls" => {
                let found = Core::open(ctx)
                    .await?
                    .read(ctx, "Control.Get", args["names"].clone())
                    .await?;
                json!({ "controls": controls(&found) })
            }
            "get_component" => {
                let names = args["controls"].as_array().into_iter().flatten();
                let wanted: Vec<Value> = names.map(|name| json!({ "Name": name })).collect();
                let params = json!({"Name": args["component"], "Controls": wanted});
                let found = Core::open(ctx).await?.read(ctx, "Component.Get", params).await?;
                json!({ "component": args["component"], "controls": controls(&found["Controls"]) })
            }
            "set_control" => {
                act(ctx, "Control.Set", control(args)).await?;
                json!({ "name": args["name"], "value": args["value"] })
            }
            "set_component" => {
                let wishes = args["controls"].as_array().into_iter().flatten();
                let wishes: Vec<Value> = wishes.map(control).collect();
                let params = json!({"Name": args["component"], "Controls": wishes});
                act(ctx, "Component.Set", params).await?;
                json!({ "component": args["component"], "controls": args["controls"] })
            }
            "load_snapshot" => {
                let bank = args["bank"].as_u64().unwrap_or(1);
                let mut params = json!({"Name": text(args, "snapshot"), "Bank": bank});
                if let Some(ramp) = args["ramp_seconds"].as_f64() {
                    params["Ramp"] = ramp.into();
                }
                act(ctx, "Snapshot.Load", params).await?;
                json!({ "snapshot": text(args, "snapshot"), "bank": bank })
            }
            other => return Err(unknown_action(other)),
        };
        Ok(Answer::new(output))
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let status = status(ctx).await?;
        let told = |name: &str| text(&status, name).unwrap_or("unknown").to_owned();
        Ok(format!(
            "{} runs '{}': {}",
            told("platform"),
            told("design"),
            told("message")
        ))
    }
}

async fn act(ctx: &CallContext, method: &str, params: Value) -> Result<Value, CallError> {
    Core::open(ctx).await?.act(ctx, method, params).await
}

async fn status(ctx: &CallContext) -> Result<Value, CallError> {
    let told = Core::open(ctx).await?.read(ctx, "StatusGet", json!(0)).await?;
    Ok(json!({
        "platform": told["Platform"],
        "state": told["State"],
        "design": told["DesignName"],
        "redundant": told["IsRedundant"],
        "emulator": told["IsEmulator"],
        "code": told["Status"]["Code"],
        "message": told["Status"]["String"],
    }))
}

/// A control to set, by QRC's names.
fn control(wish: &Value) -> Value {
    let mut named = Map::new();
    for (ours, theirs) in [("name", "Name"), ("value", "Value"), ("ramp_seconds", "Ramp")] {
        if let Some(value) = wish.get(ours) {
            named.insert(theirs.to_owned(), value.clone());
        }
    }
    Value::Object(named)
}

/// Controls as told, by our names.
fn controls(told: &Value) -> Vec<Value> {
    let told = told.as_array().into_iter().flatten();
    told.map(|control| {
        json!({
            "name": control["Name"],
            "value": control["Value"],
            "text": control["String"],
            "position": control["Position"],
        })
    })
    .collect()
}
