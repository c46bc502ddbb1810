// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What namespaces learn from copies of Router Advertisements, for how long, and who sees it.

use super::*;
use crate::snoop::{Ignored, Snooped};
use crate::view::PvdView;
use core::net::Ipv6Addr;
use dataplane::PortTag;
use pvd::{Cached, Learnt};
use wire::build;
use wire::name::DomainName;
use wire::nd::{NdOption, NdRefusal, PrefixInfo, PvdOption, encode};

pub(super) const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

pub(super) const fn at(seconds: u64) -> Instant {
    Instant::from_nanos(seconds * 1_000_000_000)
}

/// An advertisement of a PvD, or of the implicit one without a name, with one prefix. Lifetimes are 100 s.
pub(super) fn advert(name: Option<&str>, prefix: u16) -> Vec<u8> {
    lasting(name, prefix, 100)
}

pub(super) fn lasting(name: Option<&str>, prefix: u16, lifetime: u16) -> Vec<u8> {
    let inside = prefixes(prefix..prefix + 1, lifetime);
    let options = name.map_or_else(|| inside.clone(), |name| inside_pvd(name, &inside));
    build::advertisement(MacAddr([2, 0, 0, 0, 0, 9]), ROUTER, lifetime, &options)
}

/// One of a router that is a default router no more.
pub(super) fn resigning(name: Option<&str>, prefix: u16, lifetime: u16) -> Vec<u8> {
    let inside = prefixes(prefix..prefix + 1, lifetime);
    let options = name.map_or_else(|| inside.clone(), |name| inside_pvd(name, &inside));
    build::advertisement(MacAddr([2, 0, 0, 0, 0, 9]), ROUTER, 0, &options)
}

/// One with as many prefixes.
pub(super) fn long(name: &str, count: u16, lifetime: u16) -> Vec<u8> {
    let options = inside_pvd(name, &prefixes(0..count, lifetime));
    build::advertisement(MacAddr([2, 0, 0, 0, 0, 9]), ROUTER, lifetime, &options)
}

fn prefixes(numbers: std::ops::Range<u16>, lifetime: u16) -> Vec<u8> {
    let valid = u32::from(lifetime);
    let prefix = |number| Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 0);
    let info = |number| PrefixInfo { prefix: prefix(number), prefix_len: 64, flags: 0xc0, valid, preferred: valid };
    encode(numbers.map(|number| NdOption::Prefix(info(number)))).unwrap()
}

fn inside_pvd(name: &str, nested: &[u8]) -> Vec<u8> {
    let name: DomainName = name.parse().unwrap();
    encode([NdOption::Pvd(PvdOption::new(name.as_name(), nested))]).unwrap()
}

pub(super) fn tag(control: &Control, path: &str) -> PortTag {
    control.plant.port(&port(path)).unwrap().device.tag()
}

pub(super) fn hear(control: &mut Control, path: &str, frame: &[u8], now: u64) -> Snooped {
    control.snooped(tag(control, path), frame, at(now))
}

pub(super) fn add_router(control: &mut Control, namespace: &str, router: &str) {
    let spec = PortSpec { role: Role::Router, ..spec(router, namespace) };
    control.handle_request(Request::PortAdd(name(router), spec)).unwrap();
}

/// The switch with a router `r1` in red, and one in red/dev.
pub(super) fn routed() -> Control {
    let mut control = switch();
    control.handle_request(Request::NamespaceAdd(path("red/dev"), NamespaceSpec::default())).unwrap();
    add_router(&mut control, "red", "r1");
    add_router(&mut control, "red/dev", "r1");
    control
}

fn views(control: &Control, base: &str, namespace: &str) -> Vec<PvdView> {
    let view = control.view(control.operator().observer(&path(base)).unwrap()).unwrap();
    let mut pvds = view.pvds(&path(namespace), None, 1000, Duration::ZERO).unwrap().pvds;
    pvds.sort_by(|a, b| a.name.cmp(&b.name));
    pvds
}

