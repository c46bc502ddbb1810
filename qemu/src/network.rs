// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What tests do with a guest's NICs: addresses, pings, and bulk transfers whose payload is checked inside the guests.
//!
//! In a bulk transfer the sender makes random bytes and hashes them; the receiver hashes what its TCP connection
//! delivers and answers with its digest over the same connection. Random bytes make every misplaced, repeated or
//! missing segment change the digest.

use std::time::Duration;

use crate::error::Error;
use crate::guest::Guest;

/// Per MiB, on a machine that boots a guest in two seconds: hashing twice and moving it once, emulated.
const PER_MIB: Duration = Duration::from_millis(500);
const AT_LEAST: Duration = Duration::from_secs(20);
/// Ports are counted up from here, one a transfer.
const FIRST_PORT: u32 = 20_000;

/// The two digests of one transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// SHA-256 of what was sent, in hexadecimal digits.
    pub sent: String,
    /// SHA-256 of what arrived.
    pub received: String,
}

impl Transfer {
    /// True when every byte arrived, in order.
    pub fn is_intact(&self) -> bool {
        !self.sent.is_empty() && self.sent == self.received
    }
}

/// How many echo requests were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pings {
    /// Requests that were sent.
    pub sent: u32,
    /// Replies that came.
    pub received: u32,
}

impl Pings {
    /// Adds up the summaries that busybox's ping prints, each at its end; `None` when there is none.
    pub fn parse(output: &str) -> Option<Pings> {
        let summaries = output.lines().filter(|line| line.contains(" packets transmitted"));
        let add = |a: Pings, b: Pings| Pings { sent: a.sent + b.sent, received: a.received + b.received };
        summaries.map(Pings::of_summary).reduce(|sum, next| Some(add(sum?, next?)))?
    }

    fn of_summary(line: &str) -> Option<Pings> {
        let mut numbers = line.split(", ").map(|part| part.split(' ').next().and_then(|word| word.parse().ok()));
        Some(Pings { sent: numbers.next()??, received: numbers.next()?? })
    }

    /// Requests without a reply.
    pub fn lost(&self) -> u32 {
        self.sent.saturating_sub(self.received)
    }
}

impl Guest {
    /// Brings an interface (`eth0`, …) up with these addresses (`10.0.0.1/24`, `fd00::1/64`) and waits until they can be
    /// used. Duplicate address detection is off on the interface, for tests should not wait for it.
    ///
    /// # Errors
    /// [`Error::Command`] with the guest's words; [`Error::Timeout`] when the interface gets no carrier.
    pub fn configure(&self, interface: &str, addresses: &[&str]) -> Result<(), Error> {
        let mut script = format!(
            "set -e\ncd /sys/class/net/{interface}\necho 0 >/proc/sys/net/ipv6/conf/{interface}/accept_dad\n\
             ip link set {interface} up\nuntil [ \"$(cat carrier)\" = 1 ]; do sleep 0.05; done\n"
        );
        for address in addresses {
            script += &format!("ip address add {address} dev {interface}\n");
        }
        // The kernel notices the carrier, and with it adds the routes of IPv6, a moment after the driver reported it.
        if addresses.iter().any(|address| address.contains(':')) {
            script += &format!("until ip -6 route | grep -v '^f[ef]' | grep -q {interface}; do sleep 0.05; done\n");
        }
        self.run_ok(&script).map(drop)
    }

    /// Sends `count` echo requests to an IPv4 or IPv6 address, one after the other. Each is given ten seconds for its
    /// answer, so that a machine that was held up for a moment is not taken for a loss. Lost ones are no error.
    ///
    /// # Errors
    /// As [`Guest::run`], and [`Error::Command`] when ping could not even send.
    pub fn ping(&self, address: &str, count: u32) -> Result<Pings, Error> {
        self.ping_each(address, count, 10)
    }

    /// As [`Guest::ping`], for who expects no answer: each request is given one second.
    ///
    /// # Errors
    /// As [`Guest::ping`].
    pub fn ping_in_vain(&self, address: &str, count: u32) -> Result<Pings, Error> {
        self.ping_each(address, count, 1)
    }

    /// Each request has a ping of its own: busybox waits only for the first answer for as long as one says.
    fn ping_each(&self, address: &str, count: u32, seconds: u32) -> Result<Pings, Error> {
        let command = format!("for i in $(seq {count}); do ping -c 1 -W {seconds} {address}; done");
        let output = self.run(&command)?;
        match Pings::parse(&output.text()) {
            Some(pings) => Ok(pings),
            None => self.require_success(&command, &output).map(|_| Pings { sent: count, received: 0 }),
        }
    }

    /// Sends `mib` MiB of random bytes over one TCP connection to `address` (IPv4 or IPv6), which is the guest `to`.
    /// The bytes lie in the sender's memory meanwhile: at most a third of it.
    ///
    /// # Errors
    /// [`Error::Timeout`] after 20 s and half a second per MiB (scaled to this machine), [`Error::Command`] when no
    /// connection came about. A difference between the digests is no error here; see [`Transfer::is_intact`].
    pub fn send_bulk(&self, to: &Guest, address: &str, mib: u32) -> Result<Transfer, Error> {
        let limit = self.scaled(AT_LEAST + PER_MIB * mib);
        let port = FIRST_PORT + to.next_number();
        let receiver = to.spawn(&format!("exec nc -l -p {port} -e sha256sum"))?;
        to.run_ok(&format!("until netstat -ltn | grep -q ':{port} '; do sleep 0.1; done"))?;
        let bytes = u64::from(mib) << 20;
        let script = format!(
            "head -c {bytes} /dev/urandom >/tmp/bulk && sha256sum </tmp/bulk && nc {address} {port} </tmp/bulk; \
             status=$?; rm -f /tmp/bulk; exit $status"
        );
        let output = self.run_within(&script, limit)?;
        let digests = self.require_success("bulk transfer", &output);
        if digests.is_err() {
            receiver.signal("KILL")?;
        }
        let digests = digests?;
        let mut digests = digests.lines().map(|line| line.split_whitespace().next().unwrap_or_default().to_owned());
        Ok(Transfer { sent: digests.next().unwrap_or_default(), received: digests.next().unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_busybox_is_read() {
        let text = "--- 10.0.0.2 ping statistics ---\n12 packets transmitted, 9 packets received, 25% packet loss\n";
        let pings = Pings::parse(text).unwrap();
        assert_eq!((pings.sent, pings.received, pings.lost()), (12, 9, 3));
        assert_eq!(Pings::parse(&format!("{text}\n{text}")), Some(Pings { sent: 24, received: 18 }));
        assert_eq!(Pings::parse("ping: sendto: Network is unreachable"), None);
    }
}
