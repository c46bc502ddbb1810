// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where the file of a socket is, and how to get there.
//!
//! A delegate says where his sockets are to be, in a directory that is his to change at any time, and weftd has rights
//! that he has not. So nothing is done there by a path that is looked up as a whole: the directory that an operator gave
//! is opened, the way from it to the socket is gone by openat2(2), which refuses links and ways out, and what is done
//! then is done to what was found. It is found anew for each bind and each connection.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Uid, chownat, fstat, mkdirat, open, openat2,
};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use switch::{Confined, Delegate};

use crate::dispose::Connection;

/// A directory that nobody reads or changes, which leads to what is in it.
const LEADS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// No way out, nor into another file system: a tenant may have mounted one that does not answer.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// Where a socket is to be.
#[derive(Clone, Debug)]
pub struct Place {
    path: PathBuf,
    confined: Option<Confined>,
}

/// A way to a file that stays the same whatever happens to the directories on the way.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    /// What the path leads through.
    _through: Option<OwnedFd>,
}

impl Held {
    /// The way, for system calls.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Place {
    /// At `path`; of what is confined, only beneath that directory.
    pub fn new(path: impl Into<PathBuf>, confined: Option<Confined>) -> Place {
        Place { path: path.into(), confined }
    }

    /// The path, as it is told to people.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The way to where the socket is to be made.
    pub(crate) fn hold(&self) -> io::Result<Held> {
        let Some(confined) = &self.confined else { return Ok(Held { path: self.path.clone(), _through: None }) };
        let (directory, name) = directory_of(&self.path, confined)?;
        Ok(held(directory, Some(name)))
    }

    /// Connects to the socket that is there without waiting. A Unix connect is done at once or refused: there is nothing
    /// in between.
    ///
    /// # Errors
    /// `NotFound` and `ConnectionRefused` when nobody listens, `WouldBlock` when its queue is full.
    pub(crate) fn connect(&self) -> io::Result<Connection> {
        Ok(UnixStream::from(self.connect_as(SocketType::STREAM)?).into())
    }

    /// As [`Place::connect`], with a socket of any kind.
    ///
    /// # Errors
    /// `NotFound` and `ConnectionRefused` when nobody has a socket there, `EPROTOTYPE` when it is of another kind.
    pub(crate) fn connect_as(&self, kind: SocketType) -> io::Result<OwnedFd> {
        let way = self.confined.as_ref().map(|confined| found(&self.path, confined)).transpose()?;
        let way = way.map(|socket| held(socket, None));
        let path = way.as_ref().map_or(self.path.as_path(), Held::path);
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None)?;
        rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(socket)
    }

    /// Makes what the socket's directory lies in and the directory itself; nothing of what is confined, for that has
    /// a directory.
    pub(crate) fn make_parents(&self) -> io::Result<()> {
        match self.path.parent().filter(|_| self.confined.is_none()) {
            Some(parent) => std::fs::create_dir_all(parent),
            None => Ok(()),
        }
    }

    /// Gives a socket that was made there to whose it is. Who may not give files away keeps it.
    pub(crate) fn hand_over(&self) -> io::Result<()> {
        let Some(confined) = &self.confined else { return Ok(()) };
        let socket = found(&self.path, confined)?;
        give(&socket, confined.owner);
        Ok(())
    }

    /// Makes a directory there for `owner`, unless there is one.
    pub(crate) fn make_directory(&self, owner: Delegate) -> io::Result<()> {
        let mode = match owner {
            Delegate::Uid(_) => Mode::from_raw_mode(0o700),
            Delegate::Gid(_) => Mode::from_raw_mode(0o770),
        };
        let way = self.hold()?;
        match mkdirat(CWD, way.path(), mode) {
            Ok(()) => give(&open(way.path(), LEADS | OFlags::NOFOLLOW, Mode::empty())?, owner),
            Err(rustix::io::Errno::EXIST) => {}
            Err(why) => return Err(why.into()),
        }
        Ok(())
    }
}

fn held(through: OwnedFd, name: Option<&OsStr>) -> Held {
    let mut path = PathBuf::from(format!("/proc/self/fd/{}", through.as_raw_fd()));
    path.extend(name);
    Held { path, _through: Some(through) }
}

