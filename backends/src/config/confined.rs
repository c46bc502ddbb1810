// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `confined`: the directory that sockets have to be in, and whose it is.

use super::mistake::Mistake;
use super::value::{Number, Text, not, number};
use serde::Deserialize;
use switch::Delegate;

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confined {
    pub(super) beneath: Text,
    pub(super) uid: Option<Number>,
    pub(super) gid: Option<Number>,
}

/// What it means.
pub(super) fn confined(low: &Confined) -> Result<switch::Confined, Mistake> {
    if !low.beneath.get_ref().starts_with('/') {
        return Err(not(&low.beneath, "an absolute path", "a path that begins with /"));
    }
    let owner = delegate(low.uid.as_ref(), low.gid.as_ref(), &low.beneath)?;
    Ok(switch::Confined { beneath: low.beneath.get_ref().clone(), owner })
}

/// Whose something is that is in the directory, or at the socket, of `path`.
pub(super) fn delegate(uid: Option<&Number>, gid: Option<&Number>, path: &Text) -> Result<Delegate, Mistake> {
    let range = 0..=i64::from(u32::MAX - 1);
    match (uid, gid) {
        (Some(uid), None) => Ok(Delegate::Uid(number(uid, range)?)),
        (None, Some(gid)) => Ok(Delegate::Gid(number(gid, range)?)),
        _ => Err(Mistake::new(path.span(), "say either uid or gid: whom the namespace is delegated to")),
    }
}
