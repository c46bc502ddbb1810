// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What becomes of the lanes of ports: what an operator asks of a VF, what is told of its lane, its guest and its VMM, and
//! what has to be done about it.

use super::{Action, Control, Reply};
use crate::diff::{Change, Op};
use crate::lane::LaneSpec;
use crate::port::PortRecord;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::spec::PortSpec;
use crate::text::Text;
use crate::vf::{VfAsk, VfSpec};
use crate::vfs::{SavedVfs, Vf, choice};
use crate::view::LaneLosses;
use dataplane::{Instant, Lane, LaneSet, Steering};
use netvsc::{By, Event, GuestModel, Refused, Told};
use std::sync::Arc;
use std::time::Duration;

/// What is said of a VF that was found and is not offered.
const REVOKED: &str = "it was revoked by hand: `weft vf offer` offers it again";

/// What is said of a VF that a VMM has and does not show yet.
const WITHHELD: &str = "holds the VF back until the guest negotiates STANDBY: its virtio NIC needs failover=on, and its driver net_failover";

/// Why an operator cannot have his way with the VF of a port.
fn refused(port: &PortPath, word: &str, why: Refused) -> Refusal {
    match why {
        Refused::NotOffered if word == "revoke" => Refusal::conflict(unoffered(port)),
        Refused::NotOffered => Refusal::conflict(unoffered(port).and(": `weft vf offer ").named(port).and("` first")),
        Refused::Misfit(misfit) => Refusal::invalid("vf", word, misfit.to_string()),
        why => Refusal::conflict(Text::from("VF of port ").quoted(port).and(format!(": {why}"))),
    }
}

fn unoffered(port: &PortPath) -> Text {
    Text::from("no VF of ").named(port).and(" is offered")
}

/// What the caller of [`Control`] has to do with a lane.
pub enum LaneAsk {
    /// Open it; [`LaneNotice::Up`] or [`LaneNotice::Gone`] answers.
    Open(Box<LaneOpening>),
    /// Close it, if it is open.
    Close,
    /// Have the VMM plug the VF into the guest; a [`VmmNotice`] answers.
    Plug(Box<VfSpec>),
    /// Have the VMM take it out.
    Unplug,
    /// Log it.
    Tell(Told),
}

/// A lane that is to be opened.
pub struct LaneOpening {
    /// What it is.
    pub lane: LaneSpec,
    /// What was asked for of its port.
    pub spec: PortSpec,
    /// The data-plane object of its port's namespace.
    pub namespace: Arc<dataplane::Namespace>,
    /// The data-plane object of its port.
    pub device: Arc<dataplane::Port>,
    /// Whether its frames are for the port's own guest, and not from it.
    pub inward: bool,
}

/// What is told of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneNotice {
    /// It is open, and frames can go through it as far as can be seen. What it was found to be, of one that was searched for.
    Up {
        /// In words.
        found: Option<String>,
    },
    /// It is there and carries nothing.
    Down {
        /// Why.
        reason: String,
    },
    /// It is not there, or not any more.
    Gone {
        /// Why.
        reason: String,
    },
    /// It was found to be this now, in words; whether it carries anything is another matter.
    Renamed {
        /// What.
        found: String,
    },
    /// A VF was found on the host for a port whose lane is `auto`.
    Found,
    /// None is there for it.
    Missing {
        /// Why.
        reason: String,
    },
}

/// What is told of a VMM, or by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VmmNotice {
    /// It answers, and this is how things are.
    Ready {
        /// The VF is in the guest.
        plugged: bool,
    },
    /// It does not answer.
    Lost {
        /// Why.
        reason: String,
    },
    /// It has the VF, and holds it back until the guest negotiates STANDBY, which it thus has not done.
    Withheld,
    /// What it tells the state machine.
    Told(Event),
}

