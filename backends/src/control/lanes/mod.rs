// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The lanes of ports that are not virtio rings: opened and closed as the switch asks, and what becomes of them told to it.
//!
//! `kind` says what a lane's words mean here, `netdevs` finds VFs on the host, and `vmms` speaks with those who plug them into
//! guests. All three wait for nothing; the daemon gives them a turn whenever something has happened.

mod kind;
mod netdevs;
mod tended;
mod vmms;

use tended::Tended;

pub(super) use netdevs::Netdevs;
pub(super) use vmms::Vmms;

use crate::lane::{self, Counts, Keeper, LaneError, LaneLegacy, Link, LinkState};
use crate::runtime::{AttachedLane, Workers};
use crate::upgrade::LanesLeft;
use dataplane::Port;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use switch::{LaneLosses, LaneNotice, LaneOpening, LaneSpec, PortPath};

/// After this long a lane that is all that a port has, and could not be opened, is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// What is said of a lane that carries nothing.
const NOBODY: &str = "nobody is at its other end; a netdev has to be up, and have a carrier (ip link set NAME up)";

/// A lane that is open.
struct Open {
    link: Arc<Link>,
    /// What was last told of it.
    told: LinkState,
    /// Its other end was there once.
    came: bool,
    attached: AttachedLane,
    /// The netdev that it is.
    netdev_of: Option<u32>,
    /// It was found for its port, so nobody else can find it.
    found: bool,
    /// The longest frame that it takes, and the port, which says how long its frames may be.
    mtu: u16,
    device: Arc<Port>,
    /// What it has counted as far as that was told.
    counted: Counts,
    /// The netdev of a VF, after the socket on it.
    tended: Option<Tended>,
    /// Where it leaves what it has, and what it was opened as, if anybody could go on with that.
    keeper: Option<(Arc<Keeper>, LaneSpec)>,
}

/// All lanes.
#[derive(Default)]
pub(super) struct Lanes {
    open: BTreeMap<PortPath, Open>,
    /// Ports whose only lane is not open, and when the next attempt is due.
    failed: BTreeMap<PortPath, Instant>,
    /// What was lost on lanes that have been closed, and was not told yet.
    losses: Vec<(PortPath, LaneLosses)>,
    /// What lanes have left that were closed to be opened again, here or by another process.
    left: LanesLeft,
}

impl Lanes {
    /// Opens a lane; whatever the port had is closed before. Returns what to tell of it.
    pub(super) fn open(
        &mut self,
        workers: &Workers,
        netdevs: &Netdevs,
        port: &PortPath,
        asked: &LaneOpening,
    ) -> LaneNotice {
        self.close(port);
        match kind::of(asked, netdevs.found(port)) {
            Ok(None) => LaneNotice::Up { found: netdevs.label(port) },
            Ok(Some(kind)) => self.attach(workers, port, asked, &kind, netdevs.label(port)),
            Err(reason) => self.fail(port, asked, reason),
        }
    }

    fn attach(
        &mut self,
        workers: &Workers,
        port: &PortPath,
        asked: &LaneOpening,
        kind: &lane::Kind,
        found: Option<String>,
    ) -> LaneNotice {
        let tended = kind::vf_netdev(kind, &asked.spec).map(Tended::new);
        match self.open_or_adopt(port, asked, kind) {
            Ok(opened) if opened.mtu < asked.spec.mtu => self.fail(port, asked, too_short(opened.mtu, asked.spec.mtu)),
            Ok(opened) => {
                let at = (&asked.namespace, &asked.device);
                let attached = workers.attach_lane(at, opened.sinks, opened.sources, asked.inward);
                // Who listens is open, although nobody may be connected yet: a VMM may be told to plug now.
                let (netdev_of, found_it) = (kind::netdev(kind), found.is_some());
                // The netdev of a VF is put back as it was whenever its lane is closed.
                let stays = kind.can_be_left() && tended.is_none();
                let keeper = stays.then(|| (opened.keeper, asked.lane.clone()));
                let open = Open {
                    link: opened.link,
                    told: LinkState::Up,
                    came: false,
                    attached,
                    netdev_of,
                    found: found_it,
                    mtu: opened.mtu,
                    device: Arc::clone(&asked.device),
                    counted: Counts::default(),
                    tended,
                    keeper,
                };
                self.open.insert(port.clone(), open);
                LaneNotice::Up { found }
            }
            Err(why) => self.fail(port, asked, why.to_string()),
        }
    }

    fn open_or_adopt(
        &mut self,
        port: &PortPath,
        asked: &LaneOpening,
        kind: &lane::Kind,
    ) -> Result<lane::Opened, LaneError> {
        match self.left.remove(port) {
            Some((lane, left)) if lane == asked.lane => lane::adopt(kind, left),
            _ => lane::open(kind),
        }
    }

    fn fail(&mut self, port: &PortPath, asked: &LaneOpening, reason: String) -> LaneNotice {
        if asked.spec.device_lane().is_some() {
            self.failed.insert(port.clone(), Instant::now() + RETRY);
        }
        LaneNotice::Gone { reason }
    }

    /// Closes the lane of a port. When this returns no worker touches it.
    pub(super) fn close(&mut self, port: &PortPath) {
        self.failed.remove(port);
        self.drop_open(port);
    }

    fn drop_open(&mut self, port: &PortPath) {
        let Some(mut open) = self.open.remove(port) else { return };
        drop(open.attached);
        self.losses.extend(losses(&open.link, &mut open.counted).map(|losses| (port.clone(), losses)));
    }

