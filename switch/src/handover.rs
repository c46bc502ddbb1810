// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A port that goes from one weftd to another with its guest: what it takes along, and where such a move stands.
//!
//! # Theory of operation
//!
//! The source says all about a port in a [`Move`] and gives nothing up by that. The destination judges it as what a stranger says,
//! and makes the port of it or refuses it as a whole. A port that was made so is *staged*: frames for it leave by the namespace's
//! uplink, towards the source, as if there were no such port, until its guest's rings run here. A VMM starts them when it lets the
//! guest run, and by then has stopped it at the source; so nothing is delivered twice. Only when the destination has accepted is the
//! source told that its port is *leaving*, which changes nothing while its guest runs there. Once the port is empty, the first frame
//! of the guest that an uplink brings makes it *moved*, which is the same as staged, seen from the other side. A guest that comes
//! back (the migration was cancelled, or has failed) has its rings started, and is at home. In between it is nowhere, and what comes
//! for it at the source waits, in order and bounded ([`dataplane::Port::pause`]), to follow it or to be there when it is back.
//!
//! So nobody has to know when the guest is where, and between the switches nothing is said but frames: the guest itself tells both,
//! as it tells every other switch on the way. That also holds when one of them, or who arranged the move, dies in the middle. The
//! frame path does all that by itself ([`dataplane::Port::set_away`] and the MAC table); control only takes note.
//!
//! What the destination's own ports send to a guest that is nowhere goes to the source, which has no way to send it back: that is
//! lost. Whoever carries word from the one to the other spares it: the source can be asked where the guest is, the destination be
//! told, and frames then wait there (`told.rs`). It is a favour to frames, and no part of the move.
//!
//! What is learnt from routers goes along in the form in which a host would be told of it: with what is left of lifetimes. The
//! destination takes of that what it lacks, from a port of its own, by that port's rules.

mod arrive;
mod counted;
mod follow;
mod homes;
mod leave;
mod made;
mod rest;
mod settings;
mod succeed;
mod told;

pub use arrive::Landed;
pub use counted::{HomeCounted, PortCounted, RaHeard};
pub use homes::{Missing, NumbersLeft};
pub use made::Made;
pub use rest::Rest;
pub use succeed::Learnt;
pub use told::{Departure, Told};

use crate::ra_learning::RoutersFound;
use crate::reference::PortPath;
use crate::spec::{NamespaceSpec, PortSpec};
use core::net::Ipv6Addr;
use dataplane::Address;
use pvd::{PvdName, Replayed, Statement};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use wire::MacAddr;

use crate::name::Name;

/// Which export a [`Move`] is of: each has its own, and a later one of a port the larger number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MoveId {
    /// When it was exported, in milliseconds since 1970, and never the same twice in one weftd.
    pub number: u64,
    /// A random number that nobody can guess, anew for each: whoever knows it has had the document, or can read the state of a weftd
    /// that has.
    pub secret: u64,
}

impl fmt::Display for MoveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.number, self.secret)
    }
}

/// A text is not what a [`MoveId`] looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the id of a move: expected a number, a hyphen and 16 hexadecimal digits")]
pub struct BadMoveId;

impl FromStr for MoveId {
    type Err = BadMoveId;

    fn from_str(text: &str) -> Result<MoveId, BadMoveId> {
        let (number, secret) = text.split_once('-').filter(|(_, secret)| secret.len() == 16).ok_or(BadMoveId)?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let good = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) && digits(secret);
        let number = number.parse().ok().filter(|_| good).ok_or(BadMoveId)?;
        Ok(MoveId { number, secret: u64::from_str_radix(secret, 16).map_err(|_| BadMoveId)? })
    }
}

/// All that a port takes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Which export this is.
    pub id: MoveId,
    /// Its full name.
    pub port: PortPath,
    /// Its numbers, and those of its namespaces.
    pub numbers: NumbersLeft,
    /// What its namespaces are configured with, its own first; nothing is said of those that are missing at the end.
    pub homes: Vec<NamespaceSpec>,
    /// What was asked for.
    pub spec: PortSpec,
    /// Virtio features that were ever offered to its guest.
    pub offered: u64,
    /// What RA guard has decided of it.
    pub found: Option<RoutersFound>,
    /// How it stands with its VF, if it has one.
    pub vf: Option<VfLeft>,
    /// Addresses of static entries that lead to it.
    pub entries: Vec<MacAddr>,
    /// IP addresses of its guest, of each family the one last claimed at the end.
    pub addresses: Vec<Address>,
    /// What routers have told its namespace, those first that are to be believed most.
    pub ras: Vec<RaLeft>,
    /// Static PvDs of its namespace.
    pub pvds: Vec<(PvdName, Statement)>,
}

