// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft` and the control socket of the real daemon, end to end.
#![forbid(unsafe_code)]

mod access;
mod answering;
mod codes;
mod config;
mod delegate;
mod fdb;
mod fetched;
mod inspection;
mod interop;
mod learnt;
mod limits;
mod log;
mod names;
mod peers;
mod pvdd;
mod ra_guard;
mod ra_learning;
mod shared_limits;
mod stated;
mod tenant;
mod totals;
mod unseen;
mod verbs;
mod watching;
