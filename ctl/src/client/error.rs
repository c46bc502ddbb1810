// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a call can fail, seen from the client.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::codec::CodecError;
use crate::proto::v1::Error;

/// Why a call had no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The socket cannot be connected to.
    #[error("cannot reach weftd at {path}: {source}", path = path.display())]
    Unreachable {
        /// Path of the socket.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The call does not fit into a message; only a configuration text can be so large.
    #[error("the call is larger than {limit} bytes, which is all that weftd accepts")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// weftd did not answer in time.
    #[error("weftd did not answer within {} s", after.as_secs_f64())]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// The connection broke during the call; whether the call was carried out is unknown.
    #[error("the connection to weftd broke: {0}")]
    Lost(#[source] io::Error),
    /// weftd closed the connection before it answered; whether the call was carried out is unknown.
    #[error("weftd closed the connection without an answer")]
    Closed,
    /// What the socket answers is not varlink.
    #[error("the answer is not varlink: {0}")]
    Protocol(#[from] CodecError),
    /// The reply does not have the form that the interface promises.
    #[error("{method} answered something unexpected: {why}")]
    Answer {
        /// The method that was called.
        method: &'static str,
        /// What does not fit.
        why: String,
    },
    /// weftd refused or failed, and says why.
    #[error("{}", .0.message())]
    Remote(Error),
}

impl ClientError {
    /// What `weft` exits with: 1 wrong usage, 3 no conversation with weftd, 4 refused, 124 timeout, or what the remote error says.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            ClientError::Unreachable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => 4,
            ClientError::TooLarge { .. } => 1,
            ClientError::Timeout { .. } => 124,
            ClientError::Remote(why) => why.exit_code(),
            _ => 3,
        }
    }

    /// What to do about it, if there is something general to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            ClientError::Unreachable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "run it as root or as a member of the group that owns the socket"
            }
            ClientError::Unreachable { .. } => {
                "is weftd running? `--socket PATH` or $WEFT_SOCKET names the socket of another one"
            }
            ClientError::TooLarge { .. } => return None,
            ClientError::Timeout { .. } => "`-T SECS` waits longer",
            ClientError::Protocol(_) | ClientError::Answer { .. } => "is it weftd that listens there?",
            ClientError::Lost(_) | ClientError::Closed => "the log of weftd says more; `weft status` shows if it runs",
            ClientError::Remote(why) => return why.hint(),
        };
        Some(hint.to_owned())
    }

    /// A stable name for scripts: the varlink error name, or one of ours for what happened on this side.
    #[must_use]
    pub fn name(&self) -> String {
        let name = match self {
            ClientError::Unreachable { .. } => "Unreachable",
            ClientError::TooLarge { .. } => "TooLarge",
            ClientError::Timeout { .. } => "Timeout",
            ClientError::Lost(_) => "Lost",
            ClientError::Closed => "Closed",
            ClientError::Protocol(_) => "Protocol",
            ClientError::Answer { .. } => "Answer",
            ClientError::Remote(why) => return why.to_wire().0,
        };
        name.to_owned()
    }
}