/// The directory that a path lies in, and its last name.
fn directory_of<'a>(path: &'a Path, confined: &Confined) -> io::Result<(OwnedFd, &'a OsStr)> {
    let outside = || io::Error::new(io::ErrorKind::InvalidInput, format!("is not in {}", confined.beneath));
    let inside = path.strip_prefix(&confined.beneath).map_err(|_| outside())?;
    let (parent, name) = (inside.parent().ok_or_else(outside)?, inside.file_name().ok_or_else(outside)?);
    let top = open(&confined.beneath, LEADS, Mode::empty())?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    Ok((openat2(&top, parent, LEADS, Mode::empty(), INSIDE)?, name))
}

/// A socket that is there, and has no other name: under another it might be somebody else's.
fn found(path: &Path, confined: &Confined) -> io::Result<OwnedFd> {
    let (directory, name) = directory_of(path, confined)?;
    let socket = openat2(&directory, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), INSIDE)?;
    let stat = fstat(&socket)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket || stat.st_nlink != 1 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "is not a socket with one name"));
    }
    Ok(socket)
}

fn give(file: &OwnedFd, owner: Delegate) {
    let (uid, gid) = match owner {
        Delegate::Uid(uid) => (Some(Uid::from_raw(uid)), None),
        Delegate::Gid(gid) => (None, Some(Gid::from_raw(gid))),
    };
    // An unprivileged daemon may not be allowed to.
    let _ = chownat(file, "", uid, gid, AtFlags::EMPTY_PATH);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::os::unix::net::UnixListener;

    /// A directory for a delegate, with another beside it that has a socket.
    fn two() -> (tempfile::TempDir, UnixListener) {
        let folder = tempfile::tempdir().unwrap();
        ["own/inner", "other"].iter().for_each(|name| fs::create_dir_all(folder.path().join(name)).unwrap());
        let listener = UnixListener::bind(folder.path().join("other/vm.sock")).unwrap();
        (folder, listener)
    }

    fn place(folder: &Path, path: &str) -> Place {
        let beneath = folder.join("own").to_str().unwrap().to_owned();
        Place::new(folder.join("own").join(path), Some(Confined { beneath, owner: Delegate::Uid(65534) }))
    }

    #[test]
    fn what_is_inside_is_made_found_and_given_away() {
        let (folder, _other) = two();
        for path in ["vm.sock", "inner/vm.sock"] {
            let place = place(folder.path(), path);
            let _listener = UnixListener::bind(place.hold().unwrap().path()).unwrap();
            assert!(folder.path().join("own").join(path).exists());
            place.connect().unwrap();
            place.hand_over().unwrap();
            let owner = fs::metadata(place.path()).unwrap().uid();
            assert!(owner == 65534 || !rustix::process::geteuid().is_root());
        }
    }

    #[test]
    fn no_link_and_no_name_leads_out() {
        let (folder, _other) = two();
        let (own, other) = (folder.path().join("own"), folder.path().join("other"));
        symlink(&other, own.join("away")).unwrap();
        symlink("../other", own.join("inner/up")).unwrap();
        symlink(other.join("vm.sock"), own.join("link.sock")).unwrap();
        fs::hard_link(other.join("vm.sock"), own.join("hard.sock")).unwrap();
        for path in ["away/vm.sock", "inner/up/vm.sock", "../other/vm.sock", "inner/../../other/vm.sock"] {
            let place = place(folder.path(), path);
            assert!(place.hold().is_err() && place.connect().is_err() && place.hand_over().is_err(), "{path}");
        }
        for path in ["link.sock", "hard.sock", "inner", "nothing.sock"] {
            assert!(place(folder.path(), path).connect().is_err(), "{path}");
        }
        let beneath = own.to_str().unwrap().to_owned();
        let absolute = Place::new(other.join("vm.sock"), Some(Confined { beneath, owner: Delegate::Uid(0) }));
        assert!(absolute.hold().is_err() && absolute.connect().is_err());
    }

    #[test]
    fn a_directory_is_made_for_its_owner_and_left_alone_when_it_is_there() {
        let (folder, _other) = two();
        let new = place(folder.path(), "inner/new");
        new.make_directory(Delegate::Uid(65534)).unwrap();
        let made = fs::metadata(new.path()).unwrap();
        assert_eq!(made.mode() & 0o777, 0o700);
        new.make_directory(Delegate::Gid(1)).unwrap();
        assert_eq!(fs::metadata(new.path()).unwrap().gid(), made.gid());
    }
}
