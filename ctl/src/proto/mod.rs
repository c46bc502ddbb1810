// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What travels over the control socket, one module a version of the interface.
//!
//! A *method* is a parameter struct that knows its wire name and its reply type ([`Method`]), so a client call is
//! typed from end to end and a server matches on one [`Request`](v1::Request) enum. These types are wire types and
//! nothing else: the daemon converts its own views into them by hand, in one place.
//!
//! Parameters refuse unknown fields (a typing error must not be ignored); replies accept them, so that an old `weft`
//! can read a newer daemon.
//!
//! **Integers.** Every number is a JSON integer and stays one whatever its size. Varlink's `int` is 64 bits signed and
//! Rust, Python, Go and C readers see it exactly; a reader that stores numbers as doubles (JavaScript, `jq` before
//! 1.7) loses the lowest bits of counters above 2^53, that is after 9 petabytes of a port's traffic. Turning large
//! values into strings would be worse: a script would meet another type after months of running.

pub mod introspection;
pub mod service;
#[cfg(test)]
mod tests;
pub mod v1;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::Serialize;

/// Name of the interface that [`v1`] describes; methods and errors are named `org.weft.Switch1.X`.
pub const INTERFACE_NAME: &str = "org.weft.Switch1";

/// Text of the interface file, as `GetInterfaceDescription` answers it.
pub const INTERFACE: &str = include_str!("../../org.weft.Switch1.varlink");

/// A varlink method: implemented by its parameter struct.
pub trait Method: Serialize + DeserializeOwned {
    /// Full name on the wire, `org.weft.Switch1.PortAdd`.
    const NAME: &'static str;
    /// What a successful call answers.
    type Reply: Serialize + DeserializeOwned;
}

/// Reads an optional field for which `null` means the same as leaving it out.
pub(crate) fn nullable<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}
