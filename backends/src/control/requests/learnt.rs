// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about what routers teach. Lists go from namespace to namespace, page by page; a page is made when the client has
//! read the one before, of what is known then.

use super::{Calls, reply};
use crate::ctl_server::{Answer, Mark, convert};
use crate::runtime::clock;
use ctl::proto::v1::{self, Error, PVD_PAGE, RA_PAGE};
use serde::Serialize;
use std::time::Duration;
use switch::{Kind, NamespacePath, PvdView, RaView, View};

/// A text names so many of those that could be meant.
const CANDIDATES_SHOWN: usize = 16;

impl Calls<'_> {
    /// Lists PvDs from `from` on.
    pub(super) fn pvd_list(&self, asked: &v1::PvdList, more: bool, from: Option<&Mark>) -> Result<Answer, Error> {
        let (start, mut cursor) = match from {
            Some(Mark::Pvds(path, cursor)) => (path.clone(), *cursor),
            _ => (NamespacePath::root(), None),
        };
        let (view, now) = (self.view()?, now());
        let (mut pvds, mut interrupted, mut rest) = (Vec::new(), false, None);
        let mut seqs = None;
        for path in namespaces(&view, asked.namespace.as_deref(), &start)? {
            let cursor = cursor.take().filter(|_| path == start);
            let room = PVD_PAGE - pvds.len();
            let page = view.pvds(&path, cursor, room.max(1), now).map_err(|why| self.refused(why))?;
            if room == 0 && !page.pvds.is_empty() {
                rest = Some(Mark::Pvds(path, None));
                break;
            }
            interrupted |= page.interrupted;
            seqs = asked.namespace.as_ref().map(|_| (page.base_seq, page.seq));
            pvds.extend(page.pvds.iter().map(|view| convert::pvd(view, now)));
            if page.next.is_some() {
                rest = Some(Mark::Pvds(path, page.next));
                break;
            }
        }
        let (base_seq, seq) = seqs.unzip();
        part(&v1::PvdListReply { pvds, interrupted, base_seq, seq }, rest, more, ("PvDs", PVD_PAGE))
    }

    pub(super) fn pvd_show(&self, asked: &v1::PvdShow) -> Result<v1::PvdShowReply, Error> {
        let (view, now) = (self.view()?, now());
        let chosen = namespaces(&view, asked.namespace.as_deref(), &NamespacePath::root())?;
        let mut missing = None;
        let mut found: Vec<PvdView> = Vec::new();
        for path in chosen {
            match view.pvd(&path, &asked.name, now) {
                Ok(pvd) => found.push(pvd),
                Err(why) => missing = Some(why),
            }
        }
        match (found.as_slice(), missing) {
            ([one], _) => Ok(convert::pvd_shown(one, &view.bound_to(one), now)),
            ([], Some(why)) => Err(self.refused(why)),
            _ => Err(ambiguous(&asked.name, &found)),
        }
    }

    /// Lists Router Advertisements from `from` on.
    pub(super) fn ra_list(&self, asked: &v1::RaList, more: bool, from: Option<&Mark>) -> Result<Answer, Error> {
        let (start, mut after) = match from {
            Some(Mark::Ras(path, after)) => (path.clone(), *after),
            _ => (NamespacePath::root(), 0),
        };
        let (view, now) = (self.view()?, now());
        let mut found: Vec<RaView> = Vec::new();
        for path in namespaces(&view, asked.namespace.as_deref(), &start)? {
            let after = if path == start { std::mem::take(&mut after) } else { 0 };
            // One more than fits tells that there is another page.
            let room = RA_PAGE + 1 - found.len();
            found.extend(view.ras(&path, after, room).map_err(|why| self.refused(why))?);
            if found.len() > RA_PAGE {
                break;
            }
        }
        let is_last = found.len() <= RA_PAGE;
        found.truncate(RA_PAGE);
        let ras = found.iter().map(|view| convert::ra(view, now)).collect();
        let last = found.pop().filter(|_| !is_last).map(|view| Mark::Ras(view.namespace, view.entry.serial));
        part(&v1::RaListReply { ras }, last, more, ("Router Advertisements", RA_PAGE))
    }

    pub(super) fn ra_show(&self, asked: &v1::RaShow) -> Result<v1::RaShowReply, Error> {
        let path = convert::path("namespace", &asked.namespace)?;
        let found = self.view()?.ra(&path, asked.number).map_err(|why| self.refused(why))?;
        convert::ra_shown(&found, now())
    }

    pub(super) fn ra_check(&self, asked: &v1::RaCheck) -> Result<v1::RaCheckReply, Error> {
        let path = convert::path("namespace", &asked.namespace)?;
        let checked = self.view()?.ra_check(&path, now()).map_err(|why| self.refused(why))?;
        Ok(convert::ra_checked(&checked))
    }
}

/// The namespace that was asked for, or all from `start` on.
fn namespaces(view: &View<'_>, only: Option<&str>, start: &NamespacePath) -> Result<Vec<NamespacePath>, Error> {
    match only {
        Some(text) => Ok(vec![convert::path("namespace", text)?]),
        None => Ok(view.paths_from(start).collect()),
    }
}

/// A page of a list, which goes on at `rest`.
fn part<T: Serialize>(page: &T, rest: Option<Mark>, more: bool, (what, limit): (&str, usize)) -> Result<Answer, Error> {
    if rest.is_some() && !more {
        let what = format!("{what} for one reply; ask for a stream (more)");
        return Err(Error::Limit { what, limit: limit as u64, quota: None });
    }
    let reply = reply(page)?;
    Ok(match rest {
        Some(rest) => Answer::Part(reply.continued(), rest),
        None => reply.into(),
    })
}

fn ambiguous(name: &str, found: &[PvdView]) -> Error {
    let candidates: Vec<String> = found.iter().take(CANDIDATES_SHOWN).map(|pvd| pvd.namespace.to_string()).collect();
    let more = (found.len() - candidates.len()) as u64;
    Error::Ambiguous { kind: Kind::Pvd.to_string(), name: name.to_owned(), candidates, more }
}

/// The time that [`switch::Control`] is told.
pub(super) fn now() -> Duration {
    clock().since_origin()
}
