//! What has to be changed: a declaration held against what is there. Pure.

use std::fmt;

use serde_json::{Map, Value};

/// A field, and what it must hold.
#[derive(Clone, PartialEq)]
pub struct Declared {
    /// The key, as the file spells it.
    pub key: String,
    /// Where it stands in the object.
    pub path: Vec<String>,
    /// What it must hold; `None`: it must not be there.
    pub value: Option<Value>,
    /// When another value says the same.
    pub alike: Alike,
    /// Whether it is shown to nobody.
    pub secret: bool,
}

impl Declared {
    /// A field that must hold exactly this, at a place whose steps have dots between them.
    pub fn new(key: &str, path: &str, value: impl Into<Value>) -> Self {
        let path = path.split('.').map(str::to_owned).collect();
        let (key, value) = (key.to_owned(), Some(value.into()));
        Self { key, path, value, alike: Alike::Equal, secret: false }
    }

    /// The same, where other values say the same.
    pub fn alike(self, alike: Alike) -> Self {
        Self { alike, ..self }
    }
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) if !self.secret => write!(f, "{} = {value}", self.key),
            Some(_) => write!(f, "{} = …", self.key),
            None => write!(f, "{} is absent", self.key),
        }
    }
}

/// When two values say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alike {
    /// They are equal.
    Equal,
    /// They are lists of the same texts, in whatever order.
    Set,
    /// The same, whatever the case.
    Hosts,
}

/// A field that does not hold what it must.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it must hold.
    pub declared: Declared,
    /// What it holds.
    pub was: Option<Value>,
}

/// An object that is none: the platform answered with something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what stands at {0} in the answer is no object")]
pub struct Misshapen(pub String);

impl Alike {
    fn same(self, a: Option<&Value>, b: Option<&Value>) -> bool {
        // The platform leaves out what is null, or does not.
        let (a, b) = (a.filter(|value| !value.is_null()), b.filter(|value| !value.is_null()));
        match (self, a, b) {
            (_, None, None) => true,
            (_, None, Some(_)) | (_, Some(_), None) => false,
            (Self::Equal, Some(a), Some(b)) => a == b,
            (Self::Set | Self::Hosts, Some(a), Some(b)) => match (self.set(a), self.set(b)) {
                (Some(a), Some(b)) => a == b,
                _ => a == b,
            },
        }
    }

    /// The texts of a list, each once, in one order.
    fn set(self, value: &Value) -> Option<Vec<String>> {
        let text = |value: &Value| {
            let text = value.as_str()?;
            Some(if self == Self::Hosts { text.to_ascii_lowercase() } else { text.to_owned() })
        };
        let mut texts = value.as_array()?.iter().map(text).collect::<Option<Vec<_>>>()?;
        texts.sort_unstable();
        texts.dedup();
        Some(texts)
    }
}

/// Every declared field that does not hold what it must.
pub fn changes(declared: &[Declared], object: &Value) -> Vec<Change> {
    let differs =
        |field: &&Declared| !field.alike.same(field.value.as_ref(), at(object, &field.path));
    let change = |field: &Declared| Change {
        declared: field.clone(),
        was: at(object, &field.path).cloned(),
    };
    declared.iter().filter(differs).map(change).collect()
}

/// The object with these changes, and everything else in it as it is.
pub fn merged(object: &Value, changes: &[Change]) -> Result<Value, Misshapen> {
    let mut object = object.clone();
    for Change { declared, .. } in changes {
        put(&mut object, declared)?;
    }
    Ok(object)
}

/// What puts back what these changes took away, as far as nobody has changed it since; and the
/// changes that somebody has.
pub fn undoing<'a>(changes: &'a [Change], object: &Value) -> (Vec<Declared>, Vec<&'a Change>) {
    let ours = |change: &&Change| {
        let declared = &change.declared;
        let now = at(object, &declared.path);
        declared.alike.same(declared.value.as_ref(), now)
            || declared.alike.same(change.was.as_ref(), now)
    };
    let (ours, theirs): (Vec<_>, Vec<_>) = changes.iter().partition(ours);
    let back = |change: &Change| Declared { value: change.was.clone(), ..change.declared.clone() };
    (ours.into_iter().map(back).collect(), theirs)
}

