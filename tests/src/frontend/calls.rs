// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every vhost-user message that a network frontend sends, by name. All return the errors of [`Frontend::query`] (those
//! with an answer) or [`Frontend::command`] (the others).
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::message::{words32, words64};
use super::{Frontend, FrontendError, Request};
use crate::driver::Ring;
use crate::memory::Region;

/// Protocol feature bits (vhost-user specification, "Protocol features").
pub mod protocol {
    /// More than one queue pair.
    pub const MQ: u64 = 1 << 0;
    /// The dirty log is a shared file.
    pub const LOG_SHMFD: u64 = 1 << 1;
    /// SEND_RARP.
    pub const RARP: u64 = 1 << 2;
    /// NEED_REPLY.
    pub const REPLY_ACK: u64 = 1 << 3;
    /// NET_SET_MTU.
    pub const MTU: u64 = 1 << 4;
    /// GET_CONFIG and SET_CONFIG.
    pub const CONFIG: u64 = 1 << 9;
    /// The in-flight descriptors are in a shared file.
    pub const INFLIGHT_SHMFD: u64 = 1 << 12;
    /// RESET_DEVICE.
    pub const RESET_DEVICE: u64 = 1 << 13;
    /// ADD_MEM_REG and REM_MEM_REG.
    pub const CONFIGURE_MEM_SLOTS: u64 = 1 << 15;
    /// SET_STATUS and GET_STATUS.
    pub const STATUS: u64 = 1 << 16;
    /// SET_DEVICE_STATE_FD and CHECK_DEVICE_STATE.
    pub const DEVICE_STATE: u64 = 1 << 19;

    /// All of them by name, as scripts and recordings write them.
    pub const NAMES: [(u64, &str); 11] = [
        (MQ, "MQ"),
        (LOG_SHMFD, "LOG_SHMFD"),
        (RARP, "RARP"),
        (REPLY_ACK, "REPLY_ACK"),
        (MTU, "MTU"),
        (CONFIG, "CONFIG"),
        (INFLIGHT_SHMFD, "INFLIGHT_SHMFD"),
        (RESET_DEVICE, "RESET_DEVICE"),
        (CONFIGURE_MEM_SLOTS, "CONFIGURE_MEM_SLOTS"),
        (STATUS, "STATUS"),
        (DEVICE_STATE, "DEVICE_STATE"),
    ];

    /// The bit of this name.
    ///
    /// # Panics
    /// When vhost-user has none: a typing error in a script.
    pub fn named(name: &str) -> u64 {
        let found = NAMES.iter().find(|(_, known)| *known == name);
        found.unwrap_or_else(|| panic!("vhost-user has no protocol feature {name}")).0
    }
}

/// Set in a SET_VRING_KICK, CALL or ERR body that comes without a file descriptor.
const NO_FD: u64 = 1 << 8;

/// Addresses of a ring in the frontend's own address space, as SET_VRING_ADDR carries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingAddresses {
    /// Descriptor table.
    pub desc: u64,
    /// Used ring.
    pub used: u64,
    /// Available ring.
    pub avail: u64,
    /// Bit 0: log writes to the used ring.
    pub flags: u32,
    /// Guest-physical address for that log.
    pub log: u64,
}

impl From<&Ring> for RingAddresses {
    fn from(ring: &Ring) -> RingAddresses {
        let (desc, used, avail) = (ring.desc().host_address(), ring.used().host_address(), ring.avail().host_address());
        RingAddresses { desc, used, avail, flags: 0, log: ring.used().gpa() }
    }
}

/// The 64-bit number that most answers are.
pub(super) fn number(request: Request, body: &[u8]) -> Result<u64, FrontendError> {
    let bytes =
        body.try_into().map_err(|_| FrontendError::Garbled(request, format!("{} bytes for a number", body.len())))?;
    Ok(u64::from_le_bytes(bytes))
}

fn describe(region: &Region) -> Vec<u8> {
    let range = region.range();
    words64(&[range.gpa, range.size, region.host_address(), region.file_offset()])
}

#[expect(clippy::missing_errors_doc, reason = "the same for all, said at the head of the module")]
impl Frontend {
    /// Asks for a number.
    pub fn ask(&mut self, request: Request) -> Result<u64, FrontendError> {
        let body = self.query(request, &[], &[])?;
        number(request, &body)
    }