    /// What lanes have lost since this was last asked.
    pub(super) fn take_losses(&mut self) -> Vec<(PortPath, LaneLosses)> {
        let of = |(port, open): (&PortPath, &mut Open)| Some((port.clone(), losses(&open.link, &mut open.counted)?));
        std::mem::take(&mut self.losses).into_iter().chain(self.open.iter_mut().filter_map(of)).collect()
    }

    /// Closes all lanes, which removes their sockets; or, if others stay, those that leave nothing to another process. Tells whose
    /// they were.
    pub(super) fn close_all(&mut self, others_stay: bool) -> Vec<PortPath> {
        let closes = |open: &Open| !others_stay || open.keeper.is_none();
        let ports = self.open.iter().filter(|(_, open)| closes(open)).map(|(port, _)| port.clone());
        let ports: Vec<_> = ports.collect();
        ports.iter().for_each(|port| self.drop_open(port));
        ports
    }

    /// Closes all lanes that are open still, and keeps what they leave: nothing that is on its way by them is lost, and nobody at
    /// their other ends notices.
    pub(super) fn leave(&mut self) {
        let ports: Vec<PortPath> = self.open.keys().cloned().collect();
        for port in &ports {
            let keeper = self.open.get(port).and_then(|open| open.keeper.clone());
            keeper.iter().for_each(|(keeper, _)| keeper.keep());
            self.drop_open(port);
            self.left.extend(keeper.map(|(keeper, lane)| (port.clone(), (lane, keeper.take()))));
        }
    }

    /// Another has begun to use what was left, and did not get far: it may have gone in the middle of a frame, and nobody knows which
    /// slot of a ring comes next.
    pub(super) fn cut(&mut self) {
        let lost = |lane: &LaneSpec| matches!(lane, LaneSpec::Stream { .. } | LaneSpec::Packet { .. });
        let all = self.left.values_mut().filter(|(lane, _)| lost(lane));
        all.for_each(|(_, left)| *left = LaneLegacy { bound: left.bound.take(), ..LaneLegacy::default() });
    }

    /// What lanes have left.
    pub(super) fn left(&mut self) -> &mut LanesLeft {
        &mut self.left
    }

    /// Whether the lane of a port is a netdev.
    pub(super) fn is_netdev(&self, port: &PortPath) -> bool {
        self.open.get(port).is_some_and(|open| open.netdev_of.is_some())
    }

    /// The netdevs that weft has in use, but for those that were found for their ports.
    pub(super) fn netdevs(&self) -> BTreeSet<u32> {
        self.open.values().filter(|open| !open.found).filter_map(|open| open.netdev_of).collect()
    }

    /// What has changed of the links of lanes since the last look.
    pub(super) fn look(&mut self, netdevs: &Netdevs) -> Vec<(PortPath, LaneNotice)> {
        let mut notices = Vec::new();
        for (port, open) in &mut self.open {
            open.mtu = open.netdev_of.and_then(|index| netdevs.mtu(index)).unwrap_or(open.mtu);
            let wanted = open.device.mtu();
            if open.mtu < wanted {
                if std::mem::replace(&mut open.told, LinkState::Gone) != LinkState::Gone {
                    notices.push((port.clone(), LaneNotice::Gone { reason: too_short(open.mtu, wanted) }));
                }
                continue;
            }
            let is_up = open.netdev_of.and_then(|index| netdevs.is_up(index));
            let is_news = open.tended.as_mut().is_none_or(|tended| tended.has_come_up(is_up));
            let carrier = open.netdev_of.filter(|_| is_news).and_then(|index| netdevs.has_carrier(index));
            carrier.into_iter().for_each(|carrier| open.link.follow(carrier));
            let state = open.link.state();
            // Somebody who is to be plugged in, and was never there, is still to come.
            open.came |= state == LinkState::Up || open.netdev_of.is_some() || open.link.counts().received > 0;
            let new = !open.came && state == LinkState::Down && open.told == LinkState::Up;
            if state != open.told && !new {
                open.told = state;
                notices.push((port.clone(), notice(state)));
            }
        }
        notices
    }

    /// The ports whose only lane has gone, or could not be opened, and is to be tried again now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<PortPath> {
        let due = self.failed.iter().filter(|(_, at)| **at <= now);
        due.map(|(port, _)| port.clone()).collect()
    }

    /// The only lane of a port has gone: it is tried again later.
    pub(super) fn try_again(&mut self, port: &PortPath) {
        self.drop_open(port);
        self.failed.insert(port.clone(), Instant::now() + RETRY);
    }
}

/// Why a lane is not used that takes shorter frames than its port.
fn too_short(takes: u16, wanted: u16) -> String {
    format!(
        "it takes frames of {takes} bytes at most, and the port's may have {wanted}: give its netdev a larger MTU \
         (ip link set NAME mtu {wanted}), or the port a smaller one (--mtu {takes})"
    )
}

/// What a lane has lost beyond what was counted, which is all then; `None`: nothing.
fn losses(link: &Link, counted: &mut Counts) -> Option<LaneLosses> {
    let now = link.counts();
    let before = std::mem::replace(counted, now);
    let losses = LaneLosses {
        lost: now.lost - before.lost,
        missed: now.missed - before.missed,
        malformed: now.malformed - before.malformed,
    };
    (losses != LaneLosses::default()).then_some(losses)
}

fn notice(state: LinkState) -> LaneNotice {
    match state {
        LinkState::Up => LaneNotice::Up { found: None },
        LinkState::Down => LaneNotice::Down { reason: NOBODY.to_owned() },
        LinkState::Gone => LaneNotice::Gone { reason: "its other end has vanished".to_owned() },
    }
}
