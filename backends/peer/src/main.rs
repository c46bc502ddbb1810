// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft-peer`: carries ports from one host to another, so that a guest can follow. weftd itself never speaks to a network.
//!
//! # Theory of operation
//!
//! `weft migrate prepare vm1 --to tls:HOST:PORT` has something to say to the weftd of another host, and may not administer that. So
//! there are two ends of this program between them:
//!
//! ```text
//! weft ── pipe ── weft-peer connect ══ TLS 1.3, both sides certified ══ weft-peer listen ── control socket ── weftd
//! ```
//!
//! The connecting end (`connect.rs`) is started by `weft`, which so has no TLS in it, and passes on messages as they are. The
//! listening end (`listen.rs`) is the boundary. Whoever comes there is a stranger until TLS says which certificate is his, and a
//! stranger still unless a name in it is on the operator's list (`names.rs`). The first line that he hears tells him whether he is
//! let in (`greeting.rs`); then he may make the two calls that a hand-over needs (`calls.rs`), which are read, judged and written anew, and
//! no others; of a guest that somebody else has handed over he says nothing (`origins.rs`). Everything is bounded in number, size and time (`limits.rs`), and who has not said who he is never keeps out who has
//! (`seats.rs`).
//!
//! What a document says is judged by weftd, as all that comes by its control socket. This program keeps those things from it that an
//! operator could say and another host may not: where sockets are, and devices of this host (`calls.rs`).
//!
//! Both ends read certificates and keys once, when they are started; the listening end gives up all files afterwards (`sandbox.rs`).
#![forbid(unsafe_code)]

mod calls;
mod connect;
mod credentials;
mod greeting;
mod limits;
mod listen;
mod names;
mod options;
mod origins;
mod sandbox;
mod seats;
mod serve;
mod timed;
mod trouble;

use clap::Parser;
use options::{Options, Verb};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Options::parse().verb {
        Verb::Listen(options) => listen::run(options),
        Verb::Connect(options) => connect::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("weft-peer: {why}");
            ExitCode::FAILURE
        }
    }
}
