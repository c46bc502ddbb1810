// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What holds for the registry, seen from outside.

mod build;
mod defects;
mod learning;
mod model;
mod operator;
mod watching;
