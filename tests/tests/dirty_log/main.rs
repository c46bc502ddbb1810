// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Live migration as the VMM sees it, without a VMM: a synthetic guest under load, its dirty log, and a copy of its memory
//! that must be the same byte for byte in the end.
//!
//! The test is guest, hypervisor and VMM at once. What the guest itself writes is noted by its memory and copied byte for
//! byte; whole pages are copied for what weft has marked alone. So a mark that is missing is a byte that differs.
#![forbid(unsafe_code)]

mod chains;
mod copies;
mod hostile;
mod killed;
mod load;
mod log;
mod marks;
mod migration;
mod snapshot;
mod starts;
mod switching;
mod upgraded;