pub(super) fn pvds(control: &Control, namespace: &str) -> Vec<String> {
    views(control, "/", namespace).into_iter().map(|pvd| pvd.name).collect()
}

/// The numbers of the Router Advertisements that are remembered, each with its port and PvD.
pub(super) fn ras(control: &Control, namespace: &str) -> Vec<String> {
    let all = control.operator().ras(&path(namespace), 0, 1000).unwrap();
    all.iter().map(|ra| format!("{} {} {}", ra.entry.serial, ra.port, ra.pvd)).collect()
}

/// What a namespace and all below it have of PvDs and of Router Advertisements.
pub(super) fn usage(control: &Control, namespace: &str) -> [u64; 2] {
    let usage = control.operator().namespace(&path(namespace)).unwrap().usage;
    [Resource::Pvds, Resource::RaEntries].map(|resource| usage.get(resource))
}

#[test]
fn test_a_router_teaches_its_namespace_and_no_other() {
    let mut control = routed();
    assert!(matches!(
        hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 1),
        Snooped::Learnt(Learnt::Changed(_), Ok(Cached::New))
    ));
    hear(&mut control, "red:r1", &advert(None, 2), 1);
    assert_eq!(pvds(&control, "red"), ["a.example.", "fe80::1%r1"]);
    assert_eq!(ras(&control, "red"), ["1 r1 a.example.", "2 r1 fe80::1%r1"]);
    assert!(pvds(&control, "blue").is_empty() && pvds(&control, "red/dev").is_empty() && ras(&control, "/").is_empty());
    assert_eq!((usage(&control, "red"), usage(&control, "/"), usage(&control, "blue")), ([2, 2], [2, 2], [0, 0]));
    let again = hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 50);
    assert!(matches!(again, Snooped::Learnt(Learnt::Refreshed(_), Ok(Cached::Again))), "{again:?}");
    let seen = control.operator().pvd(&path("red"), "a.EXAMPLE", Duration::from_secs(50)).unwrap();
    assert_eq!((seen.sources[0].heard, seen.known.len(), seen.is_explicit), (2, 1, true));
    let implicit = control.operator().pvd(&path("red"), "fe80::1%r1", Duration::ZERO).unwrap();
    assert!(!implicit.is_explicit && implicit.known.len() == 1);
}

