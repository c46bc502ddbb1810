// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What packet sockets have of their own (packet(7), `linux/if_packet.h`) and no library offers: options, the netdev that one
//! is on, and a ring that the kernel receives into, which belongs to the socket and can be mapped by each process that has it.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use vm_memory::{FileOffset, GuestAddress, GuestMemoryMmap, GuestRegionMmap, MmapRegion};

use crate::memory::MemoryMap;

/// `PACKET_ADD_MEMBERSHIP`.
const ADD_MEMBERSHIP: libc::c_int = 1;
/// `PACKET_RX_RING`.
const RX_RING: libc::c_int = 5;
/// `PACKET_STATISTICS`.
const STATISTICS: libc::c_int = 6;

/// Options whose value is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum PacketOption {
    /// The layout of a ring's slots; 1 is `TPACKET_V2`.
    Version = 10,
    /// Bytes that stay free before each frame in a slot.
    Reserve = 12,
    /// A virtio-net header of ten bytes before each frame, both ways.
    VnetHeader = 15,
    /// Frames that are sent go past the netdev's queueing discipline.
    QdiscBypass = 20,
    /// Frames that this host sends do not come in.
    IgnoreOutgoing = 23,
    /// A virtio-net header of as many bytes, 10 or 12 (Linux 6.5).
    VnetHeaderSize = 24,
}

/// The blocks and slots of a ring (`struct tpacket_req`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct RingShape {
    /// Bytes of a block: a power of two, whole pages.
    pub block_size: u32,
    /// How many of them.
    pub blocks: u32,
    /// Bytes of a slot, a multiple of 16. What does not fit into a block is lost.
    pub slot_size: u32,
    /// Slots of all blocks.
    pub slots: u32,
}

/// A packet socket that takes in nothing until it is bound.
///
/// # Errors
/// `PermissionDenied` without `CAP_NET_RAW`.
pub fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None)?)
}

/// Sets an option.
///
/// # Errors
/// What `setsockopt` says: `ENOPROTOOPT` or `EINVAL` where the kernel does not know it.
pub fn set(socket: BorrowedFd<'_>, option: PacketOption, value: u32) -> io::Result<()> {
    set_raw(socket, option as libc::c_int, &value)
}

/// What an option is set to.
///
/// # Errors
/// What `getsockopt` says: `ENOPROTOOPT` where the kernel does not know it, or the socket is no packet socket.
pub fn get(socket: BorrowedFd<'_>, option: PacketOption) -> io::Result<u32> {
    let [value] = get_raw(socket, option as libc::c_int)?;
    Ok(value)
}

/// Has the socket see all frames of the netdev, to whatever MAC, for as long as it lives.
///
/// # Errors
/// What `setsockopt` says.
pub fn be_promiscuous(socket: BorrowedFd<'_>, ifindex: u32) -> io::Result<()> {
    // SAFETY: all of it is numbers, of which zero is a value.
    let mut request: libc::packet_mreq = unsafe { std::mem::zeroed() };
    request.mr_ifindex = ifindex as libc::c_int;
    request.mr_type = libc::PACKET_MR_PROMISC as libc::c_ushort;
    set_raw(socket, ADD_MEMBERSHIP, &request)
}

/// Binds to a netdev: from now on its frames, of all protocols, come in.
///
/// # Errors
/// `ENODEV` where there is none of that index; what else `bind` says.
pub fn bind(socket: BorrowedFd<'_>, ifindex: u32) -> io::Result<()> {
    let mut address = nowhere();
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = ifindex as libc::c_int;
    let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: `address` is a sockaddr_ll and `len` says so; the kernel only reads it.
    let outcome = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The number of the netdev that the socket is bound to; `None`: it is not bound to one, or that exists no more.
///
/// # Errors
/// What `getsockname` says.
pub fn netdev_of(socket: BorrowedFd<'_>) -> io::Result<Option<u32>> {
    let mut address = nowhere();
    let mut len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: `address` is a sockaddr_ll and `len` says so; the kernel writes at most that many bytes.
    let outcome = unsafe { libc::getsockname(socket.as_raw_fd(), (&raw mut address).cast(), &raw mut len) };
    if outcome != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(u32::try_from(address.sll_ifindex).ok().filter(|index| *index > 0))
}

/// Frames that found the socket's ring or buffer full since it was last asked.
///
/// # Errors
/// What `getsockopt` says.
pub fn take_losses(socket: BorrowedFd<'_>) -> io::Result<u32> {
    // `struct tpacket_stats`: how many came, and how many of them were lost.
    let [_, lost] = get_raw(socket, STATISTICS)?;
    Ok(lost)
}

/// Gives the socket a ring that the kernel receives into.
///
/// # Errors
/// What `setsockopt` says: `ENOMEM` where there is no memory for it, `EBUSY` where it has one that is mapped.
pub fn make_ring(socket: BorrowedFd<'_>, shape: RingShape) -> io::Result<()> {
    set_raw(socket, RX_RING, &shape)
}

/// Maps the ring that the socket has at address 0. The mapping keeps the socket open.
///
/// # Errors
/// What `mmap` says: `EINVAL` where the socket has no ring, or one of another size.
pub fn map_ring(socket: OwnedFd, shape: RingShape) -> io::Result<Arc<MemoryMap>> {
    let size = shape.block_size as usize * shape.blocks as usize;
    let (readable, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    let place = FileOffset::new(socket.into(), 0);
    let region = MmapRegion::build(Some(place), size, readable, shared).map_err(io::Error::other)?;
    let region = GuestRegionMmap::new(region, GuestAddress(0)).ok_or(io::ErrorKind::OutOfMemory)?;
    let memory = GuestMemoryMmap::from_regions(vec![region]).map_err(io::Error::other)?;
    Ok(MemoryMap::new(&memory))
}

fn nowhere() -> libc::sockaddr_ll {
    // SAFETY: all of it is numbers, of which zero is a value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::sa_family_t;
    address
}

fn get_raw<const N: usize>(socket: BorrowedFd<'_>, option: libc::c_int) -> io::Result<[u32; N]> {
    let mut values = [0_u32; N];
    let mut len = size_of_val(&values) as libc::socklen_t;
    let to = values.as_mut_ptr().cast();
    // SAFETY: `to` leads to `len` bytes of ours; the kernel writes at most that many.
    let outcome = unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, to, &raw mut len) };
    if outcome == 0 { Ok(values) } else { Err(io::Error::last_os_error()) }
}

fn set_raw<T: Copy>(socket: BorrowedFd<'_>, option: libc::c_int, value: &T) -> io::Result<()> {
    let (from, len) = ((&raw const *value).cast(), size_of::<T>() as libc::socklen_t);
    // SAFETY: `from` leads to a value of `len` bytes, which the kernel only reads.
    let outcome = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, from, len) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
