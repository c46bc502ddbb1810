// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! When Additional Information is fetched (RFC 8801 section 4.1), by a clock that the test turns.

use super::build::{name, prefix, s};
use crate::info::{FAILURES_MAX, Failure, Fetches, Flaw, PVD_GAP, RATE, RATE_SPAN, Standing, State, Trouble, Want};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;
use wire::Prefix;

/// What the wall clock says at the beginning of time: 2026.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// In the middle between nothing and all.
const HALF: u64 = 1 << 63;

struct World {
    fetches: Fetches<u8>,
    now: Duration,
    random: u64,
}

impl World {
    fn new(random: u64) -> World {
        World { fetches: Fetches::default(), now: s(1000), random }
    }

    fn want(&mut self, network: u8, text: &str, sequence: u16, announced: &[Prefix]) {
        let want = Want { sequence, delay: 2, announced };
        self.fetches.want(network, &name(text), &want, self.now, self.random);
    }

    fn next(&mut self) -> Option<(u8, String)> {
        self.fetches.next(self.now).map(|(network, name)| (network, name.to_string()))
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.fetches.expire(self.now);
    }

    /// The host has an object that lasts for so many seconds.
    fn serve(&mut self, text: &str, seconds: u64) {
        let wall = EPOCH + self.now;
        let object = object(text, wall + s(seconds));
        self.fetches.answer(Ok(object.as_bytes()), self.now, wall, self.random);
    }

    fn fail(&mut self) {
        self.fetches.answer(Err(Trouble::Tls), self.now, EPOCH + self.now, self.random);
    }

    fn standing(&self, network: u8, text: &str) -> Option<Standing> {
        self.fetches.standing(network, &name(text), self.now)
    }

    fn state(&self, text: &str) -> Option<State> {
        self.standing(0, text).map(|standing| standing.state)
    }

    fn is_known(&self, text: &str) -> bool {
        self.standing(0, text).is_some_and(|standing| standing.known.is_some())
    }
}

/// An object about prefixes of documentation.
fn object(name: &str, expires: Duration) -> String {
    let date = time::OffsetDateTime::from_unix_timestamp(expires.as_secs() as i64).unwrap();
    let ((year, month, day), (hour, minute, second)) = (date.to_calendar_date(), date.to_hms());
    let month = u8::from(month);
    let date = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    format!(r#"{{"identifier":"{name}","expires":"{date}","prefixes":["2001:db8::/32"]}}"#)
}

#[test]
fn test_a_fetch_waits_for_a_part_of_what_the_router_says() {
    let mut world = World::new(HALF);
    world.want(0, "a.example", 1, &[]);
    let due = world.now + Duration::from_millis(1 << 11);
    assert_eq!(world.state("a.example"), Some(State::Waiting(due)));
    world.pass(Duration::from_millis((1 << 11) - 1));
    assert_eq!(world.next(), None);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.next(), Some((0, "a.example.".to_owned())));
    assert_eq!((world.state("a.example"), world.next()), (Some(State::Fetching), None));
}

#[test]
fn test_an_object_is_fetched_again_in_the_second_half_of_its_life_and_ends_with_it() {
    for (random, again) in [(0, 500), (HALF, 750), (u64::MAX, 1000)] {
        let mut world = World::new(0);
        world.want(0, "a.example", 1, &[]);
        world.next().unwrap();
        world.random = random;
        world.serve("a.example", 1000);
        assert_eq!(world.state("a.example"), Some(State::Fetched(world.now + s(again))));
        world.pass(s(again - 1));
        assert!(world.is_known("a.example") && world.next().is_none());
        world.pass(s(1));
        assert!(world.next().is_some());
        world.pass(s(1000 - again));
        assert!(!world.is_known("a.example"), "it has expired, whatever comes");
        world.serve("a.example", 1000);
        assert!(world.is_known("a.example"));
    }
}

#[test]
fn test_another_sequence_number_ends_what_was_known() {
    let mut world = World::new(HALF);
    world.want(0, "a.example", 1, &[]);
    world.pass(s(3));
    world.next().unwrap();
    world.serve("a.example", 1000);
    world.want(0, "a.example", 1, &[]);
    assert!(world.is_known("a.example"), "nothing has changed");
    world.pass(s(100));
    world.want(0, "a.example", 2, &[]);
    assert!(!world.is_known("a.example"));
    assert_eq!(world.state("a.example"), Some(State::Waiting(world.now + Duration::from_millis(1 << 11))));
    world.pass(s(3));
    world.next().unwrap();
    world.want(0, "a.example", 3, &[]);
    world.serve("a.example", 1000);
    assert!(!world.is_known("a.example"), "it may be that of 2");
    world.pass(PVD_GAP);
    assert!(world.next().is_some());
}

