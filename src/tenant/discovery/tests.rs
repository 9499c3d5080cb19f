use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::genesys::Compat;
use crate::genesys::deployment::{Deployment, Published};
use crate::genesys::region::Region;
use crate::tenant::known::Heard;

fn id(n: u8) -> String {
    format!("0000000{n}-0000-4000-8000-000000000000")
}

fn known(n: u8, fields: Value) -> Known {
    let mut document =
        json!({ "id": id(n), "name": "Shop", "status": "Active", "allowedDomains": ["a.example"] });
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let read = Deployment::read(&document, Compat::Genesys).unwrap();
    let mut known = Known::new(read.value.id.clone());
    let heard = Heard::Said { value: read.value, misfits: Vec::new(), etag: None };
    known.api.hear(heard, Timestamp::UNIX_EPOCH);
    known
}

fn bases() -> Bases {
    Bases::of(Region::from_text("eu-west-1").unwrap())
}

fn found(before: &[Discovered], known: &[Known], complete: bool) -> Found {
    let known = known.iter().map(|known| (known.id.clone(), known.clone())).collect();
    discover(before, &known, complete, &bases(), OriginMatch::Genesys)
}

fn skips(found: &Found) -> Vec<Skip> {
    found.skipped.iter().map(|(_, skip)| *skip).collect()
}

fn names(found: &Found) -> Vec<&str> {
    found.endpoints.iter().map(|endpoint| &*endpoint.name).collect()
}

#[test]
fn an_active_deployment_becomes_an_endpoint_with_a_page_for_each_entry_and_a_stranger() {
    let list = json!({ "name": "Shop (EU) – live!",
        "allowedDomains": ["A.example", "a.example", "https://b.example", "c.example"] });
    let found = found(&[], &[known(1, list)], true);
    let [endpoint] = &*found.endpoints else { panic!("{found:?}") };
    assert_eq!(&*endpoint.name, "Shop-EU-live");
    let url = format!(
        "wss://webmessaging.mypurecloud.ie/v1?deploymentId={}&application=watchpost",
        id(1)
    );
    assert_eq!(endpoint.url, url);
    let pages: Vec<_> =
        endpoint.origins.iter().map(|page| (page.origin.as_str(), page.expect)).collect();
    let allow = Expect::Allow;
    assert_eq!(
        pages,
        [("https://a.example", allow), ("https://c.example", allow), (STRANGER, Expect::Deny)],
        "an entry that never matches is no page"
    );
}

#[test]
fn where_everybody_gets_in_nobody_is_a_stranger() {
    let list = json!({ "allowAllDomains": true, "allowedDomains": [] });
    let found = found(&[], &[known(1, list)], true);
    let expected = [Page { origin: ANYBODY.to_owned(), expect: Expect::Allow }];
    assert_eq!(found.endpoints[0].origins, expected);
}

#[test]
fn what_is_no_door_is_named() {
    let all = [
        known(1, json!({ "status": "Inactive" })),
        known(2, json!({ "allowedDomains": [] })),
        known(3, json!({ "allowedDomains": "no list" })),
        known(4, json!({ "status": "Dreaming" })),
        known(5, json!({ "allowedDomains": ["https://a.example", "*.b.example"] })),
    ];
    let found = found(&[], &all, true);
    assert_eq!(names(&found), [""; 0]);
    let expected =
        [Skip::NotActive, Skip::NobodyAllowed, Skip::NoList, Skip::NotActive, Skip::NobodyAllowed];
    assert_eq!(skips(&found), expected);
}

