//! What may be kept of a document that is no event: the names and values that an event could have
//! been made of, and none that may tell of a person.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::key::Key;

/// Bytes that are kept of one document at the most.
const MAX_BYTES: usize = 16 * 1024;

/// Fields with an object or a list of objects in them.
const CONTAINERS: [&str; 8] = [
    "attributes",
    "configuration",
    "data",
    "detail",
    "entity",
    "eventBody",
    "messages",
    "propertyChanges",
];

/// Fields with a value.
const VALUES: [&str; 38] = [
    "acdOutcome",
    "action",
    "channelType",
    "clientId",
    "conversationId",
    "deploymentId",
    "detail-type",
    "direction",
    "disconnectType",
    "entityType",
    "event",
    "eventTime",
    "eventTimeMs",
    "exitReason",
    "flowId",
    "flowOutcomeId",
    "flowType",
    "id",
    "interactingDurationMs",
    "mediaType",
    "messageType",
    "participantId",
    "property",
    "queueId",
    "region",
    "routingPriority",
    "sessionId",
    "skillExpressionApplied",
    "source",
    "specversion",
    "status",
    "time",
    "timestamp",
    "topicName",
    "type",
    "usedRouting",
    "version",
    "watchpost",
];

/// The document with those fields alone; none where it is no JSON, or still too much.
pub fn project(document: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(document);
    Keep { kept: &mut kept, value: false }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(kept).filter(|kept| !kept.is_empty())
}

/// Writes what may be kept of one value.
struct Keep<'k> {
    kept: &'k mut Vec<u8>,
    /// Whether it stands under the name of a value: a text or a number elsewhere is not known.
    value: bool,
}

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Keep<'_> {
    fn write<E: Error>(&mut self, bytes: &[u8]) -> Result<(), E> {
        if self.kept.len() + bytes.len() > MAX_BYTES {
            return Err(E::custom("more than is kept"));
        }
        self.kept.extend_from_slice(bytes);
        Ok(())
    }

    fn number<E: Error>(mut self, number: impl fmt::Display) -> Result<(), E> {
        match self.value {
            true => self.write(number.to_string().as_bytes()),
            false => self.write(b"null"),
        }
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.write(b"{")?;
        let mut separator: &[u8] = b"";
        while let Some(name) = map.next_key::<String>()? {
            let value = VALUES.contains(&name.as_str());
            if !value && !CONTAINERS.contains(&name.as_str()) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.write(separator)?;
            separator = b",";
            self.write(b"\"")?;
            self.write(name.as_bytes())?;
            self.write(b"\":")?;
            map.next_value_seed(Keep { kept: self.kept, value })?;
        }
        self.write(b"}")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        self.write(b"[")?;
        let mut first = true;
        loop {
            let before = self.kept.len();
            if !first {
                self.write(b",")?;
            }
            let element = Keep { kept: self.kept, value: false };
            if list.next_element_seed(element)?.is_none() {
                self.kept.truncate(before);
                return self.write(b"]");
            }
            first = false;
        }
    }

    /// An id or a word; a sentence, an address or a name with blanks is none.
    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        let plain = self.value
            && Key::new(text).is_ok()
            && !text.contains(['"', '\\', '@'])
            && !text.starts_with('+');
        if !plain {
            return self.write(b"null");
        }
        self.write(b"\"")?;
        self.write(text.as_bytes())?;
        self.write(b"\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(number)
    }

    /// No id and no time has a fraction.
    fn visit_f64<E: Error>(mut self, _: f64) -> Result<(), E> {
        self.write(b"null")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.number(flag)
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.write(b"null")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projected(document: &str) -> Option<String> {
        project(document.as_bytes()).map(|kept| String::from_utf8(kept).unwrap())
    }

    #[test]
    fn only_what_is_allowed_is_kept() {
        let document = r#"{"topicName":"v2.x","eventBody":{"conversationId":"c-1","ani":"+4930123",
            "subject":"my illness","entity":{"id":"e","name":"Jane Doe"},"status":"Jane Doe",
            "type":"+491701234","source":"jane@example.com","attributes":{"watchpost":"eu",
            "customer":"Jane"},"messages":[{"id":"m","text":"hello"},3],"eventTime":17,"version":1.5}}"#;
        let kept = projected(document).unwrap();
        assert_eq!(
            kept,
            r#"{"topicName":"v2.x","eventBody":{"conversationId":"c-1","entity":{"id":"e"},"status":null,"type":null,"source":null,"attributes":{"watchpost":"eu"},"messages":[{"id":"m"},null],"eventTime":17,"version":null}}"#
        );
    }

    #[test]
    fn what_is_no_json_or_too_much_is_not_kept() {
        assert_eq!(projected("hello"), None);
        assert_eq!(projected("{} {}"), None);
        assert_eq!(projected(&"[".repeat(100_000)), None);
        assert_eq!(projected(&format!("[{}1]", "1,".repeat(20_000))), None);
        assert_eq!(projected("[]").as_deref(), Some("[]"));
        assert_eq!(projected("[\"Jane\",49301234]").as_deref(), Some("[null,null]"));
        assert_eq!(projected("\"Jane\"").as_deref(), Some("null"));
    }
}
