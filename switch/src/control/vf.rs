// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an operator, or a tenant for his own ports, asks of VFs that are there.

use super::{Control, Reply};
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::vf::VfAsk;

impl Control {
    /// Offers, revokes or uses the VF of a port.
    ///
    /// # Errors
    /// There is no such port, it has no VF, or what is asked for makes no sense now.
    pub(super) fn ask_vf(&mut self, port: &PortPath, ask: VfAsk) -> Result<Reply, Refusal> {
        let spec = self.desired.port(port)?;
        if spec.vf.is_none() {
            return Err(Refusal::not_found(Kind::Vf, port));
        }
        let word = match ask {
            VfAsk::Offer => "offer",
            VfAsk::Revoke => "revoke",
            VfAsk::Switch(lane) => crate::words::lane_word(lane),
        };
        Err(Refusal::invalid("vf", word, "a VF whose lane is open"))
    }
}
