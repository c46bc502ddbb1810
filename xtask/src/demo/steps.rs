// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The chapters of the demo.

use super::cast::{BLUE1, RED1, RED2, STRANGER};
use super::failover::failover;
use super::migrate::migrate;
use super::ping::Pings;
use super::routers::routers;
use super::running::{PAUSE, Running};
use super::scene::Scene;
use super::screen::Screen;
use super::tenant::delegate;
use super::upgrade::upgrade;
use crate::failure::Failure;
use qemu::Guest;
use serde_json::Value;
use std::thread;
use std::time::{Duration, Instant};

type Step = fn(&mut Scene, &mut Screen) -> Result<(), Failure>;

/// In the order in which they are played.
pub(crate) const ALL: [Step; 10] = [reach, isolate, look, delegate, lie, routers, failover, upgrade, migrate, restart];

/// What has not become true by then is false.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// Guests of one tenant reach each other.
fn reach(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("Guests of one tenant reach each other");
    for (from, to) in [(RED1, RED2), (RED2, RED1)] {
        for (family, address) in [("IPv4", to.ip4), ("IPv6", to.ip6)] {
            let pings = ping(scene.guests.get(from), address)?;
            screen.claim(pings.all(), &format!("{} pings {} over {family}: {pings}", from.name, to.name));
        }
    }
    Ok(())
}

/// A tenant with the very same addresses reaches nobody.
fn isolate(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("Another tenant, with the very same addresses, reaches nobody");
    screen.say(&format!("red-vm1 and blue-vm1 are both {}, {} and {}", RED1.mac, RED1.ip4, RED1.ip6));
    for (family, address) in [("IPv4", RED2.ip4), ("IPv6", RED2.ip6)] {
        let pings = ping(scene.guests.get(BLUE1), address)?;
        screen.claim(pings.none(), &format!("blue-vm1 pings {address} over {family}: {pings}"));
    }
    let port = scene.switch.weft.port(BLUE1.name)?;
    let (dropped, delivered) = (number(&port["drops"]["no-receiver"]), number(&port["rx_frames"]));
    let sum = format!("weft dropped {dropped} frames of blue-vm1, delivered {delivered} to it, and says why:");
    screen.claim(dropped > 0 && delivered == 0, &sum);
    screen.command("weft explain no-receiver", &scene.switch.weft.run("explain no-receiver")?);
    Ok(())
}

/// What an operator sees.
fn look(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("What the operator sees");
    for command in ["port list", "fdb list"] {
        screen.command(&format!("weft {command}"), &scene.switch.weft.run(command)?);
    }
    let entries = scene.switch.weft.json("fdb list")?;
    let homes = entries.as_array().into_iter().flatten().filter(|entry| entry["mac"] == RED1.mac.to_string());
    let homes: Vec<&str> = homes.filter_map(|entry| entry["port"].as_str()).collect();
    let apart = homes.len() == 2 && homes.contains(&RED1.name) && homes.contains(&BLUE1.name);
    screen.claim(apart, &format!("{} stands for {}, each in its own table", RED1.mac, homes.join(" and ")));
    Ok(())
}

/// A guest sends from an address that is not its own.
fn lie(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("A guest that lies about its MAC address");
    let (red2, before) = (scene.guests.get(RED2), spoofed(scene)?);
    red2.run_ok(&format!("ip link set eth0 address {STRANGER}"))?;
    let pings = ping(red2, RED1.ip4)?;
    red2.run_ok(&format!("ip link set eth0 address {}", RED2.mac))?;
    screen.claim(pings.none(), &format!("red-vm2 takes {STRANGER} and pings red-vm1: {pings}"));
    await_truth(|| Ok(spoofed(scene)? > before))?;
    let dropped = spoofed(scene)? - before;
    screen.claim(dropped > 0, &format!("weft dropped {dropped} frames of red-vm2 and says why:"));
    screen.command("weft explain spoofed-mac", &scene.switch.weft.run("explain spoofed-mac")?);
    let pings = ping(red2, RED1.ip4)?;
    screen.claim(pings.all(), &format!("red-vm2, honest again, pings red-vm1: {pings}"));
    Ok(())
}

/// weftd dies and comes back under a running ping.
fn restart(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("weftd is killed and restarted under a running ping");
    let Scene { guests, switch, reconnect, .. } = scene;
    // Not the other way round: while its link is down, a failover interface refuses what it is to send, and ping gives up.
    let ping = Running::start(guests.get(RED2), RED1.ip4)?;
    let killed = Instant::now();
    screen.say(&format!("kill -9 {}", switch.kill()?));
    switch.restart()?;
    let gone = killed.elapsed();
    let resumed = ping.goes_on()?;
    screen.claim(resumed, "weftd is back and answers go on; no guest was touched");
    let most = explained(gone, *reconnect);
    let (gone, reconnect) = (gone.as_millis(), reconnect.as_millis());
    screen.say(&format!("weftd was gone for {gone} ms, and QEMU looks for it every {reconnect} ms"));
    ping.end(most, screen)
}

/// The most requests that may find nobody when weftd was gone for so long: QEMU finds it back at its next look, and what
/// it then does for the guest takes less than one more interval. One request may have been under way when weftd died.
fn explained(gone: Duration, reconnect: Duration) -> u32 {
    let requests = (gone + 2 * reconnect).div_duration_f32(PAUSE).ceil();
    requests as u32 + 1
}

/// Three requests, at most a second each.
fn ping(from: &Guest, address: &str) -> Result<Pings, Failure> {
    // `ping` fails when nothing answers, which is what some chapters are after.
    let output = from.run_ok(&format!("ping -c 3 -i 0.2 -W 1 {address} 2>&1 || true"))?;
    Pings::read(&output).ok_or_else(|| Failure::new(format!("{}: ping {address}: {output}", from.name())))
}

/// Frames of red-vm2 that were dropped for their source address.
fn spoofed(scene: &Scene) -> Result<u64, Failure> {
    Ok(number(&scene.switch.weft.port(RED2.name)?["drops"]["spoofed-mac"]))
}

/// A count that `weft` tells, zero where it tells none.
pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// Asks again and again until it is true, or for so long that it will never be.
pub(super) fn await_truth(mut holds: impl FnMut() -> Result<bool, Failure>) -> Result<bool, Failure> {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let now = holds()?;
        if now || Instant::now() > deadline {
            return Ok(now);
        }
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_outage_explains_is_bounded() {
        let ms = Duration::from_millis;
        assert_eq!(explained(ms(120), ms(500)), 13);
        assert_eq!(explained(ms(0), ms(1000)), 21);
    }
}
