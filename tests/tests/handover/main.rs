// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A port goes from one weftd to another, with its guest, over their control sockets or over TLS, and an uplink between them.
#![forbid(unsafe_code)]

mod between;
mod homes;
mod landing;
mod moves;
mod peers;
mod refused;
mod replayed;
mod scene;
mod strangers;
mod tls;
mod upgraded;