impl Control {
    /// Offers, revokes or uses the VF of a port.
    ///
    /// # Errors
    /// There is no such port, it has no VF, or what is asked for makes no sense now.
    pub(super) fn ask_vf(&mut self, port: &PortPath, ask: VfAsk) -> Result<Reply, Refusal> {
        self.desired.port(port)?;
        let (word, event) = match ask {
            VfAsk::Offer => ("offer", Event::Offer(By::Operator)),
            VfAsk::Revoke => ("revoke", Event::Revoke(By::Operator)),
            VfAsk::Switch(lane) => (crate::words::lane_word(lane), Event::SwitchAsked(lane)),
        };
        let Some(vf) = self.vfs.get_mut(port) else { return Err(Refusal::not_found(Kind::Vf, port)) };
        vf.wanted &= ask != VfAsk::Revoke;
        let asked = vf.device.on(event, self.now);
        match (ask, &asked) {
            (VfAsk::Revoke, Ok(())) => vf.revoked = true,
            (VfAsk::Offer, _) => vf.revoked = false,
            _ => {}
        }
        self.act_on_vf(port);
        asked.map(|()| Reply::Changed(Vec::new())).map_err(|why| refused(port, word, why))
    }

    /// What of VFs outlives a restart, to be stored.
    pub fn vf_states(&self) -> SavedVfs {
        self.vfs.save()
    }

    /// Lets VFs that come from now on go on where they were when an earlier process saved them, by [`Control::vf_states`].
    pub fn restore_vfs(&mut self, saved: SavedVfs) {
        (self.vfs.saved, self.vfs.saved_revoked) = (saved.states, saved.revoked);
    }

    /// Takes note of what became of a port's lane.
    pub fn handle_lane(&mut self, port: &PortPath, notice: LaneNotice, now: Instant) {
        self.now = now.since_origin();
        let Some(vf) = self.vfs.get_mut(port) else { return self.handle_device_lane(port, notice) };
        let (up, why, event) = match notice {
            LaneNotice::Renamed { found } => return vf.lane.found = Some(found),
            LaneNotice::Up { found } => {
                vf.lane.found = found.or(vf.lane.found.take());
                (true, None, Event::LaneUp)
            }
            LaneNotice::Down { reason } => (false, Some(reason), Event::LaneDown),
            LaneNotice::Gone { reason } => (false, Some(reason), Event::LaneGone),
            LaneNotice::Found if vf.revoked => return vf.lane.why = Some(REVOKED.to_owned()),
            LaneNotice::Found => (vf.lane.up, vf.lane.why.take(), Event::Offer(By::Auto)),
            LaneNotice::Missing { reason } => (false, Some(reason), Event::Revoke(By::Auto)),
        };
        (vf.lane.up, vf.lane.why) = (up, why);
        if event == Event::LaneGone && std::mem::take(&mut vf.revoked) {
            // Another one is another matter.
            self.actions.push_back(Action::Save);
        }
        // What makes no sense is counted there; what was found too early is offered as soon as it can be.
        let taken = vf.device.on(event.clone(), self.now);
        vf.wanted = match event {
            Event::Offer(By::Auto) => taken.is_err(),
            Event::Revoke(By::Auto) | Event::LaneGone => false,
            _ => vf.wanted,
        };
        self.act_on_vf(port);
    }

    /// Adds what the lane of a port has lost since this was last said.
    pub fn count_losses(&mut self, port: &PortPath, lost: LaneLosses) {
        if let Some(record) = self.plant.port_mut(port) {
            record.lane_losses.add(lost);
        }
    }

    /// The only lane of a port is its session.
    fn handle_device_lane(&mut self, port: &PortPath, notice: LaneNotice) {
        use crate::port::Notice;
        let notice = match notice {
            LaneNotice::Up { .. } => Notice::Up { features: 0 },
            LaneNotice::Down { reason } | LaneNotice::Gone { reason } => Notice::Down { reason },
            LaneNotice::Found | LaneNotice::Missing { .. } | LaneNotice::Renamed { .. } => return,
        };
        self.handle_notice(port, notice);
    }

