// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The VFs of ports as they are: the state machine of each, and what is known of its lane and its VMM.
//!
//! What an operator wants of a VF is in the port's spec; here is what became of it. Nothing of this may be refused or undone: it
//! follows what was carried out.

use crate::lane::LaneSpec;
use crate::reference::PortPath;
use crate::vf::VfSpec;
use crate::view::VfLaneView;
use netvsc::{By, Choice, Counts, Device, Event, GuestModel, Saved, State, Timing};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The feature by which a guest says that its virtio NIC is the standby of a failover (virtio 1.2 section 5.1.3).
const STANDBY: u64 = 1 << 62;

/// How long a VMM may take to plug a VF in: QEMU pins all memory of the guest for a passed-through one, and weft's channel waits
/// a minute for it.
const PLUG_WAIT: Duration = Duration::from_secs(70);

/// After so long a guest that is asked what it has taken is asked again, although no frame has come for it.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// The VF of one port.
pub(crate) struct Vf {
    pub(crate) spec: VfSpec,
    pub(crate) device: Device,
    /// Whether the guest's driver was there when it was last looked at, and whether it was taken for a standby's.
    pub(crate) guest: Option<bool>,
    /// The VMM says that the guest negotiated STANDBY.
    pub(crate) negotiated: bool,
    /// The VMM has the VF, and says that the guest did not.
    pub(crate) withheld: bool,
    /// One was found on the host, and is to be offered as soon as it can be.
    pub(crate) wanted: bool,
    /// Its operator took it away: the one that was found then is not offered by itself again.
    pub(crate) revoked: bool,
    pub(crate) lane: VfLaneView,
    /// How the VMM's channel fares, where there is one.
    pub(crate) vmm: Option<String>,
    /// Since when it is there.
    pub(crate) since: Duration,
    /// When a worker was last told to ask the guest what it has taken, if it is to be asked.
    pub(crate) asked: Duration,
}

/// All VFs.
#[derive(Default)]
pub(crate) struct Vfs {
    all: BTreeMap<PortPath, Vf>,
    /// Ports whose only lane is one of the host.
    pub(crate) devices: BTreeSet<PortPath>,
    /// What an earlier process saved of VFs that have not come yet.
    pub(crate) saved: BTreeMap<PortPath, Saved>,
    /// Of those, which an operator had taken away.
    pub(crate) saved_revoked: BTreeSet<PortPath>,
}

/// What of VFs outlives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedVfs {
    /// Where they are, by their ports; only those of which there is something to tell.
    pub states: BTreeMap<PortPath, Saved>,
    /// The ports whose VF is found by itself and was taken away by hand.
    pub revoked: BTreeSet<PortPath>,
}

impl Vf {
    /// The VF of a port, which goes on where it was when it was saved.
    pub(crate) fn new(spec: VfSpec, saved: Option<&Saved>, now: Duration) -> Vf {
        let (choice, timing) = (choice(&spec), Timing { plug_wait: PLUG_WAIT, ..Timing::default() });
        let anew = || Device::new(choice, timing);
        let mut device = saved.map_or_else(anew, |saved| Device::restore(saved, choice, timing, now));
        if spec.vmm.is_some() {
            // Nobody speaks with it yet, but somebody will; never refused.
            let _ = device.on(Event::VmmLost, now);
        }
        Vf {
            spec,
            device,
            guest: None,
            negotiated: false,
            withheld: false,
            wanted: false,
            revoked: false,
            lane: VfLaneView::default(),
            vmm: None,
            since: now,
            asked: now,
        }
    }

    /// Does what could not be done while the VF before was on its way out: takes the model that was said meanwhile, and offers what
    /// was found meanwhile.
    pub(crate) fn settle(&mut self, now: Duration) {
        if self.device.status().state != State::Absent {
            return;
        }
        // There is no VF, so nothing is refused; what the guest contradicts waits.
        let _ = self.device.choose(choice(&self.spec), now);
        if std::mem::take(&mut self.wanted) {
            let _ = self.device.on(Event::Offer(By::Auto), now);
        }
    }

    /// Whether a guest that accepted these features is the standby of a failover. QEMU negotiates STANDBY by itself and does not
    /// pass it on, but shows the guest no VF that is to be a primary before. So its word counts, and the operator's for as long as
    /// it does not say otherwise.
    pub(crate) fn is_standby(&self, features: u64) -> bool {
        let paired = self.spec.vmm.as_ref().is_some_and(|vmm| vmm.pair.is_some());
        let said = self.spec.model == Some(GuestModel::Standby);
        features & STANDBY != 0 || self.negotiated || (!self.withheld && (paired || said))
    }

    /// When there is something to do for it.
    fn next_due(&self) -> Option<Duration> {
        let again = self.device.steering().asks.then(|| self.asked + ASK_AGAIN);
        self.device.next_due().into_iter().chain(again).min()
    }

    /// Whether frames from the lane are for the guest, rather than from it.
    pub(crate) fn is_inward(&self) -> bool {
        self.device.status().model.0 == GuestModel::HostLane
    }
}

/// What is known of the guest's model before the guest is there: a netdev of the host that nobody plugs into a guest is ours.
pub(crate) fn choice(spec: &VfSpec) -> Choice {
    let of_host = matches!(spec.lane.carrier(), LaneSpec::Packet { .. } | LaneSpec::Tap { .. } | LaneSpec::Auto(_));
    Choice { model: spec.model, host_netdev: of_host && spec.vmm.is_none() }
}

impl Vfs {
    pub(crate) fn get(&self, port: &PortPath) -> Option<&Vf> {
        self.all.get(port)
    }

    pub(crate) fn get_mut(&mut self, port: &PortPath) -> Option<&mut Vf> {
        self.all.get_mut(port)
    }

    pub(crate) fn insert(&mut self, port: PortPath, vf: Vf) {
        self.all.insert(port, vf);
    }

    pub(crate) fn remove(&mut self, port: &PortPath) -> Option<Vf> {
        self.all.remove(port)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&PortPath, &mut Vf)> {
        self.all.iter_mut()
    }

    /// What of them outlives a restart, where there is anything.
    pub(crate) fn save(&self) -> SavedVfs {
        let living =
            |vf: &Vf| vf.device.status().state != State::Absent || vf.device.status().counts != Counts::default();
        let all = self.all.iter().filter(|(_, vf)| living(vf));
        let states = all.map(|(port, vf)| (port.clone(), vf.device.save())).collect();
        SavedVfs { states, revoked: self.revoked() }
    }

    /// Those that are found by themselves and that an operator took away.
    fn revoked(&self) -> BTreeSet<PortPath> {
        let kept = |vf: &Vf| vf.revoked && matches!(vf.spec.lane, LaneSpec::Auto(_));
        self.all.iter().filter(|(_, vf)| kept(vf)).map(|(port, _)| port.clone()).collect()
    }

    /// When one of them has something to do.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.all.values().filter_map(Vf::next_due).min()
    }
}
