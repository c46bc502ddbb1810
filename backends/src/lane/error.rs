// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a lane cannot be opened, by who must act.

use std::io;

/// Why a lane cannot be opened. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// Whoever runs weftd: it lacks a right.
    #[error("no permission for {what}: weftd needs {right}")]
    Permission {
        /// What was to be opened.
        what: String,
        /// The right that weftd lacks.
        right: &'static str,
    },
    /// Whoever described the lane: it cannot be as it was said.
    #[error("{what} {why}")]
    Described {
        /// What was to be opened.
        what: String,
        /// What is wrong, and what to do.
        why: &'static str,
    },
    /// Whoever is to bring the other end: it is not there.
    #[error("{what} is not there: {advice}")]
    Missing {
        /// What was to be opened.
        what: String,
        /// How it comes to be there.
        advice: &'static str,
    },
    /// Whoever has it: it can be had once.
    #[error("{what} is in use: {advice}")]
    Taken {
        /// What was to be opened.
        what: String,
        /// How it gets free.
        advice: &'static str,
    },
    /// The host: it lacks something, memory perhaps.
    #[error("{what}: the system refuses: {why}")]
    Host {
        /// What was to be opened.
        what: String,
        /// What it says.
        why: io::Error,
    },
}

/// What is said of one kind of lane in the cases that are common to all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Advice {
    /// The right that opening takes.
    pub(super) right: &'static str,
    /// How it comes to be there.
    pub(super) missing: &'static str,
    /// How it gets free.
    pub(super) taken: &'static str,
}

impl Advice {
    /// What the system says about `what`, as an error for who must act.
    pub(super) fn on(self, what: &str, why: io::Error) -> LaneError {
        use rustix::io::Errno;
        let what = what.to_owned();
        match why.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::PERM | Errno::ACCESS) => LaneError::Permission { what, right: self.right },
            Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => LaneError::Missing { what, advice: self.missing },
            Some(Errno::BUSY | Errno::ADDRINUSE) => LaneError::Taken { what, advice: self.taken },
            _ => LaneError::Host { what, why },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_who_must_do_what() {
        let advice = Advice { right: "CAP_NET_RAW", missing: "plug it in", taken: "unplug it elsewhere" };
        let said = |errno: rustix::io::Errno| advice.on("netdev eth7", errno.into()).to_string();
        use rustix::io::Errno;
        assert_eq!(said(Errno::PERM), "no permission for netdev eth7: weftd needs CAP_NET_RAW");
        assert_eq!(said(Errno::NODEV), "netdev eth7 is not there: plug it in");
        assert_eq!(said(Errno::BUSY), "netdev eth7 is in use: unplug it elsewhere");
        assert!(said(Errno::NOMEM).starts_with("netdev eth7: the system refuses: "));
    }
}
