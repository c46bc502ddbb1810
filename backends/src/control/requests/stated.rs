// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about static PvDs.

use super::learnt::now;
use super::{Calls, convert};
use crate::runtime::clock;
use ctl::proto::v1::{self, Empty, Error};
use switch::{PvdKey, Statement};

impl Calls<'_> {
    pub(super) fn pvd_create(&mut self, asked: &v1::PvdCreate) -> Result<v1::PvdReply, Error> {
        let key = self.pvd_key(&asked.namespace, &asked.name)?;
        let said = convert::pvd_statement(&Statement::default(), &asked.said)?;
        self.request(switch::Request::PvdAdd(key.clone(), said))?;
        self.pvd(&asked.namespace, &key)
    }

    /// Nobody else has his turn between what is read and what is said, so that it is one change.
    pub(super) fn pvd_set(&mut self, asked: &v1::PvdSet) -> Result<v1::PvdReply, Error> {
        let key = self.pvd_key(&asked.namespace, &asked.name)?;
        let control = &self.daemon.control;
        let before = control.check_static(&key).and_then(|()| control.desired().pvd(&key));
        let said = convert::pvd_statement(before.map_err(|why| self.refused(why))?, &asked.said)?;
        self.request(switch::Request::PvdSet(key.clone(), said))?;
        self.pvd(&asked.namespace, &key)
    }

    pub(super) fn pvd_delete(&mut self, asked: &v1::PvdDelete) -> Result<Empty, Error> {
        let key = self.pvd_key(&asked.namespace, &asked.name)?;
        if asked.if_exists && self.daemon.control.desired().pvd(&key).is_err() {
            return Ok(Empty {});
        }
        self.request(switch::Request::PvdDel(key)).map(|_| Empty {})
    }

    pub(super) fn pvd_fetch(&mut self, asked: &v1::PvdFetch) -> Result<Empty, Error> {
        let key = self.pvd_key(&asked.namespace, &asked.name)?;
        self.pvd(&asked.namespace, &key)?;
        if self.daemon.control.fetch_again(&key, clock()) {
            return Ok(Empty {});
        }
        let why =
            "its routers do not say that it has Additional Information, or nothing is fetched (pvd-fetch of [daemon])";
        Err(Error::Conflict { message: format!("nothing is fetched of PvD {}: {why}", key.name) })
    }

    fn pvd_key(&self, namespace: &str, name: &str) -> Result<PvdKey, Error> {
        let key = convert::pvd_key(namespace, name)?;
        Ok(PvdKey { namespace: self.view()?.absolute(&key.namespace), ..key })
    }

    /// A PvD as the caller sees it.
    fn pvd(&self, namespace: &str, key: &PvdKey) -> Result<v1::PvdReply, Error> {
        let (path, now) = (convert::path("namespace", namespace)?, now());
        let view = self.view()?.pvd(&path, &key.name.to_string(), now).map_err(|why| self.refused(why))?;
        Ok(v1::PvdReply { pvd: convert::pvd(&view, now) })
    }
}
