// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft call`: raw varlink, for what has no verb yet and for machines without `varlinkctl`.

use clap::Args;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::{Context, DONE, Outcome};
use crate::client::ClientError;
use crate::codec::Call;
use crate::proto::INTERFACE_NAME;
use crate::proto::v1::Error;

/// A call to be made.
#[derive(Debug, Args)]
pub(super) struct CallArgs {
    /// The method: `PortList`, or with its interface: `org.varlink.service.GetInfo`
    method: String,
    /// Its parameters, a JSON object
    #[arg(value_name = "JSON", default_value = "{}")]
    parameters: String,
    /// Accept several replies, and print each
    #[arg(long)]
    more: bool,
}

pub(super) fn run(args: &CallArgs, mut context: Context<'_>) -> Outcome {
    let call = Call {
        method: full_name(&args.method),
        parameters: Some(Value::Object(parameters(&args.parameters)?)),
        more: args.more,
        ..Call::default()
    };
    let mut client = context.client()?;
    client.send(&call)?;
    loop {
        let reply = client.receive()?;
        if let Some(name) = &reply.error {
            let why = Error::from_wire(name, reply.parameters.as_ref());
            return Err(ClientError::Remote(why).into());
        }
        context.output.document(&reply.parameters.unwrap_or_else(|| Map::new().into()))?;
        if !reply.continues {
            return Ok(DONE);
        }
    }
}

fn full_name(method: &str) -> String {
    if method.contains('.') { method.to_owned() } else { format!("{INTERFACE_NAME}.{method}") }
}

fn parameters(text: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(text).map_err(|why| Failure::Usage(format!("the parameters are not a JSON object: {why}")))
}
