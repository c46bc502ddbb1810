// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weftd`, the daemon: command line in, control loop run, exit status out.
#![forbid(unsafe_code)]

use backends::config::{Config, Settings};
use backends::control::{self, Options, Signals};
use backends::runtime::Cpus;
use backends::upgrade::{Channel, launched};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A multi-tenant vhost-user switch. It runs in the foreground and logs to standard error; `weft` talks to it.
///
/// Without a configuration it starts empty, and `weft namespace add` and `weft port add` fill it. What is done with `weft`
/// is remembered and lies over the configuration. SIGHUP makes it read the configuration file again: what is another in
/// it than before is carried over, what was done with `weft` stays. `weft config apply` makes everything as a file says.
/// SIGTERM ends it. It survives kill -9: start it again and guests go on. Exit status: 1 when it failed, 2 for wrong usage.
#[derive(Parser)]
#[command(name = "weftd", version, max_term_width = 100)]
struct Arguments {
    /// Configuration file (TOML); what it says is overridden by the options below
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Path of the control socket, whose directory is made if it is not there [default: /run/weft/ctl.sock]
    #[arg(long, value_name = "PATH", env = "WEFT_SOCKET")]
    socket: Option<PathBuf>,

    /// Directory for what must survive a restart [default: /var/lib/weft]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,

    /// Data-plane threads, 1 to 64 [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    workers: Option<u8>,

    /// CPUs of the workers, one each, in order, e.g. 2-3,8 [default: where the kernel places them]
    #[arg(long, value_name = "CPUS", value_parser = Cpus::parse)]
    pin: Option<Cpus>,

    /// Log filter: a level (error, warn, info, debug, trace) or module=level pairs [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,

    /// Take the place of the weftd that has started this one; standard input leads to it
    #[arg(long, hide = true)]
    succeed: bool,

    /// Check the configuration file, say what is wrong with it, and exit
    #[arg(long, requires = "config")]
    check_config: bool,
}

fn main() -> ExitCode {
    if let Some(code) = launched() {
        return code;
    }
    let arguments = Arguments::parse();
    let result = match &arguments.config {
        Some(file) if arguments.check_config => check(file),
        _ => run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("weftd: {why}");
            ExitCode::FAILURE
        }
    }
}

fn check(file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    Config::load(file)?;
    println!("{}: no mistakes", file.display());
    Ok(())
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let line = Settings {
        socket: arguments.socket,
        state: arguments.state,
        workers: arguments.workers.map(usize::from),
        pin: arguments.pin,
        log: arguments.log,
        ..Settings::default()
    };
    let options = Options::gather(arguments.config, line)?;
    // Before any thread exists; see the function.
    let signals = Signals::take_over()?;
    let before = arguments.succeed.then(Channel::of_successor).transpose()?;
    Ok(control::run(options, signals, before)?)
}
