// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an operator says about one namespace or one port: plain data, checked field by field.

use crate::delegation::{Confined, Delegation, check_socket};
use crate::lane::{Claim, LaneSpec};
use crate::limits;
use crate::mediation::Mediation;
use crate::name::Name;
use crate::path::NamespacePath;
use crate::quota::{Quotas, Resource};
use crate::rates;
use crate::reference::PortPath;
use crate::refusal::Refusal;
use crate::second_source::SecondSource;
use crate::text_socket::TextSocket;
use crate::vf::VfSpec;
use dataplane::{Limit, Limits, MacPolicy, Rate, Role};
use pvd::{AnswerPolicy, Answering, DELAY_MAX};
use std::collections::BTreeSet;
use std::time::Duration;
use wire::MacAddr;

/// What an operator says about a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceSpec {
    /// Entries of its MAC table; fixed for its life.
    pub macs_max: u32,
    /// After this long without a frame a learned entry is forgotten.
    pub age: Duration,
    /// How much it and all below it may have.
    pub quotas: Quotas,
    /// How much all ports of it and below it may send and flood together.
    pub limits: Limits,
    /// How it answers for its routers.
    pub answering: Answering,
    /// For how long advertisements that only repeat what all hosts know are held back; `None`: they are not.
    pub ra_throttle: Option<Duration>,
    /// What comes of a PvD that is heard from a second port.
    pub second_source: SecondSource,
    /// To whom it and all below it are delegated, if to anybody.
    pub delegation: Option<Delegation>,
    /// Where its PvDs are told in the text protocol of pvdd, if anywhere.
    pub pvdd: Option<TextSocket>,
}

impl Default for NamespaceSpec {
    fn default() -> NamespaceSpec {
        let age = Duration::from_secs(limits::AGE_DEFAULT_SECONDS);
        let (quotas, limits) = (Quotas::default(), Limits::default());
        let (macs_max, answering) = (limits::MACS_DEFAULT, Answering::default());
        let (ra_throttle, second_source, delegation, pvdd) = (None, SecondSource::default(), None, None);
        NamespaceSpec { macs_max, age, quotas, limits, answering, ra_throttle, second_source, delegation, pvdd }
    }
}

impl NamespaceSpec {
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let (low, high) = limits::MACS_RANGE;
        in_range("macs-max", u64::from(self.macs_max), u64::from(low), u64::from(high))?;
        let (low, high) = limits::AGE_RANGE_SECONDS;
        in_range("age", self.age.as_secs(), low, high)?;
        rates::check_shared(&self.limits)?;
        let within = self.answering.within.as_millis() as u64;
        if let Some(throttle) = self.ra_throttle {
            let (low, high) = limits::RA_THROTTLE_RANGE_SECONDS;
            in_range("ra-throttle", throttle.as_secs(), low, high)?;
        }
        in_range("answer-within", within, 0, DELAY_MAX.as_millis() as u64)?;
        self.pvdd.as_ref().map_or(Ok(()), TextSocket::check)?;
        self.delegation.as_ref().map_or(Ok(()), Delegation::check)
    }
}

/// What is to change of a namespace; what is `None`, and what is not in the lists, stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceChange {
    /// How long learned addresses live.
    pub age: Option<Duration>,
    /// Quotas that are to be set, or lifted with `None`.
    pub quotas: Vec<(Resource, Option<u64>)>,
    /// Limits, each with its new rate, or `None` to take it away.
    pub limits: Vec<(Limit, Option<Rate>)>,
    /// When it answers for its routers.
    pub answer: Option<AnswerPolicy>,
    /// How long a host waits for that at most.
    pub answer_within: Option<Duration>,
    /// How long repetitions of advertisements are held back, or `None` for not at all.
    pub ra_throttle: Option<Option<Duration>>,
    /// What comes of a PvD that is heard from a second port.
    pub second_source: Option<SecondSource>,
}

