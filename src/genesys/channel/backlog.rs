//! What happened while no channel was open: conversations of that time, asked for afterwards and
//! told as the channel would have told them.
//!
//! Each event is written as the frame that was missed, and read as one: so it is the same
//! [transition](super::transition), and one that comes twice is known again.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::transition::{Part, copy, rows, shouted};
use crate::event::key::Key;
use crate::genesys::moment;

/// Conversations in one answer.
pub const PAGE_SIZE: u32 = 100;

/// Answers that are asked for of one gap.
pub const MAX_PAGES: u32 = 20;

/// What happened before that is not asked for: the gap is shown, and stays one.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// A time in which events were missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When the last frame came.
    pub from: Timestamp,
    /// When the channel was open again.
    pub to: Timestamp,
}

impl Gap {
    /// As much of it as is asked for.
    pub fn asked(&self) -> Self {
        let earliest = self.to.saturating_sub(LONGEST).unwrap_or(self.from);
        Self { from: self.from.max(earliest), to: self.to }
    }

    /// What is posted for a page; the first is 1.
    pub fn body(&self, page: u32) -> Value {
        let written = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        json!({
            "interval": format!("{}/{}", written(self.from), written(self.to)),
            "order": "asc",
            "orderBy": "conversationStart",
            "paging": { "pageSize": PAGE_SIZE, "pageNumber": page },
            "segmentFilters": [{ "type": "or", "predicates": [
                { "dimension": "mediaType", "value": "message" },
                { "dimension": "mediaType", "value": "chat" },
            ] }],
        })
    }

    fn holds(&self, at: Timestamp) -> bool {
        (self.from..=self.to).contains(&at)
    }

    /// The frames that were missed, oldest first, of an answer; none where it is no answer. With
    /// them, how many conversations the answer had.
    pub fn frames(&self, answer: &Value) -> Option<(Vec<Value>, usize)> {
        let conversations = match answer.get("conversations") {
            Some(conversations) => conversations.as_array()?.as_slice(),
            // As it is written where there are none.
            None => answer.as_object().map(|_| &[][..])?,
        };
        let mut told: Vec<(Timestamp, Value)> = Vec::new();
        for conversation in conversations.iter().take(PAGE_SIZE as usize) {
            told.extend(self.of(conversation).unwrap_or_default());
        }
        told.sort_by_key(|(at, _)| *at);
        Some((told.into_iter().map(|(_, frame)| frame).collect(), conversations.len()))
    }

    /// What one conversation would have told in this time.
    fn of(&self, conversation: &Value) -> Option<Vec<(Timestamp, Value)>> {
        let id = Key::new(conversation.get("conversationId")?.as_str()?).ok()?;
        let mut told = Vec::new();
        for participant in rows(conversation, "participants") {
            let Some(part) = Part::of(participant) else { continue };
            for session in rows(participant, "sessions") {
                let body = |at: Timestamp| {
                    let mut body = Map::new();
                    body.insert("eventTime".to_owned(), at.as_millisecond().into());
                    body.insert("conversationId".to_owned(), id.as_str().into());
                    copy(&mut body, participant, &["participantId", "userId"]);
                    copy(
                        &mut body,
                        session,
                        &[
                            "sessionId",
                            "mediaType",
                            "messageType",
                            "direction",
                            "addressTo",
                            "provider",
                        ],
                    );
                    body
                };
                let segments: Vec<_> = rows(session, "segments").collect();
                let moments = |field: &'static str| {
                    segments.iter().filter_map(move |segment| moment::read(segment.get(field)?))
                };
                let frame = |at: Timestamp, what: &str, body: Map<String, Value>| {
                    (at, part.frame(&id, what, body))
                };
                let queue = segments.iter().find_map(|segment| segment.get("queueId"));
                let flow = session.get("flow");
                let add = |body: &mut Map<String, Value>| {
                    if let Some(queue) = queue {
                        body.insert("queueId".to_owned(), queue.clone());
                    }
                    if let Some(flow) = flow {
                        copy(body, flow, &["flowId", "flowType"]);
                    }
                };
                if let Some(at) = moments("segmentStart").min().filter(|at| self.holds(*at)) {
                    let mut body = body(at);
                    add(&mut body);
                    told.push(frame(at, "start", body));
                }
                // A part goes on until one of its segments says how it ended.
                let last =
                    segments.iter().filter(|segment| segment.get("disconnectType").is_some());
                let ended = last.filter_map(|segment| {
                    Some((
                        moment::read(segment.get("segmentEnd")?)?,
                        segment.get("disconnectType")?.as_str()?,
                    ))
                });
                if let Some((at, how)) =
                    ended.max_by_key(|(at, _)| *at).filter(|(at, _)| self.holds(*at))
                {
                    let mut body = body(at);
                    add(&mut body);
                    body.insert("disconnectType".to_owned(), shouted(how).into());
                    if let Some(flow) = flow {
                        copy(&mut body, flow, &["exitReason"]);
                    }
                    told.push(frame(at, "end", body));
                }
            }
        }
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse::{Headers, parse};
    use crate::event::word::{Disconnect, FlowExit, Kind};
    use crate::genesys::channel::transition::id;

