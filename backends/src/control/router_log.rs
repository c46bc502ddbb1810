// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where routers of a namespace contradict each other, in the log (RFC 4861 section 6.2.7): once when it arises, and once more when
//! what they say has changed. A namespace is looked at when a router in it has said something else than before, once in [`EVERY`], and
//! all of them together have [`LINES`] a second. `weft ra check` tells what is so now.

use pvd::Fault;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use std::time::Instant;
use switch::{Control, FindingView, NamespacePath, SecondHeard};

/// How long a namespace is not looked at again.
const EVERY: Duration = Duration::from_secs(10);
/// Lines at a time, and namespaces that are looked at. What finds no room is told later, if it is so still.
const LINES: usize = 16;

/// What was told of one namespace, and when it was looked at.
struct Told {
    lines: BTreeSet<String>,
    at: Instant,
}

/// See the module.
#[derive(Default)]
pub(super) struct RouterLog {
    /// What is to be looked at.
    waiting: BTreeSet<NamespacePath>,
    told: BTreeMap<NamespacePath, Told>,
    /// Second sources that were told of, and when.
    seconds: BTreeMap<SecondHeard, Instant>,
}

impl RouterLog {
    /// A PvD that is heard from a second port, where that is watched for: one line for each port and PvD in [`EVERY`].
    fn tell_seconds(&mut self, heard: Vec<SecondHeard>, now: Instant) {
        for SecondHeard { namespace, pvd, port, denied } in self.new_seconds(heard, now) {
            let come_of_it = if denied { "and nobody hears it" } else { "and it is heard" };
            tracing::warn!(%namespace, %port, %pvd, "the PvD is known from another port, {come_of_it}; `weft pvd show` tells from which");
        }
    }

    fn new_seconds(&mut self, heard: Vec<SecondHeard>, now: Instant) -> Vec<SecondHeard> {
        self.seconds.retain(|_, at| now.duration_since(*at) < EVERY);
        let mut new: Vec<SecondHeard> = heard.into_iter().filter(|one| !self.seconds.contains_key(one)).collect();
        new.truncate(LINES);
        self.seconds.extend(new.iter().map(|one| (one.clone(), now)));
        new
    }

    /// Logs what is new. `clock` is the time of the switch.
    pub(super) fn tick(&mut self, control: &mut Control, clock: Duration, now: Instant) {
        self.tell_seconds(control.take_second_sources(), now);
        self.waiting.extend(control.take_changed_routers());
        self.forget(|path| control.operator().observer(path).is_ok(), now);
        let mut room = LINES;
        for path in self.due(now) {
            match control.operator().contradictions(&path, clock) {
                Ok(found) => {
                    for (line, finding) in self.news(&path, &found, (now, room)) {
                        room -= 1;
                        tracing::warn!(namespace = %path, "routers contradict each other (RFC 4861 section 6.2.7): {}: {line}", finding.fault);
                    }
                }
                Err(_) => drop(self.told.remove(&path)),
            }
        }
    }

    /// Forgets what was told of namespaces that are no more, and those of which there is nothing to be told again.
    fn forget(&mut self, exists: impl Fn(&NamespacePath) -> bool, now: Instant) {
        let is_of_use = |told: &Told| !told.lines.is_empty() || now.duration_since(told.at) < EVERY;
        self.told.retain(|path, told| is_of_use(told) && exists(path));
    }

    /// The namespaces that are to be looked at now. They wait no longer.
    fn due(&mut self, now: Instant) -> Vec<NamespacePath> {
        let rests = |path: &NamespacePath| self.told.get(path).is_some_and(|told| now.duration_since(told.at) < EVERY);
        let mut due: Vec<NamespacePath> = self.waiting.iter().filter(|path| !rests(path)).cloned().collect();
        // Who has waited longest goes first.
        due.sort_by_key(|path| self.told.get(path).map(|told| told.at));
        due.truncate(LINES);
        self.waiting.retain(|path| !due.contains(path));
        due
    }

    /// What is to be told of what was found in a namespace, at most so much.
    fn news<'a>(
        &mut self,
        path: &NamespacePath,
        found: &'a [FindingView],
        (now, room): (Instant, usize),
    ) -> Vec<(String, &'a FindingView)> {
        let before = self.told.remove(path).map(|told| told.lines).unwrap_or_default();
        let (mut lines, mut news) = (BTreeSet::new(), Vec::new());
        for finding in found {
            let (who, key) = (who(finding), key(finding));
            if !before.contains(&key) {
                if news.len() == room {
                    self.waiting.insert(path.clone());
                    continue;
                }
                if !lines.contains(&key) {
                    news.push((who, finding));
                }
            }
            lines.insert(key);
        }
        self.told.insert(path.clone(), Told { lines, at: now });
        news
    }
}

/// The routers by address and port, those here before those there.
fn who(finding: &FindingView) -> String {
    let router = |(port, address): &(Option<switch::Name>, _)| match port {
        Some(port) => format!("{address} behind port {port}"),
        None => format!("{address}"),
    };
    let all: Vec<String> = finding.routers.iter().map(router).collect();
    all.join(" and ")
}

