// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The chapter of the routers: what one announces is known to its tenant alone, nobody speaks in its place, and when it
//! is gone it is still heard.

use super::cast::{BLUE1, RED1, RED2, RED3, ROUTER, Role};
use super::guests::Guests;
use super::scene::Scene;
use super::screen::Screen;
use super::steps::{await_truth, number};
use crate::cargo;
use crate::failure::Failure;
use crate::weft::Weft;
use qemu::Guest;
use serde_json::Value;
use std::process::{Child, Command, Stdio};

/// The provisioning domains that the router announces; the program has a prefix and a resolver for each, by its place.
pub(super) const PVDS: [&str; 2] = ["corp.example", "lab.example"];
/// The prefix of the first of them.
pub(super) const PREFIX: &str = "2001:db8:1:";
/// Its resolver.
pub(super) const RESOLVER: &str = "2001:db8:1::53";
/// What the guest that lies would have others believe.
const ROGUE: &str = "2001:db8:bad:";

/// Routers are heard by whom they are for, and for as long as they have promised.
pub(crate) fn routers(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("What a router says, who may say it, and what is left when it is gone");
    let router = announce(scene)?;
    two_domains(scene, screen)?;
    a_rogue(scene, screen)?;
    drop(router);
    screen.say("the router is killed, and red-vm3 boots");
    Guests::boot_late(scene, RED3)?;
    still_heard(scene, screen)
}

/// The router's program; it ends when this is dropped, without a farewell.
struct Router(Child);

impl Drop for Router {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Puts a router on a port of red's.
fn announce(scene: &Scene) -> Result<Router, Failure> {
    let Role { mac, .. } = ROUTER;
    scene.switch.plug_one(ROUTER, "--role router")?;
    let mut command = Command::new(cargo::binaries()?.join("router"));
    command.arg(scene.switch.socket(ROUTER)).arg(mac.to_string()).args(PVDS).stdin(Stdio::null());
    let child = command.spawn().map_err(Failure::of("starting the router"))?;
    Ok(Router(child))
}

fn two_domains(scene: &Scene, screen: &mut Screen) -> Result<(), Failure> {
    let weft = &scene.switch.weft;
    let both = await_truth(|| Ok(known(weft, ROUTER.tenant)? == PVDS.len()))?;
    screen.command("weft pvd list", &weft.run("pvd list")?);
    screen.claim(both, &format!("a router announces {} to red", PVDS.join(" and ")));
    screen.claim(known(weft, BLUE1.tenant)? == 0, "blue, on the same switch, hears of none");
    let show = format!("pvd show {}", PVDS[0]);
    screen.command(&format!("weft {show}"), &weft.run(&show)?);
    let address = await_truth(|| has(scene.guests.get(RED1), "addr", PREFIX))?;
    screen.claim(address, &format!("red-vm1 has made itself an address from {PREFIX}:/64"));
    screen.claim(!has(scene.guests.get(BLUE1), "addr", PREFIX)?, "blue-vm1 has not");
    Ok(())
}

/// How many provisioning domains a weftd knows of in a tenant's namespace.
pub(super) fn known(weft: &Weft, tenant: &str) -> Result<usize, Failure> {
    Ok(weft.json(&format!("pvd list {tenant}"))?.as_array().map_or(0, Vec::len))
}

/// A guest that is no router speaks as one.
fn a_rogue(scene: &Scene, screen: &mut Screen) -> Result<(), Failure> {
    let (weft, red2) = (&scene.switch.weft, scene.guests.get(RED2));
    let dropped = || Ok::<u64, Failure>(number(&weft.port(RED2.name)?["drops"]["rogue-router"]));
    let domains = || -> Result<Vec<Value>, Failure> {
        let all = weft.json("pvd list")?;
        Ok(all.as_array().into_iter().flatten().map(|pvd| pvd["name"].clone()).collect())
    };
    let before = domains()?;
    red2.run_ok(&format!(
        "echo 'interface eth0 {{ AdvSendAdvert on; prefix {ROGUE}:/64 {{ }}; }};' >/run/radvd.conf
         chmod 600 /run/radvd.conf
         radvd -C /run/radvd.conf -p /run/radvd.pid -m none"
    ))?;
    let caught = await_truth(|| Ok(dropped()? > 0))?;
    red2.run_ok("kill $(cat /run/radvd.pid)")?;
    let count = dropped()?;
    screen.claim(caught, &format!("red-vm2 runs radvd; weft dropped {count} of its advertisements and says why:"));
    screen.command("weft explain rogue-router", &weft.run("explain rogue-router")?);
    let unmoved = domains()? == before && !has(scene.guests.get(RED1), "addr", ROGUE)?;
    screen.claim(unmoved, &format!("red-vm1 and weft know nothing of {ROGUE}:/64"));
    Ok(())
}

/// One question, and all answers to it: the router's two advertisements come in the order in which it spoke last.
pub(super) const SOLICIT: &str = "rdisc6 -m -r 1 -w 3000 -n eth0";

/// A guest that has come too late for the router.
fn still_heard(scene: &Scene, screen: &mut Screen) -> Result<(), Failure> {
    let red3 = scene.guests.get(RED3);
    let address = await_truth(|| has(red3, "addr", PREFIX))?;
    screen.claim(address, &format!("red-vm3 has an address from {PREFIX}:/64 all the same"));
    let route = await_truth(|| has(red3, "route", "default via fe80::"))?;
    screen.claim(route, "it has a default route, through a router that is dead");
    let answer = red3.run_ok(SOLICIT)?;
    screen.claim(answer.contains(RESOLVER), &format!("it asks for routers, and is told to ask {RESOLVER} for names:"));
    let told =
        |line: &&str| ["Router lifetime", "Prefix  ", "Valid time", "Recursive"].iter().any(|w| line.contains(w));
    screen.command("rdisc6 eth0     # in red-vm3", &answer.lines().filter(told).collect::<Vec<_>>().join("\n"));
    screen.command("weft ra list", &scene.switch.weft.run("ra list")?);
    Ok(())
}

/// Whether `ip -6 WHAT` of a guest's `eth0` shows `part`.
fn has(guest: &Guest, what: &str, part: &str) -> Result<bool, Failure> {
    Ok(guest.run_ok(&format!("ip -6 {what} show dev eth0"))?.contains(part))
}