#[test]
fn test_a_name_that_failed_is_never_fetched_again() {
    let mut world = World::new(0);
    world.want(0, "a.example", 1, &[]);
    world.next().unwrap();
    world.fail();
    let failed = Some(State::Failed(Failure::Fetch(Trouble::Tls)));
    assert_eq!(world.state("a.example"), failed);
    world.pass(s(100_000));
    world.want(0, "a.example", 2, &[]);
    assert_eq!((world.state("a.example"), world.next()), (failed.clone(), None));
    world.fetches.unwant(0, &name("a.example"), world.now);
    assert_eq!(world.state("a.example"), None);
    world.pass(s(100_000));
    world.want(0, "A.example", 3, &[]);
    assert_eq!((world.state("a.example"), world.next()), (failed, None), "not when it was away either");
    world.want(1, "a.example", 1, &[]);
    assert!(world.next().is_some(), "another network is another attachment");
}

#[test]
fn test_where_ten_have_failed_nothing_is_fetched_and_elsewhere_it_is() {
    let mut world = World::new(0);
    for i in 0..FAILURES_MAX {
        world.want(0, &format!("f{i}.example"), 1, &[]);
        world.next().unwrap();
        world.fail();
        world.pass(RATE_SPAN);
    }
    world.want(0, "good.example", 1, &[]);
    world.pass(s(100_000));
    assert_eq!(world.next(), None);
    assert!(world.standing(0, "good.example").unwrap().stopped);
    world.want(1, "good.example", 1, &[]);
    assert_eq!(world.next(), Some((1, "good.example.".to_owned())));
    world.serve("good.example", 100);
    world.fetches.retain(|network| network != 0);
    world.want(0, "good.example", 1, &[]);
    assert!(world.next().is_some(), "a new network has no past");
}

#[test]
fn test_an_operator_may_have_tried_again_what_failed() {
    let mut world = World::new(0);
    let again = |world: &mut World, text: &str| world.fetches.again(0, &name(text), world.now);
    assert!(!again(&mut world, "n0.example"), "there is none");
    let names: Vec<String> = (0..FAILURES_MAX).map(|number| format!("n{number}.example")).collect();
    for text in &names {
        world.pass(RATE_SPAN);
        world.want(0, text, 1, &[]);
        world.next().unwrap();
        world.fail();
    }
    assert!(again(&mut world, "n9.example") && world.next().is_none(), "not so soon");
    assert!(again(&mut world, "n0.example"));
    world.want(0, "m.example", 1, &[]);
    world.pass(PVD_GAP.max(RATE_SPAN));
    while let Some((_, text)) = world.next() {
        assert_ne!(text, "m.example.", "what failed again is a failure more");
        world.fail();
    }
    assert!(world.standing(0, "n0.example").unwrap().stopped);
    world.pass(RATE_SPAN);
    assert!(again(&mut world, "n0.example"));
    assert_eq!(world.next(), Some((0, "n0.example.".to_owned())));
    world.serve("n0.example", 1000);
    assert!(world.is_known("n0.example"));
    world.fetches.unwant(0, &name("n0.example"), world.now);
    assert!(!again(&mut world, "n0.example"), "its routers do not set H");
}

#[test]
fn test_an_object_that_is_wrong_is_a_failure_like_any_other() {
    let mut world = World::new(0);
    world.want(0, "a.example", 1, &[prefix("fd00::/64")]);
    world.next().unwrap();
    world.serve("a.example", 100);
    let uncovered = State::Failed(Failure::Object(Flaw::Uncovered(prefix("fd00::/64"))));
    assert_eq!((world.state("a.example"), world.is_known("a.example")), (Some(uncovered), false));
    world.want(0, "b.example", 1, &[]);
    world.next().unwrap();
    world.serve("a.example", 100);
    assert_eq!(world.state("b.example"), Some(State::Failed(Failure::Object(Flaw::Other(name("a.example"))))));
}

#[test]
fn test_a_prefix_that_is_announced_later_must_be_listed_too() {
    let mut world = World::new(0);
    world.want(0, "a.example", 1, &[prefix("2001:db8:1::/64")]);
    world.next().unwrap();
    world.serve("a.example", 1000);
    let stray = prefix("2001:dead::/64");
    world.want(0, "a.example", 1, &[prefix("2001:db8:1::/64"), stray]);
    let uncovered = State::Failed(Failure::Object(Flaw::Uncovered(stray)));
    assert_eq!((world.state("a.example"), world.is_known("a.example")), (Some(uncovered), false));
    world.want(0, "a.example", 1, &[prefix("2001:db8:1::/64")]);
    assert!(world.is_known("a.example"), "the prefix is gone");
}

#[test]
fn test_what_could_not_be_tried_waits_and_is_no_failure() {
    let mut world = World::new(0);
    world.want(0, "a.example", 1, &[]);
    world.next().unwrap();
    world.fetches.put_off(world.now);
    assert_eq!((world.state("a.example"), world.next()), (Some(State::Waiting(world.now + PVD_GAP)), None));
    world.pass(PVD_GAP);
    assert!(world.next().is_some());
}

