//! One answer with entries, and where the next ones are.

use serde_json::Value;

use super::{Entry, SMALL_PAGE};

/// Longest cursor that is sent back.
const MAX_CURSOR: usize = 4096;

/// Some entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Those that could be read.
    pub entries: Vec<Entry>,
    /// How many could not.
    pub unreadable: usize,
    /// Where the others are.
    pub next: Next,
    /// How many there are in all, where that is told.
    pub total: Option<u64>,
}

/// Where the next entries are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nowhere: that was all.
    End,
    /// On the page of this number.
    Page(u32),
    /// Behind this text, which is theirs alone to understand.
    Cursor(String),
    /// Somewhere, and what is said of where cannot be used.
    Nowhere,
}

impl Page {
    /// Reads an answer; none where it has no list of entries.
    pub fn read(answer: &Value) -> Option<Self> {
        let entities = answer.get("entities")?.as_array()?;
        let entries: Vec<_> = entities.iter().filter_map(Entry::read).collect();
        let number = |field: &str| answer.get(field).and_then(Value::as_u64);
        let cursor = ["cursor", "nextPageCursor"]
            .into_iter()
            .filter_map(|field| answer.get(field))
            .find(|cursor| !cursor.is_null() && cursor.as_str() != Some(""));
        let page = number("pageNumber").and_then(|page| u32::try_from(page).ok());
        let next = match (cursor, page) {
            (Some(cursor), _) => match cursor.as_str() {
                Some(cursor) if cursor.len() <= MAX_CURSOR => Next::Cursor(cursor.to_owned()),
                _ => Next::Nowhere,
            },
            // However many pages are promised, one without entries is the last.
            (None, Some(page)) if !entities.is_empty() => {
                let size = number("pageSize").unwrap_or(u64::from(SMALL_PAGE));
                let more = match number("pageCount") {
                    Some(count) => u64::from(page) < count,
                    None => entities.len() as u64 >= size.max(1),
                };
                page.checked_add(1).filter(|_| more).map_or(Next::End, Next::Page)
            }
            _ => Next::End,
        };
        let unreadable = entities.len() - entries.len();
        Some(Self { entries, unreadable, next, total: number("total") })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_way_says_where_to_go_on() {
        let entry = json!({ "eventDate": "2026-11-21T12:00:00Z", "action": "Update" });
        let read = |mut answer: Value| {
            answer["entities"] = json!([entry, "rubbish"]);
            let page = Page::read(&answer).unwrap();
            assert_eq!((page.entries.len(), page.unreadable), (1, 1));
            page.next
        };
        assert_eq!(read(json!({ "cursor": "abc" })), Next::Cursor("abc".to_owned()));
        assert_eq!(read(json!({ "nextPageCursor": "abc" })), Next::Cursor("abc".to_owned()));
        assert_eq!(read(json!({ "cursor": null })), Next::End);
        assert_eq!(read(json!({ "cursor": "" })), Next::End);
        assert_eq!(read(json!({ "cursor": "x".repeat(5000) })), Next::Nowhere);
        assert_eq!(read(json!({ "cursor": 7, "pageNumber": 1 })), Next::Nowhere);
        assert_eq!(read(json!({ "pageNumber": 1, "pageCount": 2 })), Next::Page(2));
        assert_eq!(read(json!({ "pageNumber": 2, "pageCount": 2 })), Next::End);
        assert_eq!(read(json!({ "pageNumber": 1, "pageSize": 2 })), Next::Page(2));
        assert_eq!(read(json!({ "pageNumber": 1, "pageSize": 3 })), Next::End);
        let empty = json!({ "entities": [], "pageNumber": 1, "pageCount": 9 });
        assert_eq!(Page::read(&empty).unwrap().next, Next::End, "it never ends otherwise");
        assert_eq!(Page::read(&json!({ "entities": {} })), None);
        assert_eq!(Page::read(&json!([])), None);
    }
}
