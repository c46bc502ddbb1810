// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces as a whole: what one costs, how they come and go under the traffic of others, and that nothing is left.
#![forbid(unsafe_code)]

mod churn;
mod cost;
mod learning;
mod links;
mod mediation;
mod thousands;
mod traffic;
