// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Entry points for fuzzing: any bytes, no I/O.
//!
//! Each takes what a VMM could say, and commands of ours in between. It must return, whatever the bytes; a panic is a
//! find.

use super::channel::in_dialect;
use super::dialogue::Dialogue;
use super::spec::{DeviceId, Dialect, Hardware, Identity, LaneSocket, Vf};
use std::time::Duration;
use wire::MacAddr;

/// QEMU's side of a conversation.
pub fn qmp(data: &[u8]) {
    converse(&mut *in_dialect(Dialect::Qmp, identity()), data);
}

/// cloud-hypervisor's side of a conversation.
pub fn cloud_hypervisor(data: &[u8]) {
    converse(&mut *in_dialect(Dialect::CloudHypervisor, identity()), data);
}

fn identity() -> Identity {
    Identity { device: DeviceId::of_port(1), standby: Some("nic0".to_owned()) }
}

/// In pieces: the first byte of each says how long it is, and what we do before it comes.
fn converse(dialogue: &mut dyn Dialogue, mut data: &[u8]) {
    let mut now = Duration::ZERO;
    dialogue.begin(now);
    while let Some((&head, rest)) = data.split_first() {
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(head >> 2)));
        now += Duration::from_millis(u64::from(head));
        match head & 3 {
            1 => dialogue.plug(vf(), now),
            2 => dialogue.unplug(now),
            _ => {}
        }
        if dialogue.push(piece, now).is_err() || dialogue.handle_due(now).is_err() {
            dialogue.end();
            dialogue.begin(now);
        }
        dialogue.output().clear();
        dialogue.events().clear();
        data = rest;
    }
}

fn vf() -> Vf {
    let socket = LaneSocket::Stream { path: "/run/weft/lane".to_owned() };
    let hardware = Hardware::Emulated { driver: "e1000e".to_owned(), mac: MacAddr([2, 0, 0, 0, 0, 1]), socket };
    Vf { hardware, bus: None }
}
