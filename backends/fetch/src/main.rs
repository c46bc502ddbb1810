// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft-pvd-fetch`: fetches the Additional Information of PvDs (RFC 8801 section 4) for weftd, which never speaks to the
//! network itself.
//!
//! # Theory of operation
//!
//! It reads one [`pvd::info::Order`] a line from its standard input, fetches `https://<host>/.well-known/pvd`, and writes one
//! [`pvd::info::Answer`] a line, one after the other. It ends when its input does. When something may be fetched, and what is
//! to be believed of it, is not decided here but by whoever asks ([`pvd::info`]).
//!
//! Whatever a tenant's router names is fetched, so both the name and the host are hostile. Hence
//!
//! * it is a process of its own, which gives up everything before the first order (`sandbox.rs`): its user, capabilities,
//!   the file system but for what names are resolved by, all system calls that a client of TLS does not need;
//! * it connects to nothing but public addresses (`address.rs`), to those that were judged and not to what a second look-up
//!   of the name would give (`resolver.rs`), also where it is redirected to, and to port 443 only;
//! * the certificate must be for the very name of the PvD (`tls.rs`);
//! * what comes is bounded in size and time (`client.rs`), and goes back unread.
//!
//! RFC 8801 wants names and objects to be asked for through the PvD itself. A switch has no address in a tenant's network.
//! So they are asked for through the network of the host, or of the network namespace that `--netns` names, and a server that
//! answers its own clients only does not answer this one.
#![forbid(unsafe_code)]

mod address;
mod client;
mod options;
mod probe;
mod resolver;
mod sandbox;
mod serve;
mod tls;

use clap::Parser;
use client::Client;
use options::Options;
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything of our own is opened: what weftd has open is none of our business.
    sys::fd::close_inherited();
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("weft-pvd-fetch: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let client = Client::new(options)?;
    sandbox::enter(options)?;
    if options.probe {
        return Ok(probe::run()?);
    }
    Ok(serve::serve(&client)?)
}
