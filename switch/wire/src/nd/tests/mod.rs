// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Tests of the codec, one idea a file.

mod vectors;
