// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a configuration means. Objects are added to a [`Desired`] one by one, which refuses what does not fit; the
//! refusal is then put beside the key that caused it.

use super::confined::confined;
use super::mistake::{Mistake, line_of};
use super::value::{Number, Text, at_key, known, mac, name, not, number, path};
use super::{Config, daemon, delegation, lanes, low, mediation, pvds, vf};
use pvd::DELAY_MAX;
use std::time::Duration;
use switch::{
    AnswerPolicy, Desired, Lane, LaneSpec, NamespaceSpec, PortSpec, Resource, Role, SecondSource, TextSocket, limits,
};

pub(super) fn config(text: &str) -> Result<Config, Mistake> {
    let file: low::File = toml::from_str(text).map_err(|why| Mistake::of_toml(&why))?;
    let mut desired = Desired::default();
    // What a namespace lies in may stand below it in the file.
    let mut namespaces: Vec<&low::Namespace> = file.namespace.iter().collect();
    namespaces.sort_by_key(|namespace| namespace.name.get_ref().matches('/').count());
    for namespace in namespaces {
        add_namespace(&mut desired, namespace)?;
    }
    for (i, port) in file.port.iter().enumerate() {
        let same = |other: &&low::Port| full_name(other) == full_name(port);
        let twin = file.port[..i].iter().find(same);
        if let Some(twin) = twin {
            return Err(defined_twice(port, line_of(text, twin.name.span().start)));
        }
        add_port(&mut desired, port)?;
    }
    for link in &file.link {
        add_link(&mut desired, link)?;
    }
    for entry in &file.fdb {
        add_fdb(&mut desired, entry)?;
    }
    for pvd in &file.pvd {
        pvds::add(&mut desired, pvd)?;
    }
    Ok(Config { desired, settings: daemon::settings(&file)? })
}

fn add_namespace(desired: &mut Desired, low: &low::Namespace) -> Result<(), Mistake> {
    let mut spec = NamespaceSpec::default();
    if let Some(macs) = &low.macs_max {
        let (least, most) = limits::MACS_RANGE;
        spec.macs_max = number(macs, i64::from(least)..=i64::from(most))?;
    }
    if let Some(age) = &low.age {
        let (least, most) = limits::AGE_RANGE_SECONDS;
        spec.age = Duration::from_secs(number(age, least as i64..=most as i64)?);
    }
    if let Some(answer) = &low.answer {
        spec.answering.policy = known(answer, AnswerPolicy::of, "off, when-silent or always")?;
    }
    if let Some(within) = &low.answer_within {
        spec.answering.within = Duration::from_millis(number(within, 0..=DELAY_MAX.as_millis() as i64)?);
    }
    if let Some(throttle) = &low.ra_throttle {
        let (least, most) = limits::RA_THROTTLE_RANGE_SECONDS;
        spec.ra_throttle = Some(Duration::from_secs(number(throttle, least as i64..=most as i64)?));
    }
    if let Some(policy) = &low.second_source {
        spec.second_source = known(policy, SecondSource::of, "accept, alert or deny")?;
    }
    for (resource, quota) in [
        (Resource::Namespaces, &low.quotas.namespaces),
        (Resource::Ports, &low.quotas.ports),
        (Resource::Macs, &low.quotas.macs),
        (Resource::Pvds, &low.quotas.pvds),
        (Resource::RaEntries, &low.quotas.ra_entries),
    ] {
        spec.quotas.set(resource, quota.as_ref().map(|quota| number(quota, 0..=i64::MAX)).transpose()?);
    }
    spec.limits = low.limits.meaning()?;
    spec.delegation = low.delegation.as_ref().map(delegation::delegation).transpose()?;
    spec.pvdd = low.pvdd.as_ref().map(text_socket).transpose()?;
    let result = desired.add_namespace(path(&low.name)?, spec);
    // Limits of a delegation have the same names, so they are looked for where there is none of the namespace's own.
    let told = low.pvdd.as_ref().map(|text| ("vhost-user", text.span()));
    let keys: Vec<_> = low.limits.keys().chain(low.delegation.iter().flat_map(delegation::keys)).chain(told).collect();
    result.map_err(|refusal| at_key(&refusal, low.name.span(), &keys))
}

fn text_socket(text: &Text) -> Result<TextSocket, Mistake> {
    TextSocket::parse(text.get_ref()).map_err(|refusal| at_key(&refusal, text.span(), &[]))
}