impl NamespaceChange {
    /// What `spec` becomes by it.
    pub(crate) fn of(self, spec: &NamespaceSpec) -> NamespaceSpec {
        let mut spec = spec.clone();
        spec.age = self.age.unwrap_or(spec.age);
        spec.quotas = spec.quotas.with(&self.quotas);
        self.limits.into_iter().for_each(|(limit, rate)| spec.limits.set(limit, rate));
        spec.answering.policy = self.answer.unwrap_or(spec.answering.policy);
        spec.answering.within = self.answer_within.unwrap_or(spec.answering.within);
        spec.ra_throttle = self.ra_throttle.unwrap_or(spec.ra_throttle);
        spec.second_source = self.second_source.unwrap_or(spec.second_source);
        spec
    }
}

/// Who makes the connection of a vhost-user socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// The daemon listens and the guest's VMM connects.
    Server,
    /// The VMM listens and the daemon connects, again and again.
    Client,
}

impl Mode {
    /// The word for it in configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Server => "server",
            Mode::Client => "client",
        }
    }
}

/// The vhost-user socket of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VhostUser {
    /// The socket's absolute path.
    pub path: String,
    /// Who connects.
    pub mode: Mode,
}

/// The way for frames to and from a port's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A guest, over a vhost-user socket.
    VhostUser(VhostUser),
    /// None: it is an end of a link, and this is the other end, in another namespace.
    Link(PortPath),
    /// Something of the host, such as the netdev of an uplink.
    Device(LaneSpec),
}

/// What an operator says about a port, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSpec {
    /// The namespace that it lives in for its whole life.
    pub namespace: NamespacePath,
    /// The MAC address of the guest's NIC.
    pub mac: MacAddr,
    /// What sits behind it.
    pub role: Role,
    /// Which source addresses its owner may use.
    pub macs: MacPolicy,
    /// The largest network-layer packet, in bytes.
    pub mtu: u16,
    /// Pairs of queues that the guest may use.
    pub queue_pairs: u16,
    /// How much its guest may send and receive.
    pub limits: Limits,
    /// What is done with Router Advertisements from and to it.
    pub mediation: Mediation,
    /// What is behind it.
    pub lane: Lane,
    /// A second lane that comes and goes, of a port with a guest behind it.
    pub vf: Option<VfSpec>,
    /// Of a port that a delegate made, where its socket has to be.
    pub confined: Option<Confined>,
}

impl PortSpec {
    /// A port with nothing but defaults: role host, its own MAC only, MTU 1500, one queue pair, no limits, no rules for
    /// routers, and a MAC address made from its name (see [`mac_of_name`]).
    pub fn new(name: &Name, namespace: impl Into<NamespacePath>, vhost_user: VhostUser) -> PortSpec {
        PortSpec {
            namespace: namespace.into(),
            mac: mac_of_name(name),
            role: Role::Host,
            macs: MacPolicy::Own,
            mtu: limits::MTU_DEFAULT,
            queue_pairs: 1,
            limits: Limits::default(),
            mediation: Mediation::default(),
            lane: Lane::VhostUser(vhost_user),
            vf: None,
            confined: None,
        }
    }

    /// An end of a link to `far`, with nothing but defaults: as [`PortSpec::new`], but any MAC may come out of it.
    pub fn end(name: &Name, namespace: impl Into<NamespacePath>, far: PortPath) -> PortSpec {
        PortSpec { macs: MacPolicy::Any, lane: Lane::Link(far), ..PortSpec::new(name, namespace, nowhere()) }
    }

    /// A port on a lane of the host, with nothing but defaults, as [`PortSpec::new`].
    pub fn device(name: &Name, namespace: impl Into<NamespacePath>, lane: LaneSpec) -> PortSpec {
        PortSpec { lane: Lane::Device(lane), ..PortSpec::new(name, namespace, nowhere()) }
    }

