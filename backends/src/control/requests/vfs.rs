// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about VFs.

use super::Calls;
use crate::ctl_server::convert;
use ctl::proto::v1::{Error, VfReply, VfStatusReply};
use switch::{Kind, PortView, VfAsk};

impl Calls<'_> {
    /// Has a VF offered, revoked or used.
    pub(super) fn vf(&mut self, name: &str, ask: VfAsk) -> Result<VfReply, Error> {
        let port = self.port_meant(name)?;
        self.request(switch::Request::Vf { port: port.clone(), ask })?;
        let view = self.view()?.port_at(&port).map_err(|why| self.refused(why))?;
        convert::vf_state(&view).map(|vf| VfReply { vf }).ok_or_else(|| no_vf(&view))
    }

    pub(super) fn vf_status(&self, name: Option<&str>) -> Result<VfStatusReply, Error> {
        let view = self.view()?;
        let Some(name) = name else {
            let ports = view.ports(None).map_err(|why| self.refused(why))?;
            return Ok(VfStatusReply { vfs: ports.iter().filter_map(convert::vf_state).collect() });
        };
        let port = view.port_at(&self.port_meant(name)?).map_err(|why| self.refused(why))?;
        let vf = convert::vf_state(&port).ok_or_else(|| no_vf(&port))?;
        Ok(VfStatusReply { vfs: vec![vf] })
    }
}

fn no_vf(port: &PortView) -> Error {
    Error::NotFound { kind: Kind::Vf.to_string(), name: port.path().to_string() }
}
