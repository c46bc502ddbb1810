// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What holds for registry, cache and responder, seen from outside.

mod announcing;
mod answering;
mod build;
mod caching;
mod checking;
mod churn;
mod defects;
mod fetching;
mod flood;
mod information;
mod injecting;
mod learning;
mod mediating;
mod model;
mod operator;
mod retracting;
mod steady;
mod watching;
