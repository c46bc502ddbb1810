// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is done with Router Advertisements from and to a port, for the wire and from it.

use super::ra_guard::{learn, ra_guard};
use super::refusal;
use ctl::proto::v1;
use pvd::{Injection, Mediated};
use switch::{Mediation, MediationEdit};

/// A change that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`]: something is no name of a PvD, or what else it should be.
pub fn mediation_edit(
    pvds: Option<&[String]>,
    inject: Option<&v1::InjectPvd>,
    guard: Option<&v1::RaGuard>,
) -> Result<MediationEdit, v1::Error> {
    let sight = pvds.map(|words| switch::sight_of(words.iter().map(String::as_str)));
    let sight = sight.transpose().map_err(refusal)?;
    let (inject, learn) = (inject.map(injection).transpose()?, learn(guard));
    let relearn = guard.is_some_and(|guard| guard.relearn == Some(true));
    Ok(MediationEdit { sight, inject, guard: ra_guard(guard)?, learn, relearn })
}

fn injection(asked: &v1::InjectPvd) -> Result<Option<Injection>, v1::Error> {
    let v1::InjectPvd { ref name, http, legacy, sequence, delay, r_flag: header } = *asked;
    let named = switch::injection_of(name).map_err(refusal)?;
    Ok(named.map(|named| Injection { http, legacy, sequence, delay, header, ..named }))
}

/// The PvDs that a port sees, and what is injected, for the wire.
pub(super) fn said(mediation: &Mediation) -> (Option<Vec<String>>, Option<v1::InjectPvd>) {
    let injected = |injection: &Injection| {
        let Injection { ref name, http, legacy, sequence, delay, header: r_flag } = *injection;
        v1::InjectPvd { name: name.to_string(), http, legacy, sequence, delay, r_flag }
    };
    (mediation.sight.words(), mediation.inject.as_ref().map(injected))
}

/// What became of a port's advertisements; `None`: nothing was decided about.
pub(super) fn mediated(counters: &Mediated) -> Option<v1::Mediated> {
    let Mediated { heard, sent, held, hidden, beyond, invalid, injected, not_injected } = *counters;
    let said = v1::Mediated { heard, sent, held, hidden, beyond, invalid, injected, not_injected };
    (*counters != Mediated::default()).then_some(said)
}