#[test]
fn test_a_network_with_a_thousand_names_leaves_others_their_turns() {
    let mut world = World::new(0);
    (0..1000).for_each(|i| world.want(0, &format!("n{i}.example"), 1, &[]));
    world.pass(s(10));
    world.want(1, "a.example", 1, &[]);
    world.want(2, "a.example", 1, &[]);
    let turns: Vec<u8> = std::iter::from_fn(|| {
        let (network, _) = world.next()?;
        world.fail();
        Some(network)
    })
    .collect();
    assert_eq!(turns, [0, 1, 2, 0, 0], "and then it is enough for now");
}

#[derive(Clone, Debug)]
enum Step {
    Want { network: u8, name: usize, sequence: u16 },
    Unwant { network: u8, name: usize },
    Pass(u64),
    Next,
    Serve(u64),
    Fail,
    PutOff,
}

const NAMES: [&str; 4] = ["a.example.", "b.example.", "c.example.", "d.example."];

fn step() -> impl Strategy<Value = Step> {
    let which = (0..3u8, 0..NAMES.len());
    prop_oneof![
        3 => (which.clone(), 0..3u16).prop_map(|((network, name), sequence)| Step::Want { network, name, sequence }),
        1 => which.prop_map(|(network, name)| Step::Unwant { network, name }),
        4 => (0..15_000u64).prop_map(Step::Pass),
        5 => Just(Step::Next),
        4 => (1..200u64).prop_map(Step::Serve),
        1 => Just(Step::Fail),
        1 => Just(Step::PutOff),
    ]
}

/// What must hold whatever happens: seen from outside, by what was started and what is shown.
#[derive(Default)]
struct Judge {
    starts: Vec<(Duration, u8, String)>,
    failed: BTreeMap<(u8, String), ()>,
    busy: Option<(u8, String)>,
    sequences: BTreeMap<(u8, String), u16>,
    /// The sequence number under which each object was asked for, and when it expires.
    served: BTreeMap<(u8, String), (u16, Duration)>,
    asked_under: u16,
}

impl Judge {
    fn started(&mut self, now: Duration, key: (u8, String)) {
        assert!(self.busy.is_none(), "two at a time");
        assert!(!self.failed.contains_key(&key), "{key:?} has failed before");
        let failures = self.failed.keys().filter(|(network, _)| *network == key.0).count();
        assert!(failures < FAILURES_MAX);
        assert!(self.sequences.contains_key(&key), "nobody wants {key:?}");
        let same = self.starts.iter().rev().find(|(_, network, name)| (*network, name) == (key.0, &key.1));
        assert!(same.is_none_or(|(at, ..)| *at + PVD_GAP <= now), "{key:?} again too soon");
        let lately = self.starts.iter().filter(|(at, ..)| *at + RATE_SPAN > now).count();
        assert!(lately < RATE, "too many at a time");
        self.asked_under = self.sequences[&key];
        self.starts.push((now, key.0, key.1.clone()));
        self.busy = Some(key);
    }

    fn shown(&self, world: &World) {
        for network in 0..3 {
            for name in NAMES {
                let key = (network, name.to_owned());
                let known = world.standing(network, name).and_then(|standing| standing.known);
                if known.is_some() {
                    let (sequence, expires) = self.served[&key];
                    assert!(expires > world.now, "{key:?} has expired");
                    assert_eq!(Some(&sequence), self.sequences.get(&key), "{key:?} has another sequence number");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn test_whatever_routers_and_hosts_do_the_rules_hold(
        steps in prop::collection::vec((step(), any::<u64>()), 1..300)
    ) {
        let (mut world, mut judge) = (World::new(0), Judge::default());
        for (step, random) in steps {
            world.random = random;
            match step {
                Step::Want { network, name, sequence } => {
                    judge.sequences.insert((network, NAMES[name].to_owned()), sequence);
                    world.want(network, NAMES[name], sequence, &[]);
                }
                Step::Unwant { network, name } => {
                    judge.sequences.remove(&(network, NAMES[name].to_owned()));
                    world.fetches.unwant(network, &super::build::name(NAMES[name]), world.now);
                }
                Step::Pass(millis) => world.pass(Duration::from_millis(millis)),
                Step::Next => {
                    if let Some(key) = world.next() {
                        judge.started(world.now, key);
                    }
                }
                Step::Serve(seconds) => {
                    if let Some(key) = judge.busy.take() {
                        judge.served.insert(key.clone(), (judge.asked_under, world.now + s(seconds)));
                        world.serve(&key.1, seconds);
                    }
                }
                Step::Fail => {
                    if let Some(key) = judge.busy.take() {
                        judge.failed.insert(key, ());
                        world.fail();
                    }
                }
                Step::PutOff => {
                    judge.busy = None;
                    world.fetches.put_off(world.now);
                }
            }
            judge.shown(&world);
        }
    }
}
