// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device against an operator, a lane, a VMM and guests that are all made up, under a clock that only these tests
//! move.

mod chaos;
mod contract;
mod flaps;
mod life;
mod model;
mod restart;
mod rig;
mod sim;
mod table;
mod vmm;
