// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The chapter of the move: QEMU takes a running guest from one weftd to another, and its peer goes on to reach it.
//!
//! Both run on this machine, but share nothing: each has its own folder, and between their uplinks are two sockets.

use super::cast::{RED2, RED3};
use super::guests;
use super::routers::{self, PREFIX, PVDS, RESOLVER, SOLICIT};
use super::running::Running;
use super::scene::Scene;
use super::screen::Screen;
use super::steps::await_truth;
use super::switch::Switch;
use crate::failure::Failure;
use qemu::{Guest, Pace};
use std::fs;

/// Requests that may be lost. Mostly it is none: what comes for a guest that is on its way waits for it.
const LOST_MAX: u32 = 2;
/// The folder of the other weftd.
const THERE: &str = "there";
/// The port of each that leads to the other.
const UPLINK: &str = "up";

/// A guest moves to another weftd, and the ping to it does not notice.
pub(crate) fn migrate(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("A guest moves to another weftd under a running ping");
    let folder = scene.folder().join(THERE);
    fs::create_dir(&folder).map_err(Failure::of(format!("creating {}", folder.display())))?;
    let there = Switch::start(&folder)?;
    join(scene, &there, screen)?;
    let guest = scene.guests.get(RED3);
    let before = addresses(guest)?;
    let target = before.iter().find(|address| address.starts_with(PREFIX));
    let target = target.ok_or_else(|| Failure::new(format!("{} has no address", RED3.name)))?;
    let ping = Running::start(scene.guests.get(RED2), target)?;
    prepare(scene, &there, screen)?;
    let waiting = go(scene, &there, screen)?;
    let resumed = ping.goes_on()?;
    screen.claim(resumed, &format!("{} reaches it there under {target}", RED2.name));
    ping.end(LOST_MAX, screen)?;
    knows_all_still(&waiting, &before, screen)?;
    scene.guests.replace(waiting);
    scene.there = Some(there);
    Ok(())
}

/// Gives both red, with an uplink that leads to the other.
fn join(scene: &Scene, there: &Switch, screen: &mut Screen) -> Result<(), Failure> {
    screen.say("another weftd is started, as on another host, and the uplinks of the two are joined");
    there.weft.run(&format!("namespace add {}", RED3.tenant))?;
    let here = &scene.switch;
    for (weft, own, peer) in [("weft".to_owned(), here, there), (weft_of(there), there, here)] {
        let lane = format!("dgram:{},peer={}", own.wire().display(), peer.wire().display());
        let line = format!("port add {}:{UPLINK} --role uplink --lane {lane}", RED3.tenant);
        own.weft.run(&line)?;
        screen.command(&format!("{weft} {line}"), "");
    }
    let is_up = |switch: &Switch| Ok::<bool, Failure>(switch.weft.port(UPLINK)?["state"] == "up");
    let joined = await_truth(|| Ok(is_up(here)? && is_up(there)?))?;
    screen.claim(joined, "both uplinks are up");
    Ok(())
}

/// What the reader types to speak with a weftd that is not the first.
fn weft_of(there: &Switch) -> String {
    format!("weft --socket {}", there.control().display())
}

/// Has the other weftd take the port over; the guest goes on here.
fn prepare(scene: &Scene, there: &Switch, screen: &mut Screen) -> Result<(), Failure> {
    let (name, control, socket) = (RED3.name, there.control(), there.socket(RED3));
    let line = format!("migrate prepare {name} --to {} --vhost-user {}", control.display(), socket.display());
    screen.command(&format!("weft {line}"), &scene.switch.weft.run(&line)?);
    let known = routers::known(&there.weft, RED3.tenant)? == PVDS.len();
    screen.claim(known, &format!("it has learnt of {} with the port", PVDS.join(" and ")));
    Ok(())
}

/// QEMU moves the guest. Answers what it has become there.
fn go(scene: &Scene, there: &Switch, screen: &mut Screen) -> Result<Guest, Failure> {
    let (guest, name) = (scene.guests.get(RED3), RED3.name);
    let waiting = guests::incoming(&scene.setup, RED3, there)?;
    let socket = there.folder().join("move.sock");
    waiting.await_move(&socket)?;
    let moved = guest.move_to(&waiting, &socket, Pace::default())?;
    let (mib, still) = (moved.sent >> 20, moved.resumed.saturating_sub(moved.stopped).as_millis());
    screen.say(&format!("QEMU moves {name}: {mib} MiB of memory, and {still} ms in which it stood still"));
    let arrived = await_truth(|| {
        let (here, there) = (scene.switch.weft.port(name)?, there.weft.port(name)?);
        Ok(here["handover"] == "moved" && there["handover"].is_null() && there["state"] == "up")
    })?;
    let list = format!("fdb list --namespace {}", RED3.tenant);
    screen.command(&format!("weft {list}"), &scene.switch.weft.run(&list)?);
    screen.command(&format!("{} {list}", weft_of(there)), &there.weft.run(&list)?);
    screen.claim(arrived, &format!("{name} is at the other weftd, and both know it"));
    Ok(waiting)
}

/// It has its addresses, and the words of a router that has never spoken there.
fn knows_all_still(guest: &Guest, before: &[String], screen: &mut Screen) -> Result<(), Failure> {
    let kept = addresses(guest)? == before;
    screen.claim(kept, &format!("it has its addresses still: {}", before.join(", ")));
    let told = guest.run_ok(SOLICIT)?.contains(RESOLVER);
    screen.claim(told, &format!("it asks for routers there, and is told to ask {RESOLVER} for names"));
    Ok(())
}

/// The IPv6 addresses of a guest's one interface.
fn addresses(guest: &Guest) -> Result<Vec<String>, Failure> {
    let shown = guest.run_ok("ip -6 addr show dev eth0")?;
    let all = shown.lines().filter_map(|line| line.trim_start().strip_prefix("inet6 ")?.split('/').next());
    let mut all: Vec<String> = all.map(str::to_owned).collect();
    all.sort();
    Ok(all)
}