    /// The socket that its guest attaches to; only a port with a guest behind it has one.
    pub fn vhost_user(&self) -> Option<&VhostUser> {
        match &self.lane {
            Lane::VhostUser(vhost_user) => Some(vhost_user),
            Lane::Link(_) | Lane::Device(_) => None,
        }
    }

    /// The other end, of an end of a link.
    pub fn far(&self) -> Option<&PortPath> {
        match &self.lane {
            Lane::Link(far) => Some(far),
            Lane::VhostUser(_) | Lane::Device(_) => None,
        }
    }

    /// The lane of the host that it is on, if it is on one alone.
    pub fn device_lane(&self) -> Option<&LaneSpec> {
        match &self.lane {
            Lane::Device(lane) => Some(lane),
            Lane::VhostUser(_) | Lane::Link(_) => None,
        }
    }

    /// What it takes of the host, for itself alone. What is there twice cannot be.
    pub(crate) fn claims(&self) -> impl Iterator<Item = Claim> {
        let socket = self.vhost_user().map(|vhost_user| Claim::Socket(vhost_user.path.clone()));
        let lanes = self.device_lane().into_iter().chain(self.vf.as_ref().map(|vf| &vf.lane));
        socket.into_iter().chain(lanes.flat_map(LaneSpec::claims))
    }

    /// The socket of the VMM of its guest, which may have more ports.
    pub(crate) fn vmm_socket(&self) -> Option<&str> {
        Some(self.vf.as_ref()?.vmm.as_ref()?.socket.as_str())
    }

    /// The full name of a port of this kind.
    pub fn path(&self, name: Name) -> PortPath {
        PortPath::new(self.namespace.clone(), name)
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        check_mac("mac", self.mac)?;
        let (low, high) = (u64::from(limits::MTU_MIN), u64::from(limits::MTU_MAX));
        in_range("mtu", u64::from(self.mtu), low, high)?;
        in_range("queues", u64::from(self.queue_pairs), 1, u64::from(limits::QUEUE_PAIRS_MAX))?;
        rates::check(&self.limits)?;
        self.mediation.check(self.role)?;
        if self.far().is_some() && self.macs == MacPolicy::Own {
            return Err(Refusal::invalid("macs", "own", "any: a whole namespace is behind an end of a link"));
        }
        match &self.lane {
            Lane::VhostUser(vhost_user) => check_socket("vhost-user", &vhost_user.path)?,
            Lane::Link(_) => {}
            Lane::Device(lane) => check_device(lane)?,
        }
        self.check_vf()
    }

    fn check_vf(&self) -> Result<(), Refusal> {
        let Some(vf) = &self.vf else { return Ok(()) };
        if self.vhost_user().is_none() {
            let expected = "none: only a port with a guest at a vhost-user socket has a VF";
            return Err(Refusal::invalid("vf", vf.lane.to_string(), expected));
        }
        vf.check()?;
        let vmm = self.vmm_socket().map(|socket| Claim::Socket(socket.to_owned()));
        let mut taken: BTreeSet<Claim> = vmm.into_iter().collect();
        if !self.claims().all(|claim| taken.insert(claim)) {
            let expected = "a lane of which nothing is the port's in another way too";
            return Err(Refusal::invalid("vf", vf.lane.to_string(), expected));
        }
        Ok(())
    }

    /// Whether a port of this kind can become `other` while its guest stays attached.
    pub(crate) fn can_become(&self, other: &PortSpec) -> bool {
        let PortSpec { role, macs, mtu, limits, .. } = *other;
        let (mediation, vf) = (other.mediation.clone(), other.vf.clone());
        PortSpec { role, macs, mtu, limits, mediation, vf, ..self.clone() } == *other
    }
}

/// The socket of a port that has none.
fn nowhere() -> VhostUser {
    VhostUser { path: String::new(), mode: Mode::Server }
}

