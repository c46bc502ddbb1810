// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! For unit tests only: one full sample of every wire object, and a small server to call.

pub(crate) mod samples;
pub(crate) mod server;
