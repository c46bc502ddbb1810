// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::*;
use crate::dispose::Descriptors;
use crate::lane::{BoundLegacy, LaneLegacy, RingLegacy};
use crate::vhost_user::Script;
use crate::vhost_user::message::{Message, request as id};
use dataplane::{DropReason, LaneStats, PortStats, SnoopStats, Traffic};
use pvd::{CacheCounters, Counters, Mediated, Replayed, ResponderCounters};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use switch::{Address, HomeCounted, LaneLosses, LearntCounters, PortCounted, RaHeard, RaLeft, RoutersFound};
use sys::packet::RingShape;

const PATIENCE: Duration = Duration::from_secs(20);

fn bell() -> OwnedFd {
    eventfd(0, EventfdFlags::empty()).unwrap()
}

fn message(request: u32, bells: usize) -> Message {
    let mut message = Message::new(request, vec![1, 2, 3]);
    message.fds = (0..bells).map(|_| bell()).collect::<Descriptors>();
    message
}

fn sample() -> Estate {
    let (stream, _) = UnixStream::pair().unwrap();
    let script = Script {
        setting: vec![message(id::SET_FEATURES, 0), message(id::SET_MEM_TABLE, 32)],
        kicks: vec![message(id::SET_VRING_KICK, 1)],
    };
    let path: PortPath = "red/dev:vm1".parse().unwrap();
    let legacy =
        Legacy { path: "/run/vm1.sock".into(), listener: Some((bell(), true)), session: Some((stream, script)) };
    let ra = RaLeft {
        port: "up".parse().unwrap(),
        router: "fe80::1".parse().unwrap(),
        mac: "02:00:00:00:00:01".parse().unwrap(),
        injected: false,
        octets: vec![134, 0, 1],
    };
    let macs = [(path.clone(), vec![("02:00:00:00:00:02".parse().unwrap(), Duration::from_secs(7))])].into();
    let learnt = Learnt { macs, ras: [("red".parse().unwrap(), vec![ra])].into(), ..Learnt::default() };
    let control = Some((bell(), false));
    Estate {
        version: FOLLOWED,
        at: Duration::from_nanos(5),
        lenient: true,
        control,
        ports: [(path, legacy)].into(),
        learnt,
    }
}

#[test]
fn test_an_estate_comes_as_it_was_left() {
    let (ours, theirs) = Channel::pair().unwrap();
    let theirs = Channel::over(theirs);
    let before = sample();
    let learnt = before.learnt.clone();
    let (text, fds) = to_text(before).unwrap();
    assert_eq!(fds.len(), 1 + 1 + 1 + 33);
    let lent: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    ours.give(&text, &lent, PATIENCE).unwrap();
    let (text, fds) = theirs.take(PATIENCE).unwrap();
    let after = from_text(&text, fds).unwrap();
    assert_eq!((after.at, after.lenient, &after.learnt), (Duration::from_nanos(5), true, &learnt));
    assert!(after.control.is_some_and(|(_, ours)| !ours));
    let (path, legacy) = after.ports.into_iter().next().unwrap();
    assert_eq!((path.to_string().as_str(), legacy.path.as_path()), ("red/dev:vm1", "/run/vm1.sock".as_ref()));
    assert!(legacy.listener.is_some_and(|(_, ours)| ours));
    let (_, script) = legacy.session.unwrap();
    let shape = |message: &Message| (message.request, message.body.clone(), message.fds.len());
    assert_eq!(script.setting.iter().map(shape).nth(1), Some((id::SET_MEM_TABLE, vec![1, 2, 3], 32)));
    assert_eq!(script.kicks.iter().map(shape).next(), Some((id::SET_VRING_KICK, vec![1, 2, 3], 1)));
}

#[test]
fn test_an_estate_that_makes_no_sense_is_none() {
    let (text, fds) = to_text(sample()).unwrap();
    let again = || fds.iter().map(|fd| fd.try_clone().unwrap()).collect::<Vec<_>>();
    assert!(from_text(&text, again()).is_ok());
    for (from, to) in [
        ("\"version\":2", "\"version\":2,\"more\":1"),
        ("\"version\":2", "\"version\":4"),
        ("red/dev:vm1", "red/dev"),
        ("\"fd\":0", "\"fd\":1"),
        ("\"fd\":0", "\"fd\":4000"),
        ("010203", "01020"),
        ("fe80::1", "fe80"),
    ] {
        assert!(text.contains(from), "{from}");
        let why = from_text(&text.replace(from, to), again()).unwrap_err().to_string();
        assert!(why.starts_with("what the weftd before has left cannot be read: "), "{why}");
    }
    assert!(from_text(&text, Vec::new()).is_err(), "its descriptors are missing");
}

