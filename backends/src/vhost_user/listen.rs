// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The listening socket of a port in server mode.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use rustix::net::{AddressFamily, SocketType, sockopt};
use switch::limits::SOCKET_PATH_MAX;

use super::error::OpenError;
use crate::dispose::{Connection, ListenerEnd};
use crate::place::{Held, Place};
use crate::socket_file;

/// Who may connect: owner and group.
const MODE: u32 = 0o660;
/// Connections that may wait until the control loop has its turn.
const BACKLOG: i32 = 16;

/// A listening socket. Its file, if it made one, goes with it.
pub(super) struct Listener {
    socket: Arc<UnixListener>,
    /// The way to the file that we made, its device and inode.
    file: Option<(Held, u64, u64)>,
    /// `None` for a socket that others hold as well.
    _end: Option<ListenerEnd>,
    /// Where the file is that comes to us when nobody else has it any more.
    claim: Option<Place>,
}

impl Listener {
    /// Binds to the place, mode 0660. A socket file on which nobody answers is replaced.
    pub(super) fn bind(place: &Place) -> Result<Self, OpenError> {
        let path = place.path();
        check_length(path)?;
        let at = |source| OpenError::Io { path: path.to_owned(), source };
        let way = place.hold().map_err(at)?;
        check_directory(way.path())?;
        clear(place, way.path())?;
        let socket = socket_file::bound(way.path(), MODE).map_err(at)?;
        let made = fs::symlink_metadata(way.path()).map_err(at)?;
        place.hand_over().map_err(at)?;
        rustix::net::listen(&socket, BACKLOG).map_err(|error| at(error.into()))?;
        let socket = Arc::new(UnixListener::from(socket));
        let end = ListenerEnd(Arc::clone(&socket));
        Ok(Self { socket, file: Some((way, made.dev(), made.ino())), _end: Some(end), claim: None })
    }

    /// Takes over a listening socket that systemd made; its file is systemd's.
    pub(super) fn inherit(fd: OwnedFd) -> Result<Self, OpenError> {
        let unix = sockopt::socket_domain(&fd).is_ok_and(|domain| domain == AddressFamily::UNIX);
        let stream = sockopt::socket_type(&fd).is_ok_and(|kind| kind == SocketType::STREAM);
        if !unix || !stream || !sockopt::socket_acceptconn(&fd).unwrap_or(false) {
            return Err(OpenError::Inherited);
        }
        sys::fd::set_nonblocking(fd.as_fd()).map_err(|_| OpenError::Inherited)?;
        Ok(Self { socket: Arc::new(fd.into()), file: None, _end: None, claim: None })
    }

    /// Listens with a socket of another process, at `place`, until it is ours by [`Listener::take_over`].
    pub(super) fn share_in(fd: OwnedFd, place: Place) -> Result<Self, OpenError> {
        let mut listener = Self::inherit(fd)?;
        listener.claim = Some(place);
        Ok(listener)
    }

    /// The other process has let go of the socket, and of its file.
    pub(super) fn take_over(&mut self) {
        let Some(place) = self.claim.take() else { return };
        self._end = Some(ListenerEnd(Arc::clone(&self.socket)));
        let made = |way: Held| fs::symlink_metadata(way.path()).map(|made| (way, made.dev(), made.ino()));
        // Without its file it is nobody's to remove.
        self.file = place.hold().and_then(made).ok();
    }

    /// The socket for a process after this one, and whether its file goes with it.
    pub(super) fn share(&self) -> io::Result<(OwnedFd, bool)> {
        Ok((self.socket.try_clone()?.into(), self._end.is_some()))
    }

    pub(super) fn socket(&self) -> &UnixListener {
        &self.socket
    }

    /// The next connection; `None`: nobody waits, or who waited is gone.
    ///
    /// # Errors
    /// No descriptors or memory left: the connection waits on.
    pub(super) fn accept(&self) -> io::Result<Option<Connection>> {
        match self.socket.accept() {
            Ok((stream, _)) => Ok(Some(stream.into())),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some((way, device, inode)) = &self.file else { return };
        let path = way.path();
        // Somebody may have put another file there meanwhile; that one is not ours.
        if fs::symlink_metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (*device, *inode)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Refuses a path that no Unix socket can have.
pub(super) fn check_length(path: &Path) -> Result<(), OpenError> {
    let len = path.as_os_str().len();
    if len > SOCKET_PATH_MAX { Err(OpenError::PathTooLong { path: path.to_owned(), len }) } else { Ok(()) }
}

fn check_directory(path: &Path) -> Result<(), OpenError> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if directory.is_dir() { Ok(()) } else { Err(OpenError::NoDirectory { directory: directory.to_owned() }) }
}

/// Makes room for our socket file: removes a stale one, refuses anything else.
fn clear(place: &Place, way: &Path) -> Result<(), OpenError> {
    let path = place.path();
    let found = match fs::symlink_metadata(way) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(OpenError::Io { path: path.to_owned(), source }),
    };
    if !found.file_type().is_socket() {
        return Err(OpenError::NotASocket { path: path.to_owned() });
    }
    match place.connect() {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(way).map_err(|source| OpenError::Io { path: path.to_owned(), source })
        }
        _ => Err(OpenError::InUse { path: path.to_owned() }),
    }
}

/// Opens a port's socket and closes it again.
#[cfg(test)]
pub(crate) fn bind_for_test(path: &Path) -> Result<(), OpenError> {
    Listener::bind(&Place::new(path, None)).map(drop)
}