/// What makes a line another one. Lifetimes of a prefix are not part of it: a router may count them down.
fn key(finding: &FindingView) -> String {
    match finding.fault {
        Fault::PrefixLifetime(prefix, ..) => format!("{} {prefix} {}", finding.fault.code(), who(finding)),
        fault => format!("{fault} {}", who(finding)),
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use pvd::Field;

    fn finding(fault: Fault, routers: [u16; 2]) -> FindingView {
        let router = |number: u16| (Some("gw".parse().unwrap()), format!("fe80::{number}").parse().unwrap());
        FindingView { fault, routers: routers.map(router).into(), pvd: None }
    }

    fn mtu(a: u32, b: u32) -> FindingView {
        finding(Fault::Differs(Field::Mtu, a, b), [1, 2])
    }

    #[test]
    fn test_a_contradiction_is_told_when_it_arises_and_when_it_changes() {
        let (start, red) = (Instant::now(), "red".parse::<NamespacePath>().unwrap());
        let mut log = RouterLog::default();
        let mut news = |found: &[FindingView]| {
            let news = log.news(&red, found, (start, LINES));
            news.into_iter().map(|(line, finding)| format!("{}: {line}", finding.fault)).collect::<Vec<_>>()
        };
        let line = "the MTU is 1500 here and 1400 there: fe80::1 behind port gw and fe80::2 behind port gw";
        assert_eq!(news(&[mtu(1500, 1400)]), [line]);
        assert!(news(&[mtu(1500, 1400)]).is_empty(), "it was told");
        assert_eq!(news(&[mtu(1500, 1300), mtu(1500, 1400)]).len(), 1, "what is new beside it");
        assert!(news(&[]).is_empty());
        assert_eq!(news(&[mtu(1500, 1400)]), [line], "it is so again");
        let ages = |a, b| finding(Fault::PrefixLifetime("2001:db8::/64".parse().unwrap(), a, b), [1, 2]);
        assert_eq!((news(&[ages(100, 9), ages(90, 8)]).len(), news(&[ages(99, 9)]).len()), (1, 0), "they count down");
    }

    #[test]
    fn test_what_was_told_of_namespaces_that_have_gone_is_forgotten() {
        let (start, mut log) = (Instant::now(), RouterLog::default());
        let [red, blue, idle] = ["red", "blue", "idle"].map(|path| path.parse::<NamespacePath>().unwrap());
        for (path, found) in [(&red, vec![mtu(1500, 1400)]), (&blue, vec![mtu(1500, 1400)]), (&idle, vec![])] {
            log.news(path, &found, (start, LINES));
        }
        log.forget(|path| *path != blue, start);
        assert_eq!(log.told.keys().collect::<Vec<_>>(), [&idle, &red]);
        log.forget(|_| true, start + EVERY);
        assert_eq!(log.told.keys().collect::<Vec<_>>(), [&red]);
    }

    #[test]
    fn test_a_second_source_is_one_line_in_a_while() {
        let (start, namespace) = (Instant::now(), "red".parse::<NamespacePath>().unwrap());
        let heard = |pvd: &str| {
            let (pvd, port) = (pvd.parse().unwrap(), "gw".parse().unwrap());
            SecondHeard { namespace: namespace.clone(), pvd, port, denied: true }
        };
        let mut log = RouterLog::default();
        let [a, b] = [heard("a.example"), heard("b.example")];
        assert_eq!(log.new_seconds(vec![a.clone()], start).len(), 1);
        assert_eq!(log.new_seconds(vec![a.clone(), b.clone()], start + EVERY / 2), std::slice::from_ref(&b));
        assert_eq!(log.new_seconds(vec![a.clone(), b], start + EVERY), [a], "it goes on");
        let many = (0..2 * LINES).map(|n| heard(&format!("p{n}.example"))).collect();
        assert_eq!(log.new_seconds(many, start + EVERY).len(), LINES);
    }

    #[test]
    fn test_a_flood_is_told_in_turns() {
        let (start, homes) =
            (Instant::now(), (0..3 * LINES).map(|n| format!("t{n}").parse::<NamespacePath>().unwrap()));
        let (mut log, homes) = (RouterLog::default(), homes.collect::<Vec<_>>());
        let all: Vec<FindingView> = (0..LINES as u32 + 3).map(|n| mtu(1500, n)).collect();
        assert_eq!(log.news(&homes[0], &all, (start, LINES)).len(), LINES);
        assert!(log.due(start + EVERY / 2).is_empty(), "it rests");
        assert_eq!(log.due(start + EVERY), homes[..1], "and has more to tell");
        assert_eq!(log.news(&homes[0], &all, (start + EVERY, LINES)).len(), 3);
        log.waiting.extend(homes.iter().cloned());
        let mut told = BTreeSet::new();
        for _ in 0..3 {
            let due = log.due(start + EVERY);
            assert!(due.len() <= LINES);
            due.iter().for_each(|path| drop(log.news(path, &[], (start + EVERY, LINES))));
            told.extend(due);
        }
        assert_eq!((told.len(), log.due(start + 2 * EVERY)), (homes.len() - 1, homes[..1].to_vec()));
    }
}
