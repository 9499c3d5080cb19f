use super::*;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn options<T: Copy>(all: impl IntoIterator<Item = T>) -> Vec<Option<T>> {
    std::iter::once(None).chain(all.into_iter().map(Some)).collect()
}

/// Everything that can be known, in every combination.
fn everything() -> Vec<Evidence> {
    let lists = options([Expect::Allow, Expect::Deny]);
    let (entries, standings) = (options(Entry::ALL), options(Standing::ALL));
    let mut all = Vec::new();
    for by_api in &lists {
        for by_cdn in &lists {
            for actual in &entries {
                for control in &entries {
                    for config in &standings {
                        for api in &standings {
                            for legacy in [false, true] {
                                for shut_out_by in [None, Some(Oddity::BlocksAll)] {
                                    all.push(Evidence {
                                        by_api: *by_api,
                                        by_cdn: *by_cdn,
                                        actual: *actual,
                                        control: *control,
                                        config: *config,
                                        api: *api,
                                        shut_out_by,
                                        legacy,
                                        list_changed_at: None,
                                    });
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

/// The rows of the table in the README, the first that fits: none where any will do.
struct Row {
    finding: Finding,
    fits: fn(&Evidence) -> bool,
}

/// Written from the table and not from the code: each row says all that it needs.
const ROWS: &[Row] = &[
    Row {
        finding: Finding::LegacyApiRemoved,
        fits: |e| e.legacy && (e.actual == Some(Entry::Gone) || e.api == Some(Standing::Absent)),
    },
    Row { finding: Finding::Throttled, fits: |e| e.actual == Some(Entry::Throttled) },
    Row {
        finding: Finding::Throttled,
        fits: |e| e.actual == Some(Entry::Refused) && e.control == Some(Entry::Throttled),
    },
    Row {
        finding: Finding::DeploymentRefused,
        fits: |e| e.actual == Some(Entry::Refused) && e.control == Some(Entry::Refused),
    },
    Row {
        finding: Finding::CdnStale,
        fits: |e| e.by_api.is_some() && e.by_cdn.is_some() && e.by_api != e.by_cdn,
    },
    Row {
        finding: Finding::CdnStale,
        fits: |e| {
            e.api == Some(Standing::On)
                && matches!(e.config, Some(Standing::Off | Standing::Absent))
        },
    },
    Row {
        finding: Finding::CdnStale,
        fits: |e| {
            matches!(e.api, Some(Standing::Off | Standing::Absent))
                && e.config == Some(Standing::On)
        },
    },
    Row {
        finding: Finding::OriginNotAllowed,
        fits: |e| {
            list(e) == Some(Expect::Deny)
                && e.actual == Some(Entry::Refused)
                && e.control == Some(Entry::LetIn)
        },
    },
    Row {
        finding: Finding::OriginEnforcementDrift,
        fits: |e| {
            list(e) == Some(Expect::Allow)
                && e.actual == Some(Entry::Refused)
                && e.control == Some(Entry::LetIn)
        },
    },
    Row {
        finding: Finding::DeploymentRefused,
        fits: |e| {
            let off = |standing| matches!(standing, Some(Standing::Off | Standing::Absent));
            e.actual == Some(Entry::Refused)
                && e.control != Some(Entry::LetIn)
                && (off(e.api) || off(e.config))
        },
    },
    Row {
        finding: Finding::OriginNotAllowed,
        fits: |e| {
            e.shut_out_by.is_some()
                && e.by_api == Some(Expect::Deny)
                && e.by_cdn == Some(Expect::Deny)
                && e.actual == Some(Entry::Refused)
                && e.control.is_none()
                && e.api == Some(Standing::On)
                && e.config != Some(Standing::Off)
                && e.config != Some(Standing::Absent)
        },
    },
    Row {
        finding: Finding::OriginEnforcementGap,
        fits: |e| list(e) == Some(Expect::Deny) && e.actual == Some(Entry::LetIn),
    },
    Row {
        finding: Finding::Ok,
        fits: |e| {
            let on = |standing| matches!(standing, None | Some(Standing::On));
            list(e) == Some(Expect::Allow)
                && e.actual == Some(Entry::LetIn)
                && on(e.api)
                && on(e.config)
        },
    },
    Row { finding: Finding::Undetermined, fits: |_| true },
];

fn list(e: &Evidence) -> Option<Expect> {
    if e.by_api.is_some() { e.by_api } else { e.by_cdn }
}

#[test]
fn every_combination_has_exactly_the_finding_of_the_table() {
    let all = everything();
    assert_eq!(all.len(), 3 * 3 * 6 * 6 * 4 * 4 * 2 * 2);
    let mut seen = std::collections::BTreeMap::new();
    for evidence in all {
        let diagnosis = diagnose(&evidence, now());
        let row = ROWS.iter().find(|row| (row.fits)(&evidence)).unwrap();
        assert_eq!(diagnosis.finding, row.finding, "{evidence:?}");
        assert_eq!(diagnosis.doubt.is_some(), diagnosis.finding == Finding::Undetermined);
        assert!(!diagnosis.propagating, "nothing was changed");
        *seen.entry(diagnosis.finding).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), Finding::ALL.len(), "each is found: {seen:?}");
}

#[test]
fn green_needs_to_be_known() {
    for evidence in everything() {
        if diagnose(&evidence, now()).finding == Finding::Ok {
            assert_eq!(evidence.actual, Some(Entry::LetIn), "{evidence:?}");
            assert_eq!(evidence.predicted(), Some(Expect::Allow), "{evidence:?}");
        }
    }
}

#[test]
fn a_list_that_lets_nobody_in_is_named_and_nothing_is_guessed() {
    let shut = Evidence {
        by_api: Some(Expect::Deny),
        by_cdn: Some(Expect::Deny),
        actual: Some(Entry::Refused),
        api: Some(Standing::On),
        shut_out_by: Some(Oddity::Scheme),
        ..Evidence::default()
    };
    let diagnosis = diagnose(&shut, now());
    assert_eq!((diagnosis.finding, diagnosis.doubt), (Finding::OriginNotAllowed, None));
    let sentence = diagnosis.sentence();
    assert!(sentence.contains("lets nobody in (scheme)"), "{sentence}");
    assert!(sentence.contains(Oddity::Scheme.sentence()), "{sentence}");
    assert_eq!(diagnosis.fix(), Oddity::Scheme.fix());
    // Another page that got in proves the list, and says it as ever.
    let proven = diagnose(&Evidence { control: Some(Entry::LetIn), ..shut }, now());
    assert_eq!((proven.finding, proven.shut_out_by), (Finding::OriginNotAllowed, None));
    assert_eq!(proven.sentence(), Finding::OriginNotAllowed.sentence());
    for (guess, finding) in [
        (Evidence { shut_out_by: None, ..shut }, Finding::Undetermined),
        (Evidence { by_cdn: None, ..shut }, Finding::Undetermined),
        (Evidence { by_api: None, ..shut }, Finding::Undetermined),
        (Evidence { api: None, ..shut }, Finding::Undetermined),
        (Evidence { actual: Some(Entry::Trouble), ..shut }, Finding::Undetermined),
        (Evidence { control: Some(Entry::Trouble), ..shut }, Finding::Undetermined),
        (Evidence { control: Some(Entry::Refused), ..shut }, Finding::DeploymentRefused),
        (Evidence { api: Some(Standing::Off), ..shut }, Finding::DeploymentRefused),
        (Evidence { config: Some(Standing::Absent), ..shut }, Finding::CdnStale),
        (Evidence { actual: Some(Entry::LetIn), ..shut }, Finding::OriginEnforcementGap),
    ] {
        assert_eq!(diagnose(&guess, now()).finding, finding, "{guess:?}");
    }
}

#[test]
fn each_doubt_says_what_is_missing() {
    let refused = Evidence { actual: Some(Entry::Refused), ..Evidence::default() };
    let let_in = Evidence { actual: Some(Entry::LetIn), ..Evidence::default() };
    for (evidence, doubt) in [
        (Evidence { by_cdn: Some(Expect::Allow), ..Evidence::default() }, Doubt::NoRun),
        (let_in, Doubt::NoList),
        (Evidence { control: Some(Entry::LetIn), ..refused }, Doubt::NoList),
        (Evidence { by_cdn: Some(Expect::Allow), ..refused }, Doubt::NoControl),
        (Evidence { control: Some(Entry::Trouble), ..refused }, Doubt::DoorInTrouble),
        (Evidence { actual: Some(Entry::Gone), ..refused }, Doubt::DoorInTrouble),
        (
            Evidence { by_api: Some(Expect::Allow), api: Some(Standing::Off), ..let_in },
            Doubt::OffAndLetIn,
        ),
    ] {
        let diagnosis = diagnose(&evidence, now());
        assert_eq!(diagnosis.doubt, Some(doubt), "{evidence:?}");
        assert!(diagnosis.sentence().ends_with(&format!("{}.", doubt.sentence())));
    }
}

#[test]
fn a_change_of_the_last_minutes_may_still_be_propagating() {
    let drift = Evidence {
        by_api: Some(Expect::Allow),
        actual: Some(Entry::Refused),
        control: Some(Entry::LetIn),
        ..Evidence::default()
    };
    let propagating = |evidence: Evidence, seconds: i64| {
        let at = Timestamp::from_second(NOW - seconds).unwrap();
        let diagnosis = diagnose(&Evidence { list_changed_at: Some(at), ..evidence }, now());
        assert_eq!(diagnosis.propagating, diagnosis.sentence().contains("propagating"));
        diagnosis.propagating
    };
    assert!(propagating(drift, 0) && propagating(drift, 599) && propagating(drift, -30));
    assert!(!propagating(drift, 600));
    let gap = Evidence { by_api: Some(Expect::Deny), actual: Some(Entry::LetIn), ..drift };
    let stale = Evidence { by_cdn: Some(Expect::Deny), ..drift };
    assert!(propagating(gap, 60) && propagating(stale, 60));
    let ok = Evidence { actual: Some(Entry::LetIn), ..drift };
    let refused = Evidence { by_api: Some(Expect::Deny), ..drift };
    assert!(!propagating(ok, 60) && !propagating(refused, 60));
    assert!(!diagnose(&drift, now()).propagating, "no change was seen");
}
