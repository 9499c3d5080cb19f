//! What a code means, whichever table it stands in.

use super::reason::Reason;
use super::warning::Warning;

/// A table of codes: each with a sentence and a fix, and known by its label.
macro_rules! codes {
    (
        $(#[$about:meta])* $name:ident
        $($variant:ident $code:literal $sentence:literal $fix:literal)+
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $sentence] $variant,)+
        }

        impl $name {
            /// Every one, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The label; never changes its meaning.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What is seen, in plain words.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }

            /// What to do about it.
            pub fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix,)+ }
            }

            /// The one that a code stands for.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }
    };
}
pub(crate) use codes;

/// A code out of one of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Why a run did not pass.
    Reason(Reason),
    /// What is not well beside that.
    Warning(Warning),
}

impl Code {
    /// Every code: the reasons in the order in which runs meet them, then the warnings.
    pub fn all() -> impl Iterator<Item = Self> {
        let reasons = Reason::ALL.iter().copied().map(Self::Reason);
        reasons.chain(Warning::ALL.iter().copied().map(Self::Warning))
    }

    /// The code that a text is.
    pub fn from_text(text: &str) -> Option<Self> {
        let warning = || Warning::from_code(text).map(Self::Warning);
        Reason::from_code(text).map(Self::Reason).or_else(warning)
    }

    /// The code itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reason(reason) => reason.code(),
            Self::Warning(warning) => warning.code(),
        }
    }

    /// What it means, in plain words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Reason(reason) => reason.sentence(),
            Self::Warning(warning) => warning.sentence(),
        }
    }

    /// What to do about it.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Reason(reason) => reason.fix(),
            Self::Warning(warning) => warning.fix(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_text() {
        for code in Code::all() {
            assert_eq!(Code::from_text(code.as_str()), Some(code));
        }
        assert_eq!(Code::from_text("no_such_code"), None);
    }
}
