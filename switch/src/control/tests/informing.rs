// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Additional Information: what is fetched for which namespace, and who sees what came.

use super::learning::{at, hear, routed};
use super::*;
use crate::information::Fetched;
use crate::stated::{FactList, PvdKey};
use core::net::Ipv6Addr;
use pvd::info::{Standing, State, Trouble};
use pvd::{EventKind, Statement};
use wire::build;
use wire::name::DomainName;
use wire::nd::{NdOption, PvdOption, encode};

/// The beginning of 2026.
const WALL: Duration = Duration::from_secs(1_767_225_600);
const OBJECT: &str = r#"{"identifier":"a.example","expires":"2026-01-02T00:00:00Z","prefixes":["2001:db8::/32"]}"#;

/// What a router says about a PvD without prefixes; `Some`: with H and this sequence number.
fn advert(text: &str, sequence: Option<u16>) -> Vec<u8> {
    let name: DomainName = text.parse().unwrap();
    let (http, sequence) = (sequence.is_some(), sequence.unwrap_or(0));
    let name = name.as_name();
    let option = PvdOption { http, legacy: false, delay: 0, sequence, name, header: None, nested: &[] };
    let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    build::advertisement(MacAddr([2, 0, 0, 0, 0, 9]), router, 1000, &encode([NdOption::Pvd(option)]).unwrap())
}

fn standing(control: &Control, namespace: &str, pvd: &str, now: u64) -> Option<Standing> {
    control.operator().pvd(&path(namespace), pvd, Duration::from_secs(now)).unwrap().information
}

/// What those are told who watch a namespace of each fetch that has ended: why it brought nothing.
fn told(control: &Control, namespace: &str) -> Vec<Option<String>> {
    let news = control.operator().pvd_news(&path(namespace), Some(0), 100).unwrap();
    let fetches = news.events.into_iter().filter(|event| event.kind == EventKind::Fetched);
    fetches.map(|event| event.failed).collect()
}

#[test]
fn test_nothing_is_fetched_unless_it_is_asked_for() {
    let mut control = routed();
    hear(&mut control, "red:r1", &advert("a.example", Some(1)), 1);
    assert!(!control.follow_information(at(100)));
    assert_eq!((control.next_fetch(at(100)), standing(&control, "red", "a.example", 100)), (None, None));
}

#[test]
fn test_what_a_router_points_to_is_fetched_and_seen_in_its_namespace() {
    let mut control = routed();
    control.fetch_information(7);
    hear(&mut control, "red:r1", &advert("a.example", Some(1)), 1);
    hear(&mut control, "red:r1", &advert("plain.example", None), 1);
    hear(&mut control, "red/dev:r1", &advert("a.example", Some(1)), 1);
    control.follow_information(at(1));
    assert!(control.follow_information(at(3)));
    assert_eq!(control.next_fetch(at(3)).as_deref(), Some("a.example"));
    assert!(!control.follow_information(at(3)), "one at a time");
    let fetched = control.fetched(Ok(OBJECT), at(4), WALL).unwrap();
    assert!(matches!(&fetched, Fetched { state: State::Fetched(_), namespace, .. } if *namespace == path("red")));
    assert_eq!(control.next_fetch(at(4)).as_deref(), Some("a.example"), "that of another namespace");
    let failed = control.fetched(Err(Trouble::Tls), at(4), WALL).unwrap();
    assert!(matches!(&failed, Fetched { state: State::Failed(_), namespace, .. } if *namespace == path("red/dev")));
    assert_eq!(told(&control, "red"), [None]);
    assert_eq!(told(&control, "red/dev"), [Some(Trouble::Tls.to_string())], "those who watch");
    assert!(!control.follow_information(at(5)), "what is told of a fetch asks for none");
    assert!(standing(&control, "red", "a.example", 5).unwrap().known.is_some());
    assert!(standing(&control, "red/dev", "a.example", 5).unwrap().known.is_none());
    assert_eq!(standing(&control, "red", "plain.example", 5), None);
    hear(&mut control, "red:r1", &advert("a.example", Some(2)), 6);
    control.follow_information(at(6));
    assert!(standing(&control, "red", "a.example", 6).unwrap().known.is_none(), "it has changed");
    hear(&mut control, "red:r1", &advert("a.example", None), 7);
    control.follow_information(at(7));
    assert_eq!(standing(&control, "red", "a.example", 7), None, "there is none any more");
}

#[test]
fn test_an_operator_may_point_to_an_object_and_a_namespace_takes_its_past_along() {
    let mut control = switch();
    control.fetch_information(7);
    let key = PvdKey { namespace: path("blue"), name: "a.example".parse().unwrap() };
    let mut statement = Statement::default();
    statement.flags.http = true;
    FactList::Prefixes.set(&mut statement, &["2001:dead::/64"]).unwrap();
    let add = |control: &mut Control| control.handle_request(Request::PvdAdd(key.clone(), statement.clone()));
    add(&mut control).unwrap();
    control.follow_information(at(1));
    control.follow_information(at(3));
    assert!(control.next_fetch(at(3)).is_some());
    let fetched = control.fetched(Ok(OBJECT), at(3), WALL).unwrap();
    assert!(matches!(&fetched.state, State::Failed(why) if why.to_string().contains("2001:dead::/64")));
    control.handle_request(Request::NamespaceDel { path: path("blue"), recursive: true, force: false }).unwrap();
    control.handle_request(Request::NamespaceAdd(path("blue"), NamespaceSpec::default())).unwrap();
    add(&mut control).unwrap();
    control.follow_information(at(20));
    control.follow_information(at(30));
    assert_eq!(control.next_fetch(at(30)).as_deref(), Some("a.example"), "another namespace, another network");
    control.not_fetched(at(30));
    assert_eq!(control.next_fetch(at(39)), None);
    assert!(control.next_fetch(at(40)).is_some());
}

#[test]
fn test_a_name_that_no_host_can_have_is_not_asked_for() {
    let mut control = routed();
    control.fetch_information(7);
    hear(&mut control, "red:r1", &advert("127.0.0.1", Some(1)), 1);
    control.follow_information(at(1));
    control.follow_information(at(10));
    assert_eq!(control.next_fetch(at(10)), None);
    assert_eq!(told(&control, "red"), [Some("no host can have that name".to_owned())]);
    let standing = standing(&control, "red", "127.0.0.1", 10).unwrap();
    assert!(matches!(standing.state, State::Failed(why) if why.to_string() == "no host can have that name"));
}
