//! The words of events: closed sets, read whatever their case, with a place for new ones.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Makes a set of words. The first text is ours, in labels, in JSON and in the store; those after
/// it are the contact centre's, compared without regard to case.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $own:literal $(| $theirs:literal)*,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $own)] $variant,)*
            /// A word that this program does not know.
            #[serde(other, rename = "other")]
            Other,
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)* Self::Other];

            /// Our word for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $own,)* Self::Other => "other" }
            }

            /// What a word of the contact centre's stands for.
            pub fn from_theirs(word: &str) -> Self {
                $(if [$own $(, $theirs)*].iter().any(|known| known.eq_ignore_ascii_case(word)) {
                    return Self::$variant;
                })*
                Self::Other
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What happened: the end of a topic's name.
    Kind {
        /// A customer's part began.
        CustomerStart = "customer_start" | "customer.start",
        /// A customer's part ended.
        CustomerEnd = "customer_end" | "customer.end",
        /// Waiting in a queue began.
        AcdStart = "acd_start" | "acd.start",
        /// Waiting in a queue ended.
        AcdEnd = "acd_end" | "acd.end",
        /// A flow began.
        FlowStart = "flow_start" | "flow.start",
        /// A flow ended.
        FlowEnd = "flow_end" | "flow.end",
        /// A flow reached one of its outcomes.
        FlowOutcome = "flow_outcome" | "flow.outcome",
        /// An agent's part began.
        UserStart = "user_start" | "user.start",
        /// An agent's part ended.
        UserEnd = "user_end" | "user.end",
        /// Work after the conversation.
        Acw = "acw",
        /// Its result was noted.
        Wrapup = "wrapup",
        /// Attributes were set.
        Attributes = "attributes",
        /// Messages could not be delivered to a guest.
        Undelivered = "undelivered" | "undelivered.messages",
        /// The seed documents' event of a conversation.
        Analytic = "analytic" | "routing:conversation:analytic",
        /// A messenger deployment changed.
        Deployment = "deployment",
        /// A messenger configuration changed.
        Configuration = "configuration",
        /// An entry of the audit log.
        Audit = "audit",
    }
}

words! {
    /// Over what a conversation goes.
    Media {
        /// Messages, those of the messenger among them.
        Message = "message",
        /// The web chat that was removed in 2026.
        Chat = "chat",
        /// A call.
        Voice = "voice",
        /// E-mail.
        Email = "email",
        /// A callback.
        Callback = "callback",
    }
}

words! {
    /// Over which kind of message.
    MessageType {
        /// The messenger of a web page.
        WebMessaging = "webmessaging",
        /// A customer's own channel.
        Open = "open",
        /// Text messages.
        Sms = "sms",
        /// WhatsApp.
        WhatsApp = "whatsapp",
        /// Facebook.
        Facebook = "facebook",
    }
}

words! {
    /// Who began.
    Direction {
        /// The customer.
        Inbound = "inbound",
        /// The contact centre.
        Outbound = "outbound",
        /// Not told.
        Unknown = "unknown",
    }
}

words! {
    /// How a part of a conversation ended: `disconnectType`.
    Disconnect {
        /// Not told.
        Unknown = "unknown",
        /// By the customer's end.
        Endpoint = "endpoint",
        /// By the agent.
        Client = "client",
        /// By the platform.
        System = "system",
        /// It went on elsewhere.
        Transfer = "transfer",
        /// By an error.
        Error = "error",
        /// By the other side.
        Peer = "peer",
        /// Otherwise.
        OtherEnd = "other_end",
        /// As spam.
        Spam = "spam",
        /// Nobody came in time.
        Timeout = "timeout",
        /// The way to the customer broke.
        TransportFailure = "transport_failure",
        /// Into a conference.
        ConferenceTransfer = "conference_transfer",
        /// After asking.
        ConsultTransfer = "consult_transfer",
        /// Forwarded.
        ForwardTransfer = "forward_transfer",
        /// Nobody answered.
        NoAnswerTransfer = "no_answer_transfer",
        /// Nobody was there.
        NotAvailableTransfer = "not_available_transfer",
        /// It cannot be reached.
        Uncallable = "uncallable",
        /// Not to be disturbed.
        DndEndpoint = "dnd_endpoint",
        /// Not to be disturbed, and went on.
        DndTransfer = "dnd_transfer",
        /// Nothing was said for too long.
        Inactivity = "inactivity",
        /// The session was too old.
        SessionExpired = "session_expired",
        /// Somebody else took it.
        Takeover = "takeover",
    }
}

words! {
    /// What came of waiting in a queue: `acdOutcome`.
    AcdOutcome {
        /// The customer left.
        Abandon = "abandon",
        /// An agent came.
        Answered = "answered",
        /// It went elsewhere.
        FlowOut = "flow_out",
        /// Not told.
        Unknown = "unknown",
    }
}

words! {
    /// How a flow ended: `exitReason`.
    FlowExit {
        /// The customer left.
        Disconnect = "disconnect",
        /// The flow ended it.
        FlowDisconnect = "flow_disconnect",
        /// The flow broke, and the conversation with it.
        FlowErrorDisconnect = "flow_error_disconnect",
        /// The flow broke, and the conversation went on.
        FlowErrorExit = "flow_error_exit",
        /// The flow was done.
        FlowExit = "flow_exit",
        /// It went on elsewhere.
        Transfer = "transfer",
        /// The session was too old.
        SessionExpireDisconnect = "session_expire_disconnect",
        /// Not told.
        Unknown = "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_a_new_word_is_other() {
        assert_eq!(Media::from_theirs("MESSAGE"), Media::Message);
        assert_eq!(MessageType::from_theirs("webMessaging"), MessageType::WebMessaging);
        assert_eq!(Kind::from_theirs("Customer.Start"), Kind::CustomerStart);
        assert_eq!(Disconnect::from_theirs("TELEPORTED"), Disconnect::Other);
    }

    #[test]
    fn what_is_stored_is_read_back_also_by_an_older_program() {
        for kind in Kind::ALL {
            let text = serde_json::to_string(kind).unwrap();
            assert_eq!(serde_json::from_str::<Kind>(&text).unwrap(), *kind);
        }
        assert_eq!(serde_json::from_str::<Kind>("\"of_2027\"").unwrap(), Kind::Other);
    }
}
