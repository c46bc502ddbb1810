// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What frames may leave undone on a lane, as bits of virtio-net's features.

/// Checksums that a receiver completes or does without (virtio 1.2 section 5.1.3): `GUEST_CSUM`; `CSUM` the other way round.
const CSUM: u64 = 1;
const GUEST_CSUM: u64 = 1 << 1;
/// `GUEST_TSO4`, `GUEST_TSO6`, `GUEST_ECN`: large TCP frames may be sent into the lane.
const GUEST_TCP: u64 = 1 << 7 | 1 << 8 | 1 << 9;
/// `HOST_TSO4`, `HOST_TSO6`, `HOST_ECN`: they may come out of it.
const HOST_TCP: u64 = 1 << 11 | 1 << 12 | 1 << 13;
/// `GUEST_USO4`, `GUEST_USO6` and `HOST_USO`: the same of UDP.
const GUEST_UDP: u64 = 1 << 54 | 1 << 55;
const HOST_UDP: u64 = 1 << 56;

/// What frames that go into a lane may leave undone where all is understood.
pub(super) const INTO: u64 = GUEST_CSUM | GUEST_TCP | GUEST_UDP;
/// What frames that come out of a lane may leave undone where all is used.
pub(super) const OUT_OF: u64 = CSUM | HOST_TCP | HOST_UDP;
/// What of both has to do with UDP's segmentation, which older kernels do not know.
pub(super) const UDP: u64 = GUEST_UDP | HOST_UDP;
