// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From answers to text: tables, pages and JSON, all made from the same wire objects.
//!
//! Names, reasons and features can be chosen by guests, routers and tenants. Nothing of them reaches the terminal
//! unescaped: every cell and value passes [`text::printable`] here, and callers cannot avoid it.

pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod table;
pub(crate) mod text;
