use proptest::prelude::*;

use super::*;
use crate::check::endpoint::{Endpoint, Owner, Reach, Trust};
use crate::check::health_policy::HealthPolicy;
use crate::check::users::Users;
use crate::event::key::EventId;
use crate::event::word::AcdOutcome;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn event(kind: Kind, minute: i64) -> AnalyticsEvent {
    let id = EventId::of([kind.as_str().as_bytes(), &minute.to_le_bytes()]);
    AnalyticsEvent {
        conversation: Some(key("c")),
        media: Some(Media::Message),
        message: Some(MessageType::WebMessaging),
        direction: Some(Direction::Inbound),
        ..AnalyticsEvent::new(id, kind, Minute(minute).begin())
    }
}

fn endpoint(name: &str, url: &str, users: Option<Users>) -> Endpoint {
    let target = url.parse().unwrap();
    Endpoint {
        name: name.to_owned().try_into().unwrap(),
        users: Users::of(users, &target),
        target,
        reach: Reach::default(),
        trust: Trust::System,
        identity: None,
        owner: Owner::default(),
        health: HealthPolicy::default(),
        slo: 0.99,
        max_inflight: 4,
        deployment: None,
    }
}

fn listed() -> Users {
    Users {
        deployments: vec![key("d-listed")],
        addresses: vec![key("address")],
        queues: vec![key("queue")],
        flows: vec![key("flow")],
        of_url: None,
    }
}

fn mapping() -> Mapping {
    let one = endpoint("one", "wss://a.example/?deploymentId=d-url", None);
    let two = endpoint("two", "wss://a.example/?deploymentId=d-url", Some(listed()));
    Mapping::new([&one, &two])
}

fn merged<'a>(events: impl IntoIterator<Item = &'a AnalyticsEvent>) -> Option<Conversation> {
    let facts = events.into_iter().filter_map(|event| Some(Conversation::of(event)?.1));
    facts.reduce(|mut all, one| {
        all.merge(one);
        all
    })
}

fn contribution(events: &[AnalyticsEvent]) -> Option<Contribution> {
    merged(events).unwrap().contribution(&mapping())
}

#[test]
fn the_lowest_layer_wins() {
    let place = |change: fn(&mut AnalyticsEvent)| {
        let mut event = event(Kind::CustomerStart, 0);
        change(&mut event);
        let (endpoint, layer) = merged([&event]).unwrap().place(&mapping());
        (endpoint.map(|name| name.to_string()), layer)
    };
    let is = |endpoint: &str, layer| (Some(endpoint.to_owned()), Some(layer));
    assert_eq!(place(|_| ()), (None, None), "two endpoints take users");
    assert_eq!(place(|e| e.deployment = Some(key("d-url"))), is("one", Layer::Deployment));
    assert_eq!(place(|e| e.deployment = Some(key("d-listed"))), is("two", Layer::Deployment));
    assert_eq!(place(|e| e.address_to = Some(key("d-url"))), is("one", Layer::Address));
    assert_eq!(place(|e| e.address_to = Some(key("address"))), is("two", Layer::Address));
    assert_eq!(place(|e| e.queue = Some(key("queue"))), is("two", Layer::Route));
    assert_eq!(place(|e| e.flow = Some(key("flow"))), is("two", Layer::Route));
    assert_eq!(place(|e| e.flow = Some(key("queue"))), (None, None), "a flow is no queue");
    assert_eq!(place(|e| e.probe = Some(key("two"))), is("two", Layer::Probe));
    let both = place(|e| {
        e.deployment = Some(key("d-url"));
        e.queue = Some(key("queue"));
    });
    assert_eq!(both, is("one", Layer::Deployment));
}

#[test]
fn without_evidence_the_only_endpoint_that_takes_users_has_them() {
    let one = endpoint("one", "wss://a.example/", Some(Users::default()));
    let none = endpoint("none", "wss://a.example/", None);
    let mapping = Mapping::new([&none, &one]);
    let mut event = event(Kind::CustomerStart, 0);
    let place = |event: &AnalyticsEvent| merged([event]).unwrap().place(&mapping);
    assert_eq!(place(&event), (Some(one.name.clone()), Some(Layer::Window)));
    event.queue = Some(key("any"));
    assert_eq!(place(&event), (Some(one.name.clone()), Some(Layer::Window)));
    event.deployment = Some(key("of-another-page"));
    assert_eq!(place(&event), (None, None));
}

#[test]
fn a_listed_deployment_goes_before_that_of_a_url() {
    let one = endpoint("one", "wss://a.example/?deploymentId=d", None);
    let users = Users { deployments: vec![key("d")], ..Users::default() };
    let two = endpoint("two", "wss://a.example/", Some(users));
    let mut event = event(Kind::CustomerStart, 0);
    event.deployment = Some(key("d"));
    let place = merged([&event]).unwrap().place(&Mapping::new([&one, &two]));
    assert_eq!(place.0, Some(two.name));
}

