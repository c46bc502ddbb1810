// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Numbers of events: of one life of a namespace they are never those of another.

use super::learning::{add_router, advert, hear, routed};
use super::*;

/// The number of the last event in red, and whether somebody who knows all up to `since` has missed any.
fn news(control: &Control, since: u64) -> (u64, bool) {
    let news = control.operator().pvd_news(&path("red"), Some(since), 100).unwrap();
    (news.seq, news.missed)
}

#[test]
fn test_a_namespace_that_is_made_again_counts_on_also_at_the_same_time() {
    let mut control = routed();
    let mut last = 0;
    for _ in 0..3 {
        assert_eq!(news(&control, last), (0, last > 0), "no router has spoken, so all that was known is not there");
        let before = control.pvd_stirs();
        hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 9);
        hear(&mut control, "red:r1", &advert(None, 1), 9);
        assert!(control.pvd_stirs() > before);
        assert_eq!(news(&control, last).1, last > 0);
        let (seq, missed) = news(&control, 0);
        assert!(seq > last && !missed);
        last = seq;
        let all = Request::NamespaceDel { path: path("red"), recursive: true, force: true };
        control.handle_request(all).unwrap();
        control.reap();
        control.handle_request(Request::NamespaceAdd(path("red"), NamespaceSpec::default())).unwrap();
        add_router(&mut control, "red", "r1");
    }
}

#[test]
fn test_events_name_ports_that_are_gone() {
    let mut control = routed();
    hear(&mut control, "red:r1", &advert(None, 1), 9);
    control.handle_request(Request::PortDel { port: port("red:r1"), force: true }).unwrap();
    let news = control.operator().pvd_news(&path("red"), Some(0), 100).unwrap();
    let said = |at: usize| (news.events[at].name.as_str(), news.events[at].changes[0].router.clone());
    let who = Some((Some(name("r1")), super::learning::ROUTER));
    assert_eq!((news.events.len(), said(0), said(1)), (2, ("fe80::1%r1", who.clone()), ("fe80::1%r1", who)));
}
