// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The listening socket of a port in server mode.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use super::connect;
use super::error::OpenError;

/// Longest path of a Unix socket: `sun_path` has 108 bytes, one of them for the NUL.
const PATH_MAX: usize = 107;
/// Connections that may wait until the control loop has its turn.
const BACKLOG: i32 = 16;

/// A listening socket. Its file, if it made one, goes with it.
pub(super) struct Listener {
    socket: UnixListener,
    /// Path, device and inode of the file that we made.
    file: Option<(PathBuf, u64, u64)>,
}

impl Listener {
    /// Binds to `path`, mode 0660. A socket file on which nobody answers is replaced.
    pub(super) fn bind(path: &Path) -> Result<Self, OpenError> {
        check_length(path)?;
        check_directory(path)?;
        clear(path)?;
        let at = |source| OpenError::Io { path: path.to_owned(), source };
        let socket = socket().map_err(at)?;
        let address = SocketAddrUnix::new(path).map_err(|error| at(error.into()))?;
        rustix::net::bind(&socket, &address).map_err(|error| at(error.into()))?;
        let made = fs::symlink_metadata(path).map_err(at)?;
        let listener = Self { socket: socket.into(), file: Some((path.to_owned(), made.dev(), made.ino())) };
        // bind(2) takes the mode from the socket and the umask; this is for a umask that took too much away.
        fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(at)?;
        rustix::net::listen(&listener.socket, BACKLOG).map_err(|error| at(error.into()))?;
        Ok(listener)
    }

    /// Takes over a listening socket that systemd made; its file is systemd's.
    pub(super) fn inherit(fd: OwnedFd) -> Result<Self, OpenError> {
        let unix = sockopt::socket_domain(&fd).is_ok_and(|domain| domain == AddressFamily::UNIX);
        let stream = sockopt::socket_type(&fd).is_ok_and(|kind| kind == SocketType::STREAM);
        if !unix || !stream || !sockopt::socket_acceptconn(&fd).unwrap_or(false) {
            return Err(OpenError::Inherited);
        }
        sys::fd::set_nonblocking(fd.as_fd()).map_err(|_| OpenError::Inherited)?;
        Ok(Self { socket: fd.into(), file: None })
    }

    pub(super) fn socket(&self) -> &UnixListener {
        &self.socket
    }

    /// The next connection; `None`: nobody waits, or who waited is gone.
    ///
    /// # Errors
    /// No descriptors or memory left: the connection waits on.
    pub(super) fn accept(&self) -> io::Result<Option<UnixStream>> {
        match self.socket.accept() {
            Ok((stream, _)) => Ok(Some(stream)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some((path, device, inode)) = &self.file else { return };
        // Somebody may have put another file there meanwhile; that one is not ours.
        if fs::symlink_metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (*device, *inode)) {
            let _ = fs::remove_file(path);
        }
    }
}

fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // The file that bind(2) makes inherits this mode, so it is never open to all, not even for a moment.
    rustix::fs::fchmod(&socket, Mode::from_raw_mode(0o660))?;
    Ok(socket)
}

/// Refuses a path that no Unix socket can have.
pub(super) fn check_length(path: &Path) -> Result<(), OpenError> {
    let len = path.as_os_str().len();
    if len > PATH_MAX { Err(OpenError::PathTooLong { path: path.to_owned(), len }) } else { Ok(()) }
}

fn check_directory(path: &Path) -> Result<(), OpenError> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if directory.is_dir() { Ok(()) } else { Err(OpenError::NoDirectory { directory: directory.to_owned() }) }
}

/// Makes room for our socket file: removes a stale one, refuses anything else.
fn clear(path: &Path) -> Result<(), OpenError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(OpenError::Io { path: path.to_owned(), source }),
    };
    if !found.file_type().is_socket() {
        return Err(OpenError::NotASocket { path: path.to_owned() });
    }
    match connect::try_connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })
        }
        _ => Err(OpenError::InUse { path: path.to_owned() }),
    }
}