    const QUEUE: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

    fn gap() -> Gap {
        Gap {
            from: "2026-11-21T12:00:00Z".parse().unwrap(),
            to: "2026-11-21T12:10:00Z".parse().unwrap(),
        }
    }

    fn answer() -> Value {
        let session = |id: &str, segments: Value| {
            json!({ "sessionId": id, "mediaType": "message", "messageType": "webmessaging",
                "direction": "inbound", "addressTo": "d-1", "addressFrom": "guest", "segments": segments })
        };
        let mut flow = session(
            "s-3",
            json!([
                { "segmentStart": "2026-11-21T12:02:00Z", "segmentEnd": "2026-11-21T12:03:00Z",
                  "disconnectType": "system" },
            ]),
        );
        flow["flow"] = json!({ "flowId": "f-1", "exitReason": "FLOW_ERROR_DISCONNECT" });
        json!({ "totalHits": 1, "conversations": [
            { "conversationId": "c-1", "conversationStart": "2026-11-21T11:59:00Z", "participants": [
                { "participantId": "p-1", "purpose": "customer", "participantName": "Ada", "sessions": [
                    session("s-1", json!([
                        { "segmentStart": "2026-11-21T11:59:00Z", "segmentEnd": "2026-11-21T12:01:00Z" },
                        { "segmentStart": "2026-11-21T12:01:00Z", "segmentEnd": "2026-11-21T12:05:00.250Z",
                          "disconnectType": "transportFailure" },
                    ])),
                ] },
                { "participantId": "p-2", "purpose": "acd", "sessions": [session("s-2", json!([
                    { "segmentStart": "2026-11-21T12:04:00Z", "queueId": QUEUE },
                ]))] },
                { "participantId": "p-3", "purpose": "workflow", "sessions": [flow] },
                { "participantId": "p-4", "purpose": "fax", "sessions": [session("s-4", json!([]))] },
            ] },
            { "conversationId": 7 }, "rubbish",
        ] })
    }

    #[test]
    fn what_was_missed_is_told_as_it_would_have_been() {
        let (frames, conversations) = gap().frames(&answer()).unwrap();
        assert_eq!(conversations, 3);
        let now = gap().to;
        let events: Vec<_> = frames
            .iter()
            .map(|frame| {
                let bytes = serde_json::to_vec(frame).unwrap();
                parse(&Headers::default(), &bytes, now).unwrap().event
            })
            .collect();
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        let wanted = [Kind::FlowStart, Kind::FlowEnd, Kind::AcdStart, Kind::CustomerEnd];
        assert_eq!(kinds, wanted, "the customer began before the gap");
        assert_eq!(events[1].flow_exit, Some(FlowExit::FlowErrorDisconnect));
        assert_eq!(events[2].queue.as_ref().map(Key::as_str), Some(QUEUE));
        assert_eq!(events[3].disconnect, Some(Disconnect::TransportFailure));
        assert!(events.iter().all(|event| event.conversation.as_ref().unwrap().as_str() == "c-1"));
        let text = serde_json::to_string(&frames).unwrap();
        assert!(!text.contains("Ada") && !text.contains("guest"), "{text}");
    }

    #[test]
    fn the_event_itself_is_known_again() {
        let late = json!({
            "topicName": "v2.detail.events.conversation.c-1.customer.end", "version": "2",
            "eventBody": { "eventTime": 1_795_262_700_249_i64, "conversationId": "c-1",
                "participantId": "p-1", "sessionId": "s-1", "mediaType": "MESSAGE",
                "interactingDurationMs": 7, "disconnectType": "TRANSPORT_FAILURE" },
            "metadata": { "CorrelationId": "x" },
        });
        let (frames, _) = gap().frames(&answer()).unwrap();
        let id = |frame: &Value| {
            let bytes = serde_json::to_vec(frame).unwrap();
            id(&parse(&Headers::default(), &bytes, gap().to).unwrap().event).unwrap()
        };
        assert_eq!(id(&late), id(frames.last().unwrap()));
    }

    #[test]
    fn a_day_is_asked_for_at_the_most_and_rubbish_is_no_answer() {
        let long = Gap { from: "2026-11-01T00:00:00Z".parse().unwrap(), ..gap() };
        assert_eq!(long.asked().from, "2026-11-20T12:10:00Z".parse().unwrap());
        assert_eq!(gap().asked(), gap());
        let body = gap().body(2);
        assert_eq!(body["interval"], "2026-11-21T12:00:00.000Z/2026-11-21T12:10:00.000Z");
        assert_eq!(body["paging"], json!({ "pageSize": 100, "pageNumber": 2 }));
        assert_eq!(gap().frames(&json!({})), Some((vec![], 0)));
        assert_eq!(gap().frames(&json!([])), None);
        assert_eq!(gap().frames(&json!({ "conversations": 7 })), None);
    }
}
