// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an operator says about the VF of a port: the second lane, whose it is in the guest, and who plugs it there.

use crate::delegation::{Confined, check_socket, is_inside};
use crate::lane::LaneSpec;
use crate::limits::VMM_WORD_MAX;
use crate::refusal::Refusal;
use crate::words::model_word;
use netvsc::{GuestModel, Lane};

/// The VF of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VfSpec {
    /// What the lane is.
    pub lane: LaneSpec,
    /// How the guest makes one NIC of both lanes; `None`: what its VMM and it offer tells.
    pub model: Option<GuestModel>,
    /// Who plugs the VF into the guest; `None`: somebody else does, or nobody has to.
    pub vmm: Option<VmmSpec>,
    /// Of one that a delegate said, where its sockets have to be.
    pub confined: Option<Confined>,
}

/// What a guest's VMM speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VmmKind {
    /// QMP, of QEMU.
    Qmp,
    /// The HTTP API of cloud-hypervisor.
    CloudHypervisor,
}

/// How weftd has a VF plugged into a guest and unplugged from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmmSpec {
    /// What is spoken.
    pub kind: VmmKind,
    /// The absolute path of the VMM's socket.
    pub socket: String,
    /// The device that is plugged, by the name of its driver in the VMM.
    pub device: String,
    /// The bus that it is plugged into, by its name in the VMM; `None`: one that the VMM chooses.
    pub bus: Option<String>,
    /// The standby device, by its name in the VMM, which the VF takes over from (`failover_pair_id` of QEMU).
    pub pair: Option<String>,
}

/// What is to change of a port's VF; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VfEdit {
    /// The lane, or `None` for no VF at all.
    pub lane: Option<Option<LaneSpec>>,
    /// The guest model, or `None` to find it out.
    pub model: Option<Option<GuestModel>>,
    /// Who plugs it, or `None` for nobody.
    pub vmm: Option<Option<VmmSpec>>,
    /// Of what a delegate says, where its sockets have to be.
    pub confined: Option<Confined>,
}

/// What may be asked of a port's VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VfAsk {
    /// Offer it to the guest.
    Offer,
    /// Take it away from the guest.
    Revoke,
    /// Have the guest's frames on this lane.
    Switch(Lane),
}

impl VmmKind {
    /// Both of them.
    pub const ALL: [VmmKind; 2] = [VmmKind::Qmp, VmmKind::CloudHypervisor];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            VmmKind::Qmp => "qmp",
            VmmKind::CloudHypervisor => "cloud-hypervisor",
        }
    }

    /// What a word stands for.
    pub fn of(word: &str) -> Option<VmmKind> {
        VmmKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl VmmSpec {
    /// The device that is plugged for a lane, unless another one is said: an emulated NIC that a guest takes for a VF,
    /// or the VF itself.
    pub fn device_default(lane: &LaneSpec) -> &'static str {
        if lane.bypasses() { "vfio-pci" } else { "e1000e" }
    }

    fn check(&self) -> Result<(), Refusal> {
        check_socket("vf-vmm", &self.socket)?;
        let words = [("vf-device", Some(&self.device)), ("vf-bus", self.bus.as_ref()), ("vf-pair", self.pair.as_ref())];
        words.into_iter().filter_map(|(field, word)| Some((field, word?))).try_for_each(|(field, word)| {
            let expected = format!("a letter, then letters, digits, -, _ or ., up to {VMM_WORD_MAX}");
            is_vmm_word(word).then_some(()).ok_or_else(|| Refusal::invalid(field, word, expected))
        })?;
        let unknown = [("vf-bus", &self.bus), ("vf-pair", &self.pair)];
        let unknown = unknown.into_iter().filter(|_| self.kind == VmmKind::CloudHypervisor);
        match unknown.filter_map(|(field, word)| Some((field, word.as_ref()?))).next() {
            Some((field, word)) => Err(Refusal::invalid(field, word, "none: cloud-hypervisor has no such thing")),
            None => Ok(()),
        }
    }
}

impl VfEdit {
    /// What comes of it. Where a lane is said of a VF that somebody else said, nothing of that remains.
    ///
    /// # Errors
    /// Something is said of a VF that there is none of.
    pub fn over(self, before: Option<VfSpec>) -> Result<Option<VfSpec>, Refusal> {
        let before = before.filter(|vf| vf.confined == self.confined || self.lane.is_none());
        let VfEdit { lane, model, vmm, confined } = self;
        let Some(lane) = lane.unwrap_or_else(|| before.as_ref().map(|vf| vf.lane.clone())) else {
            let model = model.map(|model| ("vf-model", model.map_or("auto", model_word).to_owned()));
            let vmm = vmm.map(|vmm| ("vf-vmm", vmm.map_or("none".to_owned(), |vmm| vmm.socket)));
            return match model.or(vmm) {
                Some((field, value)) => Err(Refusal::invalid(field, value, "a port with a VF: say its lane too")),
                None => Ok(None),
            };
        };
        let before = before.unwrap_or(VfSpec { confined, ..VfSpec::new(LaneSpec::Null) });
        let (model, vmm) = (model.unwrap_or(before.model), vmm.unwrap_or(before.vmm));
        Ok(Some(VfSpec { lane, model, vmm, confined: before.confined }))
    }
}

impl VfSpec {
    /// A VF of which nothing is said but what its lane is.
    pub fn new(lane: LaneSpec) -> VfSpec {
        VfSpec { lane, model: None, vmm: None, confined: None }
    }