#[test]
fn test_who_is_bound_to_a_namespace_sees_what_it_learns_under_its_own_names() {
    let mut control = routed();
    hear(&mut control, "red/dev:r1", &advert(Some("a.example"), 1), 1);
    let names = |base, namespace| -> Vec<String> {
        views(&control, base, namespace).iter().map(|pvd| format!("{} {}", pvd.namespace, pvd.name)).collect()
    };
    assert_eq!(names("red", "dev"), ["dev a.example."]);
    assert_eq!(names("red/dev", "/"), ["/ a.example."]);
    assert!(names("red", "/").is_empty() && names("blue", "/").is_empty());
    let blue = control.view(control.operator().observer(&path("blue")).unwrap()).unwrap();
    let why = blue.pvd(&path("/"), "a.example", Duration::ZERO).unwrap_err();
    assert_eq!(why.to_string(), r#"PvD "a.example" not found"#);
    assert_eq!(blue.ra(&path("/"), 1).unwrap_err().to_string(), r#"Router Advertisement "/:1" not found"#);
    assert!(blue.pvds(&path("red"), None, 1, Duration::ZERO).is_err(), "no such namespace there");
}

#[test]
fn test_a_pvd_has_a_number_for_each_who_sees_it_while_it_lives() {
    let mut control = routed();
    hear(&mut control, "red:r1", &lasting(Some("a.example"), 1, 500), 1);
    hear(&mut control, "red/dev:r1", &advert(Some("a.example"), 1), 1);
    hear(&mut control, "red/dev:r1", &lasting(Some("b.example"), 2, 500), 1);
    let numbers = |control: &Control, base, namespace| -> Vec<u32> {
        views(control, base, namespace).iter().map(|pvd| pvd.number).collect()
    };
    let dev = |control: &Control| {
        [("red/dev", "/"), ("red", "dev"), ("/", "red/dev")].map(|(base, path)| numbers(control, base, path))
    };
    assert_eq!(dev(&control), [[1, 2], [2, 3], [2, 3]]);
    assert_eq!((numbers(&control, "red", "/"), numbers(&control, "/", "red")), (vec![1], vec![1]));
    control.handle_tick(at(101));
    assert_eq!(dev(&control), [[2], [3], [3]]);
    hear(&mut control, "red/dev:r1", &advert(Some("a.example"), 1), 102);
    assert_eq!(dev(&control), [[3, 2], [4, 3], [4, 3]], "one that comes again is another");
    control.handle_request(Request::NamespaceDel { path: path("red/dev"), recursive: true, force: false }).unwrap();
    assert_eq!(control.plant.learning.numbered(), 1, "those of red/dev are gone with it");
    hear(&mut control, "red:r1", &lasting(Some("c.example"), 3, 500), 103);
    assert_eq!(numbers(&control, "/", "red"), [1, 5]);
}

#[test]
fn test_numbers_fit_however_much_comes_and_goes_at_once() {
    let mut control = routed();
    for i in 0..600 {
        hear(&mut control, "red:r1", &lasting(Some(&format!("p{i}.example")), i, 100), 1);
    }
    hear(&mut control, "red:r1", &lasting(Some("last.example"), 1000, 500), 1);
    control.handle_tick(at(101));
    let left: Vec<_> = views(&control, "/", "red").into_iter().map(|pvd| (pvd.name, pvd.number)).collect();
    assert_eq!(left, [("last.example.".to_owned(), 601)]);
    assert_eq!(control.plant.learning.numbered(), 1, "none is left behind");
}

#[test]
fn test_what_is_not_said_again_ends() {
    let mut control = routed();
    hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 1);
    hear(&mut control, "red:r1", &lasting(Some("b.example"), 2, 500), 1);
    control.handle_tick(at(100));
    assert_eq!((pvds(&control, "red").len(), ras(&control, "red").len()), (2, 2));
    control.handle_tick(at(101));
    assert_eq!(pvds(&control, "red"), ["b.example."]);
    assert_eq!((ras(&control, "red").len(), usage(&control, "/")), (1, [1, 1]));
    hear(&mut control, "red:r1", &lasting(Some("b.example"), 2, 0), 102);
    assert_eq!((pvds(&control, "red").len(), usage(&control, "red")), (0, [0, 0]), "its router took it back");
}

#[test]
fn test_what_a_port_taught_goes_with_it_and_not_before() {
    let mut control = routed();
    add_router(&mut control, "red", "r2");
    let shared = advert(Some("a.example"), 1);
    hear(&mut control, "red:r1", &shared, 1);
    hear(&mut control, "red:r2", &shared, 1);
    hear(&mut control, "red:r2", &advert(None, 2), 1);
    let late = tag(&control, "red:r2");
    assert_eq!(usage(&control, "red"), [2, 3]);
    control.handle_request(Request::PortDel { port: port("red:r2"), force: false }).unwrap();
    assert_eq!(pvds(&control, "red"), ["a.example."]);
    assert_eq!((ras(&control, "red"), usage(&control, "red")), (vec!["1 r1 a.example.".into()], [1, 1]));
    add_router(&mut control, "red", "r2");
    assert_eq!(control.snooped(late, &shared, at(2)), Snooped::Ignored(Ignored::NoPort), "another port of that name");
    assert_eq!(control.snooped(PortTag(u64::MAX), &shared, at(2)), Snooped::Ignored(Ignored::NoPort));
}

/// Refuses to be in a namespace of that name.
pub(super) struct Refuses(pub(super) &'static str);

impl Subsystem for Refuses {
    type Instance = ();

    fn name(&self) -> &'static str {
        "refuses"
    }

    fn init(&mut self, namespace: &crate::tree::Namespace) -> Result<(), Refusal> {
        let refused = namespace.path().as_str() == self.0;
        if refused { Err(Refusal::limit("patience", 0)) } else { Ok(()) }
    }
}

#[test]
fn test_a_refused_request_has_forgotten_nothing() {
    let mut control = routed();
    control.register_subsystem(Refuses("far")).unwrap();
    hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 1);
    hear(&mut control, "red/dev:r1", &advert(None, 1), 1);
    let mut next = control.desired().clone();
    next.del_port(&port("red:r1")).unwrap();
    next.del_port(&port("red/dev:r1")).unwrap();
    next.del_namespace(&path("red/dev")).unwrap();
    next.add_namespace(path("far"), NamespaceSpec::default()).unwrap();
    control.handle_request(Request::Apply(next)).unwrap_err();
    assert_eq!((pvds(&control, "red"), usage(&control, "/")), (vec!["a.example.".into()], [2, 2]));
    assert_eq!((pvds(&control, "red/dev"), ras(&control, "red/dev").len()), (vec!["fe80::1%r1".into()], 1));
    control.handle_tick(at(101));
    assert_eq!(usage(&control, "/"), [0, 0], "and it still ends");
}

