// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The mediator: who is told what how often, and which ports see it.

use super::build::{LEGACY, Net, Ra, name, prefix, router, s};
use crate::{ASKED_FOR, Advert, Deadline, Fact, Mediator, Reach, Seen, Sight, limits};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;
use wire::MacAddr;
use wire::nd::{RouterAdvert, kind, pio_flag};

/// The period of these tests.
const EVERY: Duration = s(60);

const fn vm(host: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 1, host])
}

#[derive(Default)]
struct Bed {
    mediator: Mediator,
    now: Duration,
}

impl Bed {
    fn new() -> Bed {
        Bed { now: s(1000), ..Bed::default() }
    }

    fn reach(&mut self, from: (u32, u16), ra: &Ra, to_all: bool) -> Reach {
        self.reach_seen(from, ra, to_all.then_some(&[1, 2, 8, 9][..]))
    }

    /// The same where these ports see what it says.
    fn reach_seen(&mut self, (port, host): (u32, u16), ra: &Ra, to_all: Option<&[u32]>) -> Reach {
        let octets = ra.bytes();
        let advert = Advert::new(port, router(host), RouterAdvert::parse(&octets).unwrap()).unwrap();
        self.mediator.reach(&advert, &octets, to_all, Some(EVERY), self.now)
    }

    /// Whether all hosts are told what the router of that number says behind port 1.
    fn is_told(&mut self, host: u16, ra: &Ra) -> bool {
        self.reach((1, host), ra, true) == Reach::All
    }

    fn pass(&mut self, seconds: u64) {
        self.now += s(seconds);
    }
}

fn usual() -> Ra {
    Ra::of("a.example", 1800).prefix("2001:db8::/64", 3600)
}

#[test]
fn what_all_hosts_know_is_told_once_in_the_time() {
    let mut bed = Bed::new();
    let told: Vec<u64> = (0..200).filter(|_| (bed.is_told(1, &usual()), bed.pass(1)).0).collect();
    assert_eq!(told, [0, 60, 120, 180]);
    assert_eq!(bed.mediator.counters(1).held, 196);
}

#[test]
fn each_pvd_of_each_router_has_a_time_of_its_own() {
    let mut bed = Bed::new();
    let (a, b, none) = (usual(), Ra::of("b.example", 1800), Ra::new(1800));
    for expected in [true, false] {
        for host in [1, 2] {
            let told = [&a, &b, &none].map(|ra| bed.is_told(host, ra));
            assert_eq!(told, [expected; 3]);
        }
        assert_eq!(bed.reach((2, 1), &a, true) == Reach::All, expected, "the same address behind another port");
    }
}

#[test]
fn whatever_is_new_passes_at_once() {
    let changed = [
        usual().rdnss(&["::1"], 3600),
        usual().flags(LEGACY, 0),
        usual().header(|header| header.hop_limit = 255),
        usual().inner_header(1800),
        Ra::of("a.example", 1800).prefix("2001:db8:1::/64", 3600),
        Ra::of("a.example", 1800).prefix_with("2001:db8::/64", (3600, 3600), pio_flag::ON_LINK),
        usual().raw(&[253, 1, 0, 0, 0, 0, 0, 0]),
        // Withdrawn, and no router any more.
        Ra::of("a.example", 1800).prefix("2001:db8::/64", 0),
        Ra::of("a.example", 1800).prefix_with("2001:db8::/64", (3600, 0), pio_flag::ON_LINK | pio_flag::AUTONOMOUS),
        Ra::of("a.example", 0).prefix("2001:db8::/64", 3600),
        // Hosts would believe it for too long.
        Ra::of("a.example", 900).prefix("2001:db8::/64", 3600),
        Ra::of("a.example", 1800).prefix("2001:db8::/64", 3500),
    ];
    for (number, other) in changed.iter().enumerate() {
        let mut bed = Bed::new();
        assert!(bed.is_told(1, &usual()) && !bed.is_told(1, &usual()));
        bed.pass(5);
        assert!(bed.is_told(1, other) && !bed.is_told(1, other), "{number}");
        // What took the place of the first is the last word: the first is news again, unless it goes beside it or is the same
        // for longer.
        assert_eq!(bed.is_told(1, &usual()), ![4, 10, 11].contains(&number), "{number}");
    }
}

