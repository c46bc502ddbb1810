// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A router's guest without a virtual machine: attaches to a port and announces two provisioning domains (RFC 8801) every
//! second, each from an address of its own, until it is ended or the switch goes.
//!
//! Each has a prefix of which hosts make addresses, and a resolver.
#![forbid(unsafe_code)]

use std::error::Error;
use std::net::Ipv6Addr;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use tests::guest::{GuestOptions, SyntheticGuest};
use wire::name::DomainName;
use wire::nd::{NdOption, PrefixInfo, PvdOption, Rdnss, encode, pio_flag};
use wire::{MacAddr, build};

/// Between two announcements.
const PAUSE: Duration = Duration::from_secs(1);
/// Seconds for which all of it lasts.
const LIFETIME: u16 = 1800;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, mac, pvds @ ..] = &arguments[..] else { return usage() };
    let Some(mac) = read_mac(mac) else { return usage() };
    match announce(Path::new(path), mac, pvds) {
        Ok(never) => never,
        Err(why) => {
            eprintln!("router: {why}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: router SOCKET MAC NAME... (of provisioning domains)");
    ExitCode::from(1)
}

fn read_mac(text: &str) -> Option<[u8; 6]> {
    let octets: Option<Vec<u8>> = text.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect();
    octets?.try_into().ok()
}

fn announce(path: &Path, mac: [u8; 6], pvds: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let mut guest = SyntheticGuest::attach(path, GuestOptions { mac, ..GuestOptions::new("router", 0) })?;
    let all: Result<Vec<_>, _> = (1..).zip(pvds).map(|(number, name)| advertisement(mac, number, name)).collect();
    let all = all?;
    loop {
        all.iter().for_each(|frame| guest.send(frame));
        while guest.recv().is_some() {}
        thread::sleep(PAUSE);
    }
}

/// The announcement of the PvD with this number: everything that a host which knows nothing of PvDs can use, and the name.
fn advertisement(mac: [u8; 6], number: u16, name: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number);
    let prefix = Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 0);
    let resolver = Ipv6Addr::from_bits(prefix.to_bits() | 0x53);
    let (flags, lifetime) = (pio_flag::ON_LINK | pio_flag::AUTONOMOUS, u32::from(LIFETIME));
    let name: DomainName = name.parse().map_err(|why| format!("{name}: {why:?}"))?;
    let options = [
        NdOption::Prefix(PrefixInfo { prefix, prefix_len: 64, flags, valid: lifetime, preferred: lifetime }),
        NdOption::Rdnss(Rdnss { lifetime, addresses: &[resolver.octets()] }),
        NdOption::Pvd(PvdOption::new(name.as_name(), &[])),
    ];
    Ok(build::advertisement(MacAddr(mac), router, LIFETIME, &encode(options)?))
}
