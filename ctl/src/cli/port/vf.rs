// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes and VFs, on the command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::cli::failure::Failure;
use crate::cli::path::for_daemon;
use crate::proto::v1::{GuestModel, Vf, Vmm, VmmKind};

/// What stands below the options of `port add` and `port set`.
pub(super) const HELP: &str = "\
Lanes, for --lane and --vf:
  dgram:PATH,peer=PATH       datagrams over Unix sockets: `-netdev dgram` of QEMU
  stream:PATH[,mode=client]  a Unix socket, where weftd listens or connects
  packet:NETDEV              a netdev of the host: an uplink's, a VF's
                             or its representor
  tap:NAME[,queues=N]        a netdev of the host that weftd makes
  bypass:PCI                 only as VF: the guest has 0000:65:00.1 to itself,
                             its data bypasses weftd
  auto[,iface=NETDEV][,mac=MAC][,force][,ignore=NETDEV+NETDEV]
                             only as VF: found on the host by the port's MAC,
                             or that one, and used while it is there;
                             force: though the host routes over it
  null, loopback, pcap:PATH[,read=PATH]
                             for tests: nothing, what was sent, files of frames
  fault:SEED[,loss=N][,dup=N][,reorder=N]:LANE
                             for tests: LANE, where N of 1000 frames are lost,
                             come twice or out of order, as SEED has it
Whoever has a namespace by delegation may use dgram, stream, null and loopback.";

/// The word for no VF and no VMM.
const NONE: &str = "none";

/// The VF of a port.
#[derive(Debug, Args)]
#[command(next_help_heading = "VF", group = ArgGroup::new("vmm").args(["vf_qmp", "vf_ch"]))]
pub(super) struct VfArgs {
    /// Second lane of a port with a guest, which comes and goes while the guest keeps its NIC: a lane as below, or
    /// `none`. `weft vf` offers and revokes it
    #[arg(long, value_name = "LANE")]
    vf: Option<String>,
    /// How the guest makes one NIC of both lanes. For a new VF weftd finds it out
    #[arg(long, value_name = "MODEL")]
    vf_model: Option<GuestModel>,
    /// QMP socket over which weftd has QEMU plug and unplug the VF, or `none`
    #[arg(long, value_name = "PATH")]
    vf_qmp: Option<PathBuf>,
    /// API socket over which weftd has cloud-hypervisor plug and unplug the VF, or `none`
    #[arg(long, value_name = "PATH")]
    vf_ch: Option<PathBuf>,
    /// Device that is plugged, by its driver's name in the VMM [default: e1000e, or vfio-pci with bypass]
    #[arg(long, value_name = "DRIVER", requires = "vmm")]
    vf_device: Option<String>,
    /// Bus of QEMU that it is plugged into, by id [default: one that QEMU chooses]
    #[arg(long, value_name = "ID", requires = "vf_qmp", conflicts_with = "vf_ch")]
    vf_bus: Option<String>,
    /// The port's own virtio-net device in QEMU, by id: the VF becomes its primary (failover_pair_id)
    #[arg(long, value_name = "ID", requires = "vf_qmp", conflicts_with = "vf_ch")]
    vf_pair: Option<String>,
}

impl VfArgs {
    /// What was named, if anything.
    pub(super) fn said(self) -> Result<Option<Vf>, Failure> {
        let VfArgs { vf, vf_model, vf_qmp, vf_ch, vf_device: device, vf_bus: bus, vf_pair: pair } = self;
        let qmp = vf_qmp.map(|path| (VmmKind::Qmp, path));
        let vmm = match qmp.or(vf_ch.map(|path| (VmmKind::CloudHypervisor, path))) {
            None => None,
            Some((_, path)) if path.as_os_str() == NONE => Some(Vmm::default()),
            Some((kind, path)) => Some(Vmm { kind, socket: Some(for_daemon(path)?), device, bus, pair }),
        };
        let said = Vf { lane: vf, model: vf_model, vmm };
        Ok((said != Vf::default()).then_some(said))
    }
}