#[test]
fn lifetimes_that_only_grow_or_run_down_with_the_clock_are_no_news() {
    let mut bed = Bed::new();
    assert!(bed.is_told(1, &usual()));
    for passed in [1, 10, 59] {
        let ra = |by: u32| Ra::of("a.example", 1800 - by as u16).prefix("2001:db8::/64", 3600 - by);
        bed.now = s(1000 + u64::from(passed));
        assert!(!bed.is_told(1, &ra(passed)) && !bed.is_told(1, &usual()), "{passed}");
        assert!(!bed.is_told(1, &Ra::of("a.example", 9000).prefix("2001:db8::/64", u32::MAX)), "{passed}");
    }
}

#[test]
fn parts_of_one_word_do_not_push_each_other_aside() {
    let mut bed = Bed::new();
    let part = |server: &str| Ra::of("a.example", 1800).rdnss(&[server], 1800);
    for expected in [true, false, false] {
        assert_eq!([part("::1"), part("::2"), usual()].map(|ra| bed.is_told(1, &ra)), [expected; 3]);
    }
    assert!(bed.is_told(1, &part("::1").mtu(1400)), "one that says more than it did");
    assert!(!bed.is_told(1, &part("::2")));
}

#[test]
fn nothing_is_held_back_for_more_than_a_third_of_its_life() {
    let mut bed = Bed::new();
    let short = Ra::of("a.example", 30).prefix("2001:db8::/64", 3600);
    let told: Vec<u64> = (0..40).filter(|_| (bed.is_told(1, &short), bed.pass(1)).0).collect();
    assert_eq!(told, [0, 10, 20, 30]);
}

#[test]
fn a_host_that_has_asked_is_told_by_itself_and_once() {
    let mut bed = Bed::new();
    assert!(bed.is_told(1, &usual()) && bed.is_told(2, &Ra::new(1800)));
    bed.pass(5);
    bed.mediator.solicited(9, vm(1), bed.now);
    bed.mediator.solicited(8, vm(2), bed.now);
    bed.mediator.solicited(1, vm(3), bed.now);
    let both = Reach::Hosts(vec![(9, Some(vm(1))), (8, Some(vm(2)))]);
    assert_eq!(bed.reach((1, 1), &usual(), true), both, "not who asked behind the router's own port");
    assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(Vec::new()));
    assert_eq!(bed.reach((1, 2), &Ra::new(1800), true), both, "another router");
    bed.mediator.solicited(9, vm(1), bed.now);
    assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(vec![(9, Some(vm(1)))]));
    bed.mediator.solicited(9, vm(1), bed.now);
    bed.now += ASKED_FOR;
    assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(Vec::new()), "too late");
}

#[test]
fn what_all_are_told_is_not_told_once_more_to_who_has_asked() {
    let mut bed = Bed::new();
    bed.mediator.solicited(9, vm(1), bed.now);
    assert!(bed.is_told(1, &usual()));
    assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(Vec::new()));
}

#[test]
fn what_is_sent_to_one_host_or_is_signed_is_not_held_back() {
    let mut bed = Bed::new();
    let signed = Ra::new(1800).raw(&[kind::TIMESTAMP, 1, 1, 2, 3, 4, 5, 6]);
    for _ in 0..3 {
        assert_eq!(bed.reach((1, 1), &usual(), false), Reach::All);
        assert!(bed.is_told(2, &signed));
    }
    assert!(bed.is_told(1, &usual()), "what one host was told is news to the others");
    let octets = usual().bytes();
    let advert = Advert::new(1, router(1), RouterAdvert::parse(&octets).unwrap()).unwrap();
    assert_eq!(bed.mediator.reach(&advert, &octets, Some(&[9]), None, bed.now), Reach::All, "nobody asked for it");
}

