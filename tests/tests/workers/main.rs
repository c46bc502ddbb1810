// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Several workers of the real daemon: that they share ports and namespaces well, run where they are told, and show
//! what they do.
#![forbid(unsafe_code)]

mod list;
mod order;
mod traffic;
