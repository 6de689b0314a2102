//! One thing of each noun that belongs to another tenant: every route of the document that takes a name or
//! an id says that it isn't there, no list shows it, and nothing of it is changed.

use std::sync::Arc;

use engine::StepKey;
use engine::rows::{ApprovalRow, ApprovalStatus, ArtifactRow, Leaf, Rows, RunRow};
use ports::{AgentRecord, NewRun, NewVersion, Store, TokenRecord, ToolRecord, UserRecord};
use reqwest::Method;
use serde_json::{Value, json};
use types::{
    Actor, AgentId, ApprovalId, ArtifactId, Label, Labeled, LeafId, Mode, RecipeId, Role, RunId, Scope,
    TenantId, Timestamp, TokenId, UserId,
};

use crate::site::{Site, ask};

/// Every name there begins so.
const THEIRS: &str = "theirs";
/// Routes with a name in them that makes a thing of that name here, or names nothing that is a tenant's.
const MAKING: [&str; 5] = [
    "put_mcp_server",
    "get_setting",
    "put_setting",
    "put_secret",
    "get_sandbox_vendor",
];

fn other() -> TenantId {
    TenantId::from_bytes([9; 16])
}

fn leaf(number: u8) -> Leaf {
    Leaf {
        id: LeafId::from_bytes([number; 16]),
        at: Timestamp::default(),
        kind: "seeded".to_owned(),
        actor: THEIRS.to_owned(),
        run: None,
        step: None,
        body: json!({}),
        args: None,
    }
}

/// The path with the other tenant's things in it.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{run}" => RunId::from_bytes([5; 16]).to_string(),
        "{approval}" => ApprovalId::from_bytes([5; 16]).to_string(),
        "{artifact}" => ArtifactId::from_bytes([5; 16]).to_string(),
        "{token}" => TokenId::from_bytes([5; 16]).to_string(),
        "{version}" => "1".to_owned(),
        "{action}" => format!("{THEIRS}.go"),
        part if part.starts_with('{') => THEIRS.to_owned(),
        part => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// A body that the route takes.
fn body(id: &str) -> Value {
    match id {
        "put_agent" => json!({"name": THEIRS}),
        "put_action_rule" => json!({"rule": "run"}),
        "put_action_class" => json!({"effect": "read"}),
        "give_input" => json!({"name": "room", "value": "4A"}),
        "end_task" => json!({"step": "a", "ok": true}),
        "send_signal" => json!({"name": "knock"}),
        "resolve_step" => json!({"step": "a", "word": "failed"}),
        "restart_run" => json!({"from": "a"}),
        "decide_approval" => json!({"approve": true}),
        _ => json!({}),
    }
}

async fn seed_library(store: &dyn Store) {
    let at = Timestamp::default();
    let agent = AgentRecord {
        id: AgentId::from_bytes([5; 16]),
        name: THEIRS.to_owned(),
        domain: String::new(),
        instructions: String::new(),
        tools: Vec::new(),
        config: json!({}),
        created_at: at,
        updated_at: at,
        archived_at: None,
    };
    store
        .put_agent(other(), agent, None, leaf(1))
        .await
        .expect("kept");
    let version = NewVersion {
        recipe: RecipeId::from_bytes([5; 16]),
        slug: THEIRS.to_owned(),
        name: THEIRS.to_owned(),
        description: String::new(),
        text: "name: theirs\n".to_owned(),
        tree: None,
        digest: "0".repeat(64),
        activate: false,
        seen: None,
        author: THEIRS.to_owned(),
        labels: Label::Author.into(),
        at,
    };
    store.save_version(other(), version, leaf(2)).await.expect("kept");
    let tool = ToolRecord {
        name: THEIRS.to_owned(),
        kind: "mcp".to_owned(),
        config: json!({"url": "https://mcp.example.com/mcp"}),
        enabled: true,
        paused: false,
        updated_at: at,
    };
    store.put_tool(other(), tool, None, leaf(3)).await.expect("kept");
    let user = UserRecord {
        id: UserId::from_bytes([5; 16]),
        name: THEIRS.to_owned(),
        roles: vec![Role::Admin],
        password: None,
        disabled: false,
        created_at: at,
        updated_at: at,
    };
    store.put_user(other(), user, None, leaf(4)).await.expect("kept");
    let token = TokenRecord {
        id: TokenId::from_bytes([5; 16]),
        user: UserId::from_bytes([5; 16]),
        name: THEIRS.to_owned(),
        scopes: vec![Scope::Admin],
        digest: "0".repeat(64),
        hint: "0000".to_owned(),
        created_at: at,
        expires_at: Timestamp::MAX,
        last_used_at: None,
        revoked_at: None,
    };
    store.put_token(other(), token, leaf(5)).await.expect("kept");
}

