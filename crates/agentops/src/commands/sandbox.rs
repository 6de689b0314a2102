//! `agentops sandbox`: the vendors' sandbox alone, and looking into it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use api::wire::sandbox::PullDiff;
use clap::{Args, Subcommand};
use runtime::system::SystemClock;
use serde_json::json;
use types::Failure;

use super::{Context, Done};
use crate::compose::{pull_diff, start_sandbox};
use crate::exit::Exit;
use crate::output::one_line;
use crate::signals;

/// Serve the vendors' sandbox alone
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Sandbox {
    #[command(subcommand)]
    pub look: Option<Look>,
    /// Where to listen, instead of the configured address
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Listen for TLS too
    #[arg(long)]
    pub tls: bool,
    /// Keep the state in this file between starts
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Write the certificate authority of --tls to this file
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub ca: Option<PathBuf>,
}

/// Looking into a sandbox without serving one.
#[derive(Debug, Subcommand)]
pub enum Look {
    /// Show what a pull request of the sandbox's repository changes
    Diff(Diff),
}

/// Show what a pull request changes
#[derive(Debug, Args)]
pub struct Diff {
    /// Its number, else the newest one's
    #[arg(value_name = "PR")]
    pub number: Option<u64>,
    /// The file that keeps the state of a sandbox that runs alone
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

impl Diff {
    async fn run(self, context: &Context) -> Done {
        let pull = match &self.state {
            Some(file) => pull_diff(file, self.number)?,
            None => {
                let number = self.number.map(|number| ("number", number.to_string()));
                let query: Vec<_> = number.into_iter().collect();
                let client = context.client().await?;
                let pull: Result<PullDiff, _> = client.get_with(&["sandbox", "github", "diff"], &query).await;
                client.close().await;
                pull?
            }
        };
        context.output.answer(&pull, |style| {
            let head = format!("#{} {}", pull.number, pull.title);
            let ends = format!("{} into {}", pull.head, pull.base);
            let mut lines = vec![
                style.strong(&one_line(&head)),
                style.dim(&one_line(&ends)),
                String::new(),
            ];
            // The difference holds what anybody wrote: no colours of its own.
            lines.extend(pull.diff.lines().map(|line| line.replace('\u{1b}', "\u{241b}")));
            lines.join("\n")
        })?;
        Ok(Exit::Ok)
    }
}

impl Sandbox {
    /// Runs it.
    pub async fn run(self, mut context: Context) -> Done {
        if let Some(Look::Diff(diff)) = self.look {
            return diff.run(&context).await;
        }
        if let Some(listen) = self.listen {
            context.config.sandbox.listen = listen;
        }
        context.config.sandbox.tls |= self.tls;
        let handle = start_sandbox(&context.config, self.state, Arc::new(SystemClock)).await?;
        if let (Some(path), Some(pem)) = (&self.ca, handle.ca_pem()) {
            std::fs::write(path, pem).map_err(|error| {
                Failure::new(
                    "file_unwritable",
                    format!("failed to write '{}': {error}", path.display()),
                )
            })?;
        }
        let ended = signals::asked_to_end();
        let vendors: serde_json::Map<String, serde_json::Value> = sandbox::Vendor::ALL
            .into_iter()
            .map(|vendor| (vendor.to_string(), handle.base_url(vendor).into()))
            .collect();
        let document = json!({
            "http": handle.http_url(),
            "https": handle.https_url(),
            "smtps": handle.smtps_url(),
            "vendors": vendors,
        });
        context.output.answer(&document, |style| {
            let mut lines = vec![format!("sandbox at {}", style.strong(handle.http_url()))];
            lines.extend(handle.https_url().map(|url| format!("       and {url}")));
            lines.extend(
                vendors
                    .iter()
                    .map(|(vendor, url)| format!("  {vendor}: {}", url.as_str().unwrap_or(""))),
            );
            lines.extend(handle.smtps_url().map(|url| format!("  mail with TLS: {url}")));
            lines.push(style.dim("faults: PUT /_sandbox/faults; state: GET /_sandbox/state; Ctrl-C ends it"));
            lines.join("\n")
        })?;
        ended.await;
        handle.shutdown().await;
        Ok(Exit::Ok)
    }
}
