// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the figures depend on.

use crate::bench::peers::options::Options;
use crate::bench::peers::tree::Tree;
use crate::cargo::root;
use serde_json::{Map, Value, json};
use std::fs;
use std::process::Command;

/// Machine, versions, method: names and values, in the order in which they are shown.
pub(crate) struct Facts(pub(crate) Vec<(&'static str, String)>);

impl Facts {
    /// As JSON.
    pub(crate) fn to_json(&self) -> Value {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<Map<_, _>>().into()
    }

    /// Asks the machine, the tree and the repository. What cannot be found out is "unknown".
    pub(crate) fn gather(tree: &Tree, options: &Options) -> Facts {
        let package = |name| tree.version(name).unwrap_or_else(unknown);
        Facts(vec![
            ("processor", processor().unwrap_or_else(unknown)),
            ("kernel", read("/proc/sys/kernel/osrelease")),
            ("memory", memory().unwrap_or_else(unknown)),
            ("weft", answer("git", &["describe", "--always", "--dirty"])),
            ("Rust", answer("rustc", &["--version"])),
            ("DPDK", package("dpdk")),
            ("OVS", package("openvswitch-switch-dpdk")),
            ("seconds each", options.seconds.to_string()),
        ])
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// `AMD EPYC (family 25, model 17), 2 x 2596 MHz`
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let field = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        line.split_once(':').map(|(_, value)| value.trim())
    };
    let count = text.lines().filter(|line| line.starts_with("processor")).count();
    let mhz: f64 = field("cpu MHz")?.parse().ok()?;
    let (model, family) = (field("model")?, field("cpu family")?);
    Some(format!("{} (family {family}, model {model}), {count} x {mhz:.0} MHz", field("model name")?))
}

fn memory() -> Option<String> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = text.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(format!("{} GiB", kib >> 20))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(), |text| text.trim().to_owned())
}

fn answer(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or_else(unknown, |text| String::from_utf8_lossy(&text).trim().to_owned())
}
