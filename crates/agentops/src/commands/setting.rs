//! `agentops setting`: what can change while the server runs.

use api::wire::library::{PutSetting, Setting as Standing};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Context, Done};
use crate::exit::Exit;
use crate::output::{Style, table};

/// Settings of this installation
#[derive(Debug, Subcommand)]
pub enum Setting {
    /// List every setting with its value
    List,
    /// Show a setting: its value, what it is for, what it takes
    Get {
        /// Its key, such as approvals.self_approval
        key: String,
    },
    /// Set a setting
    Set {
        /// Its key
        key: String,
        /// JSON, or a plain word
        value: String,
    },
}

impl Setting {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let answered = async {
            match self {
                Setting::List => {
                    let all: Vec<Standing> = client.all(&["settings"]).await?;
                    context.output.answer(&all, |style| list(style, &all))
                }
                Setting::Get { key } => {
                    let setting: Standing = client.get(&["settings", &key]).await?;
                    context.output.answer(&setting, |style| page(style, &setting))
                }
                Setting::Set { key, value } => {
                    let value = serde_json::from_str(&value).unwrap_or_else(|_| Value::from(value));
                    let path = ["settings", key.as_str()];
                    let before: Standing = client.get(&path).await?;
                    let after: Standing = client.put(&path, &PutSetting { value }).await?;
                    client.taken_up().await;
                    let mut document = json!(after);
                    document["before"] = before.value.clone();
                    context.output.answer(&document, |style| {
                        let was = style.dim(&format!("(was {})", before.value));
                        format!("{} = {} {was}", style.strong(&after.key), after.value)
                    })
                }
            }
        }
        .await;
        client.close().await;
        answered.map(|()| Exit::Ok)
    }
}

fn list(style: Style, all: &[Standing]) -> String {
    let rows = all
        .iter()
        .map(|setting| {
            let whose = if setting.is_default {
                style.dim("default")
            } else {
                "set".to_owned()
            };
            vec![
                setting.key.clone(),
                setting.value.to_string(),
                whose,
                setting.description.clone(),
            ]
        })
        .collect();
    table(style, &["setting", "value", "", "what it is for"], rows, "")
}

fn page(style: Style, setting: &Standing) -> String {
    let whose = if setting.is_default {
        style.dim(" (default)")
    } else {
        String::new()
    };
    format!(
        "{} = {}{whose}\n{}\n{} {}",
        style.strong(&setting.key),
        setting.value,
        setting.description,
        style.dim("it takes"),
        setting.form
    )
}