fn add_port(desired: &mut Desired, low: &low::Port) -> Result<(), Mistake> {
    let port = name(&low.name)?;
    let mut spec = match lanes::behind(low)? {
        Lane::VhostUser(vhost_user) => PortSpec::new(&port, path(&low.namespace)?, vhost_user),
        lane => PortSpec { lane, ..PortSpec::device(&port, path(&low.namespace)?, LaneSpec::Null) },
    };
    spec.vf = low.vf.as_ref().map(vf::Vf::meaning).transpose()?;
    if let Some(text) = &low.mac {
        spec.mac = mac(text)?;
    }
    spec.role = role(low.role.as_ref())?.unwrap_or(spec.role);
    spec.macs = match &low.macs {
        Some(macs) => known(macs, switch::macs_of, "own or any")?,
        None => switch::default_macs(spec.role),
    };
    spec.mtu = mtu(low.mtu.as_ref())?.unwrap_or(spec.mtu);
    if let Some(queues) = &low.queues {
        spec.queue_pairs = number(queues, 1..=i64::from(limits::QUEUE_PAIRS_MAX))?;
    }
    spec.limits = low.limits.meaning()?;
    let (pvds, inject) = (low.pvds.as_ref(), low.inject_pvd.as_ref());
    spec.mediation = mediation::meaning(pvds, inject)?;
    (spec.mediation.guard, spec.mediation.learn) = (low.ra_guard.meaning()?, low.ra_guard.learn()?);
    spec.confined = low.confined.as_ref().map(confined).transpose()?;
    let mac_span = low.mac.as_ref().map_or(low.name.span(), Text::span);
    let keys = [("namespace", low.namespace.span()), ("mac", mac_span)];
    let keys = keys.into_iter().chain(lanes::keys(low)).chain(low.limits.keys()).chain(mediation::keys(pvds, inject));
    let keys: Vec<_> = keys.chain(low.ra_guard.keys()).collect();
    let mistake = |refusal| lanes::taken(&refusal, low).unwrap_or_else(|| at_key(&refusal, low.name.span(), &keys));
    desired.add_port(port, spec).map_err(mistake)
}

fn add_link(desired: &mut Desired, low: &low::Link) -> Result<(), Mistake> {
    let bad = |text: &Text| not(text, "a port to be", "NAMESPACE:NAME");
    let end = |text: &Text| text.get_ref().parse().map_err(|_| bad(text));
    let ends = switch::link_ends(&[end(&low.one)?, end(&low.other)?], mtu(low.mtu.as_ref())?, low.routers);
    let said = [(&low.one, &low.at_one), (&low.other, &low.at_other)];
    for ((name, mut spec), (text, own)) in ends.into_iter().zip(said) {
        spec.role = role(own.role.as_ref())?.unwrap_or(spec.role);
        spec.mtu = mtu(own.mtu.as_ref())?.unwrap_or(spec.mtu);
        spec.limits = own.limits.meaning()?;
        let (pvds, inject) = (own.pvds.as_ref(), own.inject_pvd.as_ref());
        spec.mediation = mediation::meaning(pvds, inject)?;
        (spec.mediation.guard, spec.mediation.learn) = (own.ra_guard.meaning()?, own.ra_guard.learn()?);
        let keys = own.limits.keys().chain(mediation::keys(pvds, inject)).chain(own.ra_guard.keys());
        let keys: Vec<_> = keys.collect();
        desired.add_port(name, spec).map_err(|refusal| at_key(&refusal, text.span(), &keys))?;
    }
    Ok(())
}

fn role(text: Option<&Text>) -> Result<Option<Role>, Mistake> {
    text.map(|text| known(text, switch::role_of, "host, router, uplink or monitor")).transpose()
}

fn mtu(said: Option<&Number>) -> Result<Option<u16>, Mistake> {
    said.map(|mtu| number(mtu, i64::from(limits::MTU_MIN)..=i64::from(limits::MTU_MAX))).transpose()
}

fn add_fdb(desired: &mut Desired, low: &low::Fdb) -> Result<(), Mistake> {
    let key = (path(&low.namespace)?, mac(&low.mac)?).into();
    let keys = [("namespace", low.namespace.span()), ("port", low.port.span())];
    desired.add_fdb(key, name(&low.port)?).map_err(|refusal| at_key(&refusal, low.mac.span(), &keys))
}

/// What no other port may be called.
fn full_name(port: &low::Port) -> (&str, &str) {
    (port.namespace.get_ref(), port.name.get_ref())
}

fn defined_twice(port: &low::Port, line: u32) -> Mistake {
    let message = format!("there is a port of this name in this namespace in line {line} already");
    Mistake::new(port.name.span(), message)
}
