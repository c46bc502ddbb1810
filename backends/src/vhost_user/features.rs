// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The virtio and vhost-user features that a port can serve, and their names.
//!
//! A VMM refuses a backend that lacks a bit its guest has negotiated, so what a port once offered it must offer for
//! ever: the set is stored with the port and may only grow. For the same reason `MQ` is always offered, also with one
//! queue pair: a port that is given more pairs later must not look like another device.
//!
//! Not offered, with offloads or without: UFO (receivers would have to be sent IP fragments), and HASH_REPORT and RSS.
//! The guest says which hash it wants, with which key, over the control queue, which ends in the VMM: vhost-user has no
//! message that would bring it here. And the hash is Toeplitz's, over up to 36 bytes of each frame: it would have to be
//! computed beside the one that chooses the queue, and the header in front of each frame would grow by 8 bytes.

use vhost::vhost_user::message::VhostUserProtocolFeatures as Protocol;

/// `VHOST_USER_F_PROTOCOL_FEATURES`: the vhost-user extension bit in the virtio feature word. Rings then start disabled.
pub const PROTOCOL_FEATURES: u64 = 1 << 30;

/// `VIRTIO_F_VERSION_1`: the guest's driver is not a legacy one. Those are served too, where guest and host are
/// little-endian both; their header is shorter (virtio 1.2 section 5.1.6.1).
pub const VERSION_1: u64 = 1 << 32;

/// `VIRTIO_RING_F_EVENT_IDX` (virtio 1.2 section 2.7.10).
pub const EVENT_IDX: u64 = 1 << 29;

/// `VHOST_F_LOG_ALL`: what is written into guest memory is marked in the log that SET_LOG_BASE has brought. No feature of the
/// guest's device: whoever migrates it turns it on and off while rings run.
pub const LOG_ALL: u64 = 1 << 26;

/// One feature: bit, name as the virtio specification has it without prefix.
type Feature = (u32, &'static str);

/// What every port offers (virtio 1.2 sections 5.1.3 and 6; vhost-user "Feature bits").
const ALWAYS: &[Feature] = &[
    (3, "mtu"),
    (5, "mac"),
    (15, "mrg-rxbuf"),
    (16, "status"),
    (17, "ctrl-vq"),
    (21, "guest-announce"),
    (22, "mq"),
    (26, "log-all"),
    (28, "indirect-desc"),
    (29, "event-idx"),
    (30, "protocol-features"),
    (32, "version-1"),
    (35, "in-order"),
];

/// What a port with offloads offers on top. USO is for VMMs that hand it on: QEMU 10.0 offers its guests none over
/// vhost-user, whatever is offered here.
const OFFLOADS: &[Feature] = &[
    (0, "csum"),
    (1, "guest-csum"),
    (7, "guest-tso4"),
    (8, "guest-tso6"),
    (9, "guest-ecn"),
    (11, "host-tso4"),
    (12, "host-tso6"),
    (13, "host-ecn"),
    (54, "guest-uso4"),
    (55, "guest-uso6"),
    (56, "host-uso"),
];

/// What a port is, as far as its features could depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureSpec {
    /// Receive and transmit queue pairs, at least 1. They change nothing today, see the module's description.
    pub queue_pairs: u16,
    /// Checksum and segmentation offloads, both ways.
    pub offloads: bool,
}

/// Virtio feature bits that a port of this kind can serve.
#[must_use]
pub fn offered_features(spec: &FeatureSpec) -> u64 {
    let offloads: &[Feature] = if spec.offloads { OFFLOADS } else { &[] };
    ALWAYS.iter().chain(offloads).fold(0, |bits, (bit, _)| bits | 1 << bit)
}

/// Names of the bits set in `features`, lowest first; a bit that no port offers shows as its number.
#[must_use]
pub fn feature_names(features: u64) -> Vec<String> {
    (0..64).filter(|bit| features >> bit & 1 == 1).map(name_of).collect()
}

fn name_of(bit: u32) -> String {
    let known = ALWAYS.iter().chain(OFFLOADS).find(|(number, _)| *number == bit);
    known.map_or_else(|| format!("bit-{bit}"), |(_, name)| (*name).to_owned())
}

/// vhost-user protocol features that a session offers. RARP, MTU, LOG_SHMFD and DEVICE_STATE are served by the guard, REPLY_ACK by the
/// `vhost` crate. Not offered: in-flight tracking (IN_ORDER and restarting at the used index replace
/// it), RESET_DEVICE (QEMU would then reset without GET_VRING_BASE), STATUS.
#[must_use]
pub fn protocol_features() -> Protocol {
    Protocol::MQ
        | Protocol::LOG_SHMFD
        | Protocol::RARP
        | Protocol::REPLY_ACK
        | Protocol::MTU
        | Protocol::CONFIG
        | Protocol::CONFIGURE_MEM_SLOTS
        | Protocol::DEVICE_STATE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_queue_pairs_or_offloads_only_ever_add_features() {
        let of = |queue_pairs, offloads| offered_features(&FeatureSpec { queue_pairs, offloads });
        assert_eq!(of(1, true), of(8, true));
        assert_eq!(of(1, false) & of(1, true), of(1, false));
        assert_eq!(
            of(1, true) & (VERSION_1 | PROTOCOL_FEATURES | EVENT_IDX),
            VERSION_1 | PROTOCOL_FEATURES | EVENT_IDX
        );
    }

    #[test]
    fn offloads_have_two_ends() {
        let bits = offered_features(&FeatureSpec { queue_pairs: 1, offloads: true });
        for (host, guests) in [(0, [1, 1]), (11, [7, 7]), (12, [8, 8]), (13, [9, 9]), (56, [54, 55])] {
            assert!(bits >> host & 1 == 1 && guests.iter().all(|guest| bits >> guest & 1 == 1), "{host}");
        }
    }

    #[test]
    fn features_have_the_names_that_operators_know() {
        assert_eq!(feature_names(VERSION_1 | EVENT_IDX | 1 | 1 << 63), ["csum", "event-idx", "version-1", "bit-63"]);
    }
}
