//! Servers of the Model Context Protocol: well-behaved ones of both generations, and hostile ones.

mod http;
mod stdio;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use governance::Permit;
use ports::{Call, McpRecord, McpSeen, Tools};
use serde_json::Value;
use tools::{McpCommand, McpNotes, McpServer};
use types::{Answers, Failure, Label, Labeled, Outcome, TenantId};

use super::support::{World, permit};

/// What servers were seen to offer, and how calls have shown them to stand, oldest first.
#[derive(Default)]
struct Notes(Mutex<Vec<McpSeen>>, Mutex<Vec<Option<String>>>);

#[async_trait]
impl McpNotes for Notes {
    async fn offers(&self, _tenant: TenantId, _server: &str, seen: &McpSeen) {
        self.0.lock().expect("notes").push(seen.clone());
    }

    async fn stands(&self, _tenant: TenantId, _server: &str, trouble: Option<&Failure>) {
        let code = trouble.map(|failure| failure.code.clone());
        self.1.lock().expect("notes").push(code);
    }
}

/// A world with one server in it, called `srv`.
struct Rig {
    world: World,
    notes: Arc<Notes>,
    server: Mutex<McpServer>,
}

impl Rig {
    /// A server that was looked at, if it can be.
    async fn of(world: World, command: Option<McpCommand>) -> Self {
        let notes = Arc::new(Notes::default());
        world.registry.note_mcp(notes.clone());
        let server = McpServer {
            name: "srv".into(),
            record: McpRecord {
                trusted: true,
                mock: true,
                ..McpRecord::default()
            },
            command,
        };
        world.registry.replace_mcp_servers(vec![server.clone()]);
        let rig = Self {
            world,
            notes,
            server: Mutex::new(server),
        };
        rig.world.registry_health("srv").await;
        rig.take_up();
        rig
    }

    /// Works from here on with what the server was last seen to offer.
    fn take_up(&self) {
        let seen = self.notes.0.lock().expect("notes").last().cloned();
        if seen.is_some() {
            self.change(|record| record.seen = seen);
        }
    }

    fn change(&self, change: impl FnOnce(&mut McpRecord)) {
        let mut server = self.server.lock().expect("the server");
        change(&mut server.record);
        self.world.registry.replace_mcp_servers(vec![server.clone()]);
    }

    fn record(&self) -> McpRecord {
        self.server.lock().expect("the server").record.clone()
    }

    fn permit(&self, action: &str, args: &Value) -> Permit {
        permit(&self.world.registry.catalog(), &format!("srv.{action}"), args)
    }

    async fn perform(&self, action: &str, args: Value) -> Outcome {
        self.with(action, args, None).await
    }

    async fn with(&self, action: &str, args: Value, answers: Option<Answers>) -> Outcome {
        let permit = self.permit(action, &args);
        let call = Call {
            answers,
            ..self.world.call(args)
        };
        self.world.registry.perform(permit, call).await
    }
}

fn answers(resume: Option<&str>, given: &[(&str, Value)]) -> Option<Answers> {
    let given: BTreeMap<String, Labeled> = given
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Labeled::new(value.clone(), Label::User)))
        .collect();
    Some(Answers {
        resume: resume.map(str::to_owned),
        given,
    })
}

fn text(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Succeeded { output, .. } => output.value["text"].as_str().expect("a text"),
        other => panic!("{other:?}"),
    }
}
