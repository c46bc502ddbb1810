// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft ra dump`: for other programs to read.

use std::fs::File;
use std::io::Write;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use clap::Args;

use super::{Context, DONE, Outcome, pcapng};
use crate::cli::failure::Failure;
use crate::client::{Client, ClientError};
use crate::proto::v1::{Error, Ra, RaList, RaShow, RaShowReply};
use crate::render::text::printable;

pub(super) const HELP: &str = "\
In hexadecimal, one a line, each is the message from its ICMPv6 type on. In JSON each is what \
`weft ra show` tells. In pcapng each is a frame to all nodes, whoever it was sent to, with the time \
when it was last heard; ports are the interfaces, and the comment names namespace and PvD.";

/// Which, and how.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("form").args(["hex", "pcapng"]))]
pub(in crate::cli) struct Dump {
    /// Their namespace
    namespace: String,
    /// The number of one, as `weft ra list` prints it, or a router's address [default: all]
    #[arg(value_name = "NUMBER|ROUTER", value_parser = parse_which)]
    which: Option<Which>,
    /// In hexadecimal; what is done without --json and --pcapng
    #[arg(long)]
    hex: bool,
    /// As a capture file, for tshark and the like; - writes it where answers go
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pcapng: Option<PathBuf>,
}

/// Which ones of a namespace.
#[derive(Clone, Copy, Debug)]
enum Which {
    Number(u64),
    Router(Ipv6Addr),
}

fn parse_which(text: &str) -> Result<Which, String> {
    let number = text.parse().map(Which::Number);
    let found = number.or_else(|_| text.parse().map(Which::Router));
    found.map_err(|_| format!("{text:?} is neither a number nor the address of a router"))
}

pub(super) fn run(asked: &Dump, mut client: Client, mut context: Context<'_>) -> Outcome {
    let all = gather(asked, &mut client)?;
    if let Some(path) = &asked.pcapng {
        let bytes = pcapng::file(&all).map_err(Failure::Usage)?;
        return write(path, &bytes, &mut context);
    }
    if asked.hex || context.output.is_text() {
        let lines: Vec<&str> = all.iter().map(|shown| shown.hex.as_str()).collect();
        return context.output.answer(&lines, |_| lines.iter().map(|hex| format!("{}\n", printable(hex))).collect());
    }
    context.output.document(&all)
}

/// Those that are asked for. One that ends while they are asked for is left out, unless it is the only one.
fn gather(asked: &Dump, client: &mut Client) -> Result<Vec<RaShowReply>, Failure> {
    let show = |number| RaShow { namespace: asked.namespace.clone(), number };
    if let Some(Which::Number(number)) = asked.which {
        return Ok(vec![client.call(&show(number))?]);
    }
    let list = RaList { namespace: Some(asked.namespace.clone()) };
    let pages = client.stream(&list)?.collect::<Result<Vec<_>, ClientError>>()?;
    let wanted = |ra: &Ra| match asked.which {
        Some(Which::Router(router)) => ra.router.parse() == Ok(router),
        _ => true,
    };
    let mut all = Vec::new();
    for ra in pages.into_iter().flat_map(|page| page.ras).filter(wanted) {
        match client.call(&show(ra.number)) {
            Ok(shown) => all.push(shown),
            Err(ClientError::Remote(Error::NotFound { .. })) => {}
            Err(why) => return Err(why.into()),
        }
    }
    match asked.which {
        Some(Which::Router(router)) if all.is_empty() => {
            let name = format!("{}:{router}", asked.namespace);
            Err(ClientError::Remote(Error::NotFound { kind: "Router Advertisement".to_owned(), name }).into())
        }
        _ => Ok(all),
    }
}

fn write(path: &PathBuf, bytes: &[u8], context: &mut Context<'_>) -> Outcome {
    if path.as_os_str() == "-" {
        return context.output.bytes(bytes);
    }
    File::create(path).and_then(|mut file| file.write_all(bytes)).map_err(Failure::Output)?;
    Ok(DONE)
}
