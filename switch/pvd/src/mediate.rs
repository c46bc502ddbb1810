// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What becomes of Router Advertisements on their way to hosts, where more than forwarding is asked for: a port sees only
//! some PvDs ([`Sight`]), a router that knows nothing of PvDs is given one ([`Injection`]), or repetitions are held back
//! ([`Mediator::reach`]).
//!
//! Source addresses stay the router's: it is heard as it is, not proxied (RFC 4389).
//!
//! Held back are advertisements to all nodes that say what all nodes were told already, by PvD and router; so several
//! routers, and several PvDs of one, do not push each other aside. Hosts that have asked meanwhile get what they asked for,
//! each by itself. What is sent to one host is never held back.

mod inject;
mod sight;
mod told;

use crate::advert::Advert;
use crate::limits;
use std::collections::BTreeMap;
use std::time::Duration;
use told::Told;
use wire::MacAddr;

pub use inject::{Injection, NotInjected, PVD_DELAY_MAX};
pub use sight::{Seen, Sight};

/// Nanoseconds in which one frame more may be made of the advertisements of a port.
const FRAME_NANOS: u128 = 1_000_000_000 / limits::PORT_SENT as u128;

/// For how long a host that has asked may be answered: a router waits for up to half a second, and for three more after
/// what it sent last (RFC 4861 section 6.2.6).
pub const ASKED_FOR: Duration = Duration::from_secs(4);

/// Whom an advertisement is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Whoever it was sent to.
    All,
    /// These hosts, by port and Ethernet address, or without one all that are behind a port; perhaps none.
    Hosts(Vec<(u32, Option<MacAddr>)>),
}

/// What became of the advertisements of one port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mediated {
    /// Advertisements that control decided about.
    pub heard: u64,
    /// Frames that were made of them, one for each port that got one.
    pub sent: u64,
    /// Of those heard, repetitions that not all hosts were told.
    pub held: u64,
    /// Of those heard, which were for nobody at all who sees their PvD.
    pub hidden: u64,
    /// Of those heard, how many more than a port may cause frames for ([`limits::PORT_SENT`]): they are lost.
    pub beyond: u64,
    /// Of those heard, which are not valid, and went to nobody.
    pub invalid: u64,
    /// Advertisements that got a PvD Option.
    pub injected: u64,
    /// Advertisements that should have got one and went on as they were: signed, or too long with one.
    pub not_injected: u64,
}

/// What is remembered of one port that routers speak from.
#[derive(Debug, Default)]
struct Speaker {
    told: Told,
    sent: Sent,
    counters: Mediated,
}

/// How many frames were made lately.
#[derive(Debug, Default)]
struct Sent {
    /// How many more than [`limits::PORT_SENT`] a second would have made by [`Sent::at`].
    debt: u64,
    at: Duration,
}

/// A host that has asked for routers, or so many behind one port that they are all taken together.
#[derive(Debug)]
struct Asker {
    port: u32,
    /// `None`: any behind the port.
    mac: Option<MacAddr>,
    until: Duration,
    /// What it was told since.
    told: Vec<u64>,
}

/// Decides about the advertisements of one namespace.
#[derive(Debug, Default)]
pub struct Mediator {
    speakers: BTreeMap<u32, Speaker>,
    askers: Vec<Asker>,
}

impl Mediator {
    /// A host asks. When more than [`limits::PORT_SOLICITORS`] behind one port do, as can be behind a link or an uplink, none
    /// pushes another aside: then whatever one of them is to be told is told to all behind it.
    pub fn solicited(&mut self, port: u32, mac: MacAddr, now: Duration) {
        self.askers.retain(|asker| asker.until > now && (asker.port, asker.mac) != (port, Some(mac)));
        let behind = || self.askers.iter().filter(|asker| asker.port == port);
        let many = behind().count() >= limits::PORT_SOLICITORS || behind().any(|asker| asker.mac.is_none());
        if many {
            self.askers.retain(|asker| asker.port != port);
        }
        if self.askers.len() < limits::SOLICITORS {
            let mac = Some(mac).filter(|_| !many);
            self.askers.push(Asker { port, mac, until: now + ASKED_FOR, told: Vec::new() });
        }
    }

    /// Whom an advertisement is for when repetitions are held back for `every`; `None`: they are not. If it is sent to all
    /// nodes, `to_all` are the ports that see its PvD: who has asked behind another has not been told anything by it. `message`
    /// is the same, from its ICMPv6 type on.
    pub fn reach(
        &mut self,
        advert: &Advert<'_>,
        message: &[u8],
        to_all: Option<&[u32]>,
        every: Option<Duration>,
        now: Duration,
    ) -> Reach {
        let (Some(every), Some(seeing)) = (every, to_all) else { return Reach::All };
        let speaker = self.speakers.entry(advert.port).or_default();
        let (again, content) = speaker.told.again(advert, message, every, now);
        speaker.counters.held += u64::from(again);
        let mut hosts = Vec::new();
        let sees = |asker: &&mut Asker| asker.port != advert.port && seeing.contains(&asker.port);
        for asker in self.askers.iter_mut().filter(|asker| asker.until > now).filter(sees) {
            if !asker.told.contains(&content) && asker.told.len() < limits::ANSWER {
                asker.told.push(content);
                hosts.push((asker.port, asker.mac));
            }
        }
        if again { Reach::Hosts(hosts) } else { Reach::All }
    }

    /// Whether so many frames may be made of an advertisement of this port, all or none.
    pub fn may_send(&mut self, port: u32, frames: usize, now: Duration) -> bool {
        let Speaker { told, sent, counters } = self.speakers.entry(port).or_default();
        let good = sent.charge(frames as u64, now);
        if good {
            counters.sent += frames as u64;
        } else {
            counters.beyond += 1;
            // Nobody was told, so whoever says it again repeats nothing.
            *told = Told::default();
            self.askers.iter_mut().for_each(|asker| asker.told.clear());
        }
        good
    }

    /// The counters of a port that routers speak from.
    pub fn counters_mut(&mut self, port: u32) -> &mut Mediated {
        &mut self.speakers.entry(port).or_default().counters
    }

    /// What became of the advertisements of a port.
    pub fn counters(&self, port: u32) -> Mediated {
        self.speakers.get(&port).map(|speaker| speaker.counters).unwrap_or_default()
    }

    /// What hosts were told is to be told again: some may get now what was kept from them.
    pub fn forget_told(&mut self) {
        self.speakers.values_mut().for_each(|speaker| speaker.told = Told::default());
    }

    /// A port is gone.
    pub fn forget_port(&mut self, port: u32) {
        self.speakers.remove(&port);
        self.askers.retain(|asker| asker.port != port);
    }
}

impl Sent {
    /// Lets the debt run off, and adds to it if it stays below what may be sent at once.
    fn charge(&mut self, frames: u64, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.at).as_nanos();
        let passed = u64::try_from(elapsed / FRAME_NANOS).unwrap_or(u64::MAX);
        self.debt = self.debt.saturating_sub(passed);
        // What is less than a frame's time goes on counting, unless there is nothing left for it to run off.
        let rest = if self.debt == 0 { 0 } else { elapsed % FRAME_NANOS };
        self.at = now.saturating_sub(Duration::from_nanos(rest as u64));
        let good = self.debt + frames <= limits::PORT_SENT_AT_ONCE;
        self.debt += if good { frames } else { 0 };
        good
    }
}
