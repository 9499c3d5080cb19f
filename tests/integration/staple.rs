//! OCSP answers that servers staple: what they mean, and when they mean nothing.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rcgen::{CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyPair};
use rustls::pki_types::ServerName;
use watchpost::demo::authority::Served;
use watchpost::outcome::Outcome;
use watchpost::outcome::chain::Chain;
use watchpost::outcome::chain::certificate::Certificate;
use watchpost::outcome::chain::roots::Roots;
use watchpost::outcome::chain::staple::{Staple, Useless};
use watchpost::outcome::chain::verification::VerifyFailure;
use watchpost::outcome::reason::Reason;
use watchpost::outcome::verdict::Verdict;
use watchpost::outcome::warning::Warning;

use crate::fixture::checks::{check, run};
use crate::fixture::pki::{self, HOST, Pki, now};
use crate::fixture::responder::{Responder, Says, der};

/// Serves a chain with this stapled to it, and runs a check against it.
async fn stapling(pki: &Pki, served: Served, staple: Vec<u8>) -> Outcome {
    let server = pki::open(pki::stapling_config(served, staple)).await;
    run(&check("wss://door.test/", &pki.keys(&server))).await
}

fn must_staple(params: &mut CertificateParams) {
    let feature = vec![0x30, 3, 2, 1, 5];
    let feature = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], feature);
    params.custom_extensions.push(feature);
}

#[tokio::test]
async fn a_staple_is_judged_as_browsers_do() {
    let pki = Pki::new("staple");
    let responder = Responder::of(&pki.authority);
    let (fresh, past, coming) = ((-24, 24), (-48, -24), (24, 48));
    for (says, hours, reason, warnings) in [
        (Says::Good, fresh, None, &[][..]),
        (Says::Revoked, fresh, Some(Reason::CertRevoked), &[]),
        (Says::Unknown, fresh, None, &[Warning::OcspUnknown]),
        (Says::Good, past, None, &[Warning::OcspStale]),
        (Says::Revoked, past, None, &[Warning::OcspStale]),
        (Says::Revoked, coming, None, &[]),
    ] {
        let served = pki.good();
        let staple = responder.answer(&served.chain[0], says, now(), hours);
        let outcome = stapling(&pki, served, staple).await;
        assert_eq!(outcome.failure.map(|failure| failure.reason()), reason);
        let found: Vec<_> = outcome.remarks.iter().map(|remark| remark.warning).collect();
        assert_eq!(found, warnings);
    }
}

#[tokio::test]
async fn a_staple_that_nobody_stands_behind_says_nothing() {
    let (pki, stranger) = (Pki::new("behind"), Pki::new("stranger"));
    let key = KeyPair::generate().unwrap();
    let named = |pki: &Pki, from, to, usage| {
        let own = KeyPair::from_pem(&key.serialize_pem()).unwrap();
        let usage = |params: &mut CertificateParams| params.extended_key_usages = vec![usage];
        Some(pki.authority.issue_for(&["ocsp"], from, to, own, usage).unwrap().chain[0].clone())
    };
    let issuer = pki.authority.key();
    let signing = ExtendedKeyUsagePurpose::OcspSigning;
    let unsigned = Some(Useless::Unsigned);
    for (case, certificate, signer, expected) in [
        ("the issuer", None, issuer, None),
        ("whom it named", named(&pki, -10, 10, signing.clone()), &key, None),
        (
            "whom it named for something else",
            named(&pki, -10, 10, ExtendedKeyUsagePurpose::ServerAuth),
            &key,
            unsigned,
        ),
        ("whom it named once", named(&pki, -30, -10, signing.clone()), &key, unsigned),
        ("whom another CA named", named(&stranger, -10, 10, signing), &key, unsigned),
        ("nobody", None, &key, unsigned),
    ] {
        let served = pki.good();
        let responder = Responder { issuer, signer, certificate };
        let staple = responder.answer(&served.chain[0], Says::Revoked, now(), (-24, 24));
        let outcome = stapling(&pki, served, staple).await;
        let passed = outcome.verdict == Verdict::Pass;
        assert_eq!(passed, expected.is_some(), "{case}: {:?}", outcome.failure);
        let found = match outcome.observation.chain.unwrap().staple {
            Some(Staple::Useless(why)) => Some(why),
            _ => None,
        };
        assert_eq!(found, expected, "{case}");
    }
}

#[tokio::test]
async fn a_staple_for_another_certificate_or_no_answer_is_told() {
    let pki = Pki::new("other");
    let of_another =
        Responder::of(&pki.authority).answer(&pki.good().chain[0], Says::Revoked, now(), (-1, 1));
    for (staple, why) in [
        (of_another, Useless::OfAnother),
        (b"\x30\x03\x0a\x01\x03".to_vec(), Useless::Refused(3)),
        (b"garbage".to_vec(), Useless::Unreadable),
        (vec![0x30; 17_000], Useless::Unreadable),
    ] {
        let outcome = stapling(&pki, pki.good(), staple).await;
        assert_eq!(outcome.verdict, Verdict::Pass);
        let remark = &outcome.remarks[0];
        assert_eq!(
            (remark.warning, remark.evidence.as_str()),
            (Warning::OcspInvalid, why.as_str())
        );
    }
}

