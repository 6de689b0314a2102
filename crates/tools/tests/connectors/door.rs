//! Nothing is performed without a permit for exactly this call.

use std::sync::Arc;

use async_trait::async_trait;
use ports::Tools as _;
use serde_json::{Value, json};
use tools::{Answer, CallContext, CallError, Connector};
use types::{Mode, Outcome, ToolSpec};

use crate::support::{World, look_up_permit, permit, permit_in, told};

const POST: &str = "slack.post_message";

fn message() -> Value {
    json!({"channel": "#avops", "text": "hi"})
}

async fn sent_nothing(world: &World) {
    assert!(
        world
            .server
            .received_requests()
            .await
            .expect("recorded")
            .is_empty()
    );
}

#[tokio::test]
async fn a_permit_for_other_arguments_performs_nothing() {
    let world = World::new().await;
    let permit = permit(&world.registry.catalog(), POST, &message());
    let other = json!({"channel": "#general", "text": "hi"});
    let outcome = world.registry.perform(permit, world.call(other)).await;
    assert_eq!(told(&outcome), "failed permit_mismatch");
    sent_nothing(&world).await;
}

#[tokio::test]
async fn a_permit_to_look_up_performs_nothing() {
    let world = World::new().await;
    let permit = look_up_permit(&world.registry.catalog(), POST, &message());
    let outcome = world.registry.perform(permit, world.call(message())).await;
    assert_eq!(told(&outcome), "failed permit_mismatch");
    sent_nothing(&world).await;
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_with_all_problems() {
    let world = World::new().await;
    let outcome = world.perform(POST, json!({"text": 5, "channle": "#a"})).await;
    let Outcome::Failed { failure, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(failure.code, "arguments_invalid");
    for part in ["channel", "channle", "text: 5 is not of type"] {
        assert!(failure.message.contains(part), "{part} in {}", failure.message);
    }
    sent_nothing(&world).await;
}

#[tokio::test]
async fn an_action_that_is_gone_is_unknown() {
    let tool =
        tools::http_tool(r#"{"name":"lamp","description":"A lamp.","actions":{"on":{"description":"On."}}}"#);
    let world = World::with(vec![tool.expect("a tool")], Vec::new()).await;
    let permit = permit(&world.registry.catalog(), "lamp.on", &json!({}));
    world.registry.replace_http_tools(Vec::new());
    let outcome = world.registry.perform(permit, world.call(json!({}))).await;
    assert_eq!(told(&outcome), "failed unknown_action");
    sent_nothing(&world).await;
}

#[tokio::test]
async fn a_tool_without_settings_sends_nothing() {
    let world = World::new().await;
    let permit = permit_in(&world.registry.catalog(), POST, &message(), Mode::Real);
    let outcome = world.registry.perform(permit, world.call(message())).await;
    assert_eq!(told(&outcome), "failed tool_not_configured");
    sent_nothing(&world).await;
}

/// Panics before or after its effect has begun.
struct Clumsy;

#[async_trait]
impl Connector for Clumsy {
    fn spec(&self) -> ToolSpec {
        let manifest = r#"{"name":"clumsy","description":"Breaks.","actions":{
            "before":{"description":"Breaks before."},"after":{"description":"Breaks after."}}}"#;
        tools::http_tool(manifest).expect("a tool").spec
    }

    fn remote(&self) -> bool {
        false
    }

    async fn call(&self, ctx: &CallContext, action: &str, _args: &Value) -> Result<Answer, CallError> {
        if action == "after" {
            ctx.begin_effect()?;
        }
        panic!("as planned");
    }

    async fn health(&self, _ctx: &CallContext) -> Result<String, CallError> {
        Ok("ok".to_owned())
    }
}

#[tokio::test]
async fn a_connector_that_panics_takes_nobody_with_it() {
    let world = World::with(Vec::new(), vec![Arc::new(Clumsy)]).await;
    assert_eq!(
        told(&world.perform("clumsy.before", json!({})).await),
        "retry connector_failed"
    );
    assert_eq!(
        told(&world.perform("clumsy.after", json!({})).await),
        "unknown connector_failed"
    );
    assert_eq!(told(&world.perform("local.noop", json!({})).await), "ok");
}
