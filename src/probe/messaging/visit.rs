//! What a guest says over an open socket, rung by rung.

use tokio::time::Instant;

use super::super::Run;
use super::super::conversation::Conversation;
use super::super::dial::Stream;
use super::super::guests;
use super::super::witness::Witness;
use crate::check::messaging::{Level, Messaging};
use crate::genesys::messaging::{Awaited, Envelope, Guest, Heard};
use crate::outcome::failure::Failure;
use crate::outcome::messaging::{Refused, Seen, Trouble};
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;
use crate::outcome::warning::{Remark, Warning};

/// What is said to be said back.
const PING: &str = "ping";

/// Tokens that are tried in one run: the usual one, and another where its session is no more.
const TOKENS: usize = 2;

/// Which part of its time a guest who goes further waits for the configuration.
const CONFIGURATION_SHARE: u32 = 3;

/// One visit of a guest.
pub struct Visit<'a, 'r> {
    run: &'a Run<'r>,
    messaging: &'a Messaging,
    conversation: &'a mut Conversation<Stream>,
    witness: &'a mut Witness,
    token: String,
}

/// What came of a question.
enum Answer {
    /// What was asked for.
    Got(Envelope),
    /// Guests must be known here, with this said.
    NeedsAuthentication(Quoted),
    /// Something else, and no more of it: the application lives.
    Alive,
}

impl<'a, 'r> Visit<'a, 'r> {
    /// A visit that has said nothing yet.
    pub fn new(
        run: &'a Run<'r>,
        messaging: &'a Messaging,
        conversation: &'a mut Conversation<Stream>,
        witness: &'a mut Witness,
    ) -> Self {
        let token = run.prober.guests.token(run.check, messaging);
        Self { run, messaging, conversation, witness, token }
    }

    /// Goes up, as far as it is told and let.
    pub async fn climb(&mut self) -> Result<(), Failure> {
        let goes_on = self.messaging.level >= Level::Session;
        match self.configuration(goes_on).await {
            Ok(Answer::Got(_)) => {}
            Ok(Answer::NeedsAuthentication(said)) => return self.stay(&said),
            Ok(Answer::Alive) => {
                self.remark(Warning::MessagingConfigurationMissing, String::new());
            }
            // Nothing says that it must be told before there is a session.
            Err(Failure::TimedOut(Phase::Transfer)) if goes_on => {
                self.remark(Warning::MessagingConfigurationMissing, "no answer".to_owned());
            }
            Err(failure) => return Err(failure),
        }
        if !goes_on {
            return Ok(());
        }
        if self.seen().stopped {
            let evidence = format!("of {}", self.messaging.deployment);
            self.remark(Warning::MessagingSessionsStopped, evidence);
            return Ok(());
        }
        if let Some(said) = self.session().await? {
            return self.stay(&said);
        }
        if self.run.prober.guests.may_echo(self.run.check, Instant::now()) {
            self.echo().await?;
        }
        self.seen().reached = Some(Level::Session);
        if self.messaging.level == Level::Message {
            self.message().await?;
            self.seen().reached = Some(Level::Message);
        }
        // What it answers does not matter: the socket is closed next.
        let request = self.guest().close(&self::tracing());
        self.conversation.say(&request).await
    }

    /// Asks for no more than the configuration: some messengers open the socket to every page, and
    /// turn guests away behind it.
    pub async fn knock(&mut self) -> Result<(), Failure> {
        match self.configuration(true).await {
            Ok(Answer::NeedsAuthentication(said)) => {
                self.seen().turned_away = true;
                Err(refused(Trouble::Authenticated, said.as_str()))
            }
            // The door was open, whatever is wrong behind it.
            Ok(Answer::Got(_) | Answer::Alive) | Err(_) => Ok(()),
        }
    }

    /// Asks for the configuration; where more comes behind it, that needs time of its own.
    async fn configuration(&mut self, goes_on: bool) -> Result<Answer, Failure> {
        let (now, last_word) = (Instant::now(), self.run.last_word());
        let until = match goes_on {
            true => now + last_word.saturating_duration_since(now) / CONFIGURATION_SHARE,
            false => last_word,
        };
        let tracing = tracing();
        let request = self.guest().configuration(&tracing);
        let answer = self.ask(&request, Awaited::Configuration, &tracing, until).await?;
        if !matches!(answer, Answer::NeedsAuthentication(_)) {
            self.seen().reached = Some(Level::Configuration);
        }
        Ok(answer)
    }

    /// Guests must be known from here on: that is how the deployment is meant to be.
    fn stay(&mut self, said: &Quoted) -> Result<(), Failure> {
        self.seen().turned_away = true;
        self.remark(Warning::MessagingNeedsAuthentication, said.to_string());
        Ok(())
    }

