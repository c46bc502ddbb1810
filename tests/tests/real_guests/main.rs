// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Real guests under QEMU on the real daemon, steered by the real command line.
//!
//! Booting a guest is dear (seconds, where it is emulated), so each test boots what it needs once and walks through
//! several scenes with it. Tests take turns: no more than three guests live at any time, on however many threads the
//! tests run. Nothing here waits for a time to pass; whatever needs time is waited for as a condition.

mod bookworm;
mod cloud_hypervisor;
mod dead_router;
mod lab;
mod life;
mod machines;
mod offloads;
mod queues;
mod recordings;
mod restart;
mod tenants;
mod traffic;
mod upgrade;
