// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes over the kernel's own devices: netdevs by packet sockets, and taps. Linux hosts in network namespaces are at the other
//! end, which leave checksums and segmentation to whoever does them last, as they do with any network card.
#![forbid(unsafe_code)]

mod burst;
mod hosts;
mod packet;
mod pump;
mod tap;
