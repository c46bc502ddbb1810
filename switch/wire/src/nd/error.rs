// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a message or an option of it cannot be read.

use core::fmt;

use crate::name::BadName;

/// What is wrong with a message, or with one option of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdError {
    /// It is of another type, or shorter than the fixed part of its type.
    Message,
    /// An option says that it has no octets (RFC 4861 section 4.6).
    ZeroLength,
    /// An option is longer than what is left of the message, or of the PvD Option around it.
    Overrun,
    /// The option's length is none that its type may have.
    OptionLength,
    /// A prefix has more bits than an address, or than the option has room for.
    PrefixLength,
    /// The preference of a route is the reserved value (RFC 4191 section 2.3).
    Preference,
    /// A resolver's address is a group, or nobody's (RFC 8106 section 5.3.1).
    Resolver,
    /// A prefix length code of PREF64 is none of the six (RFC 8781 section 4).
    LengthCode,
    /// A search list has a name that is none, or something other than zeros behind its names.
    Name(BadName),
    /// The identifier of the PvD is no name (RFC 8801 section 3.1).
    PvdName(BadName),
    /// The R flag is set and the PvD Option has no room for a header (RFC 8801 section 3.1).
    PvdHeader,
}

impl NdError {
    /// Nothing of the message may be used. With any other error only the option is ignored.
    pub const fn discards_message(self) -> bool {
        matches!(
            self,
            NdError::Message | NdError::ZeroLength | NdError::Overrun | NdError::PvdName(_) | NdError::PvdHeader
        )
    }
}

impl fmt::Display for NdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NdError::Message => "the message is of another type, or too short for its type",
            NdError::ZeroLength => "an option has length zero",
            NdError::Overrun => "an option is longer than what is left for it",
            NdError::OptionLength => "an option has a length that its type does not allow",
            NdError::PrefixLength => "a prefix is longer than an address, or than its option",
            NdError::Preference => "a route has the reserved preference",
            NdError::Resolver => "the address of a resolver is not a unicast address",
            NdError::LengthCode => "PREF64 has a prefix length code that is not defined",
            NdError::Name(why) => return write!(f, "a search list is wrong: {why}"),
            NdError::PvdName(why) => return write!(f, "the PvD has no valid identifier: {why}"),
            NdError::PvdHeader => "the PvD Option promises a header that it has no room for",
        })
    }
}

impl core::error::Error for NdError {}
