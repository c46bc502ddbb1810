// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports as text.

use super::ra_guard;
use crate::cli::counters;
use crate::cli::output::Output;
use crate::cli::vf;
use crate::proto::v1::{
    Amount, DropReason, Handover, InjectPvd, Lane, Limits, MacPolicy, Mediated, Mode, Port, Rate, Role, State,
};
use crate::render::page::Page;
use crate::render::table::{Side, Table};
use crate::render::text::printable;

/// What `port add` tells: the values that an operator may have left to weftd.
pub(super) fn line(port: &Port) -> String {
    let spec = &port.spec;
    let (what, value) = behind(port);
    format!("{}: mac {}, {what} {}\n", printable(&spec.name), printable(&spec.mac), printable(&value))
}

/// Ports as a table, one line each.
pub(super) fn table(ports: &[Port], output: &Output<'_>) -> String {
    let columns = [
        ("NAME", Side::Left),
        ("NUMBER", Side::Right),
        ("NAMESPACE", Side::Left),
        ("MAC", Side::Left),
        ("ROLE", Side::Left),
        ("LANES", Side::Left),
        ("STATE", Side::Left),
        ("RX-FRAMES", Side::Right),
        ("TX-FRAMES", Side::Right),
        ("RX-BYTES", Side::Right),
        ("TX-BYTES", Side::Right),
        ("DROPS", Side::Right),
    ];
    let mut table = output.table(&columns);
    for port in ports {
        let Port { number, spec, state, counters, .. } = port;
        table.row([
            spec.name.clone(),
            number.to_string(),
            spec.namespace.clone(),
            spec.mac.clone(),
            role(spec.role).to_owned(),
            lanes(port),
            self::state(*state).to_owned(),
            counters.rx_frames.to_string(),
            counters.tx_frames.to_string(),
            counters.rx_bytes.to_string(),
            counters.tx_bytes.to_string(),
            counters::drops(counters).to_string(),
        ]);
    }
    table.finish()
}

/// A port in full.
pub(super) fn page(port: &Port, reasons: &[DropReason]) -> String {
    let Port {
        number, number_at_home, spec, state, reason, active, lane_losses, ra_learning, features, counters, ..
    } = port;
    let mut page = Page::new("port", &spec.name);
    let at_home = number_at_home.map(|home| format!(", {home} in {}", spec.namespace));
    page.line("number", &format!("{number}{}", at_home.unwrap_or_default()));
    page.line("namespace", &spec.namespace);
    page.line("mac", &spec.mac);
    page.line("role", role(spec.role));
    page.line("source macs", macs(spec.macs));
    page.line("mtu", &spec.mtu.to_string());
    page.line("queues", &spec.queues.to_string());
    limits(&mut page, &spec.limits);
    mediation(&mut page, port);
    if matches!(spec.role, Role::Router | Role::Uplink) || spec.ra_guard.is_some() {
        ra_guard::lines(&mut page, spec.ra_guard.as_ref());
    }
    if let Some(learning) = ra_learning {
        ra_guard::learning(&mut page, learning);
    }
    let (what, value) = behind(port);
    page.line(what, &value);
    if let Some(asked) = &spec.vf {
        page.line("vf", &vf::asked(asked));
        page.line("active lane", vf::lane(active.unwrap_or_default()));
    }
    if let Some(losses) = lane_losses {
        page.line("lane losses", &vf::losses(losses));
    }
    if let Some(stands) = port.handover {
        page.line("move", handover(stands));
    }
    addresses(&mut page, port);
    page.line("state", self::state(*state));
    if let Some(reason) = reason {
        page.line("reason", reason);
    }
    page.line("features", &if features.is_empty() { "-".to_owned() } else { features.join(" ") });
    counters::lines(&mut page, counters, whose(port), reasons);
    page.finish()
}

/// Adds the addresses of its guest to a page.
fn addresses(page: &mut Page, port: &Port) {
    if !port.addresses.is_empty() {
        page.line("addresses", &port.addresses.join(" "));
        if let Some(lost) = port.addresses_lost {
            page.below(&format!("{lost} times one was not kept: there were too many"));
        }
    }
    if let Some(count) = port.unannounced {
        page.line("unannounced", &format!("{count} times: its guest lands too often, or its VMM asks for too much"));
    }
}

