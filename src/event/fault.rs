//! Why a document is no event.

use std::fmt;

/// What is wrong with a document as a whole. A field of a wrong kind is none of these: it counts
/// as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It cannot be read as JSON, or names one of our fields twice.
    NotJson,
    /// It is JSON, and no object.
    NotObject,
    /// Objects and lists too deep in each other.
    Deep,
    /// More fields than any event has.
    ManyFields,
    /// A name or a text longer than any event's.
    LongText,
    /// An envelope without an event in it.
    Empty,
    /// An object in which nothing is known.
    Unknown,
}

impl Fault {
    /// Every one of them.
    pub const ALL: [Self; 7] = [
        Self::NotJson,
        Self::NotObject,
        Self::Deep,
        Self::ManyFields,
        Self::LongText,
        Self::Empty,
        Self::Unknown,
    ];

    /// The word for it, in labels and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotObject => "not_an_object",
            Self::Deep => "too_deep",
            Self::ManyFields => "too_many_fields",
            Self::LongText => "text_too_long",
            Self::Empty => "empty_envelope",
            Self::Unknown => "nothing_known",
        }
    }

    /// Whether there was more in the document than is kept of one: what is left is another.
    pub fn is_of_size(self) -> bool {
        matches!(self, Self::Deep | Self::ManyFields | Self::LongText)
    }

    /// What to tell the sender.
    pub fn help(self) -> &'static str {
        match self {
            Self::NotJson => "this is no JSON, or it names a field twice",
            Self::NotObject => "one event is one JSON object; send several one by one",
            Self::Deep => "objects and lists lie more than 32 deep in each other",
            Self::ManyFields => "there are more than 256 fields",
            Self::LongText => "a name or a text is longer than 8 KiB",
            Self::Empty => "the envelope has no object in detail, eventBody or data",
            Self::Unknown => "nothing here is known: no topicName, or no conversationId",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
