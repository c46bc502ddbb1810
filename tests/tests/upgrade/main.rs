// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft upgrade`: another weftd takes the place of one that has guests. They are not told, and notice nothing but a moment's rest.

mod counted;
mod failed;
mod far;
mod figures;
mod hangs;
mod hostile;
mod lanes;
mod traffic;
mod uplink;
mod watched;
mod whole;
