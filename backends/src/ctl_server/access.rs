// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who comes to a control socket, and as what.
//!
//! The kernel says who connected, and which groups it was in then (`SO_PEERCRED`, `SO_PEERGROUPS`, unix(7)). On the
//! operator's socket root, the daemon's own user, and members of one group are administrators. Everybody else may look,
//! or nothing at all, as the configuration has it. The system's database, which may ask a server and wait for it, is
//! asked once, at start, for the group's number.
//!
//! A namespace that is delegated has a socket of its own. The user or the group that it is for, root and the daemon's
//! own user are its [`Tenant`], and nobody else may do anything there. What each call needs is in [`super::permit`].

use crate::config::Others;
use nix::unistd::{Group, Uid};
use std::os::fd::BorrowedFd;
use switch::{Delegate, Delegation, Grant, NamespacePath};

/// The group of administrators, unless the configuration names another.
pub const GROUP_DEFAULT: &str = "weft";

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing but to ask what is served here.
    None,
    /// To look.
    Read,
    /// Everything.
    Administer,
}

/// Who is what.
#[derive(Clone, Debug)]
pub struct Policy {
    group: String,
    /// `None`: there was no such group on this system, so nobody is a member.
    gid: Option<u32>,
    others: Others,
}

/// Whoever has a namespace in his hands: his calls are bound to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The namespace.
    pub namespace: NamespacePath,
    /// To whom, for what, and where the socket is.
    pub delegation: Delegation,
}

/// Who may come to a control socket, and as what.
#[derive(Clone, Debug)]
pub enum Gate {
    /// To that of the operator.
    Operator(Policy),
    /// To that of a delegation: whoever it is for, and those who administer the system anyway.
    Tenant(Box<Tenant>),
}

impl Gate {
    /// What the peer of a connected socket may do: whoever the kernel does not know may do nothing.
    pub fn access_of(&self, socket: BorrowedFd<'_>) -> Access {
        let Ok(peer) = sys::fd::peer_credentials(socket) else { return Access::None };
        let further = |group| sys::fd::peer_groups(socket).is_ok_and(|groups| groups.contains(&group));
        let (us, is_member) = (Uid::effective().as_raw(), |group| peer.gid == group || further(group));
        match self {
            Gate::Operator(policy) => policy.access(peer.uid, us, is_member),
            Gate::Tenant(tenant) => delegated(&tenant.delegation, peer.uid, us, is_member),
        }
    }

    /// The same where only who administers weft itself may change anything: a delegate looks.
    pub fn sight_of(&self, socket: BorrowedFd<'_>) -> Access {
        let most = if matches!(self, Gate::Tenant(_)) { Access::Read } else { Access::Administer };
        self.access_of(socket).min(most)
    }

    /// Mode and group of the socket's file. The mode is a courtesy, an early refusal; each call is checked anyway.
    pub fn file_access(&self) -> (u32, Option<u32>) {
        match self {
            Gate::Operator(policy) => policy.file_access(),
            Gate::Tenant(_) => (0o666, None),
        }
    }

    /// What calls that come through it are bound to.
    pub fn tenant(&self) -> Option<&Tenant> {
        match self {
            Gate::Operator(_) => None,
            Gate::Tenant(tenant) => Some(tenant),
        }
    }
}

fn delegated(Delegation { to, grant, .. }: &Delegation, uid: u32, us: u32, is_member: impl Fn(u32) -> bool) -> Access {
    let known = match *to {
        Delegate::Uid(wanted) => uid == wanted,
        Delegate::Gid(wanted) => is_member(wanted),
    };
    match grant {
        _ if !(known || uid == 0 || uid == us) => Access::None,
        Grant::Reader => Access::Read,
        Grant::Admin => Access::Administer,
    }
}

impl Policy {
    /// Members of `group` administer; `others` is for those who do not. A group that is made later is not known.
    pub fn new(group: impl Into<String>, others: Others) -> Policy {
        let group = group.into();
        let gid = Group::from_name(&group).ok().flatten().map(|group| group.gid.as_raw());
        Policy { group, gid, others }
    }

