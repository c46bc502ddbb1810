// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The daemon ends, by a crash or in peace, and comes back under running guests.
#![forbid(unsafe_code)]

mod asked;
mod end;
mod flood;
mod kill;
mod learnt;
mod offered;
mod resume;
mod state;
mod stopped;
mod talker;
