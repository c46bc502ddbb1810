// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! systemd's own judgement of the units.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::Command;
use tests::skip::skip;
use tests::weftd::binary;

const UNITS: [&str; 3] = ["weftd.service", "weftd.socket", "weft-peer.service"];

/// The programs that they start.
const PROGRAMS: [&str; 2] = ["weftd", "weft-peer"];

/// What `systemd-analyze verify` says of the units in a directory, all of it; `None`: it is not installed.
fn verify(directory: &Path) -> Option<String> {
    let units = UNITS.map(|unit| directory.join(unit));
    let output = Command::new("systemd-analyze").arg("verify").args(units).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Of the host's own units it may have something to say as well.
    Some(said.lines().filter(|line| line.contains("weft")).collect::<Vec<_>>().join("\n"))
}

/// Copies the units, with the programs where this build has it.
fn install(directory: &Path, change: impl Fn(String) -> String) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../backends/systemd");
    for unit in UNITS {
        let text = fs::read_to_string(from.join(unit)).expect("a directory of its own");
        let text = PROGRAMS.iter().fold(text, |text, program| {
            text.replace(&format!("/usr/sbin/{program}"), &binary(program).display().to_string())
        });
        fs::write(directory.join(unit), change(text)).expect("a directory of its own");
    }
}

#[test]
fn test_systemd_finds_no_fault_in_the_units() {
    let directory = tempfile::tempdir().expect("a directory of its own");
    install(directory.path(), |text| text);
    let Some(said) = verify(directory.path()) else {
        return skip("systemd-analyze is not installed");
    };
    assert_eq!(said, "");
    install(directory.path(), |text| text.replace("WatchdogSec", "WatchDogSec"));
    assert_ne!(verify(directory.path()).expect("it is installed"), "", "a misspelt key is a fault");
}

/// The values of a key of a unit.
fn values(unit: &str, key: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../backends/systemd").join(unit);
    let text = fs::read_to_string(path).expect("a unit of ours");
    let said = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    said.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// When a service is stopped systemd removes its directories with all that is in them, and a socket unit does not notice: it would
/// listen at a socket that nobody finds, and hand that to the next weftd.
#[test]
fn test_a_stop_of_the_service_takes_no_socket_away_that_is_the_other_units() {
    let sockets = values("weftd.socket", "ListenStream");
    let directories = values("weftd.service", "RuntimeDirectory");
    assert!(!sockets.is_empty() && !directories.is_empty());
    for directory in directories.iter().map(|directory| Path::new("/run").join(directory)) {
        assert!(!sockets.iter().any(|socket| Path::new(socket).starts_with(&directory)), "{}", directory.display());
    }
}
