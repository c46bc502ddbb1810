// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the words for a lane mean: which lane is opened, and what a VMM is told to plug.

use crate::lane::{Kind, Plan};
use crate::netdev::Found;
use crate::place::Place;
use crate::vmm;
use nix::net::if_::if_nametoindex;
use std::num::NonZeroU32;
use switch::{Faults, LaneOpening, LaneSpec, Mode, PortSpec, VfSpec};

/// Bytes that a capture may have: 64 MiB.
const CAPTURE_MAX: u64 = 64 << 20;

/// The lane to be opened; `None`: there is none to open, since nothing goes through weft.
///
/// # Errors
/// It is not there, and what would help.
pub(super) fn of(asked: &LaneOpening, found: Option<&Found>) -> Result<Option<Kind>, String> {
    opened(&asked.lane, asked, found)
}

fn opened(lane: &LaneSpec, asked: &LaneOpening, found: Option<&Found>) -> Result<Option<Kind>, String> {
    let confined = asked.spec.vf.as_ref().map_or(&asked.spec.confined, |vf| &vf.confined);
    let place = |path: &String| Place::new(path, confined.clone());
    let passed_through = asked.spec.vf.as_ref().is_some_and(|vf| vf.vmm.is_some());
    Ok(Some(match lane {
        LaneSpec::Bypass { .. } => return Ok(None),
        LaneSpec::Auto(_) if passed_through => return Ok(None),
        LaneSpec::Auto(_) => packet(found.ok_or("no VF was found on the host")?.index)?,
        LaneSpec::Dgram { path, peer } => Kind::Dgram { local: place(path), remote: place(peer) },
        LaneSpec::Stream { path, mode } => Kind::Stream { place: place(path), listen: *mode == Mode::Server },
        LaneSpec::Packet { netdev } => {
            let absent = |_| format!("netdev {netdev} is not there: weft looks again when it has come");
            packet(if_nametoindex(netdev.as_str()).map_err(absent)?)?
        }
        LaneSpec::Tap { name, queues } => Kind::Tap { name: name.clone(), queues: *queues },
        LaneSpec::Null => Kind::Null,
        LaneSpec::Loopback => Kind::Loopback,
        LaneSpec::Pcap { path, read } => {
            let inner = read.as_ref().map_or(Kind::Null, |file| Kind::Replay { file: file.into() });
            Kind::Pcap { inner: Box::new(inner), file: path.into(), most: CAPTURE_MAX }
        }
        LaneSpec::Fault { faults, lane } => {
            let Faults { seed, loss, dup, reorder } = *faults;
            let plan = Plan { seed, lost: loss, twice: dup, swapped: reorder, ..Plan::default() };
            let Some(inner) = opened(lane, asked, found)? else { return Ok(None) };
            Kind::Fault { inner: Box::new(inner), plan }
        }
    }))
}

/// The netdev that a lane is, by its number.
pub(super) fn netdev(kind: &Kind) -> Option<u32> {
    match kind {
        Kind::Packet { ifindex, .. } => Some(ifindex.get()),
        Kind::Tap { name, .. } => if_nametoindex(name.as_str()).ok(),
        Kind::Fault { inner, .. } => netdev(inner),
        _ => None,
    }
}

/// The netdev that stands for the VF of a port, by its number.
pub(super) fn vf_netdev(kind: &Kind, spec: &PortSpec) -> Option<u32> {
    match kind {
        Kind::Packet { ifindex, .. } if spec.vf.is_some() => Some(ifindex.get()),
        Kind::Fault { inner, .. } => vf_netdev(inner, spec),
        _ => None,
    }
}

fn packet(index: u32) -> Result<Kind, String> {
    let ifindex = NonZeroU32::new(index).ok_or("no netdev has the number 0")?;
    Ok(Kind::Packet { ifindex, bypass: false })
}

/// What a VMM is told to plug for a VF.
///
/// # Errors
/// There is nothing that could be plugged.
pub(super) fn hardware(port: &PortSpec, vf: &VfSpec, found: Option<&Found>) -> Result<vmm::Vf, String> {
    let driver = vf.vmm.as_ref().map_or("", |vmm| &vmm.device).to_owned();
    let bus = vf.vmm.as_ref().and_then(|vmm| vmm.bus.clone());
    let emulated = |socket| vmm::Hardware::Emulated { driver, mac: port.mac, socket };
    let function = |address: String| {
        let address = address.parse().map_err(|why: vmm::BadPciAddress| why.to_string())?;
        Ok::<_, String>(vmm::Hardware::Vfio { address })
    };
    let hardware = match vf.lane.carrier() {
        LaneSpec::Dgram { path, peer } => {
            emulated(vmm::LaneSocket::Dgram { local: peer.clone(), remote: path.clone() })
        }
        LaneSpec::Stream { path, mode: Mode::Server } => emulated(vmm::LaneSocket::Stream { path: path.clone() }),
        LaneSpec::Bypass { pci } => function(pci.to_string())?,
        LaneSpec::Auto(_) => {
            let pci = found.and_then(|found| found.pci).ok_or("the VF that was found is no PCI function")?;
            function(pci.to_string())?
        }
        other => return Err(format!("a VF on {other} cannot be plugged into a guest: use dgram, stream or bypass")),
    };
    Ok(vmm::Vf { hardware, bus })
}
