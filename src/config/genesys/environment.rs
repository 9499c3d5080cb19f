//! The variables that tools for Genesys Cloud read, in three families.

use crate::config::caution::Caution;
use crate::config::fault::Faults;

/// A family: who asks for these, and under which names.
struct Family {
    id: &'static str,
    secret: &'static str,
}

/// The first goes first.
const FAMILIES: [Family; 3] = [
    Family { id: "GENESYS_CLIENT_ID", secret: "GENESYS_CLIENT_SECRET" },
    Family { id: "GENESYSCLOUD_OAUTHCLIENT_ID", secret: "GENESYSCLOUD_OAUTHCLIENT_SECRET" },
    Family { id: "GC_CLIENT_ID", secret: "GC_CLIENT_SECRET" },
];

/// Where the region is, the first of these first.
const REGIONS: [&str; 5] = [
    "GENESYS_REGION",
    "GENESYS_ENV_URL",
    "GENESYSCLOUD_OAUTHCLIENT_REGION",
    "GENESYSCLOUD_REGION",
    "GC_REGION",
];

/// Where variables come from. One that is empty is none.
pub struct Environment<'a>(pub &'a dyn Fn(&str) -> Option<String>);

/// What it has of a client.
#[derive(Default)]
pub struct Found {
    /// Which client.
    pub id: Option<String>,
    /// That it is the client.
    pub secret: Option<String>,
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The region, and the name of the variable that has it.
    pub fn region(&self, faults: &mut Faults) -> Option<(&'static str, String)> {
        let found: Vec<_> =
            REGIONS.into_iter().filter_map(|name| Some((name, self.get(name)?))).collect();
        let region = |text: &str| crate::genesys::region::Region::from_text(text).ok();
        self.compare("genesys.region", &found, |a, b| a == b || region(a) == region(b), faults);
        found.into_iter().next()
    }

    /// What is wanted of a client: id and secret of one family as far as they are there.
    pub fn credentials(&self, id: bool, secret: bool, faults: &mut Faults) -> Found {
        let all = |name: fn(&Family) -> &'static str| {
            let found = FAMILIES.iter().enumerate();
            let found =
                found.filter_map(|(n, family)| Some((n, name(family), self.get(name(family))?)));
            found.collect::<Vec<_>>()
        };
        let (ids, secrets) = (all(|family| family.id), all(|family| family.secret));
        let named = |found: &[(usize, &'static str, String)]| {
            found.iter().map(|(_, name, text)| (*name, text.clone())).collect::<Vec<_>>()
        };
        let same = |a: &str, b: &str| a == b;
        if id {
            self.compare("genesys.client-id", &named(&ids), same, faults);
        }
        if secret {
            self.compare("genesys.client-secret", &named(&secrets), same, faults);
        }
        let chosen = ids.first().filter(|_| id);
        let family = chosen.map(|(family, ..)| *family);
        let own = secrets.iter().find(|(n, ..)| Some(*n) == family).or(secrets.first());
        let own = own.filter(|_| secret && (chosen.is_some() || !id));
        if let (Some((n, id, _)), Some((m, secret, _))) = (chosen, own)
            && n != m
        {
            let problem = format!("{id} goes with {secret}, of another family of variables");
            faults.caution(Caution::new(
                "genesys.client-secret",
                problem,
                "set both of one family",
            ));
        }
        if let (None, true, Some((_, name, _))) = (chosen, id && secret, secrets.first()) {
            let problem = format!("{name} is set, and no client that it is the secret of");
            faults.caution(Caution::new("genesys.client-id", problem, "set the client's id, too"));
        }
        Found {
            id: chosen.map(|(.., text)| text.clone()),
            secret: own.map(|(.., text)| text.clone()),
        }
    }

    /// Says so where families differ. Values are named nowhere.
    fn compare(
        &self,
        key: &str,
        found: &[(&'static str, String)],
        same: impl Fn(&str, &str) -> bool,
        faults: &mut Faults,
    ) {
        let Some(((first, value), others)) = found.split_first() else { return };
        let differing = others.iter().filter(|(_, other)| !same(value, other));
        let differing: Vec<_> = differing.map(|(name, _)| *name).collect();
        if !differing.is_empty() {
            let problem = format!("{first} counts, and {} says otherwise", differing.join(", "));
            faults.caution(Caution::new(key, problem, "unset all but one"));
        }
    }
}
