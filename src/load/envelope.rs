//! Bodies as EventBridge posts them for the contact centre: the begin and the end of a
//! conversation by turns.

use std::fmt::Write as _;

use aws_lc_rs::rand;
use jiff::Timestamp;

/// Writes bodies, no two of which have the same ids; those of another program's neither.
#[derive(Debug)]
pub struct Envelope {
    run: u64,
    body_bytes: usize,
}

impl Envelope {
    /// Bodies of this size, or of what must be in them.
    pub fn new(body_bytes: usize) -> Self {
        let mut run = [0; 8];
        // Without them, ids of two programs may be alike: that would show in the answers.
        rand::fill(&mut run).ok();
        Self { run: u64::from_le_bytes(run), body_bytes }
    }

    /// Writes the body of event `n` in place of what is there; gives its id.
    pub fn write(&self, n: u64, now: Timestamp, body: &mut String) -> String {
        body.clear();
        let (id, conversation) = (self.uuid(1, n), self.uuid(2, n / 2));
        let (participant, session) = (self.uuid(3, n / 2), self.uuid(4, n / 2));
        let (word, rest) = match n % 2 {
            0 => ("start", ""),
            _ => ("end", "\"disconnectType\":\"PEER\",\"interactingDurationMs\":30500,"),
        };
        let topic = "v2.detail.events.conversation";
        let time = now.as_millisecond();
        let iso = now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        // Writing to a text does not fail.
        write!(
            body,
            "{{\"version\":\"0\",\"id\":\"{id}\",\"detail-type\":\"{topic}.{{id}}.customer.{word}\",\
             \"source\":\"aws.partner/genesys.com/cloud/11111111-2222-4333-8444-555555555555/watchpost\",\
             \"account\":\"123456789012\",\"time\":\"{iso}\",\"region\":\"eu-west-1\",\"resources\":[],\
             \"detail\":{{\"topicName\":\"{topic}.{conversation}.customer.{word}\",\"version\":\"2\",\
             \"eventBody\":{{\"eventTime\":{time},\"conversationId\":\"{conversation}\",\
             \"participantId\":\"{participant}\",\"sessionId\":\"{session}\",{rest}\
             \"mediaType\":\"MESSAGE\",\"messageType\":\"WEBMESSAGING\",\
             \"provider\":\"PureCloud Webchat V2\",\"direction\":\"INBOUND\",\
             \"addressTo\":\"00000000-0000-4000-8000-000000000000\",\"divisionId\":\"{session}\",\
             \"subject\":\""
        )
        .ok();
        let end =
            format!("\"}},\"metadata\":{{\"CorrelationId\":\"{id}\"}},\"timestamp\":\"{iso}\"}}}}");
        let missing = self.body_bytes.saturating_sub(body.len() + end.len());
        body.extend(std::iter::repeat_n('x', missing));
        body.push_str(&end);
        id
    }

    fn uuid(&self, what: u64, n: u64) -> String {
        let [high, low] = [self.run >> 32, self.run & 0xffff];
        format!("{high:08x}-{low:04x}-4{what:03x}-8000-{n:012x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_their_size_with_ids_of_their_own() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let envelope = Envelope::new(1024);
        let mut body = String::new();
        let mut ids = std::collections::BTreeSet::new();
        for n in 0..4 {
            let id = envelope.write(n, now, &mut body);
            assert_eq!(body.len(), 1024);
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(json["id"], id.as_str());
            let conversation = json["detail"]["eventBody"]["conversationId"].as_str().unwrap();
            assert_eq!(conversation, envelope.uuid(2, n / 2));
            assert!(ids.insert(id));
        }
        assert_ne!(Envelope::new(0).write(0, now, &mut body), envelope.uuid(1, 0));
        assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
    }
}
