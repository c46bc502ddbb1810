// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The file of the control socket: made, guarded against a second daemon, and removed at the end.

use super::access::Policy;
use crate::dispose::Connection;
use crate::socket_file;
use rustix::fs::{AtFlags, CWD, Gid, chownat};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Clients that may wait until the control loop has its turn.
const BACKLOG: i32 = 128;

/// Why the control socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A daemon listens there.
    #[error("{0}: another weftd listens on it; stop it, or use another path (--socket)")]
    Busy(PathBuf),
    /// Something else has the name.
    #[error("{0}: is there and is not a socket; remove it, or use another path (--socket)")]
    NotSocket(PathBuf),
    /// The system refused.
    #[error("{path}: cannot {what}: {why}")]
    Io {
        /// The socket, or its directory.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        why: io::Error,
    },
}

/// A listening socket. A file that we made is removed when it is dropped; one that systemd made is left alone.
pub struct Socket {
    listener: UnixListener,
    remove: Option<PathBuf>,
}

impl Socket {
    /// Listens at `path`. The socket file of a daemon that died is replaced.
    ///
    /// # Errors
    /// Somebody else listens there, the path is taken by another file, or the system refuses.
    pub fn bind(path: &Path, policy: &Policy) -> Result<Socket, SocketError> {
        let failed = |what| move |why| SocketError::Io { path: path.to_owned(), what, why };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed("make its directory"))?;
        }
        remove_stale(path)?;
        let (mode, group) = policy.file_access();
        let socket = socket_file::bound(path, mode).map_err(failed("listen"))?;
        // Before it listens: a mode of 0660 must not stand for a moment with another group.
        if let Some(group) = group {
            // An unprivileged daemon may not be allowed to; calls are checked by credentials anyway.
            let _ = chownat(CWD, path, None, Some(Gid::from_raw(group)), AtFlags::SYMLINK_NOFOLLOW);
        }
        rustix::net::listen(&socket, BACKLOG).map_err(|why| failed("listen")(why.into()))?;
        Ok(Socket::new(socket.into(), Some(path.to_owned())))
    }

    /// Takes over a listening socket that systemd made.
    ///
    /// # Errors
    /// The system refuses to make it non-blocking.
    pub fn inherit(fd: OwnedFd, path: &Path) -> Result<Socket, SocketError> {
        let listener = UnixListener::from(fd);
        let failed = |why| SocketError::Io { path: path.to_owned(), what: "take it over", why };
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Socket::new(listener, None))
    }

    fn new(listener: UnixListener, remove: Option<PathBuf>) -> Socket {
        // Nobody has descriptors to send here. Where the kernel is too old to refuse them, they are thrown away.
        sys::fd::refuse_rights(listener.as_fd());
        Socket { listener, remove }
    }

    /// The next client, non-blocking; `None`: nobody waits, or who waited is gone.
    ///
    /// # Errors
    /// No descriptors or memory left: the client waits on.
    pub(super) fn accept(&self) -> io::Result<Option<Connection>> {
        match self.listener.accept() {
            Ok((stream, _)) => stream.set_nonblocking(true).map(|()| Some(stream.into())),
            Err(why) if matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted) => Ok(None),
            Err(why) => Err(why),
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.listener.as_raw_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(path) = &self.remove {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes a socket file that nobody listens on.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NotSocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        Err(why) if why.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|why| SocketError::Io { path: path.to_owned(), what: "replace it", why })
        }
        // Also when its queue is full, or when we may not connect: somebody is there.
        _ => Err(SocketError::Busy(path.to_owned())),
    }
}
