// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stateful RA guard (RFC 6105 section 4): the guard finds out by itself whether a router is behind a port, and which.
//!
//! | state | what passes of routers | ends |
//! |---|---|---|
//! | off | what the port's rules allow | when an operator switches learning on |
//! | learning | nothing; what the rules allow is noted | after its span, of which only the time counts in which a guest is there |
//! | forwarding | what the rules allow and the routers say that were noted | when an operator has it learn anew, or not at all |
//! | blocking | nothing | likewise |
//!
//! Nothing that a guest does leads back to learning: otherwise a reset of its NIC would be all that it takes to become
//! another router. And learning only ever narrows what an operator allows: it makes no router of a host. What was noted is
//! kept over restarts; a span that a restart cuts short begins anew, unless the next process was told how far it was.
//!
//! While it learns it asks for routers, as a host does that has just come (RFC 4861 section 6.3.7), so that they speak soon: from no
//! address, which they answer to all nodes.

use crate::limits::RA_GUARD_MAX;
use core::net::Ipv6Addr;
use dataplane::{RaGuard, RouterGate};
use std::collections::BTreeSet;
use std::time::Duration;
use wire::nd::{NdOption, RawOptions, RouterAdvert};
use wire::{MacAddr, Prefix};

/// Stands for no prefix at all where an empty set would allow any: nobody can be at home there.
const NOWHERE: (Ipv6Addr, u8) = (Ipv6Addr::UNSPECIFIED, 128);

/// How often routers are asked for while it learns: `MAX_RTR_SOLICITATIONS` (RFC 4861 section 10).
const QUESTIONS: u32 = 3;

/// The shortest time between two questions: `RTR_SOLICITATION_INTERVAL` (RFC 4861 section 10).
const QUESTION_GAP: Duration = Duration::from_secs(4);

/// The states of RFC 6105 section 4.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RaGuardState {
    /// Nothing is learnt.
    #[default]
    Off,
    /// It is being found out.
    Learning,
    /// No router was there.
    Blocking,
    /// These routers were there.
    Forwarding,
}

/// The routers that were noted: at most [`RA_GUARD_MAX`] of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutersFound {
    /// Their link-local addresses.
    pub routers: BTreeSet<Ipv6Addr>,
    /// Their MACs.
    pub macs: BTreeSet<MacAddr>,
    /// The prefixes that they told of, and where their routes lead but for the default route.
    pub prefixes: BTreeSet<Prefix>,
}

/// How learning stands, to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RaLearningView {
    /// The state.
    pub state: RaGuardState,
    /// How long it still learns, by the last tick; while it learns only.
    pub left: Option<Duration>,
    /// What was noted, now also as far as the port's rules no longer allow it.
    pub found: RoutersFound,
}

/// How far one port is.
#[derive(Debug, Default)]
enum Phase {
    #[default]
    Off,
    /// Since the time `at`, if a guest is there, it has to learn for so long.
    Learning {
        left: Duration,
        at: Option<Duration>,
        asked: Asked,
    },
    Decided,
}

/// How often routers were asked for since it began to learn, and when last.
#[derive(Debug, Default)]
struct Asked {
    times: u32,
    last: Duration,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct RaLearning {
    phase: Phase,
    found: RoutersFound,
}

impl RaLearning {
    /// Begins to learn for so long; `None`: it is off.
    pub(crate) fn begin(span: Option<Duration>) -> RaLearning {
        let phase = span.map_or(Phase::Off, |left| Phase::Learning { left, at: None, asked: Asked::default() });
        RaLearning { phase, found: RoutersFound::default() }
    }

    /// Another span is wanted. What is decided stays; while it learns that begins again, with what was noted so far.
    pub(crate) fn respan(&mut self, span: Option<Duration>) {
        match (&mut self.phase, span) {
            (Phase::Learning { left, at, asked }, Some(span)) => (*left, *at, *asked) = (span, None, Asked::default()),
            (Phase::Decided, Some(_)) => {}
            (_, span) => *self = RaLearning::begin(span),
        }
    }

    /// What was decided earlier holds.
    pub(crate) fn resume(found: RoutersFound) -> RaLearning {
        RaLearning { phase: Phase::Decided, found }
    }

    /// For how long it still learns, and what was noted so far, for another process that goes on with it.
    pub(crate) fn under_way(&self, now: Duration) -> Option<(Duration, &RoutersFound)> {
        let Phase::Learning { left, at, .. } = self.phase else { return None };
        let passed = at.map_or(Duration::ZERO, |at| now.saturating_sub(at));
        Some((left.saturating_sub(passed), &self.found))
    }

    /// Goes on with what was [`RaLearning::under_way`] elsewhere, if it learns here too: never for longer than is wanted here.
    pub(crate) fn go_on(&mut self, other: Duration, found: RoutersFound) {
        if let Phase::Learning { left, at, .. } = &mut self.phase {
            (*left, *at) = (other.min(*left), None);
            self.found = Some(found).filter(RoutersFound::fits).unwrap_or_default();
        }
    }

    /// Whether it is being found out.
    pub(crate) fn is_learning(&self) -> bool {
        matches!(self.phase, Phase::Learning { .. })
    }

    /// What was decided; `None`: nothing is. Without routers that is to block.
    pub(crate) fn decided(&self) -> Option<&RoutersFound> {
        matches!(self.phase, Phase::Decided).then_some(&self.found)
    }

