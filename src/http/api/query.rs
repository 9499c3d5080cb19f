//! Parameters of the API, with words about those that are wrong.

use std::borrow::Cow;
use std::str::FromStr;

use jiff::Timestamp;
use url::form_urlencoded;

use super::trouble::Trouble;
use crate::casebook::question::MAX_ROWS;

/// Rows of an answer, where nobody says how many.
const USUAL_ROWS: usize = 100;

/// The parameters of a request; each of these may come once, and no other.
#[derive(Debug)]
pub struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Reads what stands behind the question mark.
    pub fn new(text: Option<&'a str>, known: &[&str]) -> Result<Self, Trouble> {
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                let what = format!("no such parameter; there are {}", known.join(", "));
                return Err(Trouble::wrong("query", what));
            }
            if pairs.iter().any(|(before, _)| *before == name) {
                return Err(Trouble::wrong(&name, "given twice"));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The same, read.
    pub fn read<T>(
        &self,
        name: &str,
        what: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Trouble> {
        let read = |text| read(text).ok_or_else(|| Trouble::wrong(name, what));
        self.text(name).map(read).transpose()
    }

    /// How many rows.
    pub fn limit(&self) -> Result<usize, Trouble> {
        let in_range = |text: &str| {
            let limit = number::<usize>(text)?;
            (1..=MAX_ROWS).contains(&limit).then_some(limit)
        };
        let what = format!("write a number from 1 to {MAX_ROWS}");
        Ok(self.read("limit", &what, in_range)?.unwrap_or(USUAL_ROWS))
    }

    /// A time.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Trouble> {
        self.read(name, "write a time such as 2026-11-21T12:00:00Z", |text| text.parse().ok())
    }
}

/// A number in digits alone.
pub fn number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told() {
        let limit =
            |text| Query::new(Some(text), &["limit", "since"]).and_then(|query| query.limit());
        assert_eq!(limit(""), Ok(100));
        assert_eq!(limit("limit=1000&since=x"), Ok(1000));
        for wrong in [
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=+1",
            "limit=x",
            "limit=1&limit=1",
            "limt=1",
        ] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
        let time = |text| Query::new(Some(text), &["since"]).and_then(|query| query.time("since"));
        assert_eq!(time("since=1970-01-01T00%3A00%3A00Z"), Ok(Some(Timestamp::UNIX_EPOCH)));
        assert!(time("since=yesterday").is_err());
    }
}
