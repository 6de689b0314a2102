//! Web search by Brave: our requests like those of Brave's own server of the Model Context Protocol, and
//! fit for its schema. SearXNG has neither.

use ports::Tools as _;
use sandbox::Vendor;
use serde_json::{Value, json};

use crate::recorder::{Exchange, Recorded};
use crate::same::{Judge, all_problems};
use crate::vendor_types::{By, Claim, problems};

const SCHEMA: &str = "@brave/brave-search-mcp-server/dist/tools/web/params.js params";
/// Languages as our users write them.
const LANGUAGES: [&str; 13] = [
    "en", "en-GB", "en-US", "de", "de-DE", "fr-CA", "ja", "nb", "no", "pt", "pt-BR", "zh-CN", "zh-TW",
];

async fn exchange(rig: &Recorded) -> Vec<Exchange> {
    rig.search_by("brave");
    rig.output("web_search.search", json!({"query": "room"})).await;
    for (position, language) in LANGUAGES.iter().enumerate() {
        let args = json!({"query": "room", "count": 20, "language": language});
        let found = rig
            .perform(&position.to_string(), "web_search.search", &args)
            .await;
        assert!(matches!(found, types::Outcome::Succeeded { .. }), "{found:?}");
    }
    let health = rig
        .registry
        .health(types::TenantId::DEFAULT, "web_search", types::Mode::Mock)
        .await;
    assert!(health.ok, "{health:?}");
    rig.exchanges("/search")
}

#[tokio::test]
async fn our_searches_are_like_those_of_braves_own_server() {
    let rig = Recorded::start().await;
    let ours = exchange(&rig).await;
    let (known, told) = rig.record("record_brave.mjs", Vendor::Search, json!({})).await;
    assert_eq!(told["bases"], json!([tools::Access::of("web_search").base_url]));
    assert_eq!(all_problems(&Judge::new(known), &ours), Vec::<String>::new());
}

#[tokio::test]
async fn our_searches_fit_braves_own_schema() {
    let rig = Recorded::start().await;
    let asked = |exchange: &Exchange| {
        let mut all = json!({});
        for (name, text) in exchange.query_pairs() {
            // Brave's server calls it by another name than its API.
            let name = if name == "q" { "query".to_owned() } else { name };
            all[name] = text.parse::<u64>().map_or_else(|_| text.into(), Value::from);
        }
        Claim::new(exchange.query.clone(), SCHEMA, all)
    };
    let claims: Vec<Claim> = exchange(&rig).await.iter().map(asked).collect();
    assert!(claims.len() > LANGUAGES.len());
    assert_eq!(problems(By::Zod, &claims), Vec::<String>::new());
}
