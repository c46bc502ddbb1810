// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frontends and control clients that break every rule, against the real daemon. After each of them: the daemon lives,
//! the guests of other ports exchange frames, the port says what happened, no descriptor is left behind, and a
//! well-behaved guest is served on the same port.
//!
//! The modules are classes of attack, F (vhost-user frontends) and C (clients of the control socket).
#![forbid(unsafe_code)]

mod connections;
mod control;
mod descriptors;
mod doorbells;
mod memory;
mod messages;
mod order;
mod random;
mod rings;
mod scene;
mod stream;
mod truncation;
