// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What `check` does, in this order: cheap and most often wrong first.

use super::answers;
use crate::cargo;
use std::process::Command;

/// One step.
pub(crate) struct Step {
    /// Shown, and the name of its log.
    pub(crate) name: &'static str,
    /// What is run.
    pub(crate) work: Work,
    /// A cargo subcommand that must be there, and how one gets it. Without it the step is skipped.
    pub(crate) needs: Option<(&'static str, &'static str)>,
}

/// What a step runs.
pub(crate) enum Work {
    /// Cargo with these arguments; its exit code decides.
    Cargo(&'static [&'static str]),
    /// The same, with test programs whose closing lines are summed up.
    Tests(&'static [&'static str]),
    /// The guests' kernel and initramfs, into the cache.
    GuestImage,
    /// Instructions a frame, against those recorded.
    Instructions,
}

/// All steps. Binaries and tests are built with the `dev` profile, which optimises the frame path and nothing else:
/// a build that a developer already has, and debug assertions where they matter.
pub(crate) const STEPS: [Step; 8] = [
    Step { name: "format", work: Work::Cargo(&["fmt", "--all", "--check"]), needs: Some(("fmt", RUSTFMT)) },
    Step { name: "lints", work: Work::Cargo(CLIPPY), needs: Some(("clippy", "rustup component add clippy")) },
    Step { name: "documents", work: Work::Cargo(&["doc", "--workspace", "--no-deps"]), needs: None },
    Step { name: "dependencies", work: Work::Cargo(DENY), needs: Some(("deny", "cargo install cargo-deny")) },
    Step { name: "binaries", work: Work::Cargo(&["build", "--workspace", "--bins"]), needs: None },
    Step { name: "guest image", work: Work::GuestImage, needs: None },
    Step { name: "instructions", work: Work::Instructions, needs: None },
    Step { name: "tests", work: Work::Tests(&["test", "--workspace", "--no-fail-fast"]), needs: None },
];

const RUSTFMT: &str = "rustup component add rustfmt";
const CLIPPY: &[&str] = &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
const DENY: &[&str] = &["deny", "check", "licenses", "bans", "sources"];

impl Step {
    /// Why the step cannot be tried on this machine.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let (subcommand, remedy) = self.needs?;
        (!answers(subcommand)).then(|| format!("no `cargo {subcommand}` here ({remedy})"))
    }

    /// The command of a cargo step.
    pub(crate) fn command(&self) -> Command {
        let mut command = cargo::cargo();
        if let Work::Cargo(arguments) | Work::Tests(arguments) = self.work {
            command.args(arguments);
        }
        command.env("RUSTDOCFLAGS", "-D warnings");
        command
    }
}