#[test]
fn test_a_namespace_takes_all_that_it_learnt_with_it() {
    let mut control = routed();
    hear(&mut control, "red/dev:r1", &advert(Some("a.example"), 1), 1);
    hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 1);
    assert_eq!((usage(&control, "/"), usage(&control, "red")), ([2, 2], [2, 2]));
    control.handle_request(Request::NamespaceDel { path: path("red/dev"), recursive: true, force: false }).unwrap();
    assert_eq!((usage(&control, "/"), usage(&control, "red")), ([1, 1], [1, 1]));
    control.handle_request(Request::NamespaceDel { path: path("red"), recursive: true, force: false }).unwrap();
    assert_eq!(usage(&control, "/"), [0, 0]);
    actions(&mut control);
    control.reap();
    assert!(control.operator().zombies().is_empty());
    control.handle_request(Request::NamespaceAdd(path("red"), NamespaceSpec::default())).unwrap();
    assert!(pvds(&control, "red").is_empty() && ras(&control, "red").is_empty());
}

#[test]
fn test_a_quota_keeps_out_what_is_new_and_nothing_else() {
    let mut control = routed();
    let quota = |resource, most| {
        let change = NamespaceChange { quotas: vec![(resource, Some(most))], ..NamespaceChange::default() };
        Request::NamespaceSet(path("red"), change)
    };
    control.handle_request(quota(Resource::Pvds, 1)).unwrap();
    let known = advert(Some("a.example"), 1);
    hear(&mut control, "red:r1", &known, 1);
    let over = Refusal::Quota { resource: Resource::Pvds, owner: path("red"), limit: 1 };
    for place in ["red:r1", "red/dev:r1"] {
        let answer = hear(&mut control, place, &advert(Some("b.example"), 2), 1);
        assert_eq!(answer, Snooped::Ignored(Ignored::Quota(over.clone())), "{place}");
    }
    assert!(over.to_string().contains("pvds"), "{over}");
    assert!(matches!(hear(&mut control, "red:r1", &known, 50), Snooped::Learnt(Learnt::Refreshed(_), Ok(_))));
    assert_eq!((pvds(&control, "red").len(), usage(&control, "red")), (1, [1, 1]));
    control.handle_request(quota(Resource::Pvds, 9)).unwrap();
    control.handle_request(quota(Resource::RaEntries, 1)).unwrap();
    let over = Refusal::Quota { resource: Resource::RaEntries, owner: path("red"), limit: 1 };
    let answer = hear(&mut control, "red:r1", &advert(Some("b.example"), 2), 51);
    assert!(matches!(&answer, Snooped::Learnt(_, Err(Ignored::Quota(why))) if *why == over), "{answer:?}");
    assert_eq!(usage(&control, "red"), [2, 1]);
    control.handle_tick(at(150));
    assert_eq!(usage(&control, "red"), [1, 0], "what ended made room");
}

