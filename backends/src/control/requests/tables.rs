// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about MAC tables.

use super::{Calls, reply};
use crate::ctl_server::{Answer, Mark, convert};
use crate::runtime::clock;
use ctl::proto::v1::{self, Empty, Error, FDB_PAGE};
use switch::{FdbKey, NamespacePath};

impl Calls<'_> {
    pub(super) fn fdb_add(&mut self, asked: &v1::FdbAdd) -> Result<Empty, Error> {
        let key = self.fdb_key(&asked.namespace, &asked.mac)?;
        let port = convert::port_of(&asked.port, &convert::fdb_key(&asked.namespace, &asked.mac)?)?;
        self.request(switch::Request::FdbAdd(key, port)).map(|_| Empty {})
    }

    pub(super) fn fdb_del(&mut self, asked: &v1::FdbDel) -> Result<Empty, Error> {
        let key = self.fdb_key(&asked.namespace, &asked.mac)?;
        self.request(switch::Request::FdbDel(key)).map(|_| Empty {})
    }

    fn fdb_key(&self, namespace: &str, address: &str) -> Result<FdbKey, Error> {
        let key = convert::fdb_key(namespace, address)?;
        Ok(FdbKey { namespace: self.view()?.absolute(&key.namespace), ..key })
    }

    pub(super) fn fdb_flush(&mut self, namespace: Option<&str>) -> Result<v1::FdbFlushReply, Error> {
        let chosen = match namespace {
            Some(path) => vec![self.path("namespace", path)?],
            None => {
                let view = self.view()?;
                view.paths_from(&NamespacePath::root()).map(|path| view.absolute(&path)).collect()
            }
        };
        let mut total = 0;
        for path in chosen {
            if let switch::Reply::Flushed(removed) = self.request(switch::Request::FdbFlush(Some(path)))? {
                total += removed as u64;
            }
        }
        Ok(v1::FdbFlushReply { removed: total })
    }

    /// Lists MAC tables page by page, those behind `from`. A page is made when the client has read the one before, of
    /// what the tables say then: nothing is kept for it in between.
    pub(super) fn fdb_list(&self, asked: &v1::FdbList, more: bool, from: Option<&Mark>) -> Result<Answer, Error> {
        let only = asked.namespace.as_deref().map(|path| convert::path("namespace", path)).transpose()?;
        let view = self.view()?;
        let from = from.and_then(|place| if let Mark::Fdb(key) = place { Some(key) } else { None });
        let start = from.map_or_else(NamespacePath::root, |key| key.namespace.clone());
        let all = only.is_none().then(|| view.paths_from(&start));
        let mut entries = Vec::new();
        for path in only.into_iter().chain(all.into_iter().flatten()) {
            let after = from.filter(|key| key.namespace == path).map(|key| key.mac);
            // One more than fits tells that there is another page.
            let room = FDB_PAGE + 1 - entries.len();
            entries.extend(view.fdb(clock(), &path, after, room).map_err(|why| self.refused(why))?);
            if entries.len() > FDB_PAGE {
                break;
            }
        }
        let is_last = entries.len() <= FDB_PAGE;
        if !more && !is_last {
            let what = "MAC table entries for one reply; ask for a stream (more)".to_owned();
            return Err(Error::Limit { what, limit: FDB_PAGE as u64, quota: None });
        }
        entries.truncate(FDB_PAGE);
        let reply = reply(&v1::FdbListReply { entries: entries.iter().map(convert::fdb_entry).collect() })?;
        let last = entries.pop().filter(|_| !is_last).map(|entry| Mark::Fdb((entry.namespace, entry.mac).into()));
        Ok(match last {
            Some(last) => Answer::Part(reply.continued(), last),
            None => reply.into(),
        })
    }
}
