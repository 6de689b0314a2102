//! `agentops setting`: what can change while the server runs.

use clap::Subcommand;
use serde_json::{Value, json};
use services::settings::{self, Setting as Standing};

use super::{Context, Done};
use crate::compose::Access;
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
        let app = context.open(Access::Guest).await?;
        let answered = async {
            match self {
                Setting::List => {
                    let all = settings::list(&app.services).await?;
                    context.output.answer(&all, |style| list(style, &all))
                }
                Setting::Get { key } => {
                    let setting = settings::get(&app.services, &key).await?;
                    context.output.answer(&setting, |style| page(style, &setting))
                }
                Setting::Set { key, value } => {
                    let value = serde_json::from_str(&value).unwrap_or_else(|_| Value::from(value));
                    let before = settings::get(&app.services, &key).await?;
                    let by = context.user(&app).await?;
                    let after = settings::set(&app.services, &key, value, &by).await?;
                    app.tools_taken_up().await;
                    let mut document = json!(after);
                    document["before"] = before.value.clone();
                    context.output.answer(&document, |style| {
                        let was = style.dim(&format!("(was {})", before.value));
                        format!("{} = {} {was}", style.strong(after.key), after.value)
                    })
                }
            }
        }
        .await;
        app.close().await;
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
                setting.key.to_owned(),
                setting.value.to_string(),
                whose,
                setting.description.to_owned(),
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
        style.strong(setting.key),
        setting.value,
        setting.description,
        style.dim("it takes"),
        setting.form
    )
}