#[test]
fn only_users_of_web_pages_count() {
    let counts = |change: fn(&mut AnalyticsEvent)| {
        let mut event = event(Kind::CustomerStart, 0);
        change(&mut event);
        contribution(&[event]).is_some()
    };
    assert!(counts(|_| ()));
    assert!(counts(|e| (e.media, e.message) = (Some(Media::Chat), None)));
    assert!(counts(|e| (e.media, e.message, e.direction) = (None, None, None)));
    assert!(!counts(|e| (e.media, e.message) = (Some(Media::Voice), None)));
    assert!(!counts(|e| (e.media, e.message) = (Some(Media::Email), None)));
    assert!(!counts(|e| e.message = Some(MessageType::WhatsApp)));
    assert!(!counts(|e| e.message = Some(MessageType::Other)));
    assert!(!counts(|e| e.direction = Some(Direction::Outbound)));
    assert!(!counts(|e| e.probe = Some(key("two"))));
    // One that went on as a call is still a page's.
    let mut call = event(Kind::UserStart, 3);
    (call.media, call.message) = (Some(Media::Voice), None);
    call.direction = Some(Direction::Outbound);
    assert!(contribution(&[event(Kind::CustomerStart, 0), call]).is_some());
}

#[test]
fn only_what_broke_is_a_failure() {
    let ended = |kind, change: fn(&mut AnalyticsEvent)| {
        let mut end = event(kind, 7);
        change(&mut end);
        contribution(&[event(Kind::CustomerStart, 0), end]).unwrap().ended
    };
    let at = |minute, outcome| Some((Minute(minute), outcome));
    for (end, outcome) in [
        (Some(Disconnect::Error), Outcome::Failed),
        (Some(Disconnect::TransportFailure), Outcome::Failed),
        (Some(Disconnect::Timeout), Outcome::Failed),
        (Some(Disconnect::System), Outcome::Unknown),
        (Some(Disconnect::Unknown), Outcome::Unknown),
        (Some(Disconnect::Other), Outcome::Unknown),
        (None, Outcome::Unknown),
        (Some(Disconnect::Endpoint), Outcome::Ok),
        (Some(Disconnect::Client), Outcome::Ok),
        (Some(Disconnect::Inactivity), Outcome::Ok),
        (Some(Disconnect::Transfer), Outcome::Ok),
    ] {
        let mut last = event(Kind::CustomerEnd, 7);
        last.disconnect = end;
        let found = contribution(&[event(Kind::CustomerStart, 0), last]).unwrap();
        assert_eq!((found.begun, found.ended), (Minute(0), at(7, outcome)), "{end:?}");
    }
    let failed = at(7, Outcome::Failed);
    assert_eq!(ended(Kind::FlowEnd, |e| e.flow_exit = Some(FlowExit::FlowErrorExit)), failed);
    assert_eq!(ended(Kind::FlowEnd, |e| e.flow_exit = Some(FlowExit::FlowErrorDisconnect)), failed);
    assert_eq!(ended(Kind::FlowEnd, |e| e.flow_exit = Some(FlowExit::Disconnect)), None);
    assert_eq!(ended(Kind::AcdEnd, |e| e.acd_outcome = Some(AcdOutcome::Abandon)), None);
    assert_eq!(ended(Kind::AcdEnd, |e| e.disconnect = Some(Disconnect::Error)), failed);
    assert_eq!(ended(Kind::UserEnd, |e| e.disconnect = Some(Disconnect::Timeout)), None);
    assert_eq!(ended(Kind::Undelivered, |_| ()), failed);
    assert_eq!(
        ended(Kind::Analytic, |e| e.disconnect = Some(Disconnect::Peer)),
        at(7, Outcome::Ok)
    );
    assert_eq!(ended(Kind::Analytic, |_| ()), None);
}

fn any_event() -> impl Strategy<Value = AnalyticsEvent> {
    let key_of = |names: &'static [&'static str]| {
        proptest::option::of(proptest::sample::select(names).prop_map(key))
    };
    (
        proptest::sample::select(Kind::ALL),
        0..30_i64,
        proptest::option::of(proptest::sample::select(Media::ALL)),
        proptest::option::of(proptest::sample::select(Disconnect::ALL)),
        key_of(&["d-url", "d-listed", "x", "y", "z", "1", "2", "3", "4", "5", "6"]),
        key_of(&["address", "d-url"]),
        key_of(&["queue", "flow"]),
        proptest::option::weighted(
            0.1,
            proptest::sample::select(&["one", "two"][..]).prop_map(key),
        ),
    )
        .prop_map(|(kind, minute, media, disconnect, deployment, address_to, queue, probe)| {
            AnalyticsEvent {
                media,
                disconnect,
                deployment,
                address_to,
                flow: queue.clone(),
                queue,
                probe,
                ..event(kind, minute)
            }
        })
}

proptest! {
    #[test]
    fn a_merge_is_a_join(
        events in proptest::collection::vec(any_event(), 1..20),
        order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..40),
        cut in any::<proptest::sample::Index>(),
    ) {
        let plain = merged(&events).unwrap();
        // Any order, with what came twice.
        let mut mixed: Vec<_> = order.iter().map(|index| index.get(&events)).collect();
        mixed.extend(events.iter().rev());
        prop_assert_eq!(&merged(mixed).unwrap(), &plain);
        // In any groups.
        let (left, right) = events.split_at(cut.index(events.len()));
        let grouped = match (merged(left), merged(right)) {
            (Some(mut left), Some(right)) => { left.merge(right); left }
            (left, right) => left.or(right).unwrap(),
        };
        prop_assert_eq!(&grouped, &plain);
        // And through the file.
        let text = serde_json::to_string(&plain).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Conversation>(&text).unwrap(), &plain);
    }
}
