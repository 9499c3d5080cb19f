//! The names of a certificate that is for others: which nearly fit, and why they do not.

use crate::outcome::quoted::Quoted;

/// Why a name that looks right is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NearMiss {
    /// The same but for `www.`.
    Www,
    /// `*.a.test` is not for `a.test`.
    WildcardParent,
    /// `*.a.test` is not for `c.b.a.test`.
    WildcardDepth,
}

impl NearMiss {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Www => "with www and without it are two names",
            Self::WildcardParent => "a wildcard is not for the name below its star",
            Self::WildcardDepth => "a wildcard stands for one label",
        }
    }
}

/// The names in the order in which they resemble the host, and why the first does not do.
pub fn nearest_first(names: &[Quoted], host: &str) -> (Vec<Quoted>, Option<NearMiss>) {
    let host = normal(host);
    let mut sorted = names.to_vec();
    sorted.sort_by_cached_key(|name| {
        let name = normal(name.as_str());
        (near_miss(&name, &host).is_none(), std::cmp::Reverse(common_labels(&name, &host)))
    });
    let miss = sorted.first().and_then(|name| near_miss(&normal(name.as_str()), &host));
    (sorted, miss)
}

/// Whether a common name would do, where common names did anything.
pub fn common_name_fits(name: &str, host: &str) -> bool {
    let (name, host) = (normal(name), normal(host));
    let below = host.split_once('.').map(|(_, below)| below);
    name == host || name.strip_prefix("*.").is_some_and(|parent| below == Some(parent))
}

fn near_miss(name: &str, host: &str) -> Option<NearMiss> {
    let bare = |name: &str| name.strip_prefix("www.").unwrap_or(name).to_owned();
    if let Some(parent) = name.strip_prefix("*.") {
        let above = host.strip_suffix(parent)?;
        return match above.strip_suffix('.') {
            None => above.is_empty().then_some(NearMiss::WildcardParent),
            Some(labels) => labels.contains('.').then_some(NearMiss::WildcardDepth),
        };
    }
    (name != host && bare(name) == bare(host)).then_some(NearMiss::Www)
}

/// How many labels are the same, counted from the end.
fn common_labels(name: &str, host: &str) -> usize {
    name.rsplit('.').zip(host.rsplit('.')).take_while(|(one, other)| one == other).count()
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(names: &[&str], host: &str) -> (Vec<String>, Option<NearMiss>) {
        let names: Vec<_> = names.iter().map(|name| Quoted::text(name)).collect();
        let (sorted, miss) = nearest_first(&names, host);
        (sorted.iter().map(|name| name.to_string()).collect(), miss)
    }

    #[test]
    fn a_near_miss_is_told_first() {
        for (first, host, miss) in [
            ("a.test", "www.a.test", NearMiss::Www),
            ("www.a.test", "A.test", NearMiss::Www),
            ("*.a.test", "a.test", NearMiss::WildcardParent),
            ("*.a.test", "c.b.a.test", NearMiss::WildcardDepth),
        ] {
            let names = ["b.test", "other.example", first, "192.0.2.1"];
            let (sorted, found) = sorted(&names, host);
            assert_eq!((sorted[0].as_str(), found), (first, Some(miss)), "{host}");
        }
        let (names, miss) = sorted(&["a.example", "x.b.test", "b.test"], "a.b.test");
        assert_eq!(
            (names, miss),
            (vec!["x.b.test".into(), "b.test".into(), "a.example".into()], None)
        );
        assert_eq!(sorted(&["*.ba.test"], "a.test").1, None);
        assert_eq!(sorted(&["*.a.test"], "ba.test").1, None, "no label of it");
    }

    #[test]
    fn a_common_name_fits_as_it_did_of_old() {
        for (name, host, fits) in [
            ("Door.test", "door.test", true),
            ("*.door.test", "a.door.test", true),
            ("*.door.test", "a.b.door.test", false),
            ("*.door.test", "door.test", false),
            ("door", "door.test", false),
        ] {
            assert_eq!(common_name_fits(name, host), fits, "{name} {host}");
        }
    }

    proptest! {
        #[test]
        fn no_name_is_lost(names in prop::collection::vec("[a-c*.]{0,8}", 0..6), host in "[a-c.]{1,8}") {
            let names: Vec<_> = names.iter().map(|name| Quoted::text(name)).collect();
            let (mut found, _) = nearest_first(&names, &host);
            let mut expected = names.clone();
            found.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            expected.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            prop_assert_eq!(found, expected);
        }
    }
}