/// What is learnt in [`FIRST_ESTATE`].
fn first_learnt() -> Learnt {
    let Learnt { macs, ras, .. } = sample().learnt;
    let macs = macs.into_values().map(|macs| ("red:vm1".parse().unwrap(), macs)).collect();
    Learnt { macs, ras, ..Learnt::default() }
}

/// What a weftd of version 1 leaves: it says all that it has learnt, and nothing follows.
const FIRST_ESTATE: &str = r#"{"version":1,"at_ns":7,"lenient":false,"control":{"fd":0,"ours":true},
    "ports":{"red:vm1":{"path":"/run/vm1.sock","listener":{"fd":1,"ours":false},"session":null}},
    "macs":{"red:vm1":[["02:00:00:00:00:02",7]]},
    "ras":{"red":[{"port":"up","router":"fe80::1","mac":"02:00:00:00:00:01","injected":false,"hex":"860001"}]}}"#;

#[test]
fn test_an_estate_of_an_earlier_weftd_is_read_and_one_for_it_is_written() {
    let estate = from_text(FIRST_ESTATE, vec![bell(), bell()]).unwrap();
    assert_eq!((estate.version, &estate.learnt), (FIRST, &first_learnt()));
    let (text, _) = to_text(estate).unwrap();
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let (mut expected, mut written) = (value(FIRST_ESTATE), value(&text));
    // Which descriptor has which number is the writer's.
    for estate in [&mut expected, &mut written] {
        estate["control"].take();
        estate["ports"]["red:vm1"]["listener"].take();
    }
    assert_eq!(written, expected, "one that knows of no other version refuses fields that it does not know");
}

fn counted_beside() -> PortCounted {
    let traffic = |frames| Traffic { frames, bytes: 64 * frames };
    let mediated =
        Mediated { heard: 1, sent: 2, held: 3, hidden: 4, beyond: 5, invalid: 6, injected: 7, not_injected: 8 };
    PortCounted {
        lane: LaneStats {
            sole: traffic(1),
            copies: traffic(2),
            copies_lost: 3,
            outward: traffic(4),
            taken: traffic(5),
        },
        losses: LaneLosses { lost: 1, missed: 2, malformed: 3 },
        mediated,
        addresses_lost: 9,
        unannounced: 10,
    }
}

fn counted_at_home() -> HomeCounted {
    let learnt = LearntCounters {
        solicitations: 1,
        over_quota: 2,
        second_sources: 4,
        pvds: Counters::of([1, 2, 3], |why| 10 + why as u64),
        ras: CacheCounters { heard: 1, evicted: 2, too_long: 3, full: 4 },
        answers: ResponderCounters { asked: 1, silenced: 2, answered: 3, nothing: 4, refused: 5 },
        too_long: 3,
    };
    let heard = RaHeard {
        port: "up".parse().unwrap(),
        router: "fe80::1".parse().unwrap(),
        pvd: Some("a.example".parse().unwrap()),
        heard: 3,
        hits: 2,
        source: 1,
    };
    HomeCounted { learnt, heard: vec![heard.clone(), RaHeard { pvd: None, ..heard }] }
}

fn remainder() -> Remainder {
    let drops = [(DropReason::PortDown, 3), (DropReason::RaMac, u64::MAX >> 2)].into_iter().collect();
    let traffic = |frames| Traffic { frames, bytes: 64 * frames };
    let snooped = SnoopStats { advertisements: 1, solicitations: 2, lost: 3 };
    let (rx, tx) = (traffic(1), traffic(2));
    let stats = PortStats { rx, tx, drops, software_checksums: 4, software_segments: 5, snooped };
    let found = RoutersFound {
        routers: ["fe80::1".parse().unwrap()].into(),
        macs: ["02:00:00:00:00:01".parse().unwrap()].into(),
        prefixes: ["2001:db8::/64".parse().unwrap()].into(),
    };
    let path: PortPath = "red/dev:vm1".parse().unwrap();
    let gone = Replayed {
        router: "fe80::1".parse().unwrap(),
        mac: "02:00:00:00:00:01".parse().unwrap(),
        octets: vec![134, 0, 2],
    };
    let address = Address { ip: "192.0.2.7".parse().unwrap(), is_router: true, age: Duration::from_secs(61) };
    let addresses = [(path.clone(), vec![address])].into();
    let rest = Rest {
        learnt: Learnt { addresses, ..sample().learnt },
        ports: [(path.clone(), stats)].into(),
        beside: [(path.clone(), counted_beside())].into(),
        homes: [("red".parse().unwrap(), counted_at_home())].into(),
        namespaces: [("red".parse().unwrap(), stats)].into(),
        events: [("red".parse().unwrap(), (7, 0x0123_4567_89ab_cdef))].into(),
        learning: [(path.clone(), (Duration::from_millis(1500), found))].into(),
        withdrawing: [(path, vec![gone])].into(),
    };
    let back = Some((Duration::from_secs(9), "info".to_owned()));
    let log = Some(LogLeft { filter: "debug".to_owned(), back });
    Remainder { at: Duration::from_nanos(6), log, rest }
}

