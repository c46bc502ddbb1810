// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a port's endpoint cannot be opened.

use std::io;
use std::path::PathBuf;

use switch::limits::SOCKET_PATH_MAX;

/// Why an endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A Unix socket's path has at most [`SOCKET_PATH_MAX`] bytes.
    #[error(
        "the socket path {} has {len} bytes, at most {SOCKET_PATH_MAX} are possible: choose a shorter one",
        path.display()
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        len: usize,
    },
    /// The directory of the socket does not exist.
    #[error("the directory {} does not exist: create it first", directory.display())]
    NoDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// A file that is no socket is in the way.
    #[error("{} exists and is not a socket: remove it or choose another path", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// Another process listens there.
    #[error("another process listens on {}: stop it or choose another path", path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// What systemd handed over is no listening Unix stream socket.
    #[error("the inherited file descriptor is not a listening Unix stream socket: use ListenStream= with a path")]
    Inherited,
    /// A number of queue pairs that vhost-user cannot number.
    #[error("{got} queue pairs, expected 1 to 128")]
    QueuePairs {
        /// What was asked for.
        got: u16,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Of which path.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}