    /// What is to be said of a group that somebody has named and that is not there. The one that is there unless another is named
    /// need not be.
    pub fn warning(&self) -> Option<String> {
        let lacks = self.gid.is_none() && self.group != GROUP_DEFAULT;
        lacks.then(|| {
            let Policy { group, .. } = self;
            format!(
                "there is no group {group}: nobody but root and weftd's own user administers weft; make it \
                 (groupadd --system {group}) or name another in the configuration, and start weftd anew"
            )
        })
    }

    /// What the caller lacks, in words.
    pub fn needed(&self, needed: Access) -> String {
        match needed {
            Access::Administer => format!("root or a member of the group {}", self.group),
            Access::Read | Access::None => "a user whom the configuration of weftd lets read".to_owned(),
        }
    }

    /// Mode and group of the socket's file. The mode is a courtesy, an early refusal; each call is checked anyway.
    pub fn file_access(&self) -> (u32, Option<u32>) {
        let mode = match self.others {
            Others::Read => 0o666,
            Others::Refuse => 0o660,
        };
        (mode, self.gid)
    }

    fn access(&self, uid: u32, us: u32, is_member: impl Fn(u32) -> bool) -> Access {
        if uid == 0 || uid == us || self.gid.is_some_and(is_member) {
            return Access::Administer;
        }
        match self.others {
            Others::Read => Access::Read,
            Others::Refuse => Access::None,
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use std::os::fd::AsFd;
    use switch::Limits;

    #[test]
    fn test_who_is_what() {
        // The group of root exists everywhere and has the id 0.
        for (others, uid, us, member, expected) in [
            (Others::Read, 0, 7, false, Access::Administer),
            (Others::Refuse, 7, 7, false, Access::Administer),
            (Others::Refuse, 1000, 7, true, Access::Administer),
            (Others::Read, 1000, 7, false, Access::Read),
            (Others::Refuse, 1000, 7, false, Access::None),
        ] {
            let policy = Policy::new("root", others);
            assert_eq!(policy.access(uid, us, |gid| gid == 0 && member), expected, "{uid} {us} {member} {others:?}");
        }
    }

    #[test]
    fn test_a_group_that_does_not_exist_has_no_members() {
        let policy = Policy::new("no-such-group-here", Others::Refuse);
        assert_eq!(policy.access(1000, 7, |_| true), Access::None);
        assert_eq!(policy.file_access(), (0o660, None));
    }

    #[test]
    fn test_who_is_a_tenant() {
        for (to, grant, uid, group, expected) in [
            (Delegate::Uid(1000), Grant::Admin, 1000, 5, Access::Administer),
            (Delegate::Uid(1000), Grant::Reader, 1000, 5, Access::Read),
            (Delegate::Uid(1000), Grant::Admin, 1001, 1000, Access::None),
            (Delegate::Gid(5), Grant::Admin, 1001, 5, Access::Administer),
            (Delegate::Gid(5), Grant::Admin, 5, 6, Access::None),
            (Delegate::Gid(5), Grant::Reader, 0, 6, Access::Read),
            (Delegate::Uid(1000), Grant::Admin, 7, 6, Access::Administer),
        ] {
            let (socket, directory) = ("/run/red".to_owned(), "/run/red.d".to_owned());
            let delegation = Delegation { socket, directory, to, grant, limits: Limits::default(), confined: None };
            assert_eq!(delegated(&delegation, uid, 7, |gid| gid == group), expected, "{to} {grant:?} {uid} {group}");
        }
    }

    #[test]
    fn test_where_only_operators_change_anything_a_delegate_looks() {
        let (socket, directory) = ("/run/red".to_owned(), "/run/red.d".to_owned());
        let (to, grant) = (Delegate::Uid(Uid::current().as_raw()), Grant::Admin);
        let delegation = Delegation { socket, directory, to, grant, limits: Limits::default(), confined: None };
        let gate = Gate::Tenant(Box::new(Tenant { namespace: NamespacePath::root(), delegation }));
        let (client, _server) = std::os::unix::net::UnixStream::pair().unwrap();
        let access = (gate.access_of(client.as_fd()), gate.sight_of(client.as_fd()));
        assert_eq!(access, (Access::Administer, Access::Read));
    }
}
