// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The channels to the VMMs of guests whose VFs weft plugs.

use super::kind::hardware;
use super::netdevs::Netdevs;
use crate::place::Place;
use crate::vmm::{Channel, DeviceId, Dialect, Event, Identity};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;
use switch::{Confined, LaneSpec, PortPath, PortSpec, VfSpec, VmmKind, VmmNotice, VmmSpec};
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};

/// Channels that are looked at in one turn because there is something to read; the others have the next.
const READY_AT_ONCE: usize = 64;

/// A channel, by what it is known in the set of those that are watched.
struct Spoken {
    channel: Channel,
    token: u64,
    /// With whom, and about which VF.
    about: About,
}

/// All that makes a channel another one. What is said anew of a VF's lane makes another VF, which has yet to hear how things are.
type About = (u32, VmmSpec, LaneSpec, Option<Confined>);

/// All channels.
pub(in crate::control) struct Vmms {
    channels: BTreeMap<PortPath, Spoken>,
    /// Readable when one of them is.
    watched: Epoll,
    /// What the next one is known by.
    next: u64,
    notices: Vec<(PortPath, VmmNotice)>,
}

impl Vmms {
    /// No channels yet.
    ///
    /// # Errors
    /// The system is out of descriptors.
    pub(in crate::control) fn new() -> io::Result<Vmms> {
        Ok(Vmms { channels: BTreeMap::new(), watched: Epoll::new()?, next: 0, notices: Vec::new() })
    }

    /// Speaks with the VMM of a port from now on, or with none. `number` is the port's, as the operator sees it.
    pub(in crate::control) fn follow(&mut self, port: &PortPath, number: u32, spec: Option<&PortSpec>) {
        let vmm = spec.and_then(|spec| spec.vf.as_ref()).and_then(|vf| Some((vf, vf.vmm.as_ref()?)));
        let about = vmm.map(|(vf, vmm)| (number, vmm.clone(), vf.lane.clone(), vf.confined.clone()));
        if about.is_some() && self.channels.get(port).map(|spoken| &spoken.about) == about.as_ref() {
            return;
        }
        // It leaves the set by itself.
        self.channels.remove(port);
        let (Some((vf, vmm)), Some(about)) = (vmm, about) else { return };
        let dialect = match vmm.kind {
            VmmKind::Qmp => Dialect::Qmp,
            VmmKind::CloudHypervisor => Dialect::CloudHypervisor,
        };
        let identity = Identity { device: DeviceId::of_port(number), standby: vmm.pair.clone() };
        let begun = Channel::new(Place::new(&vmm.socket, vf.confined.clone()), dialect, identity);
        match begun.and_then(|channel| self.watch(channel, about)) {
            Ok(spoken) => _ = self.channels.insert(port.clone(), spoken),
            Err(why) => self.notices.push((port.clone(), VmmNotice::Lost { reason: why.to_string() })),
        }
    }

    fn watch(&mut self, channel: Channel, about: About) -> io::Result<Spoken> {
        let token = self.next;
        self.next += 1;
        self.watched.ctl(ControlOperation::Add, channel.as_raw_fd(), EpollEvent::new(EventSet::IN, token))?;
        Ok(Spoken { channel, token, about })
    }

    /// Has a VF plugged in.
    pub(in crate::control) fn plug(
        &mut self,
        port: &PortPath,
        (spec, vf): (&PortSpec, &VfSpec),
        netdevs: &Netdevs,
        now: Duration,
    ) {
        match (hardware(spec, vf, netdevs.found(port)), self.channels.get_mut(port)) {
            (Ok(hardware), Some(spoken)) => spoken.channel.plug(hardware, now),
            (Err(why), _) => self.notices.push((port.clone(), VmmNotice::Told(netvsc::Event::PlugFailed(why)))),
            (Ok(_), None) => {
                let why = "weft does not speak with the guest's VMM: `weft port set --vf-qmp` says where".to_owned();
                self.notices.push((port.clone(), VmmNotice::Told(netvsc::Event::PlugFailed(why))));
            }
        }
    }

    /// Has it taken out.
    pub(in crate::control) fn unplug(&mut self, port: &PortPath, now: Duration) {
        if let Some(spoken) = self.channels.get_mut(port) {
            spoken.channel.unplug(now);
        }
    }

    /// When there is something to do by time.
    pub(in crate::control) fn due(&self) -> Option<Duration> {
        self.channels.values().filter_map(|spoken| spoken.channel.due()).min()
    }

    /// Gives those their turn that have something to read, or to do by now.
    pub(in crate::control) fn turn(&mut self, now: Duration) -> Vec<(PortPath, VmmNotice)> {
        let ready = self.ready();
        for spoken in self.channels.values_mut() {
            if ready.contains(&spoken.token) || spoken.channel.due().is_some_and(|due| due <= now) {
                spoken.channel.turn(now);
            }
        }
        let mut notices = std::mem::take(&mut self.notices);
        for (port, spoken) in &mut self.channels {
            let told = std::iter::from_fn(|| spoken.channel.poll_event()).filter_map(notice);
            notices.extend(told.map(|told| (port.clone(), told)));
        }
        notices
    }

    /// Which of them have something to read.
    fn ready(&self) -> BTreeSet<u64> {
        let mut ready = [EpollEvent::default(); READY_AT_ONCE];
        // What fails has nothing to read.
        let count = self.watched.wait(0, &mut ready).unwrap_or(0);
        ready[..count].iter().map(EpollEvent::data).collect()
    }
}

/// Readable when one of the channels has something to read.
impl AsRawFd for Vmms {
    fn as_raw_fd(&self) -> RawFd {
        self.watched.as_raw_fd()
    }
}

/// What the switch makes of what a VMM says.
fn notice(event: Event) -> Option<VmmNotice> {
    Some(match event {
        Event::Ready { plugged } => VmmNotice::Ready { plugged },
        Event::Lost(why) => VmmNotice::Lost { reason: why.to_string() },
        Event::Plugged => VmmNotice::Told(netvsc::Event::Plugged),
        Event::PlugFailed(why) => VmmNotice::Told(netvsc::Event::PlugFailed(why.to_string())),
        Event::Negotiated => VmmNotice::Told(netvsc::Event::Negotiated),
        Event::UnplugAsked => VmmNotice::Told(netvsc::Event::UnplugAsked),
        Event::Unplugged => VmmNotice::Told(netvsc::Event::Unplugged),
        Event::UnplugFailed(why) => VmmNotice::Told(netvsc::Event::UnplugFailed(why.to_string())),
        Event::Waiting => VmmNotice::Withheld,
        // The guest itself is followed by its session.
        Event::Machine(_) => return None,
    })
}
