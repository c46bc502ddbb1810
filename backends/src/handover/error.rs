// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is wrong with a document.

use super::{DOCUMENT_MAX, VERSION};

/// The longest text of a parser that is handed on, in characters: it may quote the document.
const QUOTED_MAX: usize = 160;

/// Why a document is no move.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMove {
    /// It is longer than any.
    #[error("it is longer than {DOCUMENT_MAX} bytes")]
    TooLong,
    /// It is not of the form: cut off, or no such document at all.
    #[error("it cannot be read, and may be cut off: {0}")]
    Unreadable(String),
    /// It is of another version.
    #[error(
        "it is of version {0}, and this weftd reads version {VERSION}: import it with a newer weftd, or export it with an older one"
    )]
    Version(u32),
    /// It is not what was exported.
    #[error("its digest says that it is not what was exported: export it anew")]
    Digest,
    /// There is too much of something in it.
    #[error("there are more than {limit} {what} in it")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A value in it makes no sense.
    #[error("{0}")]
    Value(String),
}

impl BadMove {
    pub(super) fn unreadable(why: &serde_json::Error) -> BadMove {
        BadMove::Unreadable(quoted(&why.to_string()))
    }

    pub(super) fn value(why: impl AsRef<str>) -> BadMove {
        BadMove::Value(quoted(why.as_ref()))
    }
}

/// Fit for a terminal and a log.
fn quoted(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .take(QUOTED_MAX)
        .collect()
}