    /// Takes note of what a VMM says.
    pub fn handle_vmm(&mut self, port: &PortPath, notice: VmmNotice, now: Instant) {
        self.now = now.since_origin();
        let Some(vf) = self.vfs.get_mut(port) else { return };
        // Whatever else it says, it holds nothing back any more, or nobody knows.
        vf.withheld = false;
        let events = match notice {
            VmmNotice::Ready { plugged } => {
                vf.vmm = Some("ready".to_owned());
                let state = vf.device.status().state;
                if plugged && state == netvsc::State::Absent {
                    // Nobody knows of it any more: it would keep a standby's guest deaf.
                    self.actions.push_back(Action::Lane(port.clone(), LaneAsk::Unplug));
                }
                let is = if plugged { Event::Plugged } else { Event::Unplugged };
                [Some(Event::VmmUp), (plugged || state >= netvsc::State::Plugged).then_some(is)]
            }
            VmmNotice::Lost { reason } => {
                vf.vmm = Some(reason);
                [Some(Event::VmmLost), None]
            }
            VmmNotice::Withheld => {
                (vf.vmm, vf.withheld) = (Some(WITHHELD.to_owned()), true);
                [None, None]
            }
            VmmNotice::Told(event) => {
                if event == Event::Plugged || event == Event::Unplugged {
                    vf.vmm = Some("ready".to_owned());
                }
                vf.negotiated |= event == Event::Negotiated;
                [Some(event), None]
            }
        };
        for event in events.into_iter().flatten() {
            // What makes no sense is counted there.
            let _ = vf.device.on(event, self.now);
        }
        self.act_on_vf(port);
    }

    /// Ports whose guests hear again: a worker is to deliver what has waited for them ([`dataplane::Port::release`]).
    pub fn take_releases(&mut self) -> Vec<Arc<dataplane::Port>> {
        std::mem::take(&mut self.releases)
    }

    /// What is due of the lanes of ports: what guests, workers and time have brought.
    pub(crate) fn tend_lanes(&mut self, now: Duration) {
        self.now = now;
        let mut stirred = Vec::new();
        for (port, vf) in self.vfs.iter_mut() {
            let events = self.plant.port(port).map(|record| news(vf, record)).unwrap_or_default();
            for event in events {
                let _ = vf.device.on(event, now);
            }
            vf.device.handle_due(now);
            vf.settle(now);
            // Where the worker was too busy to be told, and where the guest is asked what it has taken.
            let wants = |record: &&PortRecord| record.device.wants_release() || record.device.is_asked();
            let waits = self.plant.port(port).filter(wants);
            vf.asked = now;
            self.releases.extend(waits.map(|record| Arc::clone(&record.device)));
            stirred.extend(vf.device.has_actions().then(|| port.clone()));
        }
        stirred.iter().for_each(|port| self.act_on_vf(port));
    }

    /// Whether the lane of a port's VF, and who plugs it, can become what `spec` says.
    ///
    /// # Errors
    /// The VF is offered: whoever uses it would not be told.
    pub(crate) fn check_vf_change(&self, port: &PortPath, spec: &PortSpec) -> Result<(), Refusal> {
        let Some(vf) = self.vfs.get(port) else { return Ok(()) };
        let same = |new: &VfSpec| new.lane == vf.spec.lane && new.vmm == vf.spec.vmm;
        let stays = spec.vf.as_ref().is_some_and(same) && self.desired.port(port).is_ok_and(|old| old.can_become(spec));
        if stays || vf.device.status().state == netvsc::State::Absent {
            return Ok(());
        }
        Err(Refusal::in_use(Kind::Vf, port, "its guest; `weft vf revoke` takes it away first"))
    }

    /// Gives ports the lanes and devices that their specs want, after a request was carried out.
    pub(super) fn follow_lanes(&mut self, changes: &[Change]) {
        for change in changes.iter().filter(|change| change.kind == Kind::Port) {
            let Ok(port) = change.name.parse::<PortPath>() else { continue };
            if change.op == Op::Del || change.disrupts {
                self.forget_lanes(&port);
            }
            self.follow_port(&port);
        }
    }