    /// Tells a number.
    pub fn tell(&mut self, request: Request, value: u64) -> Result<(), FrontendError> {
        self.command(request, &words64(&[value]), &[])
    }

    /// Tells a number about a ring.
    pub fn tell_ring(&mut self, request: Request, ring: u32, value: u32) -> Result<(), FrontendError> {
        self.command(request, &words32(&[ring, value]), &[])
    }

    /// Gives a ring an eventfd, or takes it away.
    pub fn tell_bell(&mut self, request: Request, ring: u16, bell: Option<BorrowedFd>) -> Result<(), FrontendError> {
        let flag = if bell.is_some() { 0 } else { NO_FD };
        self.command(request, &words64(&[u64::from(ring) | flag]), bell.as_slice())
    }

    /// SET_OWNER.
    pub fn set_owner(&mut self) -> Result<(), FrontendError> {
        self.command(Request::named("SET_OWNER"), &[], &[])
    }

    /// GET_FEATURES: virtio feature bits.
    pub fn get_features(&mut self) -> Result<u64, FrontendError> {
        self.ask(Request::named("GET_FEATURES"))
    }

    /// SET_FEATURES.
    pub fn set_features(&mut self, features: u64) -> Result<(), FrontendError> {
        self.tell(Request::named("SET_FEATURES"), features)
    }

    /// GET_PROTOCOL_FEATURES: bits of [`protocol`].
    pub fn get_protocol_features(&mut self) -> Result<u64, FrontendError> {
        self.ask(Request::named("GET_PROTOCOL_FEATURES"))
    }

    /// SET_PROTOCOL_FEATURES.
    pub fn set_protocol_features(&mut self, features: u64) -> Result<(), FrontendError> {
        self.tell(Request::named("SET_PROTOCOL_FEATURES"), features)
    }

    /// GET_QUEUE_NUM.
    pub fn get_queue_num(&mut self) -> Result<u64, FrontendError> {
        self.ask(Request::named("GET_QUEUE_NUM"))
    }

    /// GET_MAX_MEM_SLOTS.
    pub fn get_max_mem_slots(&mut self) -> Result<u64, FrontendError> {
        self.ask(Request::named("GET_MAX_MEM_SLOTS"))
    }

    /// SET_MEM_TABLE with all regions.
    pub fn set_mem_table(&mut self, regions: &[Region]) -> Result<(), FrontendError> {
        let mut body = words32(&[regions.len() as u32, 0]);
        body.extend(regions.iter().flat_map(describe));
        let fds: Vec<BorrowedFd> = regions.iter().map(Region::file).collect();
        self.command(Request::named("SET_MEM_TABLE"), &body, &fds)
    }

    /// ADD_MEM_REG.
    pub fn add_mem_reg(&mut self, region: &Region) -> Result<(), FrontendError> {
        let body = [words64(&[0]), describe(region)].concat();
        self.command(Request::named("ADD_MEM_REG"), &body, &[region.file()])
    }

    /// REM_MEM_REG. QEMU passes the file again, which the specification tolerates.
    pub fn rem_mem_reg(&mut self, region: &Region) -> Result<(), FrontendError> {
        let body = [words64(&[0]), describe(region)].concat();
        self.command(Request::named("REM_MEM_REG"), &body, &[region.file()])
    }

    /// SET_LOG_BASE with a file of `size` bytes. It is answered whether acknowledgements are on or not.
    pub fn set_log_base(&mut self, size: u64, offset: u64, file: BorrowedFd) -> Result<(), FrontendError> {
        self.query(Request::named("SET_LOG_BASE"), &words64(&[size, offset]), &[file]).map(drop)
    }

    /// SET_VRING_NUM: entries.
    pub fn set_vring_num(&mut self, ring: u16, size: u16) -> Result<(), FrontendError> {
        self.tell_ring(Request::named("SET_VRING_NUM"), ring.into(), size.into())
    }

    /// SET_VRING_BASE: the index to go on from.
    pub fn set_vring_base(&mut self, ring: u16, base: u16) -> Result<(), FrontendError> {
        self.tell_ring(Request::named("SET_VRING_BASE"), ring.into(), base.into())
    }

