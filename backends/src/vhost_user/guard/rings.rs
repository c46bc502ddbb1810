// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Messages about one ring.

use super::memory::MemoryTable;
use super::refusal::Refusal;
use crate::vhost_user::message::{Message, NOFD};

/// Largest split ring (virtio 1.2 section 2.7).
pub const RING_SIZE_MAX: u32 = 32768;

/// SET_VRING_NUM: the crate would acknowledge a size that is no power of two, and ignore it.
pub(super) fn check_size(name: &'static str, message: &Message) -> Result<(), Refusal> {
    let size = message.u32_at(4).unwrap_or(0);
    if size.is_power_of_two() && size <= RING_SIZE_MAX {
        return Ok(());
    }
    let expected = format!("a power of two up to {RING_SIZE_MAX}");
    Err(Refusal::Value { message: name, what: "the ring size", value: u64::from(size), expected })
}

/// SET_VRING_BASE: an index of 16 bits in a field of 32.
pub(super) fn check_base(name: &'static str, message: &Message) -> Result<(), Refusal> {
    let base = message.u32_at(4).unwrap_or(0);
    if u16::try_from(base).is_ok() {
        return Ok(());
    }
    let expected = "at most 65535".to_owned();
    Err(Refusal::Value { message: name, what: "the ring's base", value: u64::from(base), expected })
}

/// SET_VRING_ENABLE: 0 or 1.
pub(super) fn check_enable(name: &'static str, message: &Message) -> Result<(), Refusal> {
    match message.u32_at(4).unwrap_or(0) {
        0 | 1 => Ok(()),
        other => {
            let expected = "0 or 1".to_owned();
            Err(Refusal::Value { message: name, what: "the ring's state", value: u64::from(other), expected })
        }
    }
}

/// SET_VRING_ADDR: three frontend addresses, aligned (virtio 1.2 section 2.7) and in known memory. Whether the whole
/// ring fits is checked when it is built.
pub(super) fn check_addresses(name: &'static str, message: &Message, memory: &MemoryTable) -> Result<(), Refusal> {
    let flags = u64::from(message.u32_at(4).unwrap_or(0));
    if flags > 1 {
        let expected = "0 or 1".to_owned();
        return Err(Refusal::Value { message: name, what: "the flag word", value: flags, expected });
    }
    let parts = [(8, 16, "the descriptor table"), (16, 4, "the used ring"), (24, 2, "the available ring")];
    for (at, align, what) in parts {
        let value = message.u64_at(at).unwrap_or(0);
        if !value.is_multiple_of(align) || !memory.contains_user(value) {
            let expected =
                format!("an address in guest memory, aligned to {align} (is the guest's memory shared? share=on)");
            return Err(Refusal::Value { message: name, what, value, expected });
        }
    }
    Ok(())
}

/// SET_VRING_ADDR: where writes to the used ring are logged, if its sender says so (`VHOST_VRING_F_LOG`).
pub(super) fn log_address(message: &Message) -> Option<u64> {
    let logged = message.u32_at(4).is_some_and(|flags| flags & 1 != 0);
    message.u64_at(32).filter(|_| logged)
}

/// The ring that a doorbell message names, from its 64-bit payload: bits 0-7, and [`NOFD`] beside them. Other bits make
/// the index absurd on purpose.
pub(super) fn doorbell_index(message: &Message) -> u64 {
    message.u64_at(0).unwrap_or(u64::MAX) & !NOFD
}

/// How many descriptors a doorbell message must bring.
pub(super) fn doorbell_fds(message: &Message) -> usize {
    if message.u64_at(0).unwrap_or(0) & NOFD == 0 { 1 } else { 0 }
}
