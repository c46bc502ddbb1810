// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The real `weft` as a process: what only a process has, exit status, environment, pipes.

use std::io::Read;
use std::process::{Command, Stdio};

fn weft() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
    command.env_remove("WEFT_SOCKET");
    command
}

#[test]
fn exit_status_is_the_documented_one() {
    assert_eq!(weft().arg("--help").output().unwrap().status.code(), Some(0));
    assert_eq!(weft().arg("fly").output().unwrap().status.code(), Some(1));
    let unreachable = weft().args(["--socket", "/nonexistent", "status"]).output().unwrap();
    assert_eq!(unreachable.status.code(), Some(3));
}

#[test]
fn the_environment_names_the_socket() {
    let output = weft().env("WEFT_SOCKET", "/nonexistent/other.sock").arg("status").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("/nonexistent/other.sock"), "{errors}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = weft().args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}