impl Move {
    /// Has its guest's addresses be claimed so much longer ago: the move was on the way meanwhile.
    pub fn age(&mut self, way: Duration) {
        self.addresses = aged(&self.addresses, way);
    }
}

/// Addresses that were claimed so much longer ago.
fn aged(addresses: &[Address], way: Duration) -> Vec<Address> {
    addresses.iter().map(|one| Address { age: one.age.saturating_add(way), ..*one }).collect()
}

/// What of a VF matters elsewhere: the device itself stays behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VfLeft {
    /// A number by which the guest has heard of no VF yet.
    pub next: u32,
    /// Whether one was offered, so that one is to be offered again.
    pub offered: bool,
}

/// A Router Advertisement, with what was left of its lifetimes at the export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaLeft {
    /// The port of the namespace that it came in from.
    pub port: Name,
    /// Its source address.
    pub router: Ipv6Addr,
    /// The Ethernet source of its frame.
    pub mac: MacAddr,
    /// Its PvD Option was injected.
    pub injected: bool,
    /// The message, from its ICMPv6 type on.
    pub octets: Vec<u8>,
}

/// Where a move stands, as one of its two switches sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The port came, and its guest has not been heard here yet.
    Staged,
    /// Another switch has taken the port over, and its guest has not been heard there yet.
    Leaving,
    /// The guest was heard elsewhere.
    Moved,
}

/// What is remembered on account of guests that have not come yet.
#[derive(Default)]
pub(crate) struct Awaited {
    /// What they are to be told that holds no more. It is not stored.
    pub(crate) withdrawing: BTreeMap<PortPath, Vec<Replayed>>,
    /// What was made for them.
    pub(crate) made: Made,
}

/// What is remembered of a port that came or goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// The move that it came by last.
    pub came: Option<MoveId>,
    /// The move by which it goes.
    pub went: Option<MoveId>,
    /// The move by which it had gone from here before it came by the last, while its guest is not back.
    pub before: Option<MoveId>,
    /// Its guest is elsewhere.
    pub away: bool,
}

/// Where a guest was seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Its rings run here.
    Here,
    /// Its port is empty, and an uplink brought a frame of it.
    Elsewhere,
    /// Its port is empty.
    Nowhere,
}

impl Passage {
    /// What it is when the guest was seen there.
    pub(crate) fn after(self, seen: Seen) -> Passage {
        match (self.away, self.went, seen) {
            // It has come, or come back.
            (true, _, Seen::Here) => Passage { away: false, went: None, before: None, ..self },
            (false, Some(_), Seen::Elsewhere) => Passage { away: true, ..self },
            _ => self,
        }
    }

    /// Where it stands.
    pub(crate) fn stands(&self) -> Option<Handover> {
        match (self.away, self.went) {
            (true, None) => Some(Handover::Staged),
            (true, Some(_)) => Some(Handover::Moved),
            (false, Some(_)) => Some(Handover::Leaving),
            (false, None) => None,
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_port_has_moved_only_when_it_was_to_leave_is_empty_and_its_guest_is_heard_elsewhere() {
        let id = Some(MoveId { number: 1, secret: 1 });
        let (home, leaving) = (Passage::default(), Passage { went: id, ..Passage::default() });
        for seen in [Seen::Here, Seen::Elsewhere, Seen::Nowhere] {
            assert_eq!(home.after(seen), home, "nobody said that it leaves");
        }
        assert_eq!([Seen::Here, Seen::Nowhere].map(|seen| leaving.after(seen)), [leaving; 2]);
        let moved = leaving.after(Seen::Elsewhere);
        assert_eq!((leaving.stands(), moved.stands()), (Some(Handover::Leaving), Some(Handover::Moved)));
        assert_eq!([Seen::Elsewhere, Seen::Nowhere].map(|seen| moved.after(seen)), [moved; 2]);
        assert_eq!(moved.after(Seen::Here), home, "it is back");
        let staged = Passage { came: id, away: true, ..home };
        assert_eq!([Seen::Elsewhere, Seen::Nowhere].map(|seen| staged.after(seen)), [staged; 2]);
        assert_eq!((staged.stands(), staged.after(Seen::Here).stands()), (Some(Handover::Staged), None));
        assert_eq!(staged.after(Seen::Here).came, id, "so that it does not come twice");
    }

    #[test]
    fn test_an_id_is_read_as_it_is_written_and_no_other_way() {
        let id = MoveId { number: 1_764_000_000_123, secret: 0xab };
        assert_eq!(id.to_string(), "1764000000123-00000000000000ab");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in
            ["", "-", "1-", "-00000000000000ab", "+1-00000000000000ab", "1-000000000000000g", "1-+0000000000000ab"]
        {
            assert_eq!(bad.parse::<MoveId>(), Err(BadMoveId), "{bad}");
        }
    }
}
