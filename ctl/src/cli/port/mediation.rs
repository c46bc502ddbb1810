// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is done with Router Advertisements, on the command line.

use clap::Args;

use crate::proto::v1::InjectPvd;

/// The word for no PvD at all.
const NONE: &str = "none";
/// What an option is to look like, for error texts.
const EXPECTED: &str = "expected NAME[,http][,legacy][,sequence=N][,delay=N][,r-flag], or none";

/// What a port gets of Router Advertisements, and what is added to those of its router.
#[derive(Debug, Args)]
#[command(next_help_heading = "Provisioning domains")]
pub(super) struct MediationArgs {
    /// PvDs of which it gets Router Advertisements: names with commas between them, `implicit` for all that have no name;
    /// `all`, or `none`. A new port gets all
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pvds: Option<Vec<String>>,
    /// PvD Option for the advertisements of its router that have none: NAME, then any of `,http`, `,legacy`,
    /// `,sequence=N`, `,delay=N` and `,r-flag`; or `none`. With r-flag only hosts that know of PvDs make use of them any more
    #[arg(long, value_name = "OPTION", value_parser = inject)]
    inject_pvd: Option<InjectPvd>,
}

impl MediationArgs {
    /// What was named.
    pub(super) fn said(self) -> (Option<Vec<String>>, Option<InjectPvd>) {
        (self.pvds.map(|words| if words == [NONE] { Vec::new() } else { words }), self.inject_pvd)
    }
}

fn inject(text: &str) -> Result<InjectPvd, String> {
    let mut parts = text.split(',');
    let mut option = InjectPvd { name: parts.next().unwrap_or_default().to_owned(), ..InjectPvd::default() };
    let expected = || EXPECTED.to_owned();
    for part in parts {
        match part.split_once('=') {
            None if part == "http" => option.http = true,
            None if part == "legacy" => option.legacy = true,
            None if part == "r-flag" => option.r_flag = true,
            Some(("sequence", number)) => option.sequence = number.parse().map_err(|_| expected())?,
            Some(("delay", number)) => option.delay = number.parse().map_err(|_| expected())?,
            _ => return Err(expected()),
        }
    }
    if option.name.is_empty() { Err(expected()) } else { Ok(option) }
}
