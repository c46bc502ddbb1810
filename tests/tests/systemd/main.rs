// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The units as they are in the repository, under a real systemd: what an operator sees who starts, restarts, upgrades and stops
//! weftd with it. `machine.rs` has systemd, `service.rs` the unit.
#![forbid(unsafe_code)]

mod alive;
mod machine;
mod peer;
mod restart;
mod sandbox;
mod service;
mod start;
mod stop;
mod upgrade;