    /// The same in words, for texts.
    pub fn label(&self) -> String {
        let model = self.model.map(|model| format!(" model {}", model_word(model)));
        let plugged = self.vmm.as_ref().map(|vmm| {
            let part = |name: &str, word: &Option<String>| word.as_ref().map(|word| format!(" {name} {word}"));
            let more: String = [part("bus", &vmm.bus), part("pair", &vmm.pair)].into_iter().flatten().collect();
            format!(" {} {} device {}{more}", vmm.kind.as_str(), vmm.socket, vmm.device)
        });
        let more: String = [model, plugged].into_iter().flatten().collect();
        format!("{}{more}", self.lane)
    }

    /// The sockets that it is made of, that of the VMM last.
    pub fn sockets(&self) -> impl Iterator<Item = &str> {
        self.lane.sockets().chain(self.vmm.as_ref().map(|vmm| vmm.socket.as_str()))
    }

    fn check_confined(&self) -> Result<(), Refusal> {
        let Some(Confined { beneath, .. }) = &self.confined else { return Ok(()) };
        if self.lane.is_of_host() {
            let expected =
                "dgram, stream, null or loopback: the others are of the host, whose operator gives them away";
            return Err(Refusal::invalid("vf", self.lane.to_string(), expected));
        }
        match self.sockets().find(|path| !is_inside(path, beneath)) {
            Some(path) => Err(Refusal::invalid("vf", path, format!("a path in {beneath}"))),
            None => Ok(()),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        self.lane.check("vf")?;
        self.vmm.as_ref().map_or(Ok(()), VmmSpec::check)?;
        self.check_confined()?;
        if self.model != Some(GuestModel::HostLane) {
            return Ok(());
        }
        if let Some(vmm) = &self.vmm {
            let expected = "none with the guest model host-lane: the guest has one NIC, and nothing is plugged";
            return Err(Refusal::invalid("vf-vmm", &vmm.socket, expected));
        }
        let expected = "another guest model: weftd cannot pass on what bypasses it";
        if self.lane.bypasses() { Err(Refusal::invalid("vf-model", "host-lane", expected)) } else { Ok(()) }
    }
}

/// As QEMU takes it for a name of its user's (`id_wellformed`).
fn is_vmm_word(word: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    word.len() <= VMM_WORD_MAX && word.starts_with(|first: char| first.is_ascii_alphabetic()) && word.bytes().all(good)
}

#[cfg(test)]
mod test {
    use super::*;

    fn vmm(kind: VmmKind) -> VmmSpec {
        VmmSpec { kind, socket: "/run/qmp".into(), device: "e1000e".into(), bus: None, pair: None }
    }

    #[test]
    fn test_what_is_not_said_anew_stays() {
        let dgram: LaneSpec = "dgram:/a,peer=/b".parse().unwrap();
        let first = VfEdit { lane: Some(Some(dgram.clone())), vmm: Some(Some(vmm(VmmKind::Qmp))), ..VfEdit::default() };
        let first = first.over(None).unwrap().unwrap();
        assert_eq!(first.label(), "dgram:/a,peer=/b qmp /run/qmp device e1000e");
        let model = VfEdit { model: Some(Some(GuestModel::Standby)), ..VfEdit::default() };
        let second = model.clone().over(Some(first.clone())).unwrap().unwrap();
        assert_eq!(second, VfSpec { model: Some(GuestModel::Standby), ..first.clone() });
        let other = VfEdit { lane: Some(Some(LaneSpec::Null)), ..VfEdit::default() };
        assert_eq!(other.over(Some(second.clone())).unwrap(), Some(VfSpec { lane: LaneSpec::Null, ..second.clone() }));
        assert_eq!(VfEdit::default().over(Some(second.clone())), Ok(Some(second.clone())));
        let none = VfEdit { lane: Some(None), ..VfEdit::default() };
        assert_eq!(none.over(Some(second)), Ok(None));
        let why = model.over(None).unwrap_err().to_string();
        assert_eq!(why, r#"vf-model: "standby" is not valid (expected a port with a VF: say its lane too)"#);
    }

    #[test]
    fn test_what_cannot_be_plugged_is_refused() {
        let vf = |change: fn(&mut VmmSpec), kind| {
            let mut vmm = vmm(kind);
            change(&mut vmm);
            VfSpec { vmm: Some(vmm), ..VfSpec::new(LaneSpec::Null) }
        };
        vf(|vmm| vmm.pair = Some("net0".into()), VmmKind::Qmp).check().unwrap();
        vf(|vmm| vmm.device = "vfio-pci".into(), VmmKind::CloudHypervisor).check().unwrap();
        let refused = |vf: VfSpec| vf.check().unwrap_err().to_string();
        assert!(refused(vf(|vmm| vmm.pair = Some("net0".into()), VmmKind::CloudHypervisor)).starts_with("vf-pair"));
        assert!(refused(vf(|vmm| vmm.bus = Some("a b".into()), VmmKind::Qmp)).starts_with("vf-bus"));
        assert!(refused(vf(|vmm| vmm.device = "x,id=y".into(), VmmKind::Qmp)).starts_with("vf-device"));
        assert!(refused(vf(|vmm| vmm.device = String::new(), VmmKind::Qmp)).starts_with("vf-device"));
        assert!(refused(vf(|vmm| vmm.socket = "qmp".into(), VmmKind::Qmp)).starts_with("vf-vmm"));
        let both = VfSpec { model: Some(GuestModel::HostLane), ..vf(|_| (), VmmKind::Qmp) };
        assert!(refused(both).contains("nothing is plugged"));
        let bypass = VfSpec::new("bypass:0000:65:00.1".parse().unwrap());
        bypass.check().unwrap();
        assert!(refused(VfSpec { model: Some(GuestModel::HostLane), ..bypass }).starts_with("vf-model"));
    }
}