#[test]
fn test_what_is_no_routers_word_teaches_nothing() {
    let mut control = routed();
    let good = advert(Some("a.example"), 1);
    assert_eq!(hear(&mut control, "red:vm1", &good, 1), Snooped::Ignored(Ignored::NotRouter));
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    assert_eq!(hear(&mut control, "red:r1", &bad, 1), Snooped::Ignored(Ignored::Packet(NdRefusal::Checksum)));
    for len in 0..good.len() {
        assert!(matches!(hear(&mut control, "red:r1", &good[..len], 1), Snooped::Ignored(Ignored::Packet(_))), "{len}");
    }
    let tagged = [&good[..12], &[0x81, 0, 0, 7], &good[12..]].concat();
    assert_eq!(hear(&mut control, "red:r1", &tagged, 1), Snooped::Ignored(Ignored::Tagged));
    let asks = build::solicitation(MacAddr([2, 0, 0, 0, 0, 1]), Ipv6Addr::UNSPECIFIED);
    assert_eq!(hear(&mut control, "red:vm1", &asks, 1), Snooped::Solicited);
    assert!(pvds(&control, "red").is_empty() && usage(&control, "/") == [0, 0]);
}

#[test]
fn test_a_list_goes_on_where_it_stopped_and_tells_when_it_was_interrupted() {
    let mut control = routed();
    let add = |control: &mut Control, i: u16| {
        hear(control, "red:r1", &advert(Some(&format!("p{i}.example")), i), 1);
    };
    (0..5).for_each(|i| add(&mut control, i));
    let page = |control: &Control, from| control.operator().pvds(&path("red"), from, 2, Duration::ZERO).unwrap();
    let first = page(&control, None);
    let second = page(&control, first.next);
    assert_eq!((first.pvds.len(), second.pvds.len(), second.interrupted), (2, 2, false));
    assert_eq!((first.pvds[0].base_seq, second.pvds[1].name.as_str()), (5, "p3.example."));
    add(&mut control, 5);
    let third = page(&control, second.next);
    assert_eq!((third.pvds.len(), third.interrupted, third.pvds[0].base_seq), (2, true, 6));
    assert!(third.next.is_none());
}

#[test]
fn test_100_000_pvds_in_1000_namespaces_are_all_found_and_listed() {
    let mut control = Control::new(42, BTreeMap::new());
    let space = |number: u16| format!("n{number}");
    for number in 0..1000 {
        control.handle_request(Request::NamespaceAdd(path(&space(number)), NamespaceSpec::default())).unwrap();
        add_router(&mut control, &space(number), "r1");
    }
    for number in 0..1000 {
        let tag = tag(&control, &format!("n{number}:r1"));
        for pvd in 0..100 {
            let heard = control.snooped(tag, &advert(Some(&format!("p{pvd}.example")), pvd), at(1));
            assert!(matches!(heard, Snooped::Learnt(Learnt::Changed(_), _)), "{heard:?}");
        }
    }
    assert_eq!(usage(&control, "/")[0], 100_000);
    for number in [0, 500, 999] {
        assert_eq!(pvds(&control, &space(number)).len(), 100);
        let seen = control.operator().pvd(&path(&space(number)), "p99.example", Duration::ZERO).unwrap();
        assert_eq!(seen.known.len(), 1);
    }
    control.handle_tick(at(102));
    assert_eq!(usage(&control, "/")[0], 0, "their time is over");
}
