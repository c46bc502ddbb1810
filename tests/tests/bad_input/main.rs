// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an operator types wrongly: a named error, the right exit code, and nothing has changed.
#![forbid(unsafe_code)]

mod limits;
mod pvds;
mod scene;
mod values;
