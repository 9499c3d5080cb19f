//! The regions of Genesys Cloud, under every name that people and tools give them.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region {
    /// As AWS names it: `eu-west-1`.
    pub aws: &'static str,
    /// Under which its hosts are: `mypurecloud.ie`.
    pub domain: &'static str,
    /// As the messenger's snippet names it: `prod-euw1`.
    pub name: &'static str,
    /// Under which it also has hosts, where it is older than that pattern of names.
    pub second_domain: Option<&'static str>,
}

/// A text that names no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no region of Genesys Cloud: they are like eu-west-1, mypurecloud.ie or prod-euw1")]
pub struct RegionError;

const fn region(
    aws: &'static str,
    domain: &'static str,
    name: &'static str,
    second_domain: Option<&'static str>,
) -> Region {
    Region { aws, domain, name, second_domain }
}

impl Region {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        region("us-east-1", "mypurecloud.com", "prod", Some("use1.pure.cloud")),
        region("us-west-2", "usw2.pure.cloud", "prod-usw2", None),
        region("ca-central-1", "cac1.pure.cloud", "prod-cac1", None),
        region("sa-east-1", "sae1.pure.cloud", "prod-sae1", None),
        region("mx-central-1", "mxc1.pure.cloud", "prod-mxc1", None),
        region("eu-west-1", "mypurecloud.ie", "prod-euw1", Some("euw1.pure.cloud")),
        region("eu-west-2", "euw2.pure.cloud", "prod-euw2", None),
        region("eu-central-1", "mypurecloud.de", "prod-euc1", Some("euc1.pure.cloud")),
        region("eu-central-2", "euc2.pure.cloud", "prod-euc2", None),
        region("me-central-1", "mec1.pure.cloud", "prod-mec1", None),
        region("ap-south-1", "aps1.pure.cloud", "prod-aps1", None),
        region("ap-northeast-1", "mypurecloud.jp", "prod-apne1", Some("apne1.pure.cloud")),
        region("ap-northeast-2", "apne2.pure.cloud", "prod-apne2", None),
        region("ap-northeast-3", "apne3.pure.cloud", "prod-apne3", None),
        region("ap-southeast-1", "apse1.pure.cloud", "prod-apse1", None),
        region("ap-southeast-2", "mypurecloud.com.au", "prod-apse2", Some("apse2.pure.cloud")),
        region("us-east-2", "use2.us-gov-pure.cloud", "fedramp-use2-core", None),
        region("eusc-de-east-1", "edee1.eusc-pure.cloud", "eusc-edee1-core", None),
    ];

    /// The region of a name of AWS, a domain, a name of the snippet with or without `prod-`, or a
    /// URL or host of one of its surfaces.
    pub fn from_text(text: &str) -> Result<Self, RegionError> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
        let host = text.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
        let found = Self::ALL.iter().find(|region| region.is_named(host) || region.has(host));
        found.copied().ok_or(RegionError)
    }

    /// Whether a host is the region's own, by its name alone.
    pub fn has(&self, host: &str) -> bool {
        let under = |domain: &str| {
            let labels = host.strip_suffix(domain);
            labels.is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
        };
        under(self.domain) || self.second_domain.is_some_and(under)
    }

    fn is_named(&self, text: &str) -> bool {
        text == self.aws || text == self.name || text == self.short()
    }

    /// The name of the snippet without what all have: `euw1`, and `use1` for the oldest.
    fn short(&self) -> &'static str {
        match self.name {
            "prod" => "use1",
            name => {
                let name = name.trim_start_matches("prod-").trim_start_matches("fedramp-");
                name.trim_start_matches("eusc-").trim_end_matches("-core")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_text(&text).map_err(D::Error::custom)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.aws)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{prop_assert_eq, proptest};

    use super::*;

    fn aws(text: &str) -> Option<&'static str> {
        Region::from_text(text).ok().map(|region| region.aws)
    }

    #[test]
    fn a_region_is_known_by_every_name() {
        for text in [
            "eu-west-1",
            "mypurecloud.ie",
            "prod-euw1",
            "euw1",
            "EU-WEST-1 ",
            "https://api.mypurecloud.ie",
            "https://api.mypurecloud.ie/",
            "https://apps.mypurecloud.ie/directory",
            "https://login.mypurecloud.ie:443/oauth/token",
            "login.mypurecloud.ie.",
            "wss://webmessaging.mypurecloud.ie/v1?deploymentId=x",
            "api-cdn.mypurecloud.ie",
            "euw1.pure.cloud",
            "https://api.euw1.pure.cloud",
        ] {
            assert_eq!(aws(text), Some("eu-west-1"), "{text}");
        }
        for (text, region) in [
            ("prod", "us-east-1"),
            ("use1", "us-east-1"),
            ("mypurecloud.com", "us-east-1"),
            ("mypurecloud.com.au", "ap-southeast-2"),
            ("apse2", "ap-southeast-2"),
            ("use2", "us-east-2"),
            ("fedramp-use2-core", "us-east-2"),
            ("login.use2.us-gov-pure.cloud", "us-east-2"),
            ("eusc-edee1-core", "eusc-de-east-1"),
            ("edee1", "eusc-de-east-1"),
        ] {
            assert_eq!(aws(text), Some(region), "{text}");
        }
    }

    #[test]
    fn each_is_known_by_its_own_names() {
        let mut names = BTreeSet::new();
        for region in Region::ALL {
            let mut own = vec![region.aws, region.domain, region.name, region.short()];
            own.extend(region.second_domain);
            for name in own {
                assert_eq!(aws(name), Some(region.aws), "{name}");
                assert!(names.insert(name), "{name} twice");
            }
        }
        assert_eq!(Region::ALL.len(), 18);
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "",
            "eu",
            "pure.cloud",
            "evilmypurecloud.ie",
            "https://mypurecloud.ie.evil.example",
            "https://evil.example/mypurecloud.ie",
            "https://mypurecloud.ie@evil.example",
            "eu-west-9",
            "prod-",
            "-core",
        ] {
            assert_eq!(aws(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_none_is_another_region(text in ".{0,40}", at in 0..18_usize) {
            Region::from_text(&text).ok();
            let region = Region::ALL[at];
            let host = format!("x.{}", region.domain);
            prop_assert_eq!(Region::from_text(&host), Ok(region));
        }
    }
}
