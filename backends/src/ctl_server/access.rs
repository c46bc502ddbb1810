// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who may do what on the control socket. All of it is decided here.
//!
//! The kernel says who connected (`SO_PEERCRED`, unix(7)). Root, the daemon's own user, and members of one group are
//! administrators. Everybody else may look, or nothing at all, as the configuration has it.
//!
//! To look includes to have a configuration checked, and compared with what runs: neither tells more than the lists do,
//! and the work is bounded by the size of a message and grows with it in proportion.
//!
//! The groups of a peer could be had from the kernel (`SO_PEERGROUPS`), but no safe wrapper of it is at hand. So they are
//! looked up in the system's database, and because that may ask a server and wait for it, what was found out about a user
//! is [`Known`] for a minute: whoever connects again and again does not hold up the control loop each time.

use crate::config::Others;
use ctl::proto::v1::{Error, Request};
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::time::{Duration, Instant};

/// The group of administrators, unless the configuration names another.
pub const GROUP_DEFAULT: &str = "weft";

/// How long what was found out about a user is good for.
const KNOWN_FOR: Duration = Duration::from_secs(60);
/// Users of whom something is known at a time.
const KNOWN_MAX: usize = 256;

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
    others: Others,
}

impl Policy {
    /// Members of `group` administer; `others` is for those who do not.
    pub fn new(group: impl Into<String>, others: Others) -> Policy {
        Policy { group: group.into(), others }
    }

    /// What a process of this user and primary group may do. Supplementary groups are looked up in the system's
    /// database, as a login would find them.
    pub fn access_of(&self, uid: u32, gid: u32) -> Access {
        let us = Uid::effective().as_raw();
        self.access(uid, us, |group| gid == group || supplementary(uid, gid).contains(&group))
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
        (mode, self.group_id())
    }

    fn access(&self, uid: u32, us: u32, is_member: impl Fn(u32) -> bool) -> Access {
        if uid == 0 || uid == us || self.group_id().is_some_and(is_member) {
            return Access::Administer;
        }
        match self.others {
            Others::Read => Access::Read,
            Others::Refuse => Access::None,
        }
    }

    /// `None`: there is no such group on this system, so nobody is a member.
    fn group_id(&self) -> Option<u32> {
        Group::from_name(&self.group).ok().flatten().map(|group| group.gid.as_raw())
    }
}

/// What was found out about users lately, by user and primary group.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<(u32, u32), (Access, Instant)>);

impl Known {
    /// What a process of this user and primary group may do, or might a short while ago.
    pub(super) fn access_of(&mut self, policy: &Policy, uid: u32, gid: u32, now: Instant) -> Access {
        self.get((uid, gid), now, || policy.access_of(uid, gid))
    }

    fn get(&mut self, user: (u32, u32), now: Instant, look_up: impl FnOnce() -> Access) -> Access {
        self.0.retain(|_, (_, since)| now.saturating_duration_since(*since) < KNOWN_FOR);
        if let Some((access, _)) = self.0.get(&user) {
            return *access;
        }
        if self.0.len() >= KNOWN_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (_, since))| *since).map(|(user, _)| *user);
            oldest.map(|user| self.0.remove(&user));
        }
        let access = look_up();
        self.0.insert(user, (access, now));
        access
    }
}

fn supplementary(uid: u32, gid: u32) -> Vec<u32> {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    let name = user.and_then(|user| CString::new(user.name).ok());
    let groups = name.and_then(|name| getgrouplist(&name, Gid::from_raw(gid)).ok());
    groups.unwrap_or_default().into_iter().map(Gid::as_raw).collect()
}

/// What a call needs, and how texts name it. A match without a default: a new method must be thought about.
pub fn needs(request: &Request) -> (Access, &'static str) {
    match request {
        Request::GetInfo | Request::GetInterfaceDescription(_) => (Access::None, "introspect"),
        Request::Status(_) => (Access::Read, "status"),
        Request::WorkerList(_) => (Access::Read, "worker list"),
        Request::NamespaceList(_) => (Access::Read, "namespace list"),
        Request::PortList(_) => (Access::Read, "port list"),
        Request::FdbList(_) => (Access::Read, "fdb list"),
        Request::DropReasons(_) => (Access::Read, "explain"),
        Request::ConfigCheck(_) => (Access::Read, "config check"),
        Request::ConfigDiff(_) => (Access::Read, "config diff"),
        Request::NamespaceAdd(_) => (Access::Administer, "namespace add"),
        Request::NamespaceDel(_) => (Access::Administer, "namespace del"),
        Request::PortAdd(_) => (Access::Administer, "port add"),
        Request::PortDel(_) => (Access::Administer, "port del"),
        Request::PortSet(_) => (Access::Administer, "port set"),
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

    #[test]
    fn test_primary_and_supplementary_membership_count() {
        let us = Uid::effective().as_raw();
        assert!(supplementary(us, 4242).contains(&4242), "the primary group is in the list");
        assert_eq!(Policy::new("root", Others::Refuse).access_of(54321, 0), Access::Administer);
        assert_eq!(Policy::new("root", Others::Refuse).access_of(54321, 54321), Access::None);
    }

    #[test]
    fn test_a_user_is_looked_up_once_a_minute_and_few_are_remembered() {
        let (mut known, now, mut asked) = (Known::default(), Instant::now(), 0);
        let mut look = |known: &mut Known, user, at| {
            let before = asked;
            known.get((user, user), at, || {
                asked += 1;
                Access::Read
            });
            asked > before
        };
        assert!(look(&mut known, 1000, now));
        assert!(!look(&mut known, 1000, now + KNOWN_FOR / 2));
        assert!(look(&mut known, 1000, now + KNOWN_FOR));
        for user in 0..2 * KNOWN_MAX as u32 {
            look(&mut known, user, now + KNOWN_FOR + Duration::from_millis(user.into()));
        }
        assert_eq!(known.0.len(), KNOWN_MAX);
        assert!(look(&mut known, 0, now + KNOWN_FOR), "it had to make room");
    }

    /// Every method of the interface, with parameters that parse, and who may call it.
    #[test]
    fn test_what_each_may_do() {
        let readers = [
            "Status",
            "WorkerList",
            "NamespaceList",
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
            "name": "a", "namespace": "a", "mac": "a", "port": "a", "text": "a", "file": "a", "filter": "a",
            "vhost_user": { "path": "/a", "mode": "server" }
        });
        let wanted: &[&str] = match method.rsplit('.').next().unwrap_or_default() {
            "NamespaceAdd" | "NamespaceDel" | "PortDel" | "PortSet" => &["name"],
            "PortAdd" => &["name", "namespace", "vhost_user"],
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
