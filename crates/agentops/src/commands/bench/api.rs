//! `agentops bench api`: how fast lists and details are over HTTP with many runs stored.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use runtime::system::Stopwatch;
use serde::Serialize;
use testkit::{Kind, Places, bench};
use types::{Failure, RunId};

use crate::commands::Done;
use crate::commands::chaos::failed;
use crate::compose::{Access, App};
use crate::exit::Exit;
use crate::output::{Output, Progress, Style, table};
use crate::signals;

/// What a program at the machine shows.
const SECRET: &str = "bench";

/// Lists and details over HTTP with many runs stored
#[derive(Debug, Args)]
pub struct Api {
    /// How many runs are stored
    #[arg(long, default_value_t = 1_000_000, value_name = "RUNS")]
    pub runs: u32,
    /// How often each request is sent
    #[arg(long, default_value_t = 300, value_name = "TIMES")]
    pub times: u32,
    /// The database: sqlite, or postgres for a throw-away PostgreSQL of the installed binaries
    #[arg(long, default_value_t, value_name = "KIND")]
    pub store: Kind,
}

/// One kind of request.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Measured {
    request: &'static str,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Report {
    store: String,
    runs: u32,
    times: u32,
    api: Vec<Measured>,
}

impl Api {
    /// Runs it, in a folder of its own.
    ///
    /// # Errors
    /// Something can't be started, written or read.
    pub async fn run(&self, data: Option<PathBuf>, output: Output) -> Done {
        let scratch = testkit::scratch().map_err(|error| failed(&error))?;
        let folder = data.unwrap_or_else(|| scratch.path().to_owned());
        let places = Places::start(self.store, &folder)
            .await
            .map_err(|error| failed(&error))?;
        let place = places.place("api").map_err(|error| failed(&error))?;
        let config = super::config_of(place.clone())?;
        let progress = Progress::start(&output, "bench");
        let app = App::open(config.clone(), Access::Create).await?;
        let until = app.services.clock.now();
        app.close().await;
        let mut say = |text: String| progress.say(text);
        let stored = tokio::select! {
            stored = bench::fill(&place, self.runs, until, &mut say) => stored.map_err(|error| failed(&error))?,
            () = signals::asked_to_end() => return Ok(Exit::Interrupted),
        };
        let app = App::open(config, Access::Hold).await?;
        let measured = self.measure(&app, &stored, &progress).await;
        app.close().await;
        drop(progress);
        let report = Report {
            store: self.store.to_string(),
            runs: self.runs,
            times: self.times,
            api: measured?,
        };
        output.last_line(&report, |style| page(&report, style))?;
        Ok(Exit::Ok)
    }

    async fn measure(
        &self,
        app: &App,
        stored: &[RunId],
        progress: &Progress,
    ) -> Result<Vec<Measured>, Failure> {
        let broken =
            |error: &dyn std::error::Error| Failure::new("internal", format!("a request failed: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| broken(&error))?;
        let address = listener.local_addr().map_err(|error| broken(&error))?;
        let server = tokio::spawn(api::serve(
            listener,
            router(app),
            api::Connections {
                head_timeout: Duration::from_secs(10),
                most: 1024,
                most_per_address: 1024,
            },
            std::future::pending(),
        ));
        // Fails only if one was chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|error| broken(&error))?;
        let middle = (app.services.clock.now() - u64::from(self.runs) * 500).as_millis();
        let mut measured = Vec::new();
        let lists = [
            ("no work (the floor)", "/healthz".to_owned()),
            ("newest page", "/api/v1/runs".to_owned()),
            ("page in the middle", format!("/api/v1/runs?to={middle}")),
            ("failed ones", "/api/v1/runs?status=failed".to_owned()),
            ("of an agent", "/api/v1/runs?agent=Agent%203".to_owned()),
            (
                "of a person, failed",
                "/api/v1/runs?requester=person-3&status=failed".to_owned(),
            ),
            ("rare mode", "/api/v1/runs?mode=real".to_owned()),
            (
                "nothing fits",
                "/api/v1/runs?agent=Agent%204&status=failed".to_owned(),
            ),
        ];
        for (name, path) in lists {
            progress.say(name.to_owned());
            measured.push(
                self.ask(&client, name, |_| format!("http://{address}{path}"))
                    .await?,
            );
        }
        if !stored.is_empty() {
            progress.say("details".to_owned());
            // Far from each other, so that no page of the last one serves the next.
            let run = |turn: u32| stored[turn as usize * 373 % stored.len()];
            let detail = |turn: u32| format!("http://{address}/api/v1/runs/{}", run(turn));
            measured.push(self.ask(&client, "a run in detail", detail).await?);
            let journal = |turn: u32| format!("http://{address}/api/v1/runs/{}/journal", run(turn + 1));
            measured.push(self.ask(&client, "a run's journal", journal).await?);
        }
        server.abort();
        Ok(measured)
    }

    async fn ask(
        &self,
        client: &reqwest::Client,
        request: &'static str,
        url: impl Fn(u32) -> String,
    ) -> Result<Measured, Failure> {
        let broken = |error: reqwest::Error| Failure::new("internal", format!("{request} failed: {error}"));
        let mut spans = Vec::new();
        for turn in 0..self.times {
            let watch = Stopwatch::start();
            let answer = client
                .get(url(turn))
                .bearer_auth(SECRET)
                .header(api::LOCAL_USER, "bench")
                .send()
                .await
                .map_err(broken)?;
            let status = answer.status();
            answer.bytes().await.map_err(broken)?;
            if !status.is_success() {
                return Err(Failure::new(
                    "internal",
                    format!("{request} was answered with {status}"),
                ));
            }
            spans.push(watch.elapsed().as_secs_f64() * 1000.0);
        }
        let mut at = |percent| bench::percentile(&mut spans, percent);
        Ok(Measured {
            request,
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
        })
    }
}

/// The API as commands have it, for a program that asks as fast as it can.
fn router(app: &App) -> axum::Router {
    api::router(api::Options {
        local_secret: Some(SECRET.to_owned()),
        rates: api::Rates {
            per_second: 1_000_000,
            strangers_per_minute: 100_000_000,
            sign_ins_per_minute: 1,
        },
        ..app.api()
    })
}

fn page(report: &Report, style: Style) -> String {
    let rows = report.api.iter().map(|one| {
        vec![
            one.request.to_owned(),
            format!("{:.2} ms", one.p50_ms),
            format!("{:.2} ms", one.p95_ms),
            format!("{:.2} ms", one.p99_ms),
        ]
    });
    let title = format!("{} runs stored, {}", report.runs, report.store);
    table(style, &[title.as_str(), "p50", "p95", "p99"], rows.collect(), "")
}