    fn forget_lanes(&mut self, port: &PortPath) {
        let vf = self.vfs.remove(port);
        if vf.as_ref().is_some_and(|vf| vf.spec.vmm.is_some() && vf.device.status().state != netvsc::State::Absent) {
            self.actions.push_back(Action::Lane(port.clone(), LaneAsk::Unplug));
        }
        if self.vfs.devices.remove(port) || vf.is_some() {
            self.actions.push_back(Action::Lane(port.clone(), LaneAsk::Close));
        }
        if vf.is_some() {
            self.actions.push_back(Action::FollowVf(port.clone()));
        }
    }

    fn follow_port(&mut self, port: &PortPath) {
        let Some(record) = self.plant.port(port) else { return };
        if let Some(lane) = record.spec.device_lane().cloned() {
            record.device.steer_lanes(Steering::all(LaneSet::VF));
            if !self.vfs.devices.insert(port.clone()) {
                return;
            }
            return self.open_lane(port, lane);
        }
        let wanted = record.spec.vf.clone();
        let lane_is = |vf: &Vf, spec: &VfSpec| vf.spec.lane == spec.lane && vf.spec.vmm == spec.vmm;
        match (self.vfs.get_mut(port), wanted) {
            (Some(vf), Some(spec)) if lane_is(vf, &spec) => {
                // A model that cannot change now stays what it was, and the status says what that is.
                let _ = vf.device.choose(choice(&spec), self.now);
                vf.spec = spec;
            }
            (None, None) => return,
            (before, wanted) => {
                if before.is_some() {
                    turn(record, Steering::default(), &mut self.releases);
                    self.forget_lanes(port);
                }
                let (saved, revoked) = (self.vfs.saved.remove(port), self.vfs.saved_revoked.remove(port));
                let vf = wanted.map(|spec| Vf { revoked, ..Vf::new(spec, saved.as_ref(), self.now) });
                vf.into_iter().for_each(|vf| self.vfs.insert(port.clone(), vf));
            }
        }
        self.actions.push_back(Action::FollowVf(port.clone()));
        self.act_on_vf(port);
    }

    /// Does what the device of a port wants done.
    pub(crate) fn act_on_vf(&mut self, port: &PortPath) {
        let before = self.actions.len();
        while let Some(action) = self.vfs.get_mut(port).and_then(|vf| vf.device.poll_action()) {
            let ask = match action {
                netvsc::Action::OpenLane => {
                    let Some(lane) = self.vfs.get(port).map(|vf| vf.spec.lane.clone()) else { return };
                    self.open_lane(port, lane);
                    continue;
                }
                netvsc::Action::Steer(steering) => {
                    self.steer(port, steering);
                    continue;
                }
                netvsc::Action::Announce => {
                    self.announce(port, Instant::default() + self.now);
                    self.announce_again(port.clone(), self.now);
                    continue;
                }
                netvsc::Action::CloseLane => LaneAsk::Close,
                netvsc::Action::Plug(_) => {
                    let Some(spec) = self.vfs.get(port).map(|vf| vf.spec.clone()) else { return };
                    LaneAsk::Plug(Box::new(spec))
                }
                netvsc::Action::Unplug(_) => LaneAsk::Unplug,
                netvsc::Action::Tell(told) => LaneAsk::Tell(told),
            };
            self.actions.push_back(Action::Lane(port.clone(), ask));
        }
        if self.actions.len() > before {
            self.actions.push_back(Action::Save);
        }
        self.watch(port);
    }

    fn open_lane(&mut self, port: &PortPath, lane: LaneSpec) {
        let opening = self.lane_opening(port, lane);
        self.actions.extend(opening.map(|opening| Action::Lane(port.clone(), LaneAsk::Open(Box::new(opening)))));
    }

