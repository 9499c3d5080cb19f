//! The conversations of a queue, as its topics tell of them: whole at each change, with every part
//! that anybody has in them. What happened is told as the events of one conversation would.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::transition::{Part, copy, frame, rows, shouted};
use crate::event::key::Key;
use crate::genesys::moment;

/// Over what a conversation goes, as far as that is one of its own: `(list, word)`. A shared
/// screen or a video goes with another one.
const MEDIA: [(&str, &str); 5] = [
    ("messages", "message"),
    ("chats", "chat"),
    ("calls", "voice"),
    ("emails", "email"),
    ("callbacks", "callback"),
];

/// A topic that tells of a queue's conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversations {
    queue: Key,
    media: Media,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    /// Of every kind: each participant has a list for each.
    Any,
    /// Of one kind: the participant is what would be in the list.
    One(&'static str),
    /// Of one that is no conversation of its own.
    Aside,
}

impl Conversations {
    /// Reads the topic's name; none where it is another.
    pub fn of(topic: &Key) -> Option<Self> {
        let rest = topic.as_str().strip_prefix("v2.routing.queues.")?;
        let (queue, rest) = rest.split_once('.')?;
        let media = match rest.strip_prefix("conversations")? {
            "" => Media::Any,
            media => {
                let media = media.strip_prefix('.')?;
                let known = MEDIA.iter().find(|(list, _)| *list == media);
                known.map_or(Media::Aside, |(_, word)| Media::One(word))
            }
        };
        Some(Self { queue: Key::new(queue).ok()?, media })
    }

    /// What has happened so far, oldest first, of a frame that came at `now`; none where it is of
    /// no conversation. The same is told at each change: who asks knows it by its id.
    pub fn frames(&self, text: &str, now: Timestamp) -> Option<Vec<Value>> {
        let told: Value = serde_json::from_str(text).ok()?;
        let conversation = told.get("eventBody")?;
        let id = Key::new(conversation.get("id")?.as_str()?).ok()?;
        let mut found = Vec::new();
        for participant in rows(conversation, "participants") {
            let part = Part::of(participant).zip(self.line(participant));
            if let Some((part, line)) = part {
                line.tell(&id, (part, participant), now, &mut found);
            }
        }
        found.sort_by_key(|(at, _)| *at);
        Some(found.into_iter().map(|(_, frame)| frame).collect())
    }

    /// What a participant's part is; none where that is no conversation of its own.
    fn line<'a>(&'a self, participant: &'a Value) -> Option<Line<'a>> {
        let (media, over) = match self.media {
            Media::Aside => return None,
            Media::One(word) => (word, vec![participant]),
            Media::Any => {
                let (list, word) =
                    MEDIA.iter().find(|(list, _)| rows(participant, list).next().is_some())?;
                (*word, rows(participant, list).collect())
            }
        };
        let text = |field| participant.get(field)?.as_str();
        let queue = text("queueId").or_else(|| participant.get("queue")?.get("id")?.as_str());
        let queue = queue.unwrap_or(self.queue.as_str());
        let times = |of: &Value, fields: &[&str]| -> Vec<Timestamp> {
            fields.iter().filter_map(|field| moment::read(of.get(field)?)).collect()
        };
        let mut began = times(participant, &["startTime", "connectedTime"]);
        let mut ended = times(participant, &["endTime"]);
        let is_over = |of: &&Value| {
            let state = of.get("state").and_then(Value::as_str).unwrap_or_default();
            ["disconnected", "terminated"].contains(&state)
        };
        let all_over = over.iter().all(is_over);
        for one in &over {
            began.extend(times(one, &["connectedTime"]));
            if all_over {
                ended.extend(times(one, &["disconnectedTime", "endTime"]));
            }
        }
        let is_ended = all_over || !ended.is_empty();
        Some(Line {
            media,
            queue,
            began: began.into_iter().min(),
            ended: is_ended.then(|| ended.into_iter().max()),
            over,
        })
    }
}

/// Over what somebody takes part, from when to when.
struct Line<'a> {
    media: &'static str,
    queue: &'a str,
    began: Option<Timestamp>,
    /// Whether it is over, and when that was.
    ended: Option<Option<Timestamp>>,
    over: Vec<&'a Value>,
}

impl Line<'_> {
    fn tell(
        &self,
        conversation: &Key,
        (part, participant): (Part, &Value),
        now: Timestamp,
        found: &mut Vec<(Timestamp, Value)>,
    ) {
        let Some(who) = participant.get("id").and_then(Value::as_str) else { return };
        let body = |at: Timestamp| {
            let mut body = Map::new();
            body.insert("eventTime".to_owned(), at.as_millisecond().into());
            body.insert("conversationId".to_owned(), conversation.as_str().into());
            body.insert("participantId".to_owned(), who.into());
            body.insert("mediaType".to_owned(), self.media.into());
            body.insert("queueId".to_owned(), self.queue.into());
            for one in &self.over {
                copy(&mut body, one, &["direction", "provider"]);
                let kind = one.get("type").and_then(Value::as_str);
                if let Some(kind) = kind.filter(|_| self.media == "message") {
                    body.insert("messageType".to_owned(), kind.into());
                }
                // Where the customer wrote to; to whom an agent writes is the customer.
                let address = one.get("toAddress").filter(|_| part == Part::Customer);
                let address = address.and_then(|to| to.get("addressNormalized")?.as_str());
                if let Some(address) = address {
                    body.insert("addressTo".to_owned(), address.into());
                }
            }
            body
        };
        // A clock that is ahead of ours must not put it into the future.
        if let Some(at) = self.began.map(|at| at.min(now)) {
            found.push((at, part.frame(conversation, "start", body(at))));
        }
        let mark = participant.get("attributes").and_then(|all| all.get("watchpost"));
        if let (Some(mark @ Value::String(_)), Some(at)) = (mark, self.began) {
            let mut body = body(at.min(now));
            let attributes = Map::from_iter([("watchpost".to_owned(), mark.clone())]);
            body.insert("attributes".to_owned(), attributes.into());
            found.push((at.min(now), frame(conversation, "attributes", body)));
        }
        if let Some(at) = self.ended.map(|at| at.unwrap_or(now).min(now)) {
            let mut body = body(at);
            if let Some(how) = self.end() {
                body.insert("disconnectType".to_owned(), how.into());
            }
            found.push((at, part.frame(conversation, "end", body)));
        }
    }

    /// How it ended. An error that is told beside it is how, where else nobody says.
    fn end(&self) -> Option<String> {
        let said = |one: &&Value| one.get("disconnectType")?.as_str().map(shouted);
        let word = self.over.iter().rev().find_map(said);
        let vague =
            word.as_deref().is_none_or(|word| ["UNKNOWN", "OTHER", "SYSTEM"].contains(&word));
        let error = self.over.iter().any(|one| one.get("errorInfo").is_some_and(Value::is_object));
        if vague && error { Some("ERROR".to_owned()) } else { word }
    }
}

#[cfg(test)]
mod tests;
