//! Notification channels: made, listed, subscribed to.

use std::pin::Pin;

use http::Method;
use serde_json::{Value, json};

use super::{Call, Platform, Reply};
use crate::event::key::Key;
use crate::genesys::api::Api;
use crate::genesys::channel::backlog::Gap;
use crate::genesys::channel::topic::Offered;
use crate::genesys::channel::{Channel, Subscription, subscriptions};
use crate::genesys::trouble::{Kind, Trouble};

/// Where channels are.
const CHANNELS: &str = "/api/v2/notifications/channels";

/// Where the topics are that can be subscribed to.
const TOPICS: &str = "/api/v2/notifications/availabletopics\
    ?expand=transports,requiresPermissions,topicParameters";

/// Where conversations are asked for.
const DETAILS: &str = "/api/v2/analytics/conversations/details/query";

impl Platform {
    /// A call as a future of one known type: what waits for several of them in turn, and is itself
    /// waited for, would else hold each of them in its own type, and take minutes to compile.
    pub fn ask<'a>(
        &'a self,
        call: Call<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, Trouble>> + Send + 'a>> {
        Box::pin(self.call(call))
    }

    /// Makes a channel. Asked once: each makes another, and there are few.
    pub async fn make_channel(&self) -> Result<Channel, Trouble> {
        let reply = self.ask(Call::new(Api::Channels, Method::POST, CHANNELS)).await?;
        let malformed = || Trouble::new(Api::Channels, Kind::Malformed { field: "connectUri" });
        Channel::read(&reply.json).ok_or_else(malformed)
    }

    /// The channels that the client has.
    pub async fn channels(&self) -> Result<Vec<Channel>, Trouble> {
        let reply = self.ask(Call::get(Api::Channels, CHANNELS)).await?;
        let malformed = || Trouble::new(Api::Channels, Kind::Malformed { field: "entities" });
        Channel::list(&reply.json).ok_or_else(malformed)
    }

    /// Sets the topics of a channel, and gives it another day. Says what became of each.
    pub async fn subscribe(
        &self,
        channel: &Key,
        topics: &[Key],
    ) -> Result<Vec<Subscription>, Trouble> {
        let topics: Vec<_> = topics.iter().map(|topic| json!({ "id": topic.as_str() })).collect();
        let path = format!("{CHANNELS}/{channel}/subscriptions?ignoreErrors=true");
        let call = Call::new(Api::Subscriptions, Method::PUT, path).body(Value::Array(topics));
        let reply = self.ask(call).await?;
        let malformed = || Trouble::new(Api::Subscriptions, Kind::Malformed { field: "entities" });
        subscriptions(&reply.json).ok_or_else(malformed)
    }

    /// Which topics can be subscribed to.
    pub async fn topics(&self) -> Result<Offered, Trouble> {
        let reply = self.ask(Call::get(Api::Topics, TOPICS)).await?;
        let malformed = || Trouble::new(Api::Topics, Kind::Malformed { field: "entities" });
        Offered::read(&reply.json).ok_or_else(malformed)
    }

    /// One page of what happened in a gap: the frames that were missed, oldest first, and how many
    /// conversations the page had.
    pub async fn missed(&self, gap: &Gap, page: u32) -> Result<(Vec<Value>, usize), Trouble> {
        let api = Api::ConversationDetails;
        let call = Call::new(api, Method::POST, DETAILS).body(gap.body(page)).idempotent();
        let reply = self.ask(call).await?;
        let malformed = || Trouble::new(api, Kind::Malformed { field: "conversations" });
        gap.frames(&reply.json).ok_or_else(malformed)
    }
}