#[tokio::test]
async fn a_demand_for_a_staple_is_seen() {
    let pki = Pki::new("must");
    for stapled in [false, true] {
        let served = pki.authority.issue_with(&[HOST], -10, 80, must_staple).unwrap();
        let answer =
            Responder::of(&pki.authority).answer(&served.chain[0], Says::Good, now(), (-1, 1));
        let outcome = stapling(&pki, served, if stapled { answer } else { Vec::new() }).await;
        let reason = outcome.failure.as_ref().map(|failure| failure.reason());
        let wanted = (!stapled).then_some(Reason::CertStapleMissing);
        assert_eq!((reason, outcome.remarks.len()), (wanted, 0));
    }
}

/// A chain of a CA, with a staple or a promise of a log, judged at a time.
fn judged(pki: &Pki, served: &Served, staple: Vec<u8>, at: Timestamp) -> Chain {
    let certificates = served.chain.iter().cloned().map(Certificate::read).collect();
    let name = ServerName::try_from(HOST).unwrap();
    let roots = Roots::new([pki.authority.root()]);
    Chain::judge(certificates, staple, &name, &roots, webpki::ALL_VERIFICATION_ALGS, at)
}

#[test]
fn a_verdict_holds_until_the_staple_ends() {
    let pki = Pki::new("holds");
    let (served, now) = (pki.good(), now());
    let responder = Responder::of(&pki.authority);
    let staple = responder.answer(&served.chain[0], Says::Good, now, (-1, 1));
    let chain = judged(&pki, &served, staple.clone(), now);
    let after = |minutes: i64| now + SignedDuration::from_mins(minutes);
    assert!(chain.holds(now, after(59)) && chain.holds(now, after(-59)));
    assert!(!chain.holds(now, after(61)) && !chain.holds(now, after(-61)));
    assert_eq!(chain.remarks, []);
    let stale = judged(&pki, &served, staple, after(61));
    assert_eq!(stale.remarks[0].warning, Warning::OcspStale);
}

/// RFC 6962 section 3.3, with one promise of a log that nobody knows.
fn logged(at: Timestamp) -> CustomExtension {
    let millis = at.as_millisecond().to_be_bytes();
    let promise = [&[0][..], &[7; 32], &millis, &[0, 0], &[4, 3, 0, 2, 0x30, 0]].concat();
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let content = der(4, &sized(&sized(&promise)));
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], content)
}

/// A certificate that is not valid yet is the server's trouble, unless it was signed elsewhere
/// before: then it is this machine that lives in the past.
#[test]
fn a_clock_that_is_wrong_is_our_own_fault() {
    let (pki, now) = (Pki::new("clock"), now());
    let day = |days: i64| now + SignedDuration::from_hours(24 * days);
    let first = |chain: &Chain| chain.verification.failures.first().map(|one| one.reason());
    let issue = |from: i32, log: Option<Timestamp>| {
        let change = |params: &mut CertificateParams| {
            params.custom_extensions.extend(log.map(logged));
        };
        pki.authority.issue_with(&[HOST], from, 80, change).unwrap()
    };
    // A good certificate, and a machine that is 20 days late.
    let good = issue(-10, Some(day(-10)));
    assert_eq!(first(&judged(&pki, &good, Vec::new(), now)), None);
    assert_eq!(good_facts(&good).scts, 1);
    let late = judged(&pki, &good, Vec::new(), day(-20));
    assert_eq!(first(&late), Some(Reason::ClockWrong));
    assert!(!late.holds(day(-20), now));
    // The same without a promise, known by its staple alone.
    let silent = issue(-10, None);
    let answer = Responder::of(&pki.authority).answer(&silent.chain[0], Says::Good, now, (-24, 24));
    assert_eq!(first(&judged(&pki, &silent, Vec::new(), day(-20))), Some(Reason::CertNotYetValid));
    assert_eq!(first(&judged(&pki, &silent, answer, day(-20))), Some(Reason::ClockWrong));
    // A certificate that was made for later.
    let early = issue(10, Some(day(-1)));
    assert_eq!(first(&judged(&pki, &early, Vec::new(), now)), Some(Reason::CertNotYetValid));
    // A clock that begins anew with each boot.
    let dead = judged(&pki, &silent, Vec::new(), Timestamp::UNIX_EPOCH);
    assert_eq!(first(&dead), Some(Reason::ClockWrong));
    // What has ended by a slow clock has ended.
    let ended = pki.authority.issue(&[HOST], -3000, -2900).unwrap();
    let past = judged(&pki, &ended, Vec::new(), "2025-12-31T00:00:00Z".parse().unwrap());
    assert!(matches!(past.verification.failures[..], [VerifyFailure::Expired { .. }]));
}

fn good_facts(served: &Served) -> watchpost::outcome::chain::certificate::Facts {
    Certificate::read(served.chain[0].clone()).facts.unwrap()
}

proptest! {
    /// Whatever is changed in an answer, it says the same or nothing.
    #[test]
    fn a_changed_staple_never_says_something_else(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        static GOOD: LazyLock<(Pki, Served, Vec<u8>)> = LazyLock::new(|| {
            let pki = Pki::new("changed");
            let served = pki.good();
            let responder = Responder::of(&pki.authority);
            let staple = responder.answer(&served.chain[0], Says::Good, now(), (-24, 24));
            (pki, served, staple)
        });
        let (pki, served, good) = &*GOOD;
        let mut staple = good.clone();
        for (at, byte) in changes {
            let at = at.index(staple.len());
            staple[at] = byte;
        }
        staple.truncate(cut.map_or(staple.len(), |end| end.index(staple.len())));
        let original = judged(pki, served, good.clone(), now()).staple;
        let changed = judged(pki, served, staple, now()).staple;
        let says_nothing = matches!(changed, None | Some(Staple::Useless(_)));
        prop_assert!(says_nothing || changed == original, "{:?}", changed);
    }
}
