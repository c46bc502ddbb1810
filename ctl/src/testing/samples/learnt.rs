// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Samples of what is learnt from routers.

use crate::proto::v1::{
    Fact, FactKind, Finding, Information, InformationState, KnownInformation, Operation, Pvd, PvdAnnouncement,
    PvdChange, PvdEvent, PvdEventKind, PvdListReply, PvdReply, PvdShowReply, PvdSource, PvdStatement, PvdWatchReply,
    PvdWhole, Ra, RaCheckReply, RaListReply, RaOption, RaShowReply, RouterAt, RouterParameters, Severity,
};

fn text(text: &str) -> String {
    text.to_owned()
}

fn pvd() -> Pvd {
    Pvd {
        namespace: text("red"),
        name: text("corp.example."),
        explicit: true,
        r#static: true,
        number: 5,
        handle: text("0.0"),
        base_seq: 3,
        age_s: 3725,
        routers: 1,
        prefixes: vec![text("2001:db8:1::/64")],
        facts: 2,
        expires_s: Some(1790),
    }
}

/// One with a name, and one without that never ends.
pub(crate) fn pvds() -> PvdListReply {
    let implicit = Pvd {
        name: text("fe80::1%r1"),
        explicit: false,
        r#static: false,
        number: 6,
        handle: text("1.4"),
        expires_s: None,
        ..pvd()
    };
    PvdListReply { pvds: vec![pvd(), implicit], interrupted: true, base_seq: Some(3), seq: Some(1_000_000_041) }
}

/// What happened to it: it came, and has changed.
pub(crate) fn news() -> PvdWatchReply {
    let change = |op, what: &str| PvdChange {
        op,
        what: text(what),
        value: None,
        before: None,
        after: None,
        why: None,
        port: Some(text("r1")),
        router: Some(text("fe80::1")),
    };
    let value = |value: &str| Some(text(value));
    // In truth nothing has all of it; here every field is filled.
    let full = PvdChange {
        value: value("2001:db8:1::/64"),
        before: value("on-link"),
        after: value("on-link,autonomous"),
        why: value("moved"),
        ..change(Operation::Change, "prefix")
    };
    let sequence = PvdChange { before: value("7"), after: value("8"), ..change(Operation::Change, "sequence") };
    let resolver =
        PvdChange { value: value("2001:db8:1::53"), why: value("expired"), ..change(Operation::Del, "rdnss") };
    let event = |seq, kind, changes| PvdEvent {
        seq,
        at_ms: 1_764_216_611_000,
        kind,
        name: text("corp.example."),
        handle: text("0.0"),
        changes,
        more: 0,
        failed: None,
    };
    let operator = PvdChange { port: None, router: None, ..change(Operation::Add, "source") };
    let new = event(1_000_000_042, PvdEventKind::New, vec![full, change(Operation::Add, "source"), operator]);
    let new = PvdEvent { failed: value("it took too long"), ..new };
    let update = PvdEvent { more: 2, ..event(1_000_000_043, PvdEventKind::Update, vec![sequence, resolver]) };
    let fetched = event(1_000_000_044, PvdEventKind::Fetched, Vec::new());
    let failed = PvdEvent { failed: value("the object has expired"), seq: 1_000_000_045, ..fetched.clone() };
    let known = [("red/dev".to_owned(), 1_000_000_007)].into();
    let events = vec![new, update, fetched, failed];
    PvdWatchReply { namespace: Some(text("red")), events, seq: 1_000_000_045, missed: true, known }
}

fn facts() -> Vec<Fact> {
    vec![
        Fact {
            kind: FactKind::Prefix,
            value: text("2001:db8:1::/64"),
            flags: vec![text("on-link"), text("autonomous")],
            valid_s: Some(1790),
            preferred_s: Some(590),
            sources: 1,
        },
        Fact {
            kind: FactKind::Rdnss,
            value: text("2001:db8:1::53"),
            flags: Vec::new(),
            valid_s: Some(1190),
            preferred_s: Some(1190),
            sources: 1,
        },
    ]
}

fn parameters() -> RouterParameters {
    RouterParameters {
        hop_limit: 64,
        flags: vec![text("other")],
        preference: text("medium"),
        reachable_ms: 30_000,
        retrans_ms: 1000,
        mtu: 1500,
        captive_portal: Some(text("https://portal.example/api")),
    }
}

