// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `delegation`: whose a namespace is, and what he may do.

use super::confined::{confined, delegate};
use super::low;
use super::mistake::Mistake;
use super::value::known;
use std::ops::Range;
use switch::{Delegation, Grant};

/// What the table means.
pub(super) fn delegation(low: &low::Delegation) -> Result<Delegation, Mistake> {
    let to = delegate(low.uid.as_ref(), low.gid.as_ref(), &low.listen)?;
    let socket = low.listen.get_ref().clone();
    let directory =
        low.sockets.as_ref().map_or_else(|| Delegation::directory_default(&socket), |s| s.get_ref().clone());
    let grant = match &low.role {
        Some(role) => known(role, Grant::of, "admin or reader")?,
        None => Grant::Admin,
    };
    let confined = low.confined.as_ref().map(confined).transpose()?;
    Ok(Delegation { socket, directory, to, grant, limits: low.limits.meaning()?, confined })
}

/// Where each of its keys stands, for refusals of the switch.
pub(super) fn keys(low: &low::Delegation) -> Vec<(&'static str, Range<usize>)> {
    let sockets = low.sockets.as_ref().unwrap_or(&low.listen).span();
    let paths = [("socket", low.listen.span()), ("sockets", sockets), ("vhost-user", low.listen.span())];
    paths.into_iter().chain(low.limits.keys()).collect()
}
