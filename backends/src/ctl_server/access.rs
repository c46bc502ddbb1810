// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who may do what on the control socket. All of it is decided here.
//!
//! The kernel says who connected, and which groups it was in then (`SO_PEERCRED`, `SO_PEERGROUPS`, unix(7)). Root, the
//! daemon's own user, and members of one group are administrators. Everybody else may look, or nothing at all, as the
//! configuration has it. The system's database, which may ask a server and wait for it, is asked once, at start, for the
//! group's number.
//!
//! To look includes to have a configuration checked, and compared with what runs: neither tells more than the lists do,
//! and the work is bounded by the size of a message and grows with it in proportion.

use crate::config::Others;
use ctl::proto::v1::{Error, Request};
use nix::unistd::{Group, Uid};
use std::os::fd::BorrowedFd;

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

impl Policy {
    /// Members of `group` administer; `others` is for those who do not. A group that is made later is not known.
    pub fn new(group: impl Into<String>, others: Others) -> Policy {
        let group = group.into();
        let gid = Group::from_name(&group).ok().flatten().map(|group| group.gid.as_raw());
        Policy { group, gid, others }
    }

    /// What the peer of a connected socket may do: whoever the kernel does not know may do nothing.
    pub fn access_of(&self, socket: BorrowedFd<'_>) -> Access {
        let Ok(peer) = sys::fd::peer_credentials(socket) else { return Access::None };
        let further = |group| sys::fd::peer_groups(socket).is_ok_and(|groups| groups.contains(&group));
        self.access(peer.uid, Uid::effective().as_raw(), |group| peer.gid == group || further(group))
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

/// What a call needs, and how texts name it. A match without a default: a new method must be thought about.
pub fn needs(request: &Request) -> (Access, &'static str) {
    match request {
        Request::GetInfo | Request::GetInterfaceDescription(_) => (Access::None, "introspect"),
        Request::Status(_) => (Access::Read, "status"),
        Request::WorkerList(_) => (Access::Read, "worker list"),
        Request::NamespaceList(_) => (Access::Read, "namespace list"),
        Request::NamespaceZombies(_) => (Access::Read, "namespace zombies"),
        Request::PortList(_) => (Access::Read, "port list"),
        Request::FdbList(_) => (Access::Read, "fdb list"),
        Request::DropReasons(_) => (Access::Read, "explain"),
        Request::ConfigCheck(_) => (Access::Read, "config check"),
        Request::ConfigDiff(_) => (Access::Read, "config diff"),
        Request::NamespaceAdd(_) => (Access::Administer, "namespace add"),
        Request::NamespaceDel(_) => (Access::Administer, "namespace del"),
        Request::NamespaceSet(_) => (Access::Administer, "namespace set"),
        Request::PortAdd(_) => (Access::Administer, "port add"),
        Request::PortDel(_) => (Access::Administer, "port del"),
        Request::PortSet(_) => (Access::Administer, "port set"),
        Request::LinkAdd(_) => (Access::Administer, "link add"),
        Request::LinkDel(_) => (Access::Administer, "link del"),
        Request::FdbAdd(_) => (Access::Administer, "fdb add"),
        Request::FdbDel(_) => (Access::Administer, "fdb del"),
        Request::FdbFlush(_) => (Access::Administer, "fdb flush"),
        Request::ConfigApply(_) => (Access::Administer, "config apply"),
        Request::LogSet(_) => (Access::Administer, "log set"),
    }
}

/// Lets a call pass or says what is missing.
///
/// # Errors
/// [`Error::Denied`].
pub fn check(policy: &Policy, access: Access, request: &Request) -> Result<(), Error> {
    let (needed, action) = needs(request);
    if access >= needed {
        return Ok(());
    }
    Err(Error::Denied { action: action.to_owned(), needed: policy.needed(needed) })
}

#[cfg(test)]
mod test {
    use super::*;
    use ctl::codec::Call;
    use ctl::proto::v1::METHODS;

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

    /// Every method of the interface, with parameters that parse, and who may call it.
    #[test]
    fn test_what_each_may_do() {
        let readers = [
            "Status",
            "WorkerList",
            "NamespaceList",
            "NamespaceZombies",
            "PortList",
            "FdbList",
            "DropReasons",
            "ConfigCheck",
            "ConfigDiff",
        ];
        let policy = Policy::new("weft", Others::Read);
        for method in METHODS {
            let request = Request::parse(&call(method)).unwrap_or_else(|why| panic!("{method}: {why}"));
            let short = method.rsplit('.').next().unwrap();
            let allowed = |access| check(&policy, access, &request).is_ok();
            assert!(allowed(Access::Administer), "{method}");
            assert_eq!(allowed(Access::Read), readers.contains(&short), "{method}");
            assert!(!allowed(Access::None), "{method}");
        }
        let request = Request::parse(&call("org.varlink.service.GetInfo")).unwrap();
        assert!(check(&policy, Access::None, &request).is_ok());
    }

    fn call(method: &str) -> Call {
        let all = serde_json::json!({
            "name": "a", "namespace": "a", "mac": "a", "port": "a", "text": "a", "one": "a", "other": "a", "file": "a", "filter": "a",
            "vhost_user": { "path": "/a", "mode": "server" }
        });
        let wanted: &[&str] = match method.rsplit('.').next().unwrap_or_default() {
            "NamespaceAdd" | "NamespaceDel" | "NamespaceSet" | "PortDel" | "PortSet" => &["name"],
            "PortAdd" => &["name", "namespace", "vhost_user"],
            "LinkAdd" => &["one", "other"],
            "LinkDel" => &["port"],
            "FdbAdd" => &["namespace", "mac", "port"],
            "FdbDel" => &["namespace", "mac"],
            "ConfigCheck" | "ConfigDiff" | "ConfigApply" => &["text", "file"],
            "LogSet" => &["filter"],
            _ => &[],
        };
        let parameters = wanted.iter().map(|key| ((*key).to_owned(), all[*key].clone())).collect();
        Call { method: method.to_owned(), parameters: Some(serde_json::Value::Object(parameters)), ..Call::default() }
    }

    #[test]
    fn test_a_refusal_says_who_may() {
        let policy = Policy::new("operators", Others::Read);
        let request = Request::parse(&call("org.weft.Switch1.PortDel")).unwrap();
        let error = check(&policy, Access::Read, &request).unwrap_err();
        let needed = "root or a member of the group operators".to_owned();
        assert_eq!(error, Error::Denied { action: "port del".into(), needed });
    }
}
