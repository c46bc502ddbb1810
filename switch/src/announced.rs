// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What hosts were told of static PvDs, over the end of a process: it holds for weeks, and what of it the next one does not say any more
//! has to be taken back.

use crate::control::Control;
use crate::stated::PvdKey;
use pvd::Statement;

/// What hosts may have been told of a static PvD, and may go by still. One PvD can be there more than once: what is announced now,
/// and what they have not been told of yet that it has ended.
pub type Announced = (PvdKey, Statement);

impl Control {
    /// What hosts may have been told and may go by still, to be stored.
    pub fn announced(&self) -> Vec<Announced> {
        let announced = self.desired().pvds().iter().filter(|(_, said)| said.announcement.is_some());
        announced.map(|(key, said)| (key.clone(), said.clone())).chain(self.plant.untold()).collect()
    }

    /// Takes back what an earlier process has told hosts, as far as it is not said any more. To be called when what is wanted is there,
    /// and control knows the time.
    pub fn take_back_announced(&mut self, told: &[Announced]) {
        self.plant.take_back_told(told, self.now);
    }
}
