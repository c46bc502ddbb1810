// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Orders in, answers out, one at a time. Before the first order it is said that the sandbox is complete.

use crate::client::Client;
use pvd::info::{Answer, Order, READY};
use std::io::{self, BufRead, Read, Write};

/// Bytes of an order: a name has 255 at most.
const ORDER_MAX: u64 = 1024;

/// Serves until the input ends.
///
/// # Errors
/// Nobody hears the answers, or what is asked for is no order.
pub(crate) fn serve(client: &Client) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    writeln!(output, "{READY}")?;
    output.flush()?;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(ORDER_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let order: Order = serde_json::from_slice(&line)?;
        let answer = Answer { id: order.id, result: client.fetch(&order.host) };
        let mut text = serde_json::to_string(&answer)?;
        text.push('\n');
        output.write_all(text.as_bytes())?;
        output.flush()?;
    }
}
