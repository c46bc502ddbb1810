// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! vhost-user sessions of the real daemon, with synthetic guests on the other side.
#![forbid(unsafe_code)]

mod frames;
mod life;
mod memory;
mod offer;
mod orders;
mod recorded;
mod sockets;