#[test]
fn a_port_causes_so_many_frames_and_no_port_pays_for_another() {
    let mut bed = Bed::new();
    let most = limits::PORT_SENT_AT_ONCE as usize;
    let (a_second, port) = (limits::PORT_SENT as usize, 1);
    assert!(!bed.mediator.may_send(port, most + 1, bed.now) && bed.mediator.may_send(port, most, bed.now));
    assert!(!bed.mediator.may_send(port, 1, bed.now) && bed.mediator.may_send(2, most, bed.now));
    bed.pass(1);
    assert!(!bed.mediator.may_send(port, a_second + 1, bed.now) && bed.mediator.may_send(port, a_second, bed.now));
    // Ten looks a millisecond, and yet what runs off is counted.
    let sent = (0..10_000).filter(|_| {
        bed.now += Duration::from_micros(100);
        bed.mediator.may_send(port, 1, bed.now)
    });
    let sent = sent.count();
    assert!((a_second * 9 / 10..=a_second).contains(&sent), "{sent}");
    let counters = bed.mediator.counters(port);
    assert_eq!((counters.sent, counters.beyond), ((most + a_second + sent) as u64, 3 + 10_000 - sent as u64));
}

#[test]
fn what_nobody_was_told_for_want_of_budget_is_no_repetition() {
    let mut bed = Bed::new();
    assert!(bed.is_told(1, &usual()));
    assert!(!bed.mediator.may_send(1, limits::PORT_SENT_AT_ONCE as usize + 1, bed.now));
    assert!(bed.is_told(1, &usual()), "it was lost, so it is news");
    assert!(bed.mediator.may_send(1, 1, bed.now) && !bed.is_told(1, &usual()));
}

#[test]
fn a_flood_takes_no_more_room_than_there_is() {
    let mut bed = Bed::new();
    for host in 0..1000 {
        assert!(bed.is_told(host, &usual()));
        bed.pass(1);
    }
    let kept = (0..1000).filter(|host| !bed.is_told(999 - host, &usual())).count();
    assert_eq!(kept, limits::PORT_TOLD, "the latest, and those are held back");
    assert!(bed.reach((2, 1), &usual(), true) == Reach::All && bed.reach((2, 1), &usual(), true) != Reach::All);
    (0..100).for_each(|host| bed.mediator.solicited(9, vm(host), bed.now));
    bed.mediator.solicited(8, vm(200), bed.now);
    let all_behind_one = Reach::Hosts(vec![(9, None), (8, Some(vm(200)))]);
    assert_eq!(bed.reach((2, 1), &usual(), true), all_behind_one);
}

#[test]
fn however_many_ask_behind_a_link_each_is_told() {
    let mut bed = Bed::new();
    assert!(bed.is_told(1, &usual()));
    let most = limits::PORT_SOLICITORS as u8;
    (0..most).for_each(|host| bed.mediator.solicited(9, vm(host), bed.now));
    let each = (0..most).map(|host| (9, Some(vm(host)))).collect();
    assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(each));
    for host in most..100 {
        bed.mediator.solicited(9, vm(host), bed.now);
        assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(vec![(9, None)]), "{host}");
        assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(Vec::new()), "once");
    }
    bed.now += ASKED_FOR;
    bed.mediator.solicited(9, vm(1), bed.now);
    assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(vec![(9, Some(vm(1)))]), "one is asked by itself again");
}

#[test]
fn what_a_port_does_not_see_does_not_count_as_told_there() {
    let mut bed = Bed::new();
    let hidden: Vec<Ra> = (0..2 * limits::ANSWER).map(|n| Ra::of(&format!("p{n}.example"), 1800)).collect();
    assert!(bed.is_told(1, &usual()));
    bed.mediator.solicited(9, vm(1), bed.now);
    for ra in &hidden {
        assert_eq!(bed.reach_seen((2, 1), ra, Some(&[8])), Reach::All, "all that see it");
    }
    assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(vec![(9, Some(vm(1)))]));
}

#[test]
fn what_was_told_can_be_forgotten() {
    let mut bed = Bed::new();
    assert!(bed.is_told(1, &usual()) && !bed.is_told(1, &usual()));
    bed.mediator.forget_told();
    assert!(bed.is_told(1, &usual()));
    bed.mediator.solicited(9, vm(1), bed.now);
    bed.mediator.forget_port(9);
    assert_eq!(bed.reach((1, 1), &usual(), true), Reach::Hosts(Vec::new()));
    bed.mediator.forget_port(1);
    assert!(bed.is_told(1, &usual()));
}