    /// What it takes to open a lane of a port.
    fn lane_opening(&self, port: &PortPath, lane: LaneSpec) -> Option<LaneOpening> {
        let record = self.plant.port(port)?;
        let namespace = Arc::clone(self.plant.set_of(&record.spec.namespace).ok()?.plane());
        let inward = self.vfs.get(port).is_some_and(Vf::is_inward);
        Some(LaneOpening { lane, spec: record.spec.clone(), namespace, device: Arc::clone(&record.device), inward })
    }

    /// Opens the only lane of a port once more; `None`: it has a guest, or is an end of a link.
    pub fn device_opening(&self, port: &PortPath) -> Option<LaneOpening> {
        let lane = self.plant.port(port)?.spec.device_lane()?.clone();
        self.lane_opening(port, lane)
    }

    /// Opens the lane of a port's VF once more; `None`: it has none.
    pub fn vf_opening(&self, port: &PortPath) -> Option<LaneOpening> {
        let lane = self.plant.port(port)?.spec.vf.as_ref()?.lane.clone();
        self.lane_opening(port, lane)
    }

    /// Turns the port's wheel. It is one word, so it is done when it is said, and each flow keeps its order (`dataplane::Steering`).
    fn steer(&mut self, port: &PortPath, to: netvsc::Steering) {
        let (Some(record), Some(vf)) = (self.plant.port(port), self.vfs.get_mut(port)) else { return };
        let set = |lanes: netvsc::Lanes| LaneSet { synthetic: lanes.synthetic, vf: lanes.vf };
        let steering =
            Steering { unicast: set(to.unicast), multicast: set(to.multicast), outward: to.outward, asks: to.asks };
        turn(record, steering, &mut self.releases);
        let _ = vf.device.on(Event::Switched, self.now);
    }

    /// Has workers look out for the guest on the lane that it is not known to use.
    fn watch(&self, port: &PortPath) {
        let (Some(record), Some(vf)) = (self.plant.port(port), self.vfs.get(port)) else { return };
        let status = vf.device.status();
        let steering = vf.device.steering().unicast;
        // While both lanes get its frames, it is the VF on which it has to be seen.
        let other = match status.active {
            netvsc::Lane::Vf if !steering.synthetic => Lane::Synthetic,
            _ => Lane::Vf,
        };
        // A guest of one NIC sends over the synthetic lane whatever carries its frames.
        let tells = status.state != netvsc::State::Absent && status.model.0 != GuestModel::HostLane;
        record.device.watch_lane(tells.then_some(other));
    }
}

/// Steers a port's frames; those that have waited are to be delivered then.
fn turn(record: &PortRecord, steering: Steering, releases: &mut Vec<Arc<dataplane::Port>>) {
    record.device.steer_lanes(steering);
    if record.device.wants_release() {
        releases.push(Arc::clone(&record.device));
    }
}

/// What happened to a guest and on the frame path since the last look.
fn news(vf: &mut Vf, record: &PortRecord) -> Vec<Event> {
    let (up, features) = (record.session.is_up(), record.session.features);
    vf.negotiated &= up;
    let guest = up.then(|| vf.is_standby(features));
    let mut events = Vec::new();
    if std::mem::replace(&mut vf.guest, guest) != guest {
        events.push(guest.map_or(Event::GuestDown, |standby| Event::GuestUp { standby }));
    }
    let news = record.device.take_lane_news();
    let happened = [
        (news.synthetic, Event::Seen(netvsc::Lane::Synthetic)),
        (news.vf, Event::Seen(netvsc::Lane::Vf)),
        (news.answered, Event::Answered),
        (news.gone, Event::LaneGone),
        (news.overflowed, Event::Overflowed),
    ];
    events.extend(happened.into_iter().filter_map(|(did, event)| did.then_some(event)));
    if news.gone {
        (vf.lane.up, vf.lane.why) = (false, Some("its other end has vanished".to_owned()));
    }
    events
}
