// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The chapter of the upgrade: another weftd takes the place of the running one, and guests and their VMMs do not notice.

use super::cast::{CAST, RED1, RED2, RED3, Role};
use super::routers::{PVDS, known};
use super::running::Running;
use super::scene::Scene;
use super::screen::Screen;
use super::steps::number;
use super::switch::Switch;
use crate::failure::Failure;

/// What weftd logs when a VMM is gone.
const ENDED: &str = "the session ended";

/// weftd is replaced under a running ping.
pub(crate) fn upgrade(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("weftd is upgraded under a running ping");
    let Scene { guests, switch, .. } = scene;
    let ping = Running::start(guests.get(RED1), RED2.ip4)?;
    let (before, ended) = (pid(switch)?, sessions_ended(switch)?);
    let said = switch.upgrade()?;
    screen.command("weft upgrade --json", &said.to_string());
    let after = pid(switch)?;
    let replaced = after != before && after == number(&said["pid"]);
    let resumed = ping.goes_on()?;
    screen
        .claim(replaced && resumed, &format!("weftd was process {before}, is process {after} now, and answers go on"));
    let stayed = all_up(switch)? && sessions_ended(switch)? == ended;
    screen.claim(stayed, "every guest's port is up, and no VMM had to connect anew: no session has ended");
    let remembered = known(&switch.weft, RED1.tenant)? == PVDS.len();
    screen.claim(remembered, &format!("it knows of {}, which it has never heard itself", PVDS.join(" and ")));
    ping.end(0, screen)
}

/// The process that answers.
fn pid(switch: &Switch) -> Result<u64, Failure> {
    Ok(number(&switch.weft.json("status")?["pid"]))
}

fn all_up(switch: &Switch) -> Result<bool, Failure> {
    let up = |role: Role| Ok(switch.weft.port(role.name)?["state"] == "up");
    let states: Vec<bool> = CAST.into_iter().chain([RED3]).map(up).collect::<Result<_, Failure>>()?;
    Ok(states.into_iter().all(|up| up))
}

/// How many sessions have ended in the log of all who were weftd here.
fn sessions_ended(switch: &Switch) -> Result<usize, Failure> {
    Ok(switch.log()?.matches(ENDED).count())
}