    /// Configures a session; gives what is said where guests must be known.
    async fn session(&mut self) -> Result<Option<Quoted>, Failure> {
        let mut tokens = 1;
        let mut starts_new = false;
        loop {
            let tracing = tracing();
            let request = self.guest().session(&tracing, starts_new);
            let answer =
                match self.ask(&request, Awaited::Session, &tracing, self.run.last_word()).await {
                    Err(Failure::Messaging(refused))
                        if refused.trouble.is_of_the_token() && tokens < TOKENS =>
                    {
                        tokens += 1;
                        self.run.prober.guests.renew(self.run.check);
                        self.token = self.run.prober.guests.token(self.run.check, self.messaging);
                        continue;
                    }
                    answer => answer?,
                };
            let session = match answer {
                Answer::Got(envelope) => envelope.session(),
                Answer::NeedsAuthentication(said) => return Ok(Some(said)),
                Answer::Alive => return Err(Failure::TimedOut(Phase::Transfer)),
            };
            if session.auto_started {
                self.run.prober.guests.stop(self.run.check, self.messaging);
                self.seen().stopped = true;
                return Err(refused(Trouble::AutoStarted, "autoStarted: true"));
            }
            match (session.read_only, starts_new) {
                (false, _) => return Ok(None),
                (true, false) => starts_new = true,
                (true, true) => return Err(refused(Trouble::ReadOnly, "readOnly: true")),
            }
        }
    }

    async fn echo(&mut self) -> Result<(), Failure> {
        let tracing = tracing();
        let request = self.guest().echo(&tracing, PING);
        self.want(&request, Awaited::Echo(PING), &tracing).await.map(drop)
    }

    async fn message(&mut self) -> Result<(), Failure> {
        let tracing = tracing();
        let text = format!("Watchpost {tracing}");
        let mut attributes = self.messaging.attributes.clone();
        let endpoint = self.run.check.endpoint.name.to_string();
        attributes.insert(Messaging::PROBE_ATTRIBUTE.to_owned(), endpoint);
        let request = self.guest().message(&tracing, &text, &attributes);
        let said = self.want(&request, Awaited::Echo(&text), &tracing).await?;
        self.seen().message = said.id();
        Ok(())
    }

    /// Asks for what must come.
    async fn want(
        &mut self,
        request: &str,
        awaited: Awaited<'_>,
        tracing: &str,
    ) -> Result<Envelope, Failure> {
        match self.ask(request, awaited, tracing, self.run.last_word()).await? {
            Answer::Got(envelope) => Ok(envelope),
            Answer::NeedsAuthentication(said) => {
                Err(refused(Trouble::Authenticated, said.as_str()))
            }
            Answer::Alive => Err(Failure::TimedOut(Phase::Transfer)),
        }
    }

    /// Asks, and waits for an answer to that for so long.
    async fn ask(
        &mut self,
        request: &str,
        awaited: Awaited<'_>,
        tracing: &str,
        until: Instant,
    ) -> Result<Answer, Failure> {
        self.conversation.say(request).await?;
        let token = self.token.as_str();
        let mut alive = false;
        let mut heard = |text: &str| {
            // Who knows a token may speak as its guest.
            let text = text.replace(token, "(token)");
            match Envelope::read(&text)?.heard(awaited, tracing) {
                Heard::Other => {
                    alive = true;
                    None
                }
                heard => Some(heard),
            }
        };
        match self.conversation.listen(until, &mut heard).await {
            Ok(Heard::Awaited(envelope)) => Ok(Answer::Got(envelope)),
            Ok(Heard::NeedsAuthentication(said)) => Ok(Answer::NeedsAuthentication(said)),
            Ok(Heard::Refused(refused)) => Err(Failure::Messaging(refused)),
            Ok(Heard::Other) => Ok(Answer::Alive),
            Err(Failure::MessageUnmatched { .. }) if alive => Ok(Answer::Alive),
            Err(Failure::MessageUnmatched { last }) => {
                let said = last.as_str().replace(token, "(token)");
                Err(refused(Trouble::Malformed, &format!("the last message was {said:?}")))
            }
            Err(failure) => Err(failure),
        }
    }

    fn guest(&self) -> Guest<'_> {
        Guest { deployment: self.messaging.deployment.as_str(), token: &self.token }
    }

    fn seen(&mut self) -> &mut Seen {
        self.witness.seen.messaging.get_or_insert_default()
    }

    fn remark(&mut self, warning: Warning, evidence: String) {
        self.seen().remarks.push(Remark { warning, evidence });
    }
}

fn refused(trouble: Trouble, said: &str) -> Failure {
    Failure::Messaging(Refused { trouble, code: None, said: Quoted::text(said) })
}

/// An id of one question.
fn tracing() -> String {
    let mut bytes = [0; 16];
    // Without random numbers no run came this far.
    aws_lc_rs::rand::fill(&mut bytes).ok();
    guests::uuid(&bytes)
}
