// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Unix sockets whose file has the right mode from its first moment.
//!
//! Nothing is done to the file by its path afterwards: whoever owns the directory, a VMM perhaps, could have put a
//! symbolic link there, and a change of mode would hit the file that it leads to.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Mode, fchmod};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, socket_with};
use rustix::process::umask;

/// The umask belongs to the whole process.
static UMASK: Mutex<()> = Mutex::new(());

/// A non-blocking stream socket that is bound to `path`. Nobody can connect before it listens.
///
/// # Errors
/// The path is taken, or the system refuses.
pub(crate) fn bound(path: &Path, mode: u32) -> io::Result<OwnedFd> {
    bound_as(SocketType::STREAM, path, mode)
}

/// A non-blocking socket of any kind that is bound to `path`.
///
/// # Errors
/// As [`bound`].
pub(crate) fn bound_as(kind: SocketType, path: &Path, mode: u32) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, kind, flags, None)?;
    let address = SocketAddrUnix::new(path)?;
    // bind(2) gives the file the mode of the socket, less the umask. Only the control thread makes files, so that the
    // umask is another for a moment matters to nobody.
    fchmod(&socket, Mode::from_raw_mode(mode))?;
    let _alone = UMASK.lock().unwrap_or_else(PoisonError::into_inner);
    let before = umask(Mode::empty());
    let outcome = bind(&socket, &address);
    umask(before);
    outcome?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::fs::{metadata, set_permissions, symlink_metadata};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::ctl_server::access::{Gate, Policy};

    fn mode(path: &Path) -> u32 {
        metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_mode_is_what_was_asked_for_whatever_the_umask() {
        let dir = tempfile::tempdir().unwrap();
        for wanted in [0o660, 0o666, 0o600] {
            let path = dir.path().join(wanted.to_string());
            bound(&path, wanted).unwrap();
            assert_eq!(mode(&path), wanted);
        }
    }

    /// Somebody who owns the directory puts a link in the place of each socket as soon as it appears.
    #[test]
    fn a_file_that_a_link_leads_to_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let (path, secret) = (dir.path().join("socket"), dir.path().join("secret"));
        std::fs::write(&secret, "").unwrap();
        set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    if symlink_metadata(&path).is_ok_and(|found| !found.is_symlink()) {
                        let link = dir.path().join("link");
                        symlink(&secret, &link).unwrap();
                        std::fs::rename(&link, &path).unwrap();
                    }
                }
            });
            let gate = Gate::Operator(Policy::new("root", crate::config::Others::Read));
            for _ in 0..300 {
                // Either may fail over what it finds at its path.
                drop(crate::ctl_server::socket::Socket::bind(&crate::place::Place::new(&path, None), &gate));
                let _ = std::fs::remove_file(&path);
                drop(crate::vhost_user::bind_for_test(&path));
                let _ = std::fs::remove_file(&path);
            }
            done.store(true, Ordering::Release);
        });
        assert_eq!(mode(&secret), 0o600);
    }
}