#[test]
fn a_place_that_is_not_the_regions_is_not_gone_to() {
    for (told, begin) in [
        ("wss://webmessaging.mypurecloud.ie", "wss://webmessaging.mypurecloud.ie/v1?"),
        ("wss://webmessaging.euw1.pure.cloud", "wss://webmessaging.euw1.pure.cloud/v1?"),
        ("wss://evil.example", "wss://webmessaging.mypurecloud.ie/v1?"),
        ("ws://webmessaging.mypurecloud.ie", "wss://webmessaging.mypurecloud.ie/v1?"),
        ("file:///etc/passwd", "wss://webmessaging.mypurecloud.ie/v1?"),
    ] {
        let config = json!({ "version": "1",
            "messenger": { "apps": { "conversations": { "messagingEndpoint": told } } } });
        let mut known = known(1, json!({}));
        let value = Published::read(&config).unwrap().value;
        let heard = Heard::Said { value, misfits: Vec::new(), etag: None };
        known.config.hear(heard, Timestamp::UNIX_EPOCH);
        let found = found(&[], &[known], true);
        assert!(found.endpoints[0].url.starts_with(begin), "{told}: {}", found.endpoints[0].url);
    }
}

#[test]
fn names_are_legal_unique_and_stay() {
    let nameless = known(3, json!({ "name": "東京" }));
    let first = found(&[], &[known(2, json!({})), nameless.clone()], true);
    assert_eq!(names(&first), ["Shop", &format!("deployment-{}", id(3))]);
    let second =
        found(&first.endpoints, &[known(1, json!({})), known(2, json!({})), nameless], true);
    assert_eq!(names(&second), ["Shop-00000001", "Shop", &format!("deployment-{}", id(3))]);
    let third = found(&second.endpoints, &[known(1, json!({}))], true);
    assert_eq!(names(&third), ["Shop-00000001"], "a label does not change without need");
    let renamed = found(&third.endpoints, &[known(1, json!({ "name": "Store" }))], true);
    assert_eq!(names(&renamed), ["Store"]);
    let long = found(&[], &[known(1, json!({ "name": "x".repeat(300) }))], true);
    assert_eq!(names(&long)[0].len(), MAX_NAME);
}

#[test]
fn trouble_takes_nothing_away_and_words_do() {
    let shop = known(1, json!({}));
    let before = found(&[], std::slice::from_ref(&shop), true).endpoints;
    let stays = |known: &[Known], complete| found(&before, known, complete).endpoints == before;
    let mut troubled = shop.clone();
    troubled.api.hear(Heard::Trouble("server_error".to_owned()), Timestamp::UNIX_EPOCH);
    assert!(stays(&[troubled], false));
    assert!(stays(&[], false), "nobody said that it is gone");
    assert!(!stays(&[], true), "a list of all leaves it out");
    let mut gone = shop.clone();
    gone.api.hear(Heard::Absent, Timestamp::UNIX_EPOCH);
    assert!(!stays(&[gone], false));
    assert!(!stays(&[known(1, json!({ "status": "Inactive" }))], false));
    assert!(stays(&[known(1, json!({ "status": "Dreaming" }))], true));
    assert!(stays(&[known(1, json!({ "allowedDomains": {} }))], true), "its pages stay, too");
}

#[test]
fn there_is_an_end() {
    let many: Vec<_> = (0..MAX_ENDPOINTS + 3)
        .map(|n| {
            let mut one = known(1, json!({}));
            let id = format!("{n:08x}-0000-4000-8000-000000000000");
            one.id = DeploymentId::new(&id, Compat::Genesys).unwrap();
            one
        })
        .collect();
    let found = found(&[], &many, true);
    assert_eq!(found.endpoints.len(), MAX_ENDPOINTS);
    assert_eq!(skips(&found), [Skip::TooMany; 3]);
    let hosts: Vec<_> = (0..MAX_ORIGINS * 2).map(|n| format!("h{n}.example")).collect();
    let wide = super::tests::found(&[], &[known(1, json!({ "allowedDomains": hosts }))], true);
    assert_eq!(wide.endpoints[0].origins.len(), MAX_ORIGINS);
    assert_eq!(wide.endpoints[0].origins.last().unwrap().expect, Expect::Deny);
}
