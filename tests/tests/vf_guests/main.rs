// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A stock Linux guest with a failover pair: a virtio NIC that is always there, and an emulated PCI NIC that is plugged in
//! and pulled out under traffic, as a VF is.
//!
//! What the guest's net_failover does, and says to nobody, decides how a switch must steer. It is seen here first without
//! weft: the test itself is the switch.

mod cycles;
mod igb;
mod lanes;
mod relay;
mod router;
mod surprise;
mod through_weft;
mod without_weft;
