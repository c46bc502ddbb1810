// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Listening sockets that systemd made for us (sd_listen_fds(3)). Each is matched by the path that it is bound to, so a
//! unit may list the control socket and the sockets of ports in any order and under any name.

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Sockets that were handed to this process, by path.
#[derive(Debug, Default)]
pub(super) struct Inherited {
    sockets: BTreeMap<PathBuf, OwnedFd>,
}

impl Inherited {
    /// Takes what systemd handed over; nothing, when it did not start us. Sockets without a path are of no use here
    /// and stay where they are.
    ///
    /// # Errors
    /// The environment promises descriptors that are not there.
    pub(super) fn take() -> io::Result<Inherited> {
        let numbers: Vec<_> = sd_notify::listen_fds()?.collect();
        let mut sockets = BTreeMap::new();
        for number in numbers {
            sockets.extend(path_of(duplicate(number)?));
        }
        Ok(Inherited { sockets })
    }

    /// What a weftd before this one has left in systemd's descriptor store under this name.
    ///
    /// # Errors
    /// As [`Inherited::take`].
    pub(super) fn stored(name: &str) -> io::Result<Option<OwnedFd>> {
        let found = sd_notify::listen_fds_with_names()?.find(|(_, other)| other == name);
        found.map(|(number, _)| duplicate(number)).transpose()
    }

    /// Adds sockets that were handed to a process before this one.
    pub(super) fn extend(&mut self, more: impl Iterator<Item = (PathBuf, OwnedFd)>) {
        self.sockets.extend(more);
    }

    /// The socket that is bound to `path`. Each call gives a descriptor of its own, for a port may be closed and opened
    /// again.
    pub(super) fn get(&self, path: &Path) -> Option<OwnedFd> {
        self.sockets.get(path)?.try_clone().ok()
    }
}

/// A duplicate: safe code cannot claim to own a number. The original stays open and harmless.
fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    let us = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(pidfd_getfd(us, number, PidfdGetfdFlags::empty())?)
}

fn path_of(fd: OwnedFd) -> Option<(PathBuf, OwnedFd)> {
    let listener = UnixListener::from(fd);
    let path = listener.local_addr().ok()?.as_pathname()?.to_owned();
    Some((path, listener.into()))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_socket_is_known_by_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vm1.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let inherited = Inherited { sockets: path_of(listener.into()).into_iter().collect() };
        assert!(inherited.get(&path).is_some() && inherited.get(&path).is_some());
        assert!(inherited.get(Path::new("/run/other.sock")).is_none());
    }

    #[test]
    fn test_without_systemd_there_is_none() {
        assert!(Inherited::take().unwrap().sockets.is_empty());
    }
}