/// Refuses what cannot be the only lane of a port.
fn check_device(lane: &LaneSpec) -> Result<(), Refusal> {
    let expected = match lane {
        LaneSpec::Auto(_) => "another lane: auto finds the VF of a port that has a guest",
        LaneSpec::Bypass { .. } => "another lane: what bypasses weftd cannot be all that a port has",
        _ => return lane.check("lane"),
    };
    Err(Refusal::invalid("lane", lane.to_string(), expected))
}

/// Both ends of a link, each with its name. Where `routers` may be heard over it, each end speaks as one.
pub fn link_ends(ends: &[PortPath; 2], mtu: Option<u16>, routers: bool) -> [(Name, PortSpec); 2] {
    [(0, 1), (1, 0)].map(|(near, far)| {
        let PortPath { namespace, name } = &ends[near];
        let mut spec = PortSpec::end(name, namespace.clone(), ends[far].clone());
        spec.mtu = mtu.unwrap_or(spec.mtu);
        spec.role = if routers { Role::Router } else { spec.role };
        (name.clone(), spec)
    })
}

/// The source addresses that a port of `role` may use when nobody says otherwise: behind an uplink sit many.
pub fn default_macs(role: Role) -> MacPolicy {
    match role {
        Role::Uplink => MacPolicy::Any,
        Role::Host | Role::Router | Role::Monitor => MacPolicy::Own,
    }
}

/// A MAC address for a port that was given none: locally administered (`02:…`), and the same for the same name on every
/// start and every host, so that a guest keeps its address. The hash is 64-bit FNV-1a, spread, of which the upper 40 bits are used.
pub fn mac_of_name(name: &Name) -> MacAddr {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let hash = name.as_str().bytes().fold(OFFSET, |h, b| (h ^ u64::from(b)).wrapping_mul(PRIME));
    // FNV leaves the last characters in the low bits; the multiplication spreads them.
    let folded = (hash ^ (hash >> 32)).wrapping_mul(SPREAD).to_be_bytes();
    MacAddr([0x02, folded[0], folded[1], folded[2], folded[3], folded[4]])
}

/// Refuses addresses that no NIC can have.
pub(crate) fn check_mac(field: &str, mac: MacAddr) -> Result<(), Refusal> {
    if !mac.is_station() {
        return Err(Refusal::invalid(field, mac.to_string(), "the address of one NIC, not a group or all zeros"));
    }
    Ok(())
}

pub(crate) fn in_range(field: &str, value: u64, low: u64, high: u64) -> Result<(), Refusal> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Refusal::invalid(field, value.to_string(), format!("{low} to {high}")))
}

#[cfg(test)]
mod test {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn test_a_generated_mac_is_stable_local_and_spread() {
        let mac = |text: &str| mac_of_name(&text.parse().unwrap());
        assert_eq!(mac("vm1").to_string(), mac("vm1").to_string());
        let all: BTreeSet<String> = (0..2000).map(|i| mac(&format!("vm{i}")).to_string()).collect();
        assert_eq!(all.len(), 2000);
        assert!(all.iter().all(|m| m.starts_with("02:")));
    }

    #[test]
    fn test_bounds_are_named_in_the_error() {
        let name = "vm1".parse().unwrap();
        let socket = VhostUser { path: format!("/{}", "x".repeat(107)), mode: Mode::Server };
        let mut spec = PortSpec::new(&name, NamespacePath::root(), socket);
        assert!(spec.check().unwrap_err().to_string().ends_with("(expected a path of at most 107 bytes)"));
        let at = |path: &str| Lane::VhostUser(VhostUser { path: path.into(), mode: Mode::Server });
        spec.lane = at("vm1.sock");
        assert!(spec.check().unwrap_err().to_string().contains("absolute path"));
        spec.lane = at("/run/vm1.sock");
        spec.check().unwrap();
        spec.mtu = 60;
        assert_eq!(spec.check().unwrap_err().to_string(), r#"mtu: "60" is not valid (expected 68 to 9216)"#);
        spec.mtu = 1500;
        spec.mac = MacAddr([0xff; 6]);
        assert!(spec.check().is_err());
    }
}
