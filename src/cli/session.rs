//! What a command needs that asks now and prints what it sees.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::ask::{Args, Question, Wrong};
use super::{exit, run};
use crate::clock::lag::Lag;
use crate::probe::Prober;

/// A question, and who can answer it.
pub struct Session {
    /// What was asked.
    pub question: Question,
    /// Asks it.
    pub prober: Prober,
    /// On this.
    pub runtime: Runtime,
    lag: Arc<Lag>,
}

impl Session {
    /// Makes one of what was asked; says what is wrong where there is none.
    pub fn begin(args: Args) -> Result<Self, ExitCode> {
        let question = args.question().map_err(|wrong| match wrong {
            Wrong::Question(problem) => {
                anstream::eprintln!("watchpost: {problem}");
                ExitCode::from(exit::USAGE)
            }
            Wrong::Config(error) => run::refuse(&error),
        })?;
        let endpoints = question.checks.iter().map(|check| &check.endpoint);
        let lag = Arc::new(Lag::default());
        let prober = Prober::new(endpoints, &question.nameservers, question.contact.as_deref())
            .measured_by(lag.clone());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            anstream::eprintln!("watchpost: cannot start: {error}");
            ExitCode::from(exit::TROUBLE)
        })?;
        Ok(Self { question, prober, runtime, lag })
    }

    /// Waits for what probes see, and measures meanwhile whether they have the time.
    pub fn wait_for<F: Future>(&self, runs: F) -> F::Output {
        self.runtime.block_on(self.lag.beside(runs))
    }
}