#[test]
fn test_what_follows_an_estate_comes_as_it_was_told() {
    let text = rest_to_text(&remainder()).unwrap();
    assert_eq!(rest_from_text(&text), Ok(remainder()));
    assert_eq!(rest_from_text(r#"{"at_ns":0}"#), Ok(Remainder::default()), "whoever has nothing to tell tells nothing");
    // What a newer weftd says besides, and what it counts.
    let more = text.replacen("{", r#"{"more":[1],"#, 1).replace("\"ra-mac\"", "\"no-reason-yet\"");
    let read = rest_from_text(&more).unwrap();
    assert_eq!(read.rest.ports.values().map(|stats| stats.drops.total()).sum::<u64>(), 3);
    for (from, to) in [
        ("red/dev:vm1", "red/dev"),
        ("4611686018427387903", "18446744073709551615"),
        ("2001:db8::/64", "2001:db8::"),
        ("\"rx\":[1,64]", "\"rx\":[1]"),
        ("0123456789abcdef", "g"),
        ("860002", "86000"),
        ("192.0.2.7", "192.0.2"),
        ("\"debug\"", "1"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(rest_from_text(&text.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn test_what_lanes_leave_comes_with_its_descriptors() {
    let shape = RingShape { block_size: 4096, blocks: 2, slot_size: 1024, slots: 8 };
    let ring = RingLegacy { shape, next: 7 };
    let legacy = || LaneLegacy {
        bound: Some(BoundLegacy { socket: bell(), file: (1, 2) }),
        others: vec![bell(), bell()],
        ring: Some(ring),
        came: vec![0, 0, 0, 60, 1],
        waiting: vec![vec![2], vec![3, 4]],
    };
    let left: LanesLeft = ["tap:tap0", "stream:/run/vf"]
        .map(|lane| (lane.parse().unwrap(), legacy()))
        .into_iter()
        .zip(["red:up", "blue:vm1"])
        .map(|(left, port)| (port.parse().unwrap(), left))
        .collect();
    let (text, lent) = lanes_to_text(&left).unwrap();
    let again = || lent.iter().map(|fd| fd.try_clone_to_owned().unwrap()).collect::<Vec<_>>();
    assert_eq!(again().len(), 6);
    let read = lanes_from_text(&text, again()).unwrap();
    assert_eq!(format!("{:?}", read.keys()), format!("{:?}", left.keys()));
    for ((lane, one), (expected, other)) in read.values().zip(left.values()) {
        assert_eq!((lane, one.others.len(), &one.came, &one.waiting), (expected, 2, &other.came, &other.waiting));
        assert_eq!((one.bound.as_ref().map(|bound| bound.file), one.ring), (Some((1, 2)), Some(ring)));
    }
    // What a newer weftd says besides; a lane that is not known is opened anew.
    let more = text.replace("\"lane\":\"tap:tap0\"", "\"lane\":\"carrier-pigeon\",\"more\":1");
    assert_eq!(lanes_from_text(&more, again()).unwrap().len(), 1);
    for (from, to) in [("red:up", "red/up"), ("\"fd\":0", "\"fd\":1"), ("0000003c01", "000"), ("[4096,", "[")] {
        assert!(text.contains(from), "{from}");
        assert!(lanes_from_text(&text.replace(from, to), again()).is_err(), "{to}");
    }
    assert!(lanes_from_text(&text, Vec::new()).is_err(), "its descriptors are missing");
}

#[test]
fn test_words_are_heard_in_order_and_silence_ends() {
    let (ours, theirs) = Channel::pair().unwrap();
    let theirs = Channel::over(theirs);
    assert_eq!(theirs.heard().unwrap(), None);
    let words = [Word::Ready, Word::Failed("a reason".to_owned()), Word::Hello { reads: vec![1], weft: "1.0".into() }];
    words.iter().for_each(|word| ours.say(word, PATIENCE).unwrap());
    assert!(words.iter().all(|word| theirs.hear(PATIENCE).unwrap() == *word));
    assert!(theirs.hear(Duration::from_millis(1)).is_err(), "nothing is waited for without end");
    drop(ours);
    assert!(theirs.heard().is_err() && theirs.hear(PATIENCE).is_err(), "nobody is there");
}
