// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The file of the control socket: made, guarded against a second daemon, and removed at the end.

use super::access::Gate;
use crate::dispose::Connection;
use crate::place::{Held, Place};
use crate::socket_file;
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, chmodat, chownat, fstat, open};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
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
    remove: Option<Held>,
}

impl Socket {
    /// Listens at a place. The socket file of a daemon that died is replaced.
    ///
    /// # Errors
    /// Somebody else listens there, the path is taken by another file, or the system refuses.
    pub fn bind(place: &Place, gate: &Gate) -> Result<Socket, SocketError> {
        let path = place.path();
        let failed = |what| move |why| SocketError::Io { path: path.to_owned(), what, why };
        place.make_parents().map_err(failed("make its directory"))?;
        let way = place.hold().map_err(failed("find its directory"))?;
        remove_stale(place, way.path())?;
        let (mode, group) = gate.file_access();
        let socket = socket_file::bound(way.path(), mode).map_err(failed("listen"))?;
        // Before it listens: a mode of 0660 must not stand for a moment with another group.
        if let Some(group) = group {
            // An unprivileged daemon may not be allowed to; calls are checked by credentials anyway.
            let _ = chownat(CWD, way.path(), None, Some(Gid::from_raw(group)), AtFlags::SYMLINK_NOFOLLOW);
        }
        rustix::net::listen(&socket, BACKLOG).map_err(|why| failed("listen")(why.into()))?;
        Ok(Socket::new(socket.into(), Some(way)))
    }

    /// Takes over a listening socket that systemd made. Its file becomes what one of ours would be.
    ///
    /// # Errors
    /// The system refuses to make it non-blocking.
    pub fn inherit(fd: OwnedFd, path: &Path, gate: &Gate) -> Result<Socket, SocketError> {
        if let Err(why) = open_to(path, gate) {
            tracing::warn!(%why, path = %path.display(), "the control socket is not there for all whom it is for");
        }
        let listener = UnixListener::from(fd);
        let failed = |why| SocketError::Io { path: path.to_owned(), what: "take it over", why };
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Socket::new(listener, None))
    }

    /// The socket for a weftd after this one, and whether its file goes with it.
    ///
    /// # Errors
    /// The system is out of descriptors.
    pub(crate) fn share(&self) -> io::Result<(OwnedFd, bool)> {
        Ok((self.listener.try_clone()?.into(), self.remove.is_some()))
    }

    /// The file at `place` is ours: the weftd that made it has let go of it.
    pub(crate) fn take_over(&mut self, place: &Place) {
        // Without its directory there is nothing to remove.
        self.remove = place.hold().ok();
    }

    fn new(listener: UnixListener, remove: Option<Held>) -> Socket {
        // Nobody has descriptors to send here. Where the kernel is too old to refuse them, they are thrown away.
        sys::fd::refuse_rights(listener.as_fd());
        Socket { listener, remove }
    }

    /// The next client, non-blocking; `None`: nobody waits, or who waited is gone.
    ///
    /// # Errors
    /// No descriptors or memory left: the client waits on.
    pub(crate) fn accept(&self) -> io::Result<Option<Connection>> {
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
        if let Some(way) = &self.remove {
            let _ = fs::remove_file(way.path());
        }
    }
}

/// Lets those come to a socket that others have made whom its gate is for.
fn open_to(path: &Path, gate: &Gate) -> io::Result<()> {
    let file = open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::Socket {
        return Err(io::Error::other("it is not a socket any more"));
    }
    let (mode, group) = gate.file_access();
    // The mode last, for until then it may be meant for another group.
    group.map_or(Ok(()), |group| chownat(&file, "", None, Some(Gid::from_raw(group)), AtFlags::EMPTY_PATH))?;
    let same = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(chmodat(CWD, same, Mode::from_raw_mode(mode), AtFlags::empty())?)
}

/// Removes a socket file that nobody listens on.
fn remove_stale(place: &Place, way: &Path) -> Result<(), SocketError> {
    let path = place.path();
    let Ok(metadata) = fs::symlink_metadata(way) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NotSocket(path.to_owned()));
    }
    match place.connect() {
        Err(why) if why.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(way).map_err(|why| SocketError::Io { path: path.to_owned(), what: "replace it", why })
        }
        // Also when its queue is full, or when we may not connect: somebody is there.
        _ => Err(SocketError::Busy(path.to_owned())),
    }
}
