//! What the door decides by, loaded from the store.

use std::sync::Arc;

use async_trait::async_trait;
use governance::{Facts, Matrix};
use ports::{FactSource, Store, StoreError};
use serde_json::Value;
use types::{Failure, TenantId};

use crate::settings::{self, parse_rest, parse_rules, stored_badly};

/// Facts from the store, for the runtime.
pub struct FromStore(pub Arc<dyn Store>);

#[async_trait]
impl FactSource for FromStore {
    async fn facts(&self, tenant: TenantId) -> Result<Facts, StoreError> {
        facts(self.0.as_ref(), tenant).await
    }
}

/// The facts as they are now: the shipped matrix with this installation's rules, and paused tools.
///
/// # Errors
/// The store can't be read, or holds a rule that this binary can't read: then nothing may pass.
pub async fn facts(store: &dyn Store, tenant: TenantId) -> Result<Facts, StoreError> {
    let rules = store.setting(tenant, settings::RULES).await?;
    let rest = store.setting(tenant, settings::REST).await?;
    let tools = store.tools(tenant).await?;
    Ok(Facts {
        matrix: matrix(rules.as_ref(), rest.as_ref()).map_err(|failure| StoreError::Other {
            message: failure.message,
        })?,
        paused_tools: tools
            .into_iter()
            .filter(|tool| tool.paused)
            .map(|tool| tool.name)
            .collect(),
    })
}

/// The shipped matrix, changed by these settings. A changed matrix has a version of its own, since
/// approvals are bound to the version they were asked under.
pub(crate) fn matrix(rules: Option<&Value>, rest: Option<&Value>) -> Result<Matrix, Failure> {
    let mut matrix = Matrix::default();
    if let Some(rules) = rules {
        matrix.overrides = parse_rules(rules).map_err(|why| stored_badly(settings::RULES, &why))?;
    }
    if let Some(rest) = rest {
        matrix.rest = parse_rest(rest).map_err(|why| stored_badly(settings::REST, &why))?;
    }
    if matrix != Matrix::default() {
        let own = serde_json::json!({"rules": rules, "rest": rest});
        let digest = types::digest(&own).to_string();
        let short: String = digest.chars().filter(char::is_ascii_hexdigit).take(8).collect();
        matrix.version = format!("{}+{short}", matrix.version);
    }
    Ok(matrix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, ann, ann_there};
    use governance::Rule;
    use serde_json::json;

    #[test]
    fn a_changed_matrix_has_a_version_of_its_own() {
        let plain = matrix(None, Some(&json!("shipped"))).expect("reads");
        assert_eq!(plain, Matrix::default());
        let one = matrix(Some(&json!({"a.b": "deny"})), None).expect("reads");
        let other = matrix(Some(&json!({"a.b": "run"})), None).expect("reads");
        assert_eq!(one.overrides["a.b"], Rule::Deny);
        assert_ne!(one.version, other.version);
        assert_ne!(one.version, plain.version);
    }

    #[tokio::test]
    async fn facts_tell_of_rules_and_paused_tools() {
        let bench = testing::bench().await;
        let services = &bench.services;
        crate::tools::set_rule(services, "zoom.restart_room", json!("deny"), &ann_there())
            .await
            .expect("fits");
        crate::tools::pause(services, "zoom", &ann())
            .await
            .expect("is there");
        let facts = facts(services.store.as_ref(), services.tenant)
            .await
            .expect("loads");
        assert_eq!(facts.matrix.overrides["zoom.restart_room"], Rule::Deny);
        assert!(facts.paused_tools.contains("zoom"));
    }
}
