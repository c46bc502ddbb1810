// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Static PvDs: all or nothing, before those that routers teach, under numbers that stay.

use super::learning::{advert, at, hear, lasting, pvds, routed, usage};
use super::*;
use crate::stated::FactList;
use crate::view::PvdView;
use pvd::Deadline;

fn pvd(text: &str) -> PvdKey {
    let (namespace, name) = text.split_once(':').unwrap();
    PvdKey { namespace: path(namespace), name: name.parse().unwrap() }
}

pub(super) fn said(prefixes: &[&str]) -> Statement {
    let mut said = Statement::default();
    FactList::Prefixes.set(&mut said, prefixes).unwrap();
    said
}

fn add(control: &mut Control, key: &str, prefixes: &[&str]) -> Result<Reply, Refusal> {
    control.handle_request(Request::PvdAdd(pvd(key), said(prefixes)))
}

fn seen(control: &Control, key: &str, now: u64) -> PvdView {
    let key = pvd(key);
    control.operator().pvd(&key.namespace, &key.name.to_string(), Duration::from_secs(now)).unwrap()
}

fn prefixes(view: &PvdView) -> Vec<String> {
    view.known.iter().filter_map(|known| known.fact.owned_prefix()).map(|prefix| prefix.to_string()).collect()
}

#[test]
fn test_a_static_pvd_is_there_at_once_and_gone_at_once() {
    let mut control = routed();
    actions(&mut control);
    control.handle_tick(at(5));
    add(&mut control, "red:work.example", &["2001:db8:9::/64"]).unwrap();
    assert_eq!(actions(&mut control), ["save"]);
    let view = seen(&control, "red:WORK.example", 7);
    assert_eq!((view.number, view.since, view.sources.len()), (1, Duration::from_secs(5), 1));
    assert_eq!((view.sources[0].router.is_none(), view.known[0].valid), (true, Deadline::Never));
    assert_eq!((pvds(&control, "red"), pvds(&control, "red/dev")), (vec!["work.example.".to_owned()], vec![]));
    assert_eq!((usage(&control, "red"), usage(&control, "/"), usage(&control, "blue")), ([1, 0], [1, 0], [0, 0]));
    control.handle_tick(at(1_000_000));
    assert_eq!(pvds(&control, "red").len(), 1, "it has no end");
    control.handle_request(Request::PvdDel(pvd("red:work.example"))).unwrap();
    assert_eq!((pvds(&control, "red").len(), usage(&control, "/")), (0, [0, 0]));
    assert_eq!(control.plant.learning.numbered(), 0);
}

#[test]
fn test_the_operator_comes_before_routers_and_beside_them() {
    let mut control = routed();
    hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 1);
    hear(&mut control, "red:r1", &lasting(Some("b.example"), 2, 500), 1);
    let number = seen(&control, "red:a.example", 1).number;
    add(&mut control, "red:a.example", &["2001:db8:2::/64"]).unwrap();
    let view = seen(&control, "red:a.example", 1);
    assert_eq!((view.number, view.sources.len()), (number, 2), "it is the same PvD");
    assert_eq!(prefixes(&view), ["2001:db8:1::/64", "2001:db8:2::/64"]);
    assert!(prefixes(&seen(&control, "red:b.example", 1)).is_empty(), "it is taken from the one that was taught");
    hear(&mut control, "red:r1", &lasting(Some("b.example"), 2, 500), 2);
    assert!(prefixes(&seen(&control, "red:b.example", 2)).is_empty(), "and does not come back");
    control.handle_tick(at(101));
    assert_eq!(prefixes(&seen(&control, "red:a.example", 101)), ["2001:db8:2::/64"], "what routers said has ended");
    assert_eq!(usage(&control, "red"), [2, 1]);
    hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 102);
    control.handle_request(Request::PvdDel(pvd("red:a.example"))).unwrap();
    let view = seen(&control, "red:a.example", 102);
    assert_eq!(
        (prefixes(&view), view.number),
        (vec!["2001:db8:1::/64".to_owned()], number),
        "its router still speaks of it"
    );
    hear(&mut control, "red:r1", &lasting(Some("b.example"), 2, 500), 103);
    assert_eq!(prefixes(&seen(&control, "red:b.example", 103)), ["2001:db8:2::/64"], "it is free again");
}