    /// GET_VRING_BASE: stops the ring and returns the index it would go on from.
    pub fn get_vring_base(&mut self, ring: u16) -> Result<u32, FrontendError> {
        let request = Request::named("GET_VRING_BASE");
        let body = self.query(request, &words32(&[ring.into(), 0]), &[])?;
        let state = number(request, &body)?;
        if state as u32 != u32::from(ring) {
            return Err(FrontendError::Garbled(request, format!("asked for ring {ring}, got {}", state as u32)));
        }
        Ok((state >> 32) as u32)
    }

    /// SET_VRING_ADDR.
    pub fn set_vring_addr(&mut self, ring: u16, at: RingAddresses) -> Result<(), FrontendError> {
        let body = [words32(&[ring.into(), at.flags]), words64(&[at.desc, at.used, at.avail, at.log])].concat();
        self.command(Request::named("SET_VRING_ADDR"), &body, &[])
    }

    /// SET_VRING_KICK.
    pub fn set_vring_kick(&mut self, ring: u16, kick: Option<BorrowedFd>) -> Result<(), FrontendError> {
        self.tell_bell(Request::named("SET_VRING_KICK"), ring, kick)
    }

    /// SET_VRING_CALL.
    pub fn set_vring_call(&mut self, ring: u16, call: Option<BorrowedFd>) -> Result<(), FrontendError> {
        self.tell_bell(Request::named("SET_VRING_CALL"), ring, call)
    }

    /// SET_VRING_ERR.
    pub fn set_vring_err(&mut self, ring: u16, err: Option<BorrowedFd>) -> Result<(), FrontendError> {
        self.tell_bell(Request::named("SET_VRING_ERR"), ring, err)
    }

    /// SET_VRING_ENABLE.
    pub fn set_vring_enable(&mut self, ring: u16, on: bool) -> Result<(), FrontendError> {
        self.tell_ring(Request::named("SET_VRING_ENABLE"), ring.into(), on.into())
    }

    /// SEND_RARP: announce this MAC on behalf of the guest.
    pub fn send_rarp(&mut self, mac: [u8; 6]) -> Result<(), FrontendError> {
        let [a, b, c, d, e, f] = mac;
        self.tell(Request::named("SEND_RARP"), u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// NET_SET_MTU.
    pub fn net_set_mtu(&mut self, mtu: u64) -> Result<(), FrontendError> {
        self.tell(Request::named("NET_SET_MTU"), mtu)
    }

    /// GET_CONFIG: `size` bytes of the device's configuration space.
    pub fn get_config(&mut self, offset: u32, size: u32) -> Result<Vec<u8>, FrontendError> {
        let request = Request::named("GET_CONFIG");
        let body = [words32(&[offset, size, 0]), vec![0; size as usize]].concat();
        let mut answer = self.query(request, &body, &[])?;
        if answer.len() != body.len() {
            return Err(FrontendError::Garbled(request, format!("{} bytes for {}", answer.len(), body.len())));
        }
        Ok(answer.split_off(12))
    }

    /// RESET_OWNER.
    pub fn reset_owner(&mut self) -> Result<(), FrontendError> {
        self.command(Request::named("RESET_OWNER"), &[], &[])
    }

    /// RESET_DEVICE.
    pub fn reset_device(&mut self) -> Result<(), FrontendError> {
        self.command(Request::named("RESET_DEVICE"), &[], &[])
    }

    /// SET_DEVICE_STATE_FD: `load` or save through `pipe`. Returns a pipe end if the switch prefers its own.
    pub fn set_device_state_fd(&mut self, load: bool, pipe: BorrowedFd) -> Result<Option<OwnedFd>, FrontendError> {
        let request = Request::named("SET_DEVICE_STATE_FD");
        self.send(request, self.flags(), &words32(&[load.into(), 0]), &[pipe.as_fd()])?;
        let (body, mut fds) = self.reply_with_fds(request)?;
        match number(request, &body)? & 0xff {
            0 => Ok(fds.pop()),
            code => Err(FrontendError::Refused(request, code)),
        }
    }

    /// CHECK_DEVICE_STATE: did the transfer end well?
    pub fn check_device_state(&mut self) -> Result<(), FrontendError> {
        let request = Request::named("CHECK_DEVICE_STATE");
        match self.ask(request)? {
            0 => Ok(()),
            code => Err(FrontendError::Refused(request, code)),
        }
    }
}
