// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is said between control and the process that fetches: one JSON object a line, an [`Order`] and then its
//! [`Answer`].

use serde::{Deserialize, Serialize};
use std::fmt;

/// The line that the process which fetches says before all others, when it is ready for orders.
pub const READY: &str = "ready";

/// Fetch this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What the answer has to repeat.
    pub id: u64,
    /// The host, which is the name of the PvD without its closing dot.
    pub host: String,
}

/// What came of an [`Order`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// That of the order.
    pub id: u64,
    /// The body that came, which nobody has judged; or why there is none.
    pub result: Result<String, Trouble>,
}

/// Why nothing was fetched, as far as others may be told: no text of the other side is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// The name is none of a host.
    NoHost,
    /// The name has no address.
    NoAddress,
    /// All addresses of the name, or of one that it redirects to, are such as nobody else may be made to talk to.
    Forbidden,
    /// Nobody answers at the address.
    Unreachable,
    /// It took too long.
    Slow,
    /// There was no TLS, or the certificate is not that of the PvD.
    Tls,
    /// What came is no HTTP.
    Http,
    /// The server refuses: a status of 400 or more.
    Refused(u16),
    /// A status that is neither success nor redirection nor refusal.
    Status(u16),
    /// Redirections have no end, or lead away from HTTPS.
    Redirected,
    /// It is not labelled as `application/pvd+json`.
    MediaType,
    /// It is longer than [`super::OBJECT_MAX`].
    TooLong,
    /// It is no UTF-8.
    NoText,
    /// The process that fetches ended, or did not answer.
    Died,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::NoHost => "no host can have that name",
            Trouble::NoAddress => "the name has no address",
            Trouble::Forbidden => "the name leads to an address that is not public",
            Trouble::Unreachable => "nobody answers at its address",
            Trouble::Slow => "it took too long",
            Trouble::Tls => "there is no TLS with a certificate of that name",
            Trouble::Http => "the answer is no HTTP",
            Trouble::Refused(status) => return write!(f, "the server refuses with status {status}"),
            Trouble::Status(status) => return write!(f, "the server answers with status {status}"),
            Trouble::Redirected => "redirections have no end, or lead away from HTTPS",
            Trouble::MediaType => "the answer is not application/pvd+json",
            Trouble::TooLong => "the answer is too long",
            Trouble::NoText => "the answer is no UTF-8",
            Trouble::Died => "weft-pvd-fetch ended, or did not answer",
        })
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_messages_are_lines() {
        let order = Order { id: 7, host: "corp.example".to_owned() };
        let text = serde_json::to_string(&order).unwrap();
        assert_eq!(text, r#"{"id":7,"host":"corp.example"}"#);
        let answer = Answer { id: 7, result: Ok("{\n}".to_owned()) };
        let text = serde_json::to_string(&answer).unwrap();
        assert!(!text.contains('\n'), "{text}");
        assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer);
        let failed = Answer { id: 8, result: Err(Trouble::Refused(404)) };
        let text = serde_json::to_string(&failed).unwrap();
        assert_eq!(text, r#"{"id":8,"result":{"Err":{"refused":404}}}"#);
    }
}
