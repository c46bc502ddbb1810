// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A namespace in the hands of somebody else, the delegate: over a control socket of its own he sees it and what is below
//! it, and nothing of what is beside or above. What he may do there follows from his grant; who he is, the kernel says.
//!
//! The daemon has rights that he has not, and it makes and looks for sockets where he says. So a delegation has a
//! directory, which all of them are in; and what was made for a delegate is [`Confined`] for its whole life, also when
//! the delegation is taken back: on the way from the directory to the socket nothing may lead out of it.

use crate::limits::SOCKET_PATH_MAX;
use crate::rates;
use crate::refusal::Refusal;
use dataplane::Limits;
use std::fmt;

/// To whom a namespace is delegated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delegate {
    /// A user, by number.
    Uid(u32),
    /// All members of a group, by number.
    Gid(u32),
}

/// What a delegate may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// To look.
    Reader,
    /// To make, change and remove ports, namespaces and MAC entries, and to delegate what is below.
    Admin,
}

/// A socket that is only ever made or looked for beneath a directory, whatever its path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confined {
    /// The directory, which an operator gave. Its path is trusted, what is in it is not.
    pub beneath: String,
    /// Whose the socket is.
    pub owner: Delegate,
}

/// The delegation of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The absolute path of its control socket.
    pub socket: String,
    /// The absolute path of the directory that the delegate's sockets are in.
    pub directory: String,
    /// Who may use it.
    pub to: Delegate,
    /// For what.
    pub grant: Grant,
    /// Limits of each port that the delegate makes. He cannot change them.
    pub limits: Limits,
    /// Of one that a delegate made, where its files have to be.
    pub confined: Option<Confined>,
}

impl Grant {
    /// All of them.
    pub const ALL: [Grant; 2] = [Grant::Reader, Grant::Admin];

    /// The word for it in texts, in the configuration, in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Grant::Reader => "reader",
            Grant::Admin => "admin",
        }
    }

    /// The grant that a word stands for.
    pub fn of(word: &str) -> Option<Grant> {
        Grant::ALL.into_iter().find(|grant| grant.as_str() == word)
    }
}

impl fmt::Display for Delegate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Delegate::Uid(uid) => write!(f, "uid {uid}"),
            Delegate::Gid(gid) => write!(f, "gid {gid}"),
        }
    }
}

impl Delegation {
    /// The directory of a delegation that names none.
    pub fn directory_default(socket: &str) -> String {
        format!("{socket}.d")
    }

    /// In words, for one line: `uid 1000 as admin at /run/weft/red.sock, sockets in /run/weft/red`.
    pub fn label(&self) -> String {
        let Delegation { socket, directory, to, grant, .. } = self;
        format!("{to} as {} at {socket}, sockets in {directory}", grant.as_str())
    }

    /// What confines that which is made for this delegate.
    pub fn confines(&self) -> Confined {
        let outermost = self.confined.as_ref().map_or(&self.directory, |confined| &confined.beneath);
        Confined { beneath: outermost.clone(), owner: self.to }
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        check_socket("socket", &self.socket)?;
        rates::check(&self.limits)?;
        let expected = "the absolute path of a directory, without . and ..";
        let good = self.directory.len() < SOCKET_PATH_MAX && is_inside(&self.directory, "/");
        good.then_some(()).ok_or_else(|| Refusal::invalid("sockets", &self.directory, expected))
    }
}

/// Whether a path leads to something below a directory, by its words alone: no `..`, no empty name.
pub fn is_inside(path: &str, directory: &str) -> bool {
    let rest = path.strip_prefix(directory.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
    let plain = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\0');
    rest.is_some_and(|rest| rest.split('/').all(plain))
}

/// Refuses what cannot be the path of a socket.
pub(crate) fn check_socket(field: &str, path: &str) -> Result<(), Refusal> {
    if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
        return Err(Refusal::invalid(field, path, "the absolute path of a Unix socket"));
    }
    if path.len() > SOCKET_PATH_MAX {
        return Err(Refusal::invalid(field, path, format!("a path of at most {SOCKET_PATH_MAX} bytes")));
    }
    Ok(())
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_what_is_inside_a_directory_by_its_words() {
        for path in ["/run/red/a", "/run/red/a/b", "/run/red/..a"] {
            assert!(is_inside(path, "/run/red") && is_inside(path, "/run/red/"), "{path}");
        }
        let out = ["/run/red", "/run/red/", "/run/redder/a", "/run/red//a", "/run/red/./a", "/run/red/../a", "a", ""];
        for path in out.into_iter().chain(["/run/red/a/..", "/run/red/a\0b", "red/a", "/run/blue/a"]) {
            assert!(!is_inside(path, "/run/red"), "{path:?}");
        }
    }
}
