// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is to change of a port while its guest stays attached.

use crate::mediation::MediationEdit;
use crate::refusal::Refusal;
use crate::spec::PortSpec;
use crate::vf::VfEdit;
use dataplane::{Limit, MacPolicy, Rate, Role};

/// What is to change of a port; what is `None`, and what is not in the list, stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortChange {
    /// Its role.
    pub role: Option<Role>,
    /// The source addresses it may use.
    pub macs: Option<MacPolicy>,
    /// Its MTU in bytes.
    pub mtu: Option<u16>,
    /// Limits, each with its new rate, or `None` to take it away.
    pub limits: Vec<(Limit, Option<Rate>)>,
    /// What becomes of Router Advertisements.
    pub mediation: MediationEdit,
    /// Its VF.
    pub vf: VfEdit,
}

impl PortChange {
    /// What `spec` becomes by it.
    pub(crate) fn of(self, spec: &PortSpec) -> Result<PortSpec, Refusal> {
        let mut spec = spec.clone();
        spec.role = self.role.unwrap_or(spec.role);
        spec.macs = self.macs.unwrap_or(spec.macs);
        spec.mtu = self.mtu.unwrap_or(spec.mtu);
        self.limits.into_iter().for_each(|(limit, rate)| spec.limits.set(limit, rate));
        spec.mediation = self.mediation.over(spec.mediation);
        spec.vf = self.vf.over(spec.vf)?;
        Ok(spec)
    }
}
