// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::*;
use dataplane::DropReason;
use wire::name::DomainName;
use wire::nd::{Preference, PrefixInfo, PvdOption, RouteInfo, encode};

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const OTHER: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const SPAN: Duration = Duration::from_secs(10);

/// An advertisement with these options, from its ICMPv6 type on.
fn message(options: &[NdOption<'_>]) -> Vec<u8> {
    let frame = wire::build::advertisement(MAC, ROUTER, 1800, &encode(options.iter().copied()).unwrap());
    let (ethernet, ip6) = (14, 40);
    frame[ethernet + ip6..].to_vec()
}

fn prefix(text: &str, prefix_len: u8) -> NdOption<'static> {
    NdOption::Prefix(PrefixInfo { prefix: text.parse().unwrap(), prefix_len, flags: 0xc0, valid: 9, preferred: 9 })
}

fn route(text: &str, prefix_len: u8) -> NdOption<'static> {
    let (prefix, preference) = (text.parse().unwrap(), Preference::Medium);
    NdOption::Route(RouteInfo { prefix, prefix_len, preference, lifetime: 9 })
}

fn note(learning: &mut RaLearning, rules: &RaGuard, options: &[NdOption<'_>]) -> bool {
    let octets = message(options);
    learning.note(rules, MAC, ROUTER, &RouterAdvert::parse(&octets).unwrap())
}

fn judge(rules: &RaGuard, (mac, src): (MacAddr, Ipv6Addr), options: &[NdOption<'_>]) -> Result<(), DropReason> {
    let octets = message(options);
    rules.judge(mac, src, &RouterAdvert::parse(&octets).unwrap())
}

fn state(learning: &RaLearning) -> RaGuardState {
    learning.standing(&RaGuard::default()).0
}

/// What happens to a port.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// An advertisement that the rules allow.
    Router,
    /// Nine seconds with a guest, or without.
    Nine(bool),
    /// An operator has it learn anew, or not at all.
    Asked(bool),
}

#[test]
fn test_every_state_goes_where_the_rfc_says_and_nowhere_else() {
    use Event::{Asked, Nine, Router};
    use RaGuardState::{Blocking, Forwarding, Learning, Off};
    let table: [(&[Event], RaGuardState); 12] = [
        (&[], Learning),
        (&[Router], Learning),
        (&[Nine(true), Nine(true)], Learning),
        (&[Nine(true), Nine(true), Nine(true)], Blocking),
        (&[Router, Nine(true), Nine(true), Nine(true)], Forwarding),
        (&[Nine(true), Router, Nine(true), Nine(true)], Forwarding),
        (&[Nine(false), Nine(false), Nine(false), Nine(false)], Learning),
        (&[Router, Nine(true), Nine(true), Nine(false), Nine(true), Nine(false)], Forwarding),
        (&[Nine(true), Nine(true), Nine(true), Router, Nine(true)], Blocking),
        (&[Nine(true), Nine(true), Nine(true), Asked(true)], Learning),
        (&[Router, Nine(true), Nine(true), Nine(true), Asked(true), Nine(true), Nine(true), Nine(true)], Blocking),
        (&[Nine(true), Nine(true), Nine(true), Asked(false), Nine(true)], Off),
    ];
    for (events, expected) in table {
        let (mut learning, mut now) = (RaLearning::begin(Some(SPAN)), Duration::ZERO);
        for event in events {
            match *event {
                Router if learning.is_learning() => assert!(note(&mut learning, &RaGuard::default(), &[])),
                Router => {}
                Nine(guest) => {
                    now += Duration::from_secs(9);
                    learning.tick(now, guest);
                }
                Asked(learns) => learning = RaLearning::begin(learns.then_some(SPAN)),
            }
        }
        assert_eq!(state(&learning), expected, "{events:?}");
    }
}

#[test]
fn test_the_span_counts_while_a_guest_is_there_and_is_told_once() {
    let mut learning = RaLearning::begin(Some(SPAN));
    let mut tick = |second, guest| {
        let over = learning.tick(Duration::from_secs(second), guest);
        (over, learning.view(&RaGuard::default()).left.map(|left| left.as_secs()))
    };
    assert_eq!([tick(100, false), tick(200, true)], [(false, Some(10)); 2], "nobody was there to be heard");
    assert_eq!(tick(206, true), (false, Some(4)));
    assert_eq!([tick(207, false), tick(300, false), tick(301, true)], [(false, Some(3)); 3]);
    assert_eq!([tick(304, true), tick(305, true)], [(true, None), (false, None)]);
    assert_eq!(RaLearning::begin(None).view(&RaGuard::default()), RaLearningView::default());
}

#[test]
fn test_what_was_found_is_all_that_may_be_said() {
    let name: DomainName = "corp.example".parse().unwrap();
    let nested = encode([prefix("2001:db8:3::", 64)]).unwrap();
    let pvd = NdOption::Pvd(PvdOption::new(name.as_name(), &nested));
    let said = [NdOption::SourceLinkLayer(MAC), prefix("2001:db8:1::", 64), route("2001:db8:2::", 48), route("::", 0)];
    let said: Vec<_> = said.into_iter().chain([pvd]).collect();
    let mut learning = RaLearning::begin(Some(SPAN));
    assert!(note(&mut learning, &RaGuard::default(), &said));
    learning.tick(Duration::ZERO, true);
    assert!(learning.tick(SPAN, true));
    let (state, rules) = learning.standing(&RaGuard::default());
    assert_eq!(state, RaGuardState::Forwarding);
    assert_eq!(judge(&rules, (MAC, ROUTER), &said), Ok(()));
    assert_eq!(judge(&rules, (MAC, ROUTER), &[route("2001:db8:2:7::", 64)]), Ok(()), "within what it told");
    assert_eq!(judge(&rules, (OTHER, ROUTER), &[]), Err(DropReason::RaMac));
    assert_eq!(judge(&rules, (MAC, "fe80::2".parse().unwrap()), &[]), Err(DropReason::RaRouter));
    assert_eq!(judge(&rules, (MAC, ROUTER), &[NdOption::SourceLinkLayer(OTHER)]), Err(DropReason::RaMac));
    assert_eq!(judge(&rules, (MAC, ROUTER), &[prefix("2001:db8:4::", 64)]), Err(DropReason::RaPrefix));
    assert_eq!(learning.decided().map(|found| found.prefixes.len()), Some(3), "the default route is none");
}

#[test]
fn test_who_told_of_no_prefix_may_tell_of_none_and_who_is_everywhere_is_nobody() {
    let mut learning = RaLearning::begin(Some(SPAN));
    assert!(!note(&mut learning, &RaGuard::default(), &[prefix("::", 0)]));
    assert_eq!(learning.view(&RaGuard::default()).found, RoutersFound::default());
    assert!(note(&mut learning, &RaGuard::default(), &[]));
    learning.tick(Duration::ZERO, true);
    learning.tick(SPAN, true);
    let (_, rules) = learning.standing(&RaGuard::default());
    assert_eq!(judge(&rules, (MAC, ROUTER), &[route("::", 0)]), Ok(()));
    assert_eq!(judge(&rules, (MAC, ROUTER), &[prefix("2001:db8:1::", 64)]), Err(DropReason::RaPrefix));
}

#[test]
fn test_the_ports_own_rules_hold_while_it_learns_and_afterwards() {
    let own = |text: &str| RaGuard { prefixes: [text.parse().unwrap()].into(), ..RaGuard::default() };
    let strict = RaGuard { macs: [OTHER].into(), ..RaGuard::default() };
    let mut learning = RaLearning::begin(Some(SPAN));
    assert!(
        !note(&mut learning, &strict, &[])
            && !note(&mut learning, &own("2001:db8:2::/48"), &[prefix("2001:db8:1::", 64)])
    );
    assert!(note(&mut learning, &own("2001:db8:1::/48"), &[prefix("2001:db8:1::", 64)]));
    learning.tick(Duration::ZERO, true);
    learning.tick(SPAN, true);
    assert_eq!(learning.standing(&strict).0, RaGuardState::Blocking, "none of those that were heard may speak now");
    let (state, rules) = learning.standing(&own("2001:db8:2::/48"));
    assert_eq!(state, RaGuardState::Forwarding);
    assert_eq!(
        judge(&rules, (MAC, ROUTER), &[prefix("2001:db8:2::", 64)]),
        Err(DropReason::RaPrefix),
        "nobody told that"
    );
    assert_eq!(
        judge(&rules, (MAC, ROUTER), &[prefix("2001:db8:1::", 64)]),
        Err(DropReason::RaPrefix),
        "it may not now"
    );
}

#[test]
fn test_a_flood_of_routers_takes_no_more_room_than_there_is() {
    let mut learning = RaLearning::begin(Some(SPAN));
    for number in 0..1000_u16 {
        let src = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, number);
        let octets = message(&[prefix("2001:db8:1::", 64)]);
        let noted = learning.note(&RaGuard::default(), MAC, src, &RouterAdvert::parse(&octets).unwrap());
        assert_eq!(noted, usize::from(number) < RA_GUARD_MAX);
    }
    let many: Vec<_> = (0..=RA_GUARD_MAX).map(|n| prefix(&format!("2001:db8:{n:x}::"), 64)).collect();
    let mut learning = RaLearning::begin(Some(SPAN));
    assert!(!note(&mut learning, &RaGuard::default(), &many), "as a whole or not at all");
    assert!(note(&mut learning, &RaGuard::default(), &many[1..]));
}

#[test]
fn test_another_span_begins_again_with_what_was_heard_and_undoes_no_decision() {
    let mut learning = RaLearning::begin(Some(SPAN));
    assert!(note(&mut learning, &RaGuard::default(), &[]));
    learning.tick(Duration::ZERO, true);
    learning.respan(Some(2 * SPAN));
    assert!(!learning.tick(SPAN, true) && !learning.tick(2 * SPAN, true));
    assert!(learning.tick(3 * SPAN, true));
    assert_eq!(state(&learning), RaGuardState::Forwarding);
    learning.respan(Some(SPAN));
    assert_eq!(state(&learning), RaGuardState::Forwarding);
    learning.respan(None);
    assert_eq!(state(&learning), RaGuardState::Off);
    learning.respan(Some(SPAN));
    assert_eq!(learning.view(&RaGuard::default()), RaLearning::begin(Some(SPAN)).view(&RaGuard::default()));
}