#[test]
fn test_what_is_refused_and_why() {
    let mut control = routed();
    hear(&mut control, "red:r1", &advert(Some("learnt.example"), 1), 1);
    add(&mut control, "red:a.example", &["2001:db8:9::/64"]).unwrap();
    actions(&mut control);
    let before = control.desired().clone();
    let far = |facts: usize| {
        let mut many = Statement::default();
        let servers: Vec<String> = (0..facts).map(|i| format!("2001:db8::{i:x}1")).collect();
        FactList::Rdnss.set(&mut many, &servers).unwrap();
        many
    };
    let delay = Statement { flags: pvd::PvdFlags { delay: 16, ..Default::default() }, ..Statement::default() };
    let refused = [
        (Request::PvdAdd(pvd("green:a.example"), said(&[])), r#"namespace "green" not found"#),
        (Request::PvdAdd(pvd("red:A.example"), said(&[])), r#"PvD "red:a.example." exists already"#),
        (
            Request::PvdAdd(pvd("red:b.example"), said(&["2001:db8:9::/64"])),
            r#"prefix "2001:db8:9::/64" is in use by PvD "red:a.example.""#,
        ),
        (Request::PvdAdd(pvd("red:b.example"), delay), r#"delay: "16" is not valid (expected 0 to 15)"#),
        (
            Request::PvdAdd(pvd("red:b.example"), far(65)),
            "too many prefixes, routes and resolvers of one PvD: the limit is 64",
        ),
        (Request::PvdSet(pvd("red:b.example"), said(&[])), r#"PvD "red:b.example." not found"#),
        (Request::PvdDel(pvd("blue:a.example")), r#"PvD "blue:a.example." not found"#),
        (Request::PvdDel(pvd("green:a.example")), r#"namespace "green" not found"#),
        (
            Request::PvdDel(pvd("red:learnt.example")),
            r#"name: "learnt.example." is not valid (expected a static PvD; this one is known from routers only, `weft pvd create` makes it static too)"#,
        ),
        (del("red"), r#"namespace "red" is in use by port "red:r1" and 4 more"#),
    ];
    for (request, why) in refused {
        assert_eq!(control.handle_request(request.clone()).unwrap_err().to_string(), why, "{request:?}");
        assert_eq!(*control.desired(), before);
        assert!(actions(&mut control).is_empty());
    }
    add(&mut control, "blue:a.example", &["2001:db8:9::/64"]).unwrap();
    let why = control.handle_request(del("blue")).unwrap_err();
    assert_eq!(why.to_string(), r#"namespace "blue" is in use by PvD "blue:a.example.""#);
    let base = path("red");
    let why = add(&mut control, "red:b.example", &["2001:db8:9::/64"]).unwrap_err().seen_from(&base, &Usage::default());
    assert_eq!(why.to_string(), r#"prefix "2001:db8:9::/64" is in use by PvD "/:a.example.""#);
}

/// A request that is refused at its last step has taken no prefix from anybody.
#[test]
fn test_a_refused_request_has_taken_nothing_from_routers() {
    let mut control = routed();
    hear(&mut control, "red:r1", &advert(Some("learnt.example"), 1), 1);
    add(&mut control, "red:old.example", &["2001:db8:9::/64"]).unwrap();
    let events = |control: &Control| {
        let home = control.plant.tree.find(&path("red")).unwrap();
        home.get(control.plant.learning.pvds).unwrap().made().unwrap().last_event()
    };
    let (told, mut next) = (events(&control), control.desired().clone());
    next.del_pvd(&pvd("red:old.example")).unwrap();
    next.add_pvd(pvd("red:work.example"), said(&["2001:db8:1::/64"])).unwrap();
    control.register_subsystem(super::learning::Refuses("far")).unwrap();
    next.add_namespace(path("far"), NamespaceSpec::default()).unwrap();
    control.handle_request(Request::Apply(next.clone())).unwrap_err();
    assert_eq!(pvds(&control, "red"), ["learnt.example.", "old.example."]);
    assert_eq!((prefixes(&seen(&control, "red:learnt.example", 1)).len(), events(&control)), (1, told));
    next.del_namespace(&path("far")).unwrap();
    control.handle_request(Request::Apply(next)).unwrap();
    assert_eq!(pvds(&control, "red"), ["learnt.example.", "work.example."]);
}

#[test]
fn test_prefixes_change_hands_in_one_request() {
    let mut control = routed();
    add(&mut control, "red:a.example", &["2001:db8:1::/64"]).unwrap();
    add(&mut control, "red:b.example", &["2001:db8:2::/64"]).unwrap();
    let mut next = Desired::default();
    control
        .desired()
        .namespaces()
        .iter()
        .for_each(|(path, spec)| next.add_namespace(path.clone(), spec.clone()).unwrap());
    next.add_pvd(pvd("red:a.example"), said(&["2001:db8:2::/64"])).unwrap();
    next.add_pvd(pvd("red:b.example"), said(&["2001:db8:1::/64"])).unwrap();
    control.handle_request(Request::Apply(next)).unwrap();
    assert_eq!(prefixes(&seen(&control, "red:a.example", 1)), ["2001:db8:2::/64"]);
    assert_eq!(prefixes(&seen(&control, "red:b.example", 1)), ["2001:db8:1::/64"]);
}

#[test]
fn test_quotas_hold_for_static_ones_among_themselves_and_for_routers_among_all() {
    let mut control = routed();
    let quotas = vec![(Resource::Pvds, Some(2))];
    let change = NamespaceChange { quotas, ..NamespaceChange::default() };
    control.handle_request(Request::NamespaceSet(path("red"), change)).unwrap();
    hear(&mut control, "red:r1", &advert(Some("learnt.example"), 1), 1);
    add(&mut control, "red/dev:a.example", &[]).unwrap();
    hear(&mut control, "red:r1", &advert(Some("more.example"), 2), 1);
    assert_eq!(usage(&control, "red"), [2, 1], "nothing new is learnt");
    add(&mut control, "red:b.example", &[]).unwrap();
    let why = add(&mut control, "red:c.example", &[]).unwrap_err();
    assert_eq!(why, Refusal::Quota { resource: Resource::Pvds, owner: path("red"), limit: 2 });
    assert_eq!(usage(&control, "red"), [3, 1], "no router keeps a static one out");
    let quotas = vec![(Resource::Pvds, Some(1))];
    let lower = Request::NamespaceSet(path("red"), NamespaceChange { quotas, ..NamespaceChange::default() });
    assert!(control.handle_request(lower).unwrap_err().to_string().contains("at least 2"));
}

#[test]
fn test_numbers_are_the_same_after_a_restart() {
    let mut control = routed();
    hear(&mut control, "red:r1", &advert(Some("first.example"), 1), 1);
    for key in ["red/dev:b.example", "red:a.example", "red/dev:a.example"] {
        add(&mut control, key, &[]).unwrap();
    }
    let (desired, numbers) = (control.desired().clone(), control.numbers());
    assert_eq!(numbers.pvds[&pvd("red/dev:a.example")], [2, 4, 4]);
    let mut again = Control::restored(1, BTreeMap::new(), numbers.clone());
    again.handle_request(Request::Apply(desired)).unwrap();
    assert_eq!(again.numbers().pvds, numbers.pvds);
    assert_eq!(seen(&again, "red/dev:a.example", 0).number, 4);
    hear(&mut again, "red:r1", &advert(Some("first.example"), 1), 1);
    assert_eq!(seen(&again, "red:first.example", 1).number, 1, "what routers teach has what is free");
}

/// Someone still reads a PvD: its namespace waits, and says so.
#[test]
fn test_a_namespace_waits_for_those_who_read_its_pvds() {
    let mut control = routed();
    add(&mut control, "red/dev:a.example", &["2001:db8:1::/64"]).unwrap();
    hear(&mut control, "red/dev:r1", &advert(Some("b.example"), 2), 1);
    let home = control.plant.tree.find(&path("red/dev")).unwrap();
    let registry = home.get(control.plant.learning.pvds).unwrap().made().unwrap();
    let mut reader = registry.reader();
    let held: Vec<_> = registry.members().iter().cloned().collect();
    let recursive = |path| Request::NamespaceDel { path, recursive: true, force: false };
    control.handle_request(recursive(path("red/dev"))).unwrap();
    actions(&mut control);
    control.reap();
    let zombies = |control: &Control| -> Vec<String> {
        control.operator().zombies().into_iter().map(|zombie| zombie.waits_for.join(" and ")).collect()
    };
    assert_eq!(zombies(&control), ["readers of 2 PvDs"]);
    assert!(reader.members().is_empty(), "nothing leads to them any more");
    assert_eq!((held[0].id().to_string(), held[0].attributes().is_static()), ("a.example.".to_owned(), true));
    add_anew(&mut control);
    drop(held);
    control.reap();
    assert!(zombies(&control).is_empty());
}

/// Another namespace of that path has nothing to do with the one that is still being read.
fn add_anew(control: &mut Control) {
    control.handle_request(Request::NamespaceAdd(path("red/dev"), NamespaceSpec::default())).unwrap();
    assert!(pvds(control, "red/dev").is_empty());
    add(control, "red/dev:a.example", &["2001:db8:1::/64"]).unwrap();
    assert_eq!(pvds(control, "red/dev"), ["a.example."]);
}

/// However often it comes and goes: nobody who reads keeps more alive than there is a bound for.
#[test]
fn test_static_pvds_that_are_still_being_read_are_bounded() {
    let mut control = routed();
    let mut held = Vec::new();
    let refused = (0..=pvd::limits::ZOMBIES).find_map(|_| {
        if let Err(why) = add(&mut control, "red:a.example", &[]) {
            return Some(why);
        }
        let home = control.plant.tree.find(&path("red")).unwrap();
        let registry = home.get(control.plant.learning.pvds).unwrap().made().unwrap();
        held.extend(registry.members().iter().cloned());
        control.handle_request(Request::PvdDel(pvd("red:a.example"))).unwrap();
        None
    });
    assert_eq!(refused.unwrap().to_string(), "too many PvDs that are gone and still being read: the limit is 1024");
    drop(held);
    add(&mut control, "red:a.example", &[]).unwrap();
}
