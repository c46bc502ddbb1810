// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An entry point for fuzzing: any bytes, no I/O. It must return, whatever the bytes; a panic is a find.

use core::net::Ipv6Addr;

use super::{NdOption, NdPacket, RouterAdvert, RouterSolicit, encode, rewrite_lifetimes, split};

/// The bytes as a message, as what a packet carries, and as options; what can be read is made and changed as well.
pub fn message(data: &[u8]) {
    let _ = NdPacket::validate(data);
    if let Ok(solicit) = RouterSolicit::parse(data) {
        let _ = (solicit.check(), solicit.source_link_layer());
    }
    if let Ok(advert) = RouterAdvert::parse(data) {
        self::advert(data, &advert);
    }
}

fn advert(data: &[u8], advert: &RouterAdvert<'_>) {
    let read = advert.options().flatten().inspect(nested).collect::<Vec<_>>();
    assert!(read.len() <= data.len() / 8, "there are more options than octets for them");
    if let Ok(made) = encode(read.iter().copied()) {
        let again = RouterAdvert { header: advert.header, options: &made };
        assert!(again.options().eq(read.into_iter().map(Ok)), "what was made is read as something else");
    }
    let (router, host) = (Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
    let mut changed = data.to_vec();
    match rewrite_lifetimes(&mut changed, router, host, |lifetime| lifetime / 2) {
        Ok(()) => assert!(advert.check().is_ok(), "a message that must be discarded was changed"),
        Err(_) => assert_eq!(changed, data, "a message was changed by half"),
    }
    for part in split(data, router, host, 200).unwrap_or_default() {
        assert!(part.len() <= 160, "a part does not fit");
        assert!(RouterAdvert::parse(&part).is_ok_and(|part| part.check().is_ok()), "a part is not sound");
    }
}

fn nested(option: &NdOption<'_>) {
    if let NdOption::Pvd(pvd) = option {
        let depth = pvd.options().flatten().filter(|option| matches!(option, NdOption::Pvd(_))).count();
        assert_eq!(depth, 0, "a PvD Option inside a PvD Option counted");
    }
}
