//! Extron matrix switchers: ties, mutes, volumes. Each sets a state, so every action may be repeated.

mod sis;

use async_trait::async_trait;
use serde_json::{Value, json};
use types::ToolSpec;

use self::sis::Device;
use crate::arguments::text;
use crate::connector::unknown_action;
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};

/// The connector.
pub(crate) struct Extron;

/// Every device has its own address; many have no password.
pub(crate) const ACCESS: Access = Access {
    base_url: None,
    ways: &[Way::Parts(&["password"]), Way::Open],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for Extron {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        let output = number(args, "output");
        let told = match action {
            "get_version" => {
                let device = Device::open(ctx).await?;
                json!({ "version": device.version })
            }
            "set_tie" => {
                let input = number(args, "input");
                let (sign, word) = match text(args, "signal") {
                    Some("video") => ('%', "Vid"),
                    Some("audio") => ('$', "Aud"),
                    _ => ('!', "All"),
                };
                let command = format!("{input}*{output}{sign}");
                let answer = format!("Out{output} In{input} {word}");
                Device::open(ctx).await?.act(ctx, &command, &answer).await?;
                json!({ "input": input, "output": output, "signal": text(args, "signal").unwrap_or("all") })
            }
            "get_tie" => {
                let sign = if text(args, "signal") == Some("audio") {
                    '$'
                } else {
                    '%'
                };
                let input = ask(ctx, &format!("{output}{sign}")).await?;
                json!({ "output": output, "input": input })
            }
            "set_mute" => {
                let muted = args["muted"].as_bool().unwrap_or_default();
                let (letter, word) = mute(args);
                let command = format!("{output}*{}{letter}", u8::from(muted));
                let answer = format!("{word}{output}*{}", u8::from(muted));
                Device::open(ctx).await?.act(ctx, &command, &answer).await?;
                json!({ "output": output, "signal": text(args, "signal"), "muted": muted })
            }
            "get_mute" => {
                let level = ask(ctx, &format!("{output}{}", mute(args).0)).await?;
                json!({ "output": output, "signal": text(args, "signal"), "muted": level != 0 })
            }
            "set_volume" => {
                let volume = number(args, "volume");
                let command = format!("{output}*{volume}V");
                let answer = format!("Out{output} Vol{volume}");
                Device::open(ctx).await?.act(ctx, &command, &answer).await?;
                json!({ "output": output, "volume": volume })
            }
            "get_volume" => json!({ "output": output, "volume": ask(ctx, &format!("{output}V")).await? }),
            other => return Err(unknown_action(other)),
        };
        Ok(Answer::new(told))
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let device = Device::open(ctx).await?;
        Ok(format!("the device answers; its firmware is {}", device.version))
    }
}

/// Asks for a number.
async fn ask(ctx: &CallContext, command: &str) -> Result<u64, CallError> {
    let mut device = Device::open(ctx).await?;
    device.read(ctx, command, |line| line.parse().ok()).await
}

/// The letter that mutes a signal, and the word that says so.
fn mute(args: &Value) -> (char, &'static str) {
    if text(args, "signal") == Some("audio") {
        ('Z', "Amt")
    } else {
        ('B', "Vmt")
    }
}

fn number(args: &Value, name: &str) -> u64 {
    args[name].as_u64().unwrap_or_default()
}
