// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The chapter of the tenant: he holds his namespace in his own hands, and what is not his does not exist for him.

use super::cast::{BLUE1, RED1, RED2};
use super::scene::Scene;
use super::screen::Screen;
use crate::cargo;
use crate::failure::Failure;
use crate::weft::Weft;
use rustix::process::getuid;
use serde_json::Value;

/// A namespace inside the tenant's.
const NESTED: &str = "red/dev";
/// A port that nobody has.
const NOBODY: &str = "no-such-vm1";

/// A tenant gets a control socket of his own, and sees his part of the switch through it.
pub(crate) fn delegate(scene: &mut Scene, screen: &mut Screen) -> Result<(), Failure> {
    screen.chapter("What a tenant sees, who has his namespace in his own hands");
    let operator = &scene.switch.weft;
    let socket = scene.folder().join("red.sock");
    let delegation = format!("namespace delegate red --listen {} --uid {}", socket.display(), getuid().as_raw());
    for command in [&format!("namespace add {NESTED}"), &delegation] {
        screen.command(&format!("weft {command}"), &operator.run(command)?);
    }
    screen.command("weft namespace list", &operator.run("namespace list")?);
    let tenant = Weft::new(&cargo::binaries()?, &socket);
    for command in ["namespace list", "port list"] {
        screen.command(&format!("weft --socket {} {command}", socket.display()), &tenant.run(command)?);
    }
    sees_his_own(operator, &tenant, screen)?;
    learns_of_nothing_else(&tenant, screen);
    Ok(())
}

fn sees_his_own(operator: &Weft, tenant: &Weft, screen: &mut Screen) -> Result<(), Failure> {
    let ports = tenant.json("port list")?;
    let own = names(&ports) == [RED1.name, RED2.name];
    screen.claim(own, &format!("red's tenant has {} and no other port", names(&ports).join(" and ")));
    let (theirs, his) = (operator.json("namespace list")?, tenant.json("namespace list")?);
    let number = |list: &Value, name: &str| {
        let found = list.as_array().and_then(|all| all.iter().find(|namespace| namespace["name"] == name));
        found.and_then(|namespace| namespace["number"].as_u64())
    };
    let (outside, inside) = (number(&theirs, NESTED), number(&his, "dev"));
    let renamed = names(&his) == ["dev"] && outside.is_some_and(|number| number != 1) && inside == Some(1);
    screen.claim(renamed, "what is red/dev to the operator is dev to the tenant, and number 1, for he has no other");
    Ok(())
}

/// The other tenant's port and one that does not exist are refused in the same words.
fn learns_of_nothing_else(tenant: &Weft, screen: &mut Screen) {
    let refusal = |name: &str| tenant.run(&format!("port show {name}")).err().map(|why| why.to_string());
    let (real, invented) = (refusal(BLUE1.name), refusal(NOBODY));
    let alike = real.as_ref().map(|text| text.replace(BLUE1.name, NOBODY)) == invented;
    screen.claim(
        alike && real.is_some(),
        "asked for blue-vm1, weft tells him what it tells him of a port that nobody has",
    );
    screen.say(&real.unwrap_or_default());
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|entry| entry["name"].as_str()).collect()
}
