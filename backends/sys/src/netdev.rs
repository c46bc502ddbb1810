// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Host netdevs by ioctl (netdevice(7), `linux/if_tun.h`): what no library that is small does.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, open};

/// Bytes of a netdev's name with the zero behind it.
const NAME: usize = libc::IFNAMSIZ;

/// Bytes of the virtio-net header before each frame of a tap: 12, as in the rings of virtio 1.
pub const TAP_HEADER: libc::c_int = 12;

/// What the host may leave undone in frames that it sends to a tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TapOffload {
    /// Checksums, segmentation of TCP and UDP (Linux 6.2).
    Udp,
    /// Checksums, segmentation of TCP.
    Tcp,
}

impl TapOffload {
    fn bits(self) -> libc::c_uint {
        let tcp = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN;
        match self {
            Self::Udp => tcp | libc::TUN_F_USO4 | libc::TUN_F_USO6,
            Self::Tcp => tcp,
        }
    }
}

/// A queue of the tap with this name, non-blocking, with a virtio-net header of [`TAP_HEADER`] bytes before each frame. The tap is made
/// unless it is there, and goes with its last queue unless somebody has made it stay.
///
/// # Errors
/// `PermissionDenied` without `CAP_NET_ADMIN` where the tap is not ours, `InvalidInput` for a name that is too long, `EBUSY` or
/// `EINVAL` where it is taken or not a tap of several queues; `NotFound` where the host has no `/dev/net/tun`.
pub fn tap_queue(name: &str, several: bool) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let queue = open("/dev/net/tun", flags, Mode::empty())?;
    let queues = if several { libc::IFF_MULTI_QUEUE } else { 0 };
    let mut request = named(name)?;
    let flags = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR | queues;
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    // SAFETY: the request is a whole `ifreq`, which the kernel reads and may write.
    check(unsafe { libc::ioctl(queue.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) })?;
    let header = TAP_HEADER;
    // SAFETY: the kernel reads one int.
    check(unsafe { libc::ioctl(queue.as_raw_fd(), libc::TUNSETVNETHDRSZ as _, &raw const header) })?;
    Ok(queue)
}

/// Says what the host may leave undone: as much as the kernel knows of. Returns how much that is.
///
/// # Errors
/// What `ioctl` says.
pub fn offer_offloads(queue: BorrowedFd<'_>) -> io::Result<TapOffload> {
    let set = |offload: TapOffload| {
        let bits = libc::c_ulong::from(offload.bits());
        // SAFETY: the argument is a number, and no pointer.
        check(unsafe { libc::ioctl(queue.as_raw_fd(), libc::TUNSETOFFLOAD as _, bits) })
    };
    match set(TapOffload::Udp) {
        Ok(()) => Ok(TapOffload::Udp),
        Err(_) => set(TapOffload::Tcp).map(|()| TapOffload::Tcp),
    }
}

/// The MTU of the netdev with this name in the network namespace of `socket`, which may be any socket.
///
/// # Errors
/// `ENODEV` where there is none; what else `ioctl` says.
pub fn mtu(socket: BorrowedFd<'_>, name: &str) -> io::Result<u32> {
    let mut request = named(name)?;
    // SAFETY: the request is a whole `ifreq`, which the kernel reads and writes.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFMTU as _, &raw mut request) })?;
    // SAFETY: this is the member that the kernel has written.
    Ok(u32::try_from(unsafe { request.ifr_ifru.ifru_mtu }).unwrap_or(0))
}

/// Sets the netdev with this name up or down, in the network namespace of `socket`, which may be any socket. Returns whether it
/// was up.
///
/// # Errors
/// `PermissionDenied` without `CAP_NET_ADMIN`, `ENODEV` where there is none; what else `ioctl` says.
pub fn set_up(socket: BorrowedFd<'_>, name: &str, up: bool) -> io::Result<bool> {
    let mut request = named(name)?;
    // SAFETY: the request is a whole `ifreq`, which the kernel reads and writes.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS as _, &raw mut request) })?;
    let bit = libc::IFF_UP as libc::c_short;
    // SAFETY: this is the member that the kernel has written.
    let before = unsafe { request.ifr_ifru.ifru_flags };
    let was_up = before & bit != 0;
    if was_up != up {
        request.ifr_ifru.ifru_flags = before ^ bit;
        // SAFETY: the request is a whole `ifreq`, which the kernel reads.
        check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw mut request) })?;
    }
    Ok(was_up)
}

fn named(name: &str) -> io::Result<libc::ifreq> {
    if name.is_empty() || name.len() >= NAME || name.contains('\0') {
        let why = format!("a netdev's name has 1 to {} bytes", NAME - 1);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    // SAFETY: all of it is numbers and pointers, of which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from as libc::c_char);
    Ok(request)
}

fn check(outcome: libc::c_int) -> io::Result<()> {
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