/// What stands at a place in an object.
pub fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, step| value.get(step))
}

/// Writes one field into an object.
pub fn put(object: &mut Value, declared: &Declared) -> Result<(), Misshapen> {
    let misshapen = || Misshapen(declared.path.join("."));
    let (last, parents) = declared.path.split_last().ok_or_else(misshapen)?;
    let mut table = object.as_object_mut().ok_or_else(misshapen)?;
    for step in parents {
        let inner = table.entry(step.as_str()).or_insert(Value::Null);
        if inner.is_null() {
            *inner = Value::Object(Map::new());
        }
        table = inner.as_object_mut().ok_or_else(misshapen)?;
    }
    match &declared.value {
        Some(value) => table.insert(last.clone(), value.clone()),
        None => table.remove(last),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};
    use serde_json::json;

    use super::*;

    fn domains(list: &[&str]) -> Declared {
        Declared::new("allowed-domains", "allowedDomains", json!(list)).alike(Alike::Hosts)
    }

    fn enabled(value: Option<Value>) -> Declared {
        Declared { value, ..Declared::new("enabled", "settings.enabled", true) }
    }

    #[test]
    fn what_says_the_same_is_no_change() {
        let object = json!({"allowedDomains": ["B.example", "a.example", "a.example"]});
        assert_eq!(changes(&[domains(&["a.example", "b.example"])], &object), []);
        assert_eq!(changes(&[enabled(None)], &json!({"settings": {"enabled": null}})), []);
        assert_eq!(changes(&[domains(&["a.example"])], &object).len(), 1);
        assert_eq!(changes(&[domains(&[])], &json!({})).len(), 1, "no list is not an empty one");
    }

    #[test]
    fn what_is_not_declared_stays() {
        let object = json!({"name": "x", "settings": {"other": 1}, "unknown": {"deep": [1, null]}});
        let found = changes(&[enabled(Some(json!(true)))], &object);
        let merged = merged(&object, &found).unwrap();
        let wanted = json!({"name": "x", "settings": {"other": 1, "enabled": true},
            "unknown": {"deep": [1, null]}});
        assert_eq!(merged, wanted);
    }

    #[test]
    fn a_parent_that_is_missing_is_made_and_one_of_another_kind_is_not_overwritten() {
        let found = changes(&[enabled(Some(json!(true)))], &json!({}));
        assert_eq!(merged(&json!({}), &found), Ok(json!({"settings": {"enabled": true}})));
        assert_eq!(
            merged(&json!({"settings": 7}), &found),
            Err(Misshapen("settings.enabled".to_owned()))
        );
        assert_eq!(merged(&json!([]), &found), Err(Misshapen("settings.enabled".to_owned())));
    }

    #[test]
    fn undoing_puts_back_what_nobody_else_has_changed() {
        let before = json!({"allowedDomains": ["old.example"], "settings": {}});
        let fields = [domains(&["new.example"]), enabled(Some(json!(true)))];
        let done = changes(&fields, &before);
        let after = merged(&before, &done).unwrap();
        let (back, left) = undoing(&done, &after);
        assert!(left.is_empty());
        assert_eq!(merged(&after, &changes(&back, &after)), Ok(before));

        let mut theirs = after;
        theirs["allowedDomains"] = json!(["third.example"]);
        let (back, left) = undoing(&done, &theirs);
        assert_eq!(back.len(), 1);
        assert_eq!(
            left.iter().map(|change| change.declared.key.as_str()).collect::<Vec<_>>(),
            ["allowed-domains"]
        );
    }

    proptest! {
        #[test]
        fn a_merge_leaves_nothing_to_change(list: Vec<String>, was: Vec<String>, flag: bool) {
            let texts: Vec<&str> = list.iter().map(String::as_str).collect();
            let fields = [domains(&texts), enabled(Some(json!(flag)))];
            let object = json!({"allowedDomains": was, "left": "alone"});
            let merged = merged(&object, &changes(&fields, &object)).unwrap();
            prop_assert!(changes(&fields, &merged).is_empty());
            prop_assert_eq!(&merged["left"], "alone");
        }
    }
}
