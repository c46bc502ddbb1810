// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about ports that go from one weftd to another.

use super::Calls;
use crate::ctl_server::convert;
use crate::handover::{self, Document};
use crate::runtime::clock;
use crate::vhost_user::{FeatureSpec, feature_names, offered_features};
use ctl::proto::v1::{self, Error};
use std::time::Duration;
use switch::{Landed, Missing, MoveId, PortPath, PortSpec, Refusal, Request};

impl Calls<'_> {
    pub(super) fn port_export(&mut self, asked: &v1::PortExport) -> Result<v1::PortExportReply, Error> {
        let port = self.port_meant(&asked.name)?;
        let exported_ms = unix_ms();
        let id = self.daemon.exports.next(exported_ms);
        let moved = self.daemon.control.export_port(&port, id, clock()).map_err(|why| self.refused(why))?;
        let text = handover::to_text(&Document { exported_ms, moved });
        let text = text.map_err(|why| Error::Failed { message: format!("port {port} cannot be exported: {why}") })?;
        Ok(v1::PortExportReply { id: id.to_string(), text })
    }

    pub(super) fn port_import(&mut self, asked: &v1::PortImport) -> Result<v1::PortImportReply, Error> {
        let imported = self.land(asked);
        match &imported {
            Ok(v1::PortImportReply { port, already: false, .. }) => {
                let (namespace, name) = (&port.spec.namespace, &port.spec.name);
                tracing::info!(port = %format!("{namespace}:{name}"), "a port has come from another weftd");
            }
            Ok(_) => {}
            // It may quote what a stranger says.
            Err(why) => tracing::warn!(why = ?why.message(), "a port from another weftd was refused"),
        }
        imported
    }

    /// Judges all of a document before anything changes.
    fn land(&mut self, asked: &v1::PortImport) -> Result<v1::PortImportReply, Error> {
        let whole = handover::from_text(&asked.text);
        let Document { exported_ms, mut moved } = whole.map_err(|why| no_move(&why.to_string()))?;
        self.adapt(&mut moved, asked)?;
        check_features(moved.offered, &moved.spec)?;
        let missing = if asked.add_namespace { Missing::Made } else { Missing::Refused };
        let before = self.daemon.control.desired().clone();
        let landed = self.daemon.control.import_port(&moved, missing).map_err(|why| self.refused(why))?;
        let failures = self.daemon.act(self.events);
        if let Some(why) = failures.into_iter().next() {
            self.request(Request::Apply(before))?;
            return Err(Error::Failed { message: format!("port {} was not imported: {why}", moved.port) });
        }
        let way = Duration::from_millis(unix_ms().saturating_sub(exported_ms));
        let learnt =
            if landed.already { Landed::default() } else { self.daemon.control.import_learnt(&moved, way, clock()) };
        let count = |count: usize| count as u64;
        Ok(v1::PortImportReply {
            port: self.port(&moved.port)?.port,
            already: landed.already,
            learnt: count(learnt.learnt),
            known: count(learnt.known),
            refused: count(learnt.refused),
            pvds: count(landed.pvds),
        })
    }

    /// Puts what an operator says of the port here in the place of what the document says.
    fn adapt(&self, moved: &mut switch::Move, asked: &v1::PortImport) -> Result<(), Error> {
        if let Some(text) = &asked.namespace {
            let namespace = self.path("namespace", text)?;
            if namespace != moved.port.namespace {
                // What lies around it has other numbers.
                moved.numbers.port.truncate(1);
                moved.numbers.namespaces.clear();
            }
            moved.spec.namespace = namespace.clone();
            moved.port = PortPath::new(namespace, moved.port.name.clone());
        }
        if let Some(number) = asked.number {
            moved.numbers.port = vec![number];
        }
        if let Some(vhost_user) = &asked.vhost_user {
            moved.spec.lane = switch::Lane::VhostUser(convert::vhost_user_meant(vhost_user));
        }
        let edit = convert::vf_edit(asked.vf.as_ref(), moved.spec.vf.as_ref(), self.confines())?;
        moved.spec.vf = edit.over(moved.spec.vf.take()).map_err(|why| self.refused(why))?;
        Ok(())
    }

    pub(super) fn port_leave(&mut self, asked: &v1::PortLeave) -> Result<v1::PortReply, Error> {
        let port = self.port_meant(&asked.name)?;
        let id: MoveId = asked.id.parse().map_err(|_| {
            let expected = "the id that PortExport answered";
            convert::refusal(Refusal::invalid("id", &asked.id, expected))
        })?;
        self.daemon.control.depart(&port, id).map_err(|why| self.refused(why))?;
        tracing::info!(%port, "another weftd has the port");
        self.daemon.act(self.events);
        self.port(&port)
    }

    pub(super) fn port_stay(&mut self, asked: &v1::PortStay) -> Result<v1::PortReply, Error> {
        let port = self.port_meant(&asked.name)?;
        self.daemon.control.stay(&port).map_err(|why| self.refused(why))?;
        tracing::info!(%port, "the port stays");
        self.daemon.act(self.events);
        self.port(&port)
    }
}

fn no_move(why: &str) -> Error {
    convert::refusal(Refusal::invalid("text", "the document", format!("what `weft port export` prints; {why}")))
}

/// A guest that was offered a feature refuses a port without it.
fn check_features(offered: u64, spec: &PortSpec) -> Result<(), Error> {
    let here = offered_features(&FeatureSpec { queue_pairs: spec.queue_pairs, offloads: true });
    let lacking = feature_names(offered & !here);
    if lacking.is_empty() {
        return Ok(());
    }
    let expected = "none but those that this weftd offers: its guest would refuse to run without them";
    Err(convert::refusal(Refusal::invalid("features", lacking.join(" "), expected)))
}

fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