/// A run like the given one of this tenant, with an approval that is asked for and an artifact.
async fn seed_run(store: &dyn Store, like: RunId) {
    let row = store.run(TenantId::DEFAULT, like).await.expect("it is there");
    let first = store
        .journal(TenantId::DEFAULT, like, 0, 1)
        .await
        .expect("its first event");
    let engine::Event::RunCreated(created) = first[0].event.clone() else {
        panic!("the first event is another: {first:?}");
    };
    let run = RunId::from_bytes([5; 16]);
    let at = row.created_at;
    let approval = ApprovalRow {
        id: ApprovalId::from_bytes([5; 16]),
        run,
        recipe_name: THEIRS.to_owned(),
        step: StepKey::from("act/a"),
        action: "zoom.restart_room".to_owned(),
        args: Labeled::null(),
        digest: types::digest(&json!({})),
        mode: Mode::Mock,
        groups: Vec::new(),
        quorum: 1,
        requester: Actor::user(THEIRS),
        reason: String::new(),
        policy: String::new(),
        status: ApprovalStatus::Pending,
        votes: Vec::new(),
        requested_at: at,
        expires_at: Timestamp::MAX,
        undo: Vec::new(),
    };
    let artifact = ArtifactRow {
        id: ArtifactId::from_bytes([5; 16]),
        run,
        step: StepKey::from("act/a"),
        kind: "ticket".to_owned(),
        name: THEIRS.to_owned(),
        external_id: THEIRS.to_owned(),
        url: None,
        data: json!({}),
        labels: Label::System.into(),
        created_at: at,
    };
    let new = NewRun {
        created: engine::RunCreated {
            tenant: other(),
            run,
            ..*created
        },
        at,
        more: Vec::new(),
        rows: Rows {
            run: RunRow {
                tenant: other(),
                run,
                requester: THEIRS.to_owned(),
                wake_at: Timestamp::MAX,
                ..row
            },
            steps: Vec::new(),
            artifacts: vec![artifact],
            approvals: vec![approval],
            leaves: Vec::new(),
        },
        start_key: None,
        lease: None,
    };
    store.create_run(new).await.expect("created");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_tenant_is_there() {
    let site = Site::open().await;
    let ours = site
        .admin
        .post("/api/v1/actions/slack.auth_test/call", json!({"args": {}}))
        .await
        .ok(201);
    let ours: RunId = ours["run"].as_str().expect("an id").parse().expect("an id");
    let store = store::sqlite::open(store::sqlite::Options {
        folder: site.folder.path("."),
        clock: Arc::new(runtime::system::SystemClock),
        entropy: Arc::new(runtime::system::SystemEntropy),
        binary_version: env!("CARGO_PKG_VERSION").to_owned(),
        guest: true,
    })
    .expect("the store opens");
    let store: &dyn Store = &store;
    seed_library(store).await;
    seed_run(store, ours).await;
    let document = site.nobody().get("/openapi.json").await.ok(200);
    let (mut named, mut lists) = (0, 0);
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id");
            let method: Method = method.to_uppercase().parse().expect("a method");
            let place = format!("{method} {path}");
            let with_name = path.contains('{') && !MAKING.contains(&id);
            let list = method == Method::GET && !path.contains('{') && !id.starts_with("watch_");
            if with_name {
                let request = site.admin.request(method, &filled(path)).json(&body(id));
                let got = ask(request).await;
                assert_eq!(got.status, 404, "{place}: {got:?}");
                named += 1;
            } else if list && id != "export_bundle" {
                let got = site.admin.get(path).await;
                assert!(!got.body.to_string().contains(THEIRS), "{place}: {got:?}");
                lists += 1;
            }
        }
    }
    assert!(named > 30 && lists > 10, "{named} {lists}");
    let run = RunId::from_bytes([5; 16]);
    let loaded = store.load(other(), run).await.expect("it is there");
    assert!(loaded.inbox.is_empty(), "{:?}", loaded.inbox);
    let user = store.user(other(), THEIRS).await.expect("it is there");
    assert!(!user.disabled);
    let all = ports::TokenFilter {
        limit: 10,
        ..ports::TokenFilter::default()
    };
    let tokens = store.tokens(other(), all).await.expect("listed");
    assert_eq!(tokens[0].revoked_at, None);
    let version = store.recipe(other(), THEIRS).await.expect("it is there");
    assert_eq!((version.latest, version.active), (1, None));
}
