// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The recordings of real VMMs, and what counts in a recording.
use crate::frontend::protocol;
use crate::frontend::script::Order;

/// What one VMM said, for a device with so many queue pairs.
#[derive(Debug, Clone, Copy)]
pub struct Recorded {
    /// Whose order it is.
    pub order: Order,
    /// Queue pairs of the device.
    pub pairs: u16,
    /// The recording, with a head that says how it was made.
    pub text: &'static str,
}

/// All recordings that there are.
pub fn recorded() -> [Recorded; 4] {
    let of = |order, pairs, text| Recorded { order, pairs, text };
    [
        of(Order::Qemu, 1, include_str!("../golden/recorded/qemu-1.txt")),
        of(Order::Qemu, 2, include_str!("../golden/recorded/qemu-2.txt")),
        of(Order::CloudHypervisor, 1, include_str!("../golden/recorded/cloud-hypervisor-1.txt")),
        of(Order::CloudHypervisor, 2, include_str!("../golden/recorded/cloud-hypervisor-2.txt")),
    ]
}

impl Recorded {
    /// The recording of this order for so many queue pairs.
    ///
    /// # Panics
    /// When there is none.
    pub fn of(order: Order, pairs: u16) -> Recorded {
        let found = recorded().into_iter().find(|recorded| (recorded.order, recorded.pairs) == (order, pairs));
        found.unwrap_or_else(|| panic!("nobody has recorded {order:?} with {pairs} queue pairs"))
    }

    /// The protocol features that were negotiated.
    ///
    /// # Panics
    /// When the recording names one that vhost-user does not have.
    pub fn protocol(self) -> u64 {
        let (_, names) = self.text.split_once("SET_PROTOCOL_FEATURES=").expect("every VMM negotiates them");
        let names = names.lines().next().unwrap_or_default();
        names.split(',').map(protocol::named).sum()
    }

    /// Holds a new recording against this one.
    ///
    /// # Panics
    /// When another order is in it, with the whole of it.
    #[track_caller]
    pub fn assert_same(self, text: &str) {
        let (order, pairs) = (self.order, self.pairs);
        assert!(essence(text) == essence(self.text), "not what {order:?} with {pairs} queue pairs said:\n{text}");
    }
}

/// The lines of a recording without what may differ from one guest to another. A device is reset as often as machine,
/// firmware and driver like, and each time the same is said: so what is said again at once counts once. And how long a ring
/// is differs: Debian 12's QEMU 10.0.2 says 256, Debian 13's 10.0.13 says 1024.
pub fn essence(recording: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = Vec::new();
    for line in recording.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let length = line.contains("SET_VRING_NUM").then(|| line.rfind('=')).flatten();
        lines.push(&line[..length.unwrap_or(line.len())]);
        let said_again = |len: &usize| lines[lines.len() - 2 * len..lines.len() - len] == lines[lines.len() - len..];
        if let Some(len) = (1..=lines.len() / 2).find(said_again) {
            lines.truncate(lines.len() - len);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{essence, recorded};

    #[test]
    fn what_is_said_again_at_once_counts_once() {
        assert_eq!(essence("# head\n\n[start]\non\noff\non\noff\non\ngo\n"), ["[start]", "on", "off", "on", "go"]);
    }

    #[test]
    fn the_length_of_a_ring_does_not_count() {
        let of = |length: u16| format!("[start]\n  8  0   SET_VRING_NUM[1]={length}\n  8  0   SET_VRING_BASE[1]=7\n");
        assert_eq!(essence(&of(256)), essence(&of(1024)));
        assert!(essence(&of(256))[2].ends_with("=7"));
    }

    #[test]
    fn every_recording_says_where_it_comes_from_and_is_whole() {
        for recorded in recorded() {
            assert!(recorded.text.contains("# Recorded by tests::recorder from "), "{recorded:?}");
            let sections: Vec<&str> = essence(recorded.text).into_iter().filter(|line| line.starts_with('[')).collect();
            let all = ["[connect]", "[start]", "[pause]", "[resume]", "[reset]", "[plug]", "[reconnect]", "[quit]"];
            assert_eq!(sections, all, "{recorded:?}");
        }
    }
}
