// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Router Advertisements and Solicitations with their options, read and made.
//!
//! ```text
//! RouterAdvert            16 octets: RaHeader
//!   options()             type, length in units of 8 octets, content; again and again
//!     NdOption::Pvd       flags, sequence, name, [RaHeader when R], nested options
//!       options()         the same, but no PvD Option in it counts
//! ```
//!
//! **Reading borrows.** [`RouterAdvert`], [`NdOption`] and what is inside them point into the message;
//!
//! **Two kinds of mistakes.** A length that breaks the chain of options makes the whole message
//! worthless (RFC 4861 section 6.1.2), and so does a first PvD Option that cannot be read: what its
//! router meant for that PvD would otherwise be taken for the implicit one. Everything else costs one
//! option only. [`NdError::discards_message`] tells the two apart, [`RouterAdvert::check`] looks for
//! the first kind.
//!
//! **Only the first PvD Option counts, and none inside it** (RFC 8801 sections 3.2 and 3.4): iterators
//! step over all others, by their length alone. What is left out is still among [`RawOptions`].
//!
//! **Nobody has judged the values.** That a lifetime is zero, a prefix link-local or an MTU too small
//! is what the message says; what it means for the one who remembers it is decided elsewhere.

mod build;
mod dns;
mod error;
pub mod fuzz;
mod header;
mod lifetimes;
mod message;
mod option;
mod prefix;
mod pvd;
mod split;
#[cfg(test)]
mod tests;
mod validate;

pub use build::{BuildError, encode, set_checksum};
pub use dns::{Dnssl, Rdnss};
pub use error::NdError;
pub use header::{Preference, RaHeader, na_flag, ra_flag};
pub use lifetimes::{aged, rewrite_lifetimes};
pub use message::{RouterAdvert, RouterSolicit};
pub use option::{NdOption, NdOptions, RawOption, RawOptions, kind};
pub use prefix::{Pref64, PrefixInfo, RouteInfo, pio_flag};
pub use pvd::PvdOption;
pub use split::split;
pub use validate::{HOP_LIMIT, NdMessage, NdPacket, NdRefusal};
