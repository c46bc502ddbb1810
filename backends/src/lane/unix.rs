// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The Unix sockets of lanes that weftd makes: their files, and what stands in their way.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::net::SocketType;
use switch::limits::SOCKET_PATH_MAX;

use super::error::{Advice, LaneError};
use super::legacy::BoundLegacy;
use crate::place::{Held, Place};
use crate::socket_file;

/// Who may send or connect: owner and group.
const MODE: u32 = 0o660;

/// What is said when a Unix socket cannot be had.
pub(super) const ADVICE: Advice = Advice {
    right: "to be allowed to write in that directory, and to that socket",
    missing: "start the VMM whose netdev has it, or make its directory",
    taken: "end the program that listens there, or use another path",
};

/// A non-blocking socket that has a file, which goes with it.
#[derive(Debug)]
pub(super) struct Bound {
    socket: OwnedFd,
    way: Held,
    /// Its device and inode; `None`: it is another process's.
    file: Option<(u64, u64)>,
}

impl Bound {
    /// Binds to the place, mode 0660. A socket file that nobody has open is replaced.
    ///
    /// # Errors
    /// Something else is there, or the system refuses.
    pub(super) fn at(place: &Place, kind: SocketType) -> Result<Self, LaneError> {
        let what = described(place);
        let on = |why| ADVICE.on(&what, why);
        if place.path().as_os_str().len() > SOCKET_PATH_MAX {
            return Err(LaneError::Described {
                what,
                why: "is too long for a socket: use a path of at most 107 bytes",
            });
        }
        let way = place.hold().map_err(on)?;
        clear(place, way.path(), kind)?;
        let socket = socket_file::bound_as(kind, way.path(), MODE).map_err(on)?;
        // Where the kernel knows how: nobody has descriptors to send here.
        sys::fd::refuse_rights(socket.as_fd());
        let made = fs::symlink_metadata(way.path()).map_err(on)?;
        place.hand_over().map_err(on)?;
        Ok(Self { socket, way, file: Some((made.dev(), made.ino())) })
    }

    /// One that another process, or an earlier lane, has made at this place; `None`: the place cannot be reached any more.
    pub(super) fn adopted(place: &Place, left: BoundLegacy) -> Option<Self> {
        Some(Self { socket: left.socket, way: place.hold().ok()?, file: Some(left.file) })
    }

    /// Leaves it, and its file, to another; `None`: the system is out of descriptors.
    pub(super) fn leave(&mut self) -> Option<BoundLegacy> {
        let socket = self.socket.try_clone().ok()?;
        Some(BoundLegacy { socket, file: self.file.take()? })
    }
}

impl AsFd for Bound {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let path = self.way.path();
        // Somebody may have put another file there meanwhile; that one is not ours.
        if fs::symlink_metadata(path).is_ok_and(|now| Some((now.dev(), now.ino())) == self.file) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The socket at a place, as errors call it.
pub(super) fn described(place: &Place) -> String {
    format!("socket {}", place.path().display())
}

/// Removes a stale socket file, refuses anything else.
fn clear(place: &Place, way: &Path, kind: SocketType) -> Result<(), LaneError> {
    let on = |why| ADVICE.on(&described(place), why);
    let found = match fs::symlink_metadata(way) {
        Ok(found) => found,
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(on(why)),
    };
    if !found.file_type().is_socket() {
        let why = "is there and is not a socket: remove it, or use another path";
        return Err(LaneError::Described { what: place.path().display().to_string(), why });
    }
    match place.connect_as(kind) {
        Err(why) if why.kind() == ErrorKind::ConnectionRefused => fs::remove_file(way).map_err(on),
        _ => Err(on(io::Error::from(rustix::io::Errno::ADDRINUSE))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_stale_file_is_replaced_and_one_in_use_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lane.sock");
        let place = Place::new(&path, None);
        drop(UnixDatagram::bind(&path).unwrap());
        let bound = Bound::at(&place, SocketType::DGRAM).unwrap();
        for kind in [SocketType::DGRAM, SocketType::STREAM] {
            let refused = Bound::at(&place, kind).unwrap_err();
            assert!(matches!(refused, LaneError::Taken { .. }), "{refused}");
        }
        drop(bound);
        assert!(!path.exists(), "the file goes with the socket");
        fs::write(&path, "mine").unwrap();
        let refused = Bound::at(&place, SocketType::DGRAM).unwrap_err();
        assert!(matches!(refused, LaneError::Described { .. }), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn where_no_socket_can_be_it_is_said() {
        let nowhere = Place::new("/nonexistent/lane.sock", None);
        assert!(matches!(Bound::at(&nowhere, SocketType::DGRAM), Err(LaneError::Missing { .. })));
        let long = Place::new(format!("/tmp/{}", "x".repeat(120)), None);
        assert!(matches!(Bound::at(&long, SocketType::STREAM), Err(LaneError::Described { .. })));
    }
}
