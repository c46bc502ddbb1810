// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about ports that go from one weftd to another.

use super::{Calls, reply};
use crate::ctl_server::{Answer, Mark, convert};
use crate::handover::{self, Document};
use crate::runtime::clock;
use crate::vhost_user::{FeatureSpec, feature_names, offered_features};
use ctl::proto::v1::{self, Error};
use std::time::Duration;
use switch::{Departure, Landed, Missing, MoveId, PortPath, PortSpec, Refusal, Request, Told};

/// The longest that a document is taken to have been on its way. `weft migrate prepare` takes seconds, and by hand it is a minute or two;
/// it is well below the 1800 s that a router gives itself by default (RFC 4861 section 6.2.1).
const WAY_MAX: Duration = Duration::from_mins(5);

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
        let way = way_since(exported_ms, unix_ms());
        moved.age(way);
        self.adapt(&mut moved, asked)?;
        check_features(moved.offered, &moved.spec)?;
        let missing = if asked.add_namespace { Missing::Made } else { Missing::Refused };
        let before = self.daemon.control.desired().clone();
        let passage = self.daemon.control.moves().get(&moved.port).copied();
        let landed = self.daemon.control.import_port(&moved, missing).map_err(|why| self.refused(why))?;
        let failures = self.daemon.act(self.events);
        if let Some(why) = failures.into_iter().next() {
            self.daemon.control.import_failed(&moved.port, passage);
            self.request(Request::Apply(before))?;
            return Err(Error::Failed { message: format!("port {} was not imported: {why}", moved.port) });
        }
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
                moved.homes.truncate(namespace.depth().min(1));
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
        let id = move_id(&asked.id)?;
        self.daemon.control.depart(&port, id).map_err(|why| self.refused(why))?;
        tracing::info!(%port, "another weftd has the port");
        self.daemon.act(self.events);
        self.port(&port)
    }

    pub(super) fn port_stay(&mut self, asked: &v1::PortStay) -> Result<v1::PortStayReply, Error> {
        let port = self.port_meant(&asked.name)?;
        let id = self.daemon.control.stay(&port).map_err(|why| self.refused(why))?;
        tracing::info!(%port, "the port stays");
        self.daemon.act(self.events);
        Ok(v1::PortStayReply { port: self.port(&port)?.port, id: id.to_string() })
    }

    /// Where a guest is that leaves, and again when that has changed.
    pub(super) fn move_watch(&self, asked: &v1::MoveWatch, more: bool, from: Option<&Mark>) -> Result<Answer, Error> {
        let (port, id) = (self.port_meant(&asked.name)?, move_id(&asked.id)?);
        let guest = self.daemon.control.departure(&port, id).map_err(|why| self.refused(why))?;
        let said = reply(&v1::MoveWatchReply { guest: convert::departure(guest) })?;
        let mark = Mark::Departure(guest);
        Ok(match guest {
            _ if !more => said.into(),
            Departure::Gone | Departure::Stays => said.into(),
            _ if from == Some(&mark) => Answer::Later(mark),
            _ => Answer::Part(said.continued(), mark),
        })
    }

    /// What the source of a move says of its guest.
    pub(super) fn move_tell(&mut self, asked: &v1::MoveTell) -> Result<v1::MoveTellReply, Error> {
        let (id, guest) = (move_id(&asked.id)?, convert::departure_meant(asked.guest));
        let told = self.daemon.control.source_says(id, guest, clock()).map_err(|why| self.refused(why))?;
        // Before anything that comes later can be elsewhere.
        self.daemon.release();
        let (port, is_here) = match told {
            Told::Heard(port) => {
                self.daemon.act(self.events);
                (port, true)
            }
            Told::Unwanted(port) => {
                tracing::info!(%port, "its guest stays elsewhere");
                self.request(Request::PortDel { port: port.clone(), force: true })?;
                (port, false)
            }
        };
        if guest == Departure::Stays
            && let Some(rest) = self.daemon.control.without_made(&port)
        {
            self.request(Request::Apply(rest))?;
        }
        Ok(v1::MoveTellReply { handover: if is_here { self.port(&port)?.port.handover } else { None } })
    }
}

/// How long a document was on its way, by the clocks of two hosts. These may be apart by any amount, and what is said of routers must not
/// be lost for that: more than [`WAY_MAX`] is not believed.
fn way_since(exported_ms: u64, now_ms: u64) -> Duration {
    let way = Duration::from_millis(now_ms.saturating_sub(exported_ms));
    if way > WAY_MAX {
        let (said_s, taken_s) = (way.as_secs(), WAY_MAX.as_secs());
        tracing::warn!(
            said_s,
            taken_s,
            "by this host's clock the port was exported long ago: what its routers said is taken to be younger; \
             if it was exported just now, the clocks of the two hosts differ, and if not, it is better exported anew"
        );
    }
    way.min(WAY_MAX)
}

fn move_id(text: &str) -> Result<MoveId, Error> {
    let expected = "the id that PortExport answered";
    text.parse().map_err(|_| convert::refusal(Refusal::invalid("id", text, expected)))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that is half an hour ahead lets no Router Advertisement end that has 1800 s to live.
    #[test]
    fn test_clocks_that_differ_age_nothing_by_more_than_a_move_takes() {
        let way = |exported_s: u64, now_s: u64| way_since(exported_s * 1000, now_s * 1000).as_secs();
        assert_eq!(way(1000, 1007), 7, "as long as it took");
        assert_eq!((way(1000, 1000 + 31 * 60), way(0, u64::MAX / 1000)), (WAY_MAX.as_secs(), WAY_MAX.as_secs()));
        assert_eq!(way(1000, 900), 0, "nothing comes before it goes");
    }
}