    /// Time has passed. True: it has just been decided.
    pub(crate) fn tick(&mut self, now: Duration, guest: bool) -> bool {
        let Phase::Learning { left, at, .. } = &mut self.phase else { return false };
        let passed = at.map_or(Duration::ZERO, |at| now.saturating_sub(at));
        *left = left.saturating_sub(passed);
        *at = guest.then_some(now);
        let over = left.is_zero();
        if over {
            self.phase = Phase::Decided;
        }
        over
    }

    /// Whether routers are to be asked for now, by whoever has been told of the time by [`RaLearning::tick`].
    pub(crate) fn asks(&mut self, now: Duration) -> bool {
        let Phase::Learning { at: Some(_), asked, .. } = &mut self.phase else { return false };
        let asks = asked.times < QUESTIONS && (asked.times == 0 || now >= asked.last + QUESTION_GAP);
        if asks {
            *asked = Asked { times: asked.times + 1, last: now };
        }
        asks
    }

    /// Notes who advertises himself, and what, if the port's rules allow that and there is room for all of it. False: nothing
    /// was noted.
    pub(crate) fn note(&mut self, rules: &RaGuard, mac: MacAddr, src: Ipv6Addr, advert: &RouterAdvert<'_>) -> bool {
        let mut more = self.found.clone();
        let told = rules.judge(mac, src, advert).is_ok() && more.take(mac, src, advert).is_some();
        let fits = told && more.fits();
        if fits {
            self.found = more;
        }
        fits
    }

    /// The state, and the rules that hold in it, beside these of an operator.
    pub(crate) fn standing(&self, rules: &RaGuard) -> (RaGuardState, RaGuard) {
        let narrowed = || self.found.within(rules);
        match self.phase {
            Phase::Off => (RaGuardState::Off, rules.clone()),
            Phase::Learning { .. } => (RaGuardState::Learning, rules.clone()),
            Phase::Decided => narrowed()
                .map_or_else(|| (RaGuardState::Blocking, rules.clone()), |rules| (RaGuardState::Forwarding, rules)),
        }
    }

    pub(crate) fn view(&self, rules: &RaGuard) -> RaLearningView {
        let left = match self.phase {
            Phase::Learning { left, .. } => Some(left),
            Phase::Off | Phase::Decided => None,
        };
        RaLearningView { state: self.standing(rules).0, left, found: self.found.clone() }
    }
}

impl RaGuardState {
    /// What it comes to for frames.
    pub(crate) fn gate(self) -> RouterGate {
        match self {
            RaGuardState::Off | RaGuardState::Forwarding => RouterGate::Open,
            RaGuardState::Learning => RouterGate::Learning,
            RaGuardState::Blocking => RouterGate::Closed,
        }
    }
}

impl RoutersFound {
    /// Adds what an advertisement says. `None`: it says everything, or it cannot be said what.
    fn take(&mut self, mac: MacAddr, src: Ipv6Addr, advert: &RouterAdvert<'_>) -> Option<()> {
        self.routers.insert(src);
        self.macs.insert(mac);
        self.take_options(advert.raw_options())?;
        advert.pvd().ok()?.map_or(Some(()), |pvd| self.take_options(pvd.raw_options()))
    }

    fn take_options(&mut self, options: RawOptions<'_>) -> Option<()> {
        for option in options {
            match option.ok()?.parse().ok()? {
                NdOption::SourceLinkLayer(mac) => drop(self.macs.insert(mac)),
                // Whoever is at home everywhere could say anything later.
                NdOption::Prefix(info) if info.prefix_len == 0 => return None,
                NdOption::Prefix(info) => drop(self.prefixes.insert(Prefix::of(info.prefix, info.prefix_len))),
                NdOption::Route(route) if route.prefix_len > 0 => {
                    self.prefixes.insert(Prefix::of(route.prefix, route.prefix_len));
                }
                _ => {}
            }
        }
        Some(())
    }

    fn fits(&self) -> bool {
        let most = self.routers.len().max(self.macs.len()).max(self.prefixes.len());
        most <= RA_GUARD_MAX
    }

    /// The rules that allow what was found as far as `rules` do. `None`: nobody is left.
    fn within(&self, rules: &RaGuard) -> Option<RaGuard> {
        let routers = both(&self.routers, &rules.routers, |allowed, router| allowed == router);
        let macs = both(&self.macs, &rules.macs, |allowed, mac| allowed == mac);
        let mut prefixes = both(&self.prefixes, &rules.prefixes, |allowed, prefix| allowed.covers(*prefix));
        let covered = |one: &&Prefix| self.prefixes.iter().any(|found| found.covers(**one));
        prefixes.extend(rules.prefixes.iter().filter(covered));
        if prefixes.is_empty() {
            prefixes.insert(Prefix::of(NOWHERE.0, NOWHERE.1));
        }
        let anybody = !routers.is_empty() && !macs.is_empty();
        anybody.then(|| RaGuard { routers, macs, prefixes, ..rules.clone() })
    }
}

/// What was found, as far as it is allowed; an empty set allows anything.
fn both<T: Ord + Copy>(found: &BTreeSet<T>, allowed: &BTreeSet<T>, fits: impl Fn(&T, &T) -> bool) -> BTreeSet<T> {
    let is_allowed = |one: &&T| allowed.is_empty() || allowed.iter().any(|other| fits(other, one));
    found.iter().filter(is_allowed).copied().collect()
}

#[cfg(test)]
mod tests;