/// Where a move stands, in words.
pub(super) fn handover(stands: Handover) -> &'static str {
    match stands {
        Handover::Staged => "staged: its guest has not been heard here yet",
        Handover::Leaving => "leaving: another weftd has it, and its guest has not been heard there yet",
        Handover::Moved => "moved: its guest was heard elsewhere",
    }
}

/// Adds what is done with Router Advertisements to a page.
fn mediation(page: &mut Page, Port { spec, mediated, .. }: &Port) {
    let pvds = match spec.pvds.as_deref() {
        None => "all".to_owned(),
        Some([]) => "none".to_owned(),
        Some(names) => names.join(" "),
    };
    page.line("sees PvDs", &pvds);
    if let Some(InjectPvd { name, http, legacy, sequence, delay, r_flag }) = &spec.inject_pvd {
        let flags = [(*http, " http"), (*legacy, " legacy"), (*r_flag, " r-flag")];
        let flags: String = flags.into_iter().filter(|(set, _)| *set).map(|(_, word)| word).collect();
        page.line("injects PvD", &format!("{name}{flags}, sequence {sequence}, delay {delay}"));
    }
    if let Some(Mediated { heard, sent, held, hidden, beyond, invalid, injected, not_injected }) = mediated {
        page.line("mediated", &format!("{heard} advertisements, {sent} frames of them"));
        page.below(&format!("{held} held back, {hidden} seen by nobody, {beyond} beyond its share, {invalid} invalid"));
        page.below(&format!("{injected} with an injected PvD Option, {not_injected} that could not get one"));
    }
}

/// Adds limits to a page, one a line.
pub(in crate::cli) fn limits(page: &mut Page, limits: &Limits) {
    page.line("limits", &limits.iter().count().to_string());
    let mut table = Table::new(&[("", Side::Left), ("", Side::Right), ("", Side::Right)], false);
    for (name, Rate { rate, burst }) in limits.iter() {
        let burst = burst.map(|burst| format!("burst {}", Amount(burst)));
        table.row([name.to_owned(), format!("{}/s", Amount(rate)), burst.unwrap_or_default()]);
    }
    page.below(&table.finish());
}

/// The lanes of a port by their kinds; the active one of two is marked.
fn lanes(Port { spec, active, .. }: &Port) -> String {
    let kind = |lane: &str| lane.split([':', ',']).next().unwrap_or_default().to_owned();
    let Some(vf) = spec.vf.as_ref().and_then(|vf| vf.lane.as_deref()) else {
        return match &spec.lane {
            Some(lane) => kind(lane),
            None => if spec.vhost_user.is_some() { "synthetic" } else { "link" }.to_owned(),
        };
    };
    match active.unwrap_or_default() {
        Lane::Synthetic => format!("synthetic*+{}", kind(vf)),
        Lane::Vf => format!("synthetic+{}*", kind(vf)),
    }
}

/// What is said of a namespace instead of its name to somebody who does not see it.
pub(in crate::cli) const UNSEEN: &str = "out of sight";

/// What is behind a port, and the word for that.
fn behind(port: &Port) -> (&'static str, String) {
    let Some(vhost_user) = &port.spec.vhost_user else {
        let link = || ("link", format!("to {}", far(port)));
        return port.spec.lane.as_ref().map_or_else(link, |lane| ("lane", lane.clone()));
    };
    let who = match vhost_user.mode {
        Mode::Server => "weftd listens",
        Mode::Client => "weftd connects",
    };
    ("vhost-user", format!("{} ({who})", vhost_user.path))
}

/// Whose frames a port carries.
fn whose(Port { spec, .. }: &Port) -> &'static str {
    match (&spec.vhost_user, &spec.lane) {
        (Some(_), _) => "the guest",
        (None, Some(_)) => "the lane",
        (None, None) => "the link",
    }
}

/// The other end of a link: its name, or the number of the namespace that it is in.
pub(in crate::cli) fn far(Port { spec, peer, .. }: &Port) -> String {
    let unseen = || peer.map_or(UNSEEN.to_owned(), |peer| format!("peer {peer}"));
    spec.far.clone().unwrap_or_else(unseen)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Router => "router",
        Role::Uplink => "uplink",
        Role::Monitor => "monitor",
    }
}

fn macs(macs: MacPolicy) -> &'static str {
    match macs {
        MacPolicy::Own => "own",
        MacPolicy::Any => "any",
    }
}

pub(crate) fn state(state: State) -> &'static str {
    match state {
        State::Down => "down",
        State::Connecting => "connecting",
        State::Up => "up",
        State::Broken => "broken",
    }
}
