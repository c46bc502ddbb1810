// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! VFs as text.

use crate::cli::output::Output;
use crate::proto::v1::{GuestModel, Lane, LaneCounters, LaneLosses, Vf, VfLane, VfState, Vmm, VmmKind};
use crate::render::page::Page;
use crate::render::table::{Side, Table};
use crate::render::text::{duration, printable};

/// What stands where there is nothing.
const NOTHING: &str = "-";
/// What is to be known about a lane that weftd does not see.
const BYPASSES: &str = "bypasses weftd, which neither judges nor counts it";

/// What became of a request: it may still be on its way.
pub(super) fn line(vf: &VfState) -> String {
    let trouble = vf.trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default();
    let text = format!("{}: {}, active lane {}{trouble}", vf.name, vf.state, lane(vf.active));
    format!("{}\n", printable(&text))
}

/// VFs as a table, one line each.
pub(super) fn table(vfs: &[VfState], output: &Output<'_>) -> String {
    let columns = [
        ("NAME", Side::Left),
        ("NAMESPACE", Side::Left),
        ("LANE", Side::Left),
        ("LINK", Side::Left),
        ("MODEL", Side::Left),
        ("STATE", Side::Left),
        ("ACTIVE", Side::Left),
        ("SWITCHES", Side::Right),
        ("DAMPED", Side::Right),
        ("VF-RX", Side::Right),
        ("VF-TX", Side::Right),
    ];
    let mut table = output.table(&columns);
    for vf in vfs {
        // What bypasses weftd is not counted, which is something else than nothing.
        let frames = |count: u64| if vf.lane.bypasses { NOTHING.to_owned() } else { count.to_string() };
        table.row([
            vf.name.clone(),
            vf.namespace.clone(),
            vf.lane.kind.clone(),
            link(&vf.lane).to_owned(),
            model(vf.model).to_owned(),
            vf.state.clone(),
            lane(vf.active).to_owned(),
            vf.switches.to_string(),
            vf.damped.to_string(),
            frames(vf.vf.rx_frames),
            frames(vf.vf.tx_frames),
        ]);
    }
    table.finish()
}

/// A VF in full.
pub(super) fn page(vf: &VfState) -> String {
    let mut page = Page::new("vf of port", &format!("{}:{}", vf.namespace, vf.name));
    page.line("lane", vf.spec.lane.as_deref().unwrap_or(NOTHING));
    optional(&mut page, "found", vf.lane.found.as_ref());
    let reason = vf.lane.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    page.line("link", &format!("{}{reason}", link(&vf.lane)));
    if vf.lane.bypasses {
        page.line("data", BYPASSES);
    }
    page.line("model", &held(vf));
    optional(&mut page, "vmm", vf.spec.vmm.as_ref().map(vmm).as_ref());
    optional(&mut page, "channel", vf.vmm.as_ref());
    page.line("state", &format!("{}, for {}", vf.state, duration(vf.since_s)));
    optional(&mut page, "trouble", vf.trouble.as_ref());
    page.line("active lane", lane(vf.active));
    page.line("serial", &vf.serial.map_or_else(|| NOTHING.to_owned(), |serial| serial.to_string()));
    page.line("switches", &format!("{}, {} changes of the link damped", vf.switches, vf.damped));
    page.line("lanes", "2");
    page.below(&lanes(vf));
    if !vf.lane.bypasses {
        page.line("lane losses", &losses(&vf.losses));
    }
    page.finish()
}

fn optional(page: &mut Page, key: &str, value: Option<&String>) {
    if let Some(value) = value {
        page.line(key, value);
    }
}

/// What went over both lanes.
fn lanes(vf: &VfState) -> String {
    let mut table = Table::new(
        &[
            ("", Side::Left),
            ("RX-FRAMES", Side::Right),
            ("TX-FRAMES", Side::Right),
            ("RX-BYTES", Side::Right),
            ("TX-BYTES", Side::Right),
            ("COPIES", Side::Right),
            ("DROPS", Side::Right),
        ],
        true,
    );
    let counted = [(Lane::Synthetic, Some(&vf.synthetic)), (Lane::Vf, Some(&vf.vf).filter(|_| !vf.lane.bypasses))];
    for (which, counters) in counted {
        let counts = counters.map(|LaneCounters { rx_frames, rx_bytes, tx_frames, tx_bytes, copies, drops }| {
            [rx_frames, tx_frames, rx_bytes, tx_bytes, copies, drops].map(u64::to_string)
        });
        let [a, b, c, d, e, f] = counts.unwrap_or_else(|| [(); 6].map(|()| NOTHING.to_owned()));
        table.row([lane(which).to_owned(), a, b, c, d, e, f]);
    }
    table.finish()
}

/// What was lost at the far end of a lane, in one line.
pub(in crate::cli) fn losses(LaneLosses { lost, missed, malformed }: &LaneLosses) -> String {
    format!("{lost} lost, {missed} missed, {malformed} malformed")
}

/// A VF as it was asked for, in one line.
pub(in crate::cli) fn asked(vf: &Vf) -> String {
    let said = vf.lane.as_deref().unwrap_or(NOTHING);
    let how = vf.model.filter(|said| *said != GuestModel::Auto).map(|said| format!(", model {}", model(said)));
    let who = vf.vmm.as_ref().map(|said| format!(", {}", vmm(said)));
    let bypasses = said.starts_with("bypass:").then(|| format!("; its data {BYPASSES}"));
    [Some(said.to_owned()), how, who, bypasses].into_iter().flatten().collect()
}

fn vmm(vmm: &Vmm) -> String {
    let kind = match vmm.kind {
        VmmKind::None => return "none".to_owned(),
        VmmKind::Qmp => "qmp",
        VmmKind::CloudHypervisor => "cloud-hypervisor",
    };
    let part = |word: &str, value: &Option<String>| value.as_ref().map(|value| format!(" {word} {value}"));
    let socket = vmm.socket.as_deref().unwrap_or(NOTHING);
    let more = [part("plugs", &vmm.device), part("into", &vmm.bus), part("beside", &vmm.pair)];
    format!("{kind} {socket}{}", more.into_iter().flatten().collect::<String>())
}

/// The model that holds, and where it comes from.
fn held(vf: &VfState) -> String {
    match (vf.model, vf.spec.model) {
        (GuestModel::Auto, _) => "not known yet".to_owned(),
        (held, None | Some(GuestModel::Auto)) => format!("{} (found out)", model(held)),
        (held, Some(_)) => model(held).to_owned(),
    }
}

fn link(lane: &VfLane) -> &'static str {
    if lane.up { "up" } else { "down" }
}

fn model(model: GuestModel) -> &'static str {
    match model {
        GuestModel::Auto => "auto",
        GuestModel::Standby => "standby",
        GuestModel::Netvsc => "netvsc",
        GuestModel::Bond => "bond",
        GuestModel::HostLane => "host-lane",
    }
}

/// The word for a lane.
pub(in crate::cli) fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Synthetic => "synthetic",
        Lane::Vf => "vf",
    }
}
