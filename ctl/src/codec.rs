// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Varlink framing: a message is one JSON object followed by one NUL byte (<https://varlink.org/Method-Call>).
//!
//! The codec does no I/O. Bytes that arrived are pushed into a [`Decoder`], whole messages are pulled out of it; what
//! is to be sent is appended to a byte vector by [`encode`]. A server pulls [`Call`]s and sends [`Reply`]s, a client
//! the other way round.
//!
//! Against a hostile peer: a message that grows beyond the limit is refused before it is complete, so memory is
//! bounded by the limit and one pushed chunk; a byte is searched for NUL once, however slowly the message drips in;
//! nesting deeper than 128 levels is refused by the JSON parser. Every refusal is final: the stream has lost its
//! rhythm and the connection must be closed.

#[cfg(test)]
mod tests;

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::proto::{Method, nullable};

/// Largest message that a server accepts by default, NUL not counted. A configuration text is the only large one.
pub const MESSAGE_MAX: usize = 1 << 20;

/// Largest reply that a client accepts by default, NUL not counted.
pub const REPLY_MAX: usize = 16 << 20;

/// A method call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Full name of the method.
    pub method: String,
    /// Its parameters, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// The caller accepts several replies, all but the last marked with `continues`.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// The caller wants no reply, not even an error.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub oneway: bool,
    /// The caller wants to speak another protocol afterwards; weft has none and refuses.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub upgrade: bool,
}

/// A reply to a method call: a result or an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The result, or the fields of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// More replies to the same call follow.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
    /// Name of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Why a byte stream is not varlink. None of them can be recovered from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A message is longer than the limit; it may still have been incomplete.
    #[error("message is longer than {limit} bytes, or the NUL byte that ends it is missing")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The stream ended inside a message.
    #[error("the stream ended {bytes} bytes into a message: the NUL byte that ends it is missing")]
    Truncated {
        /// How much of the message was there.
        bytes: usize,
    },
    /// A message is not text.
    #[error("message is not UTF-8 (after {valid} good bytes)")]
    NotUtf8 {
        /// How many bytes were good.
        valid: usize,
    },
    /// A message nests arrays or objects too deeply.
    #[error("message nests deeper than 128 levels")]
    TooDeep,
    /// A message is not a JSON object of the expected form.
    #[error("message is not a varlink message: {why}")]
    Malformed {
        /// What the parser says.
        why: String,
    },
}

impl Call {
    /// The call of `method` that expects one reply.
    ///
    /// # Errors
    /// `Malformed` when the parameters cannot be written as JSON, which a type of this crate never causes.
    pub fn new<M: Method>(method: &M) -> Result<Call, CodecError> {
        let parameters = serde_json::to_value(method).map_err(|why| malformed(&why))?;
        Ok(Call { method: M::NAME.to_owned(), parameters: Some(parameters), ..Call::default() })
    }
}

impl Reply {
    /// The last or only reply of a successful call.
    ///
    /// # Errors
    /// `Malformed` when the result cannot be written as JSON, which a type of this crate never causes.
    pub fn result<T: Serialize>(result: &T) -> Result<Reply, CodecError> {
        let parameters = serde_json::to_value(result).map_err(|why| malformed(&why))?;
        Ok(Reply { parameters: Some(parameters), ..Reply::default() })
    }

    /// Marks the reply as one that others follow.
    #[must_use]
    pub fn continued(self) -> Reply {
        Reply { continues: true, ..self }
    }
}

/// Appends `message` and the NUL byte to `out`.
///
/// # Errors
/// `Malformed` when the message cannot be written as JSON; `out` is then as before.
pub fn encode<T: Serialize>(message: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let text = serde_json::to_vec(message).map_err(|why| malformed(&why))?;
    out.extend_from_slice(&text);
    out.push(0);
    Ok(())
}

/// Cuts a byte stream into messages of type `M`: [`Call`] in a server, [`Reply`] in a client.
#[derive(Debug)]
pub struct Decoder<M> {
    /// Bytes that were pushed and not pulled; the first `start` of them are pulled already.
    bytes: Vec<u8>,
    start: usize,
    /// No NUL lies between `start` and here.
    scanned: usize,
    limit: usize,
    message: PhantomData<M>,
}

impl<M: DeserializeOwned> Decoder<M> {
    /// A decoder that refuses messages of more than `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Decoder<M> {
        Decoder { bytes: Vec::new(), start: 0, scanned: 0, limit, message: PhantomData }
    }

    /// Takes bytes that arrived. Pull until `None` before pushing again: what is not pulled counts against the limit.
    ///
    /// # Errors
    /// `TooLong` when more than the limit waits already.
    pub fn push(&mut self, arrived: &[u8]) -> Result<(), CodecError> {
        self.bytes.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        if self.bytes.len() > self.limit {
            return Err(CodecError::TooLong { limit: self.limit });
        }
        self.bytes.extend_from_slice(arrived);
        Ok(())
    }

    /// The next whole message, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// Any [`CodecError`] but `Truncated`; the connection must then be closed.
    pub fn pull(&mut self) -> Result<Option<M>, CodecError> {
        let found = self.bytes[self.scanned..].iter().position(|byte| *byte == 0);
        let end = found.map_or(self.bytes.len(), |at| self.scanned + at);
        if end - self.start > self.limit {
            return Err(CodecError::TooLong { limit: self.limit });
        }
        let message = &self.bytes[self.start..end];
        let decoded = found.map(|_| decode(message)).transpose();
        self.scanned = end + usize::from(found.is_some());
        if found.is_some() {
            self.start = self.scanned;
        }
        decoded
    }

    /// Bytes of an incomplete message (or of messages not pulled yet).
    #[must_use]
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// To be called when the peer closed the stream.
    ///
    /// # Errors
    /// `Truncated` when it did so inside a message.
    pub fn finish(&self) -> Result<(), CodecError> {
        match self.pending() {
            0 => Ok(()),
            bytes => Err(CodecError::Truncated { bytes }),
        }
    }
}

/// Parses one message without its NUL.
fn decode<M: DeserializeOwned>(message: &[u8]) -> Result<M, CodecError> {
    let text = std::str::from_utf8(message).map_err(|why| CodecError::NotUtf8 { valid: why.valid_up_to() })?;
    if !text.trim_start().starts_with('{') {
        // serde would also read a struct from an array.
        return Err(CodecError::Malformed { why: "it is not a JSON object".to_owned() });
    }
    serde_json::from_str(text).map_err(|why| malformed(&why))
}

fn malformed(why: &serde_json::Error) -> CodecError {
    let why = why.to_string();
    if why.starts_with("recursion limit exceeded") { CodecError::TooDeep } else { CodecError::Malformed { why } }
}
