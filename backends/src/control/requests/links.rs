// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about links.

use super::Calls;
use crate::ctl_server::convert;
use ctl::proto::v1::{self, Empty, Error};
use switch::{PortPath, Request};

impl Calls<'_> {
    pub(super) fn link_add(&mut self, asked: &v1::LinkAdd) -> Result<v1::LinkReply, Error> {
        let ends = [convert::port_path("one", &asked.one)?, convert::port_path("other", &asked.other)?];
        self.request(Request::LinkAdd { ends: ends.clone(), mtu: asked.mtu, routers: asked.routers })?;
        let ports: Result<Vec<v1::Port>, Error> = ends.iter().map(|end| self.end(end)).collect();
        Ok(v1::LinkReply { ports: ports? })
    }

    pub(super) fn link_del(&mut self, asked: &v1::LinkDel) -> Result<Empty, Error> {
        match self.port_meant(&asked.port) {
            Err(Error::NotFound { .. }) if asked.if_exists => Ok(Empty {}),
            found => self.request(Request::LinkDel(found?)).map(|_| Empty {}),
        }
    }

    fn end(&self, path: &PortPath) -> Result<v1::Port, Error> {
        self.port(path).map(|reply| reply.port)
    }
}