fn information() -> Information {
    let known = KnownInformation {
        age_s: 60,
        expires_s: 3540,
        prefixes: vec![text("2001:db8::/32")],
        dns_zones: vec![text("corp.example.")],
        no_internet: true,
        object: text(r#"{"identifier":"corp.example","expires":"2030-01-01T00:00:00Z","prefixes":["2001:db8::/32"]}"#),
    };
    let reason = Some(text("the server refuses with status 404"));
    Information { state: InformationState::Failed, reason, next_s: Some(2700), known: Some(known) }
}

/// All about a PvD that one router speaks of.
pub(crate) fn pvd_shown() -> PvdShowReply {
    let source = PvdSource {
        port: Some(text("r1")),
        router: Some(text("fe80::1")),
        second: true,
        flags: vec![text("http")],
        sequence: 7,
        delay: 2,
        parameters: parameters(),
        router_s: 1790,
        first_s: 3725,
        last_s: 10,
        heard: 372,
        facts: facts(),
    };
    let (flags, ports) = (vec![text("http")], vec![text("r1")]);
    let whole = PvdWhole { flags, sequence: 7, delay: 2, ports, heard: 372, holders: 0 };
    let operator = PvdSource {
        second: false,
        port: None,
        router: None,
        parameters: RouterParameters { captive_portal: None, mtu: 0, ..parameters() },
        router_s: 0,
        heard: 1,
        facts: facts().split_off(1),
        ..source.clone()
    };
    let (information, announce) = (Some(information()), Some(announcement()));
    let bound = vec![text("vm1"), text("vm2")];
    PvdShowReply { pvd: pvd(), bound, facts: facts(), sources: vec![source, operator], whole, information, announce }
}

fn announcement() -> PvdAnnouncement {
    PvdAnnouncement { router: text("fe80::2"), mac: text("02:00:00:00:01:01"), lifetime_s: 1800, inner: true }
}

/// Everything that an operator can say.
pub(crate) fn pvd_said() -> PvdStatement {
    let list = |item: &str| Some(vec![text(item)]);
    PvdStatement {
        http: Some(true),
        legacy: Some(true),
        sequence: Some(3),
        delay: Some(2),
        prefixes: list("2001:db8:1::/64,on-link"),
        routes: list("2001:db8::/32,high"),
        rdnss: list("2001:db8:1::53"),
        dnssl: list("corp.example"),
        pref64: list("64:ff9b::/96"),
        mtu: Some(1400),
        captive_portal: Some(text("https://portal.example/api")),
        announce: Some(vec![announcement()]),
    }
}

pub(crate) fn pvd_stated() -> PvdReply {
    PvdReply { pvd: pvd() }
}

fn ra() -> Ra {
    Ra {
        namespace: text("red"),
        number: 7,
        port: text("r1"),
        router: text("fe80::1"),
        mac: text("02:00:00:00:00:09"),
        pvd: text("corp.example."),
        injected: true,
        len: 24,
        expires_s: Some(2_591_990),
        router_left_s: Some(1790),
        first_s: 3725,
        last_s: 10,
        heard: 372,
        hits: 2,
        last_at_ms: 1_764_216_611_042,
    }
}

/// The message of [`ra_shown`] on its way to all nodes.
pub(crate) const FRAME: &str = concat!(
    "33330000000102000000000986dd6000000000183aff",
    "fe800000000000000000000000000001ff020000000000000000000000000001",
    "8600b0e94040070800007530000003e805010000000005dc"
);

/// What is wrong with what routers say.
pub(crate) fn checked() -> RaCheckReply {
    let router = |port: &str| RouterAt { router: text("fe80::1"), port: Some(text(port)) };
    let finding = Finding {
        severity: Severity::Warning,
        code: text("differs"),
        text: text("the MTU is 1500 here and 1400 there"),
        rule: text("RFC 4861 section 6.2.7"),
        routers: vec![router("r1"), router("r2")],
        pvd: Some(text("corp.example.")),
    };
    RaCheckReply { findings: vec![finding], more: 1, looked_at: 2 }
}

pub(crate) fn ras() -> RaListReply {
    RaListReply { ras: vec![ra()] }
}

pub(crate) fn ra_shown() -> RaShowReply {
    let mtu = RaOption {
        code: 5,
        name: text("mtu"),
        nested: false,
        value: Some(text("1500")),
        // In truth an MTU has none; here every field is filled.
        valid_s: Some(890),
        preferred_s: Some(290),
        hex: text("05010000000005dc"),
    };
    let hex = text("860000004040070800007530000003e805010000000005dc");
    RaShowReply { ra: ra(), parameters: parameters(), router_s: 1800, options: vec![mtu], hex, frame: text(FRAME) }
}
