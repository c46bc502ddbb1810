// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What operators say about PvDs, from the wire and back.

use super::{mac, path, refusal};
use ctl::proto::v1;
use switch::{Announcement, FactList, PvdKey, Refusal, Statement};

/// The key of a static PvD that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`].
pub fn pvd_key(namespace: &str, name: &str) -> Result<PvdKey, v1::Error> {
    let namespace = path("namespace", namespace)?;
    Ok(PvdKey { namespace, name: PvdKey::parse_name(name).map_err(refusal)? })
}

/// What was said before, with what is said now in its place.
///
/// # Errors
/// [`v1::Error::Invalid`].
pub fn pvd_statement(before: &Statement, said: &v1::PvdStatement) -> Result<Statement, v1::Error> {
    let mut now = before.clone();
    let flags = &mut now.flags;
    flags.http = said.http.unwrap_or(flags.http);
    flags.legacy = said.legacy.unwrap_or(flags.legacy);
    flags.sequence = said.sequence.unwrap_or(flags.sequence);
    flags.delay = said.delay.unwrap_or(flags.delay);
    let parameters = &mut now.parameters;
    parameters.mtu = said.mtu.unwrap_or(parameters.mtu);
    if let Some(uri) = &said.captive_portal {
        parameters.captive_portal = uri.as_bytes().into();
    }
    for (list, items) in [
        (FactList::Prefixes, &said.prefixes),
        (FactList::Routes, &said.routes),
        (FactList::Rdnss, &said.rdnss),
        (FactList::Dnssl, &said.dnssl),
        (FactList::Pref64, &said.pref64),
    ] {
        let set = items.as_ref().map(|items| list.set(&mut now, items));
        set.transpose().map_err(refusal)?;
    }
    match said.announce.as_deref() {
        None => {}
        Some([]) => now.announcement = None,
        Some([one]) => now.announcement = Some(announcement(one)?),
        Some(many) => {
            let why = Refusal::invalid("announce", format!("{} of them", many.len()), "one at most");
            return Err(refusal(why));
        }
    }
    Ok(now)
}

fn announcement(said: &v1::PvdAnnouncement) -> Result<Announcement, v1::Error> {
    let bad = |_| refusal(Refusal::invalid("announce.router", &said.router, "an IPv6 address such as fe80::1"));
    let (lifetime, inner) = (said.lifetime_s, said.inner);
    Ok(Announcement { router: said.router.parse().map_err(bad)?, mac: mac(&said.mac)?, lifetime, inner })
}

/// In whose name hosts are told of a PvD, for the wire.
pub fn pvd_announcement(said: &Announcement) -> v1::PvdAnnouncement {
    let Announcement { router, mac, lifetime, inner } = *said;
    v1::PvdAnnouncement { router: router.to_string(), mac: mac.to_string(), lifetime_s: lifetime, inner }
}
