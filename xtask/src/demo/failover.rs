// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The chapter of the VF: a guest gets a second lane and loses it again under a running ping, and keeps its one interface.

use super::cast::{RED1, RED2};
use super::running::{ENOUGH, Running};
use super::scene::Scene;
use super::screen::Screen;
use super::steps::{await_truth, number};
use crate::failure::Failure;
use crate::weft::Weft;
use qemu::{Guest, GuestSpec};
use serde_json::Value;

/// What QEMU plugs in place of a real VF.
const DEVICE: &str = "rtl8139";
/// Requests that may be lost by both changes together, two by each: mostly it is none, but a guest that changes lanes is deaf
/// for a moment, on either of them, which is the longer the slower it is emulated.
const LOST_MAX: u32 = 4;
/// Lines of the ping that are shown.
const GLIMPSE: usize = 3;

/// A VF comes, is used and goes, and the ping does not notice.
pub(crate) fn failover(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("A guest gets a VF and loses it under a running ping, and keeps its interface");
    let (weft, guest, port) = (&scene.switch.weft, scene.guests.get(RED1), RED1.name);
    let ping = Running::start(guest, RED2.ip4)?;
    for command in [settings(scene), format!("vf offer {port}")] {
        screen.command(&format!("weft {command}"), &weft.run(&command)?);
    }
    by_the_vf(weft, guest, &ping, screen)?;
    let revoke = format!("vf revoke {port}");
    screen.command(&format!("weft {revoke}"), &weft.run(&revoke)?);
    let left = await_truth(|| Ok(vf(weft)?["state"] == "absent" && parts(guest)? == 1))?;
    let resumed = ping.goes_on()?;
    screen.claim(left && resumed, &format!("{port} has let it go, and eth0 goes on without it"));
    ping.end(LOST_MAX, screen)
}

/// What weft is told of the VF: where its frames go, and whom to ask to plug what where.
fn settings(scene: &Scene) -> String {
    let socket = |end: &str| scene.folder().join(format!("{}.{end}", RED1.name)).display().to_string();
    let monitor = GuestSpec::new(RED1.name, scene.folder()).switch_monitor();
    let lane = format!("dgram:{},peer={}", socket("vf"), socket("vf-vm"));
    let plug = format!("--vf-qmp {} --vf-device {DEVICE} --vf-bus slot0 --vf-pair nic-net", monitor.display());
    format!("port set {} --vf {lane} {plug}", RED1.name)
}

/// The guest takes the VF into use, and its frames go there.
fn by_the_vf(weft: &Weft, guest: &Guest, ping: &Running<'_>, screen: &mut Screen) -> Result<(), Failure> {
    let port = RED1.name;
    let taken = await_truth(|| Ok(vf(weft)?["state"] == "on-vf" && parts(guest)? == 2))?;
    screen.claim(taken, &format!("{port} finds an {DEVICE}, makes it a part of its eth0, and uses it"));
    let before = carried(weft)?;
    let resumed = ping.goes_on()?;
    let carried = carried(weft)? >= before + 2 * ENOUGH as u64;
    screen.command(&format!("weft vf status {port}"), &weft.run(&format!("vf status {port}"))?);
    let text = ping.text()?;
    let lines: Vec<&str> = text.lines().collect();
    let latest = lines[lines.len().saturating_sub(GLIMPSE)..].join("\n");
    screen.command(&format!("ping {}     # in {port}, meanwhile", RED2.ip4), &latest);
    screen.claim(resumed && carried, "requests and answers go by the VF");
    Ok(())
}

/// The VF as `weft` shows it.
fn vf(weft: &Weft) -> Result<Value, Failure> {
    weft.json(&format!("vf status {}", RED1.name))
}

/// Frames that the VF has carried, both ways.
fn carried(weft: &Weft) -> Result<u64, Failure> {
    let vf = vf(weft)?;
    Ok(number(&vf["vf"]["rx_frames"]) + number(&vf["vf"]["tx_frames"]))
}

/// Of how many NICs the guest's one interface is made.
fn parts(guest: &Guest) -> Result<usize, Failure> {
    Ok(guest.run_ok("ls -d /sys/class/net/eth0/lower_*")?.lines().count())
}
