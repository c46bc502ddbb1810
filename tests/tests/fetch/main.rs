// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft-pvd-fetch` by itself: what it asks of a host, what it takes from one, and what it could do if it were taken over.
//! All hosts are on the loopback interface.

mod hosts;
mod sandbox;
mod scene;
mod transport;