#[test]
fn a_port_sees_the_pvds_that_it_is_bound_to() {
    let sight = |words: &[&str]| Sight::Only(words.iter().map(|word| Seen::of(word).unwrap()).collect());
    let (work, home) = (name("work.example"), name("implicit"));
    let sees = |sight: &Sight| [Some(&work), Some(&home), None].map(|name| sight.sees(name.map(|name| name.as_name())));
    assert_eq!(sees(&Sight::All), [true; 3]);
    assert_eq!(sees(&sight(&[])), [false; 3]);
    assert_eq!(sees(&sight(&["WORK.Example."])), [true, false, false]);
    assert_eq!(sees(&sight(&["implicit"])), [false, false, true]);
    assert_eq!(sees(&sight(&["implicit.", "work.example"])), [true, true, false], "a name ends in a dot");
    let words = sight(&["work.example", "implicit"]).words().unwrap();
    assert_eq!((words, Sight::All.words()), (vec!["implicit".to_owned(), "work.example.".to_owned()], None));
    assert!(Seen::of("").is_err() && Seen::of("a..b").is_err() && sight(&[]).is_narrow() && !Sight::All.is_narrow());
}

/// A prefix of each router's own: one of two is of whoever was heard last, and those are not the same.
const PREFIXES: [&str; 2] = ["2001:db8:1::/64", "2001:db8:2::/64"];
const SERVERS: [&str; 3] = ["2001:db8::1", "2001:db8::2", "2001:db8::3"];
const LIVES: [u32; 5] = [0, 20, 90, 1800, u32::MAX];

proptest! {
    /// A host that hears only what the mediator lets pass knows what one knows that hears everything, and believes nothing for
    /// longer.
    #[test]
    fn a_host_behind_it_knows_what_the_router_says(
        steps in prop::collection::vec((0..2u16, prop::collection::vec((0..3usize, 0..5usize), 0..3), 0..5usize, 0..40u64), 1..60),
    ) {
        let (mut all, mut told, mut bed) = (Net::new(), Net::new(), Bed::new());
        for (host, servers, lifetime, wait) in steps {
            let said: BTreeSet<_> = servers.into_iter().collect();
            let ra = Ra::new(LIVES[lifetime].min(9000) as u16).prefix(PREFIXES[usize::from(host)], 3600);
            let ra = said.iter().fold(ra, |ra, (server, life)| ra.rdnss(&[SERVERS[*server]], LIVES[*life]));
            all.say(1, host + 1, &ra);
            if bed.is_told(host + 1, &ra) {
                told.say(1, host + 1, &ra);
            }
            let known = |net: &Net| net.implicit(1, host + 1).map(|pvd| net.known(&pvd)).unwrap_or_default();
            let (heard, told_now) = (known(&all), known(&told));
            let facts = |known: &[crate::Known]| known.iter().map(|known| known.fact.clone()).collect::<BTreeSet<Fact>>();
            prop_assert!(facts(&told_now).is_subset(&facts(&heard)));
            prop_assert!(facts(&told_now).contains(&Fact::Prefix(prefix(PREFIXES[usize::from(host)]))));
            for (server, _) in said {
                let fact = Fact::Rdnss(SERVERS[server].parse().unwrap());
                prop_assert_eq!(facts(&told_now).contains(&fact), facts(&heard).contains(&fact), "{}", server);
            }
            for known in &told_now {
                let right = heard.iter().find(|right| right.fact == known.fact).map(|right| right.valid);
                let no_longer = match (known.valid, right) {
                    (Deadline::At(told), Some(Deadline::At(right))) => told <= right + s(3),
                    (Deadline::At(_), Some(_)) => true,
                    (_, right) => Some(known.valid) == right,
                };
                prop_assert!(no_longer, "{known:?} {right:?}");
            }
            (0..wait).for_each(|_| { all.pass(1); told.pass(1); bed.pass(1); });
        }
    }
}
