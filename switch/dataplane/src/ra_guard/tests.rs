// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Each criterion by itself: what it lets pass, and what it does not.

use proptest::prelude::*;
use wire::nd::{PrefixInfo, RaHeader, RouteInfo, encode};

use super::*;

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const OTHER_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// The message, from its ICMPv6 type on, of a default router of this preference.
fn advert(preference: Preference, options: &[u8]) -> Vec<u8> {
    let header = RaHeader { lifetime: 1800, ..RaHeader::default() }.with_preference(preference);
    [&header.to_bytes()[..], options].concat()
}

/// What becomes of an advertisement of a router of medium preference with these options.
fn judged(guard: &RaGuard, options: &[u8]) -> Result<(), DropReason> {
    let message = advert(Preference::Medium, options);
    guard.judge(MAC, ROUTER, &RouterAdvert::parse(&message).unwrap())
}

fn options<'a>(options: impl IntoIterator<Item = NdOption<'a>>) -> Vec<u8> {
    encode(options).unwrap()
}

fn prefix(text: &str) -> NdOption<'static> {
    let (address, len) = text.split_once('/').unwrap();
    let (prefix, prefix_len) = (address.parse().unwrap(), len.parse().unwrap());
    NdOption::Prefix(PrefixInfo { prefix, prefix_len, flags: 0xc0, valid: 9, preferred: 9 })
}

fn route(text: &str, preference: Preference) -> NdOption<'static> {
    let (address, len) = text.split_once('/').unwrap();
    let (prefix, prefix_len) = (address.parse().unwrap(), len.parse().unwrap());
    NdOption::Route(RouteInfo { prefix, prefix_len, preference, lifetime: 9 })
}

/// A PvD Option of this name with these options inside.
fn pvd(name: &str, http: bool, header: Option<RaHeader>, nested: &[u8]) -> Vec<u8> {
    let name: DomainName = name.parse().unwrap();
    let name = name.as_name();
    options([NdOption::Pvd(PvdOption { http, legacy: false, delay: 0, sequence: 1, name, header, nested })])
}

fn prefixes(texts: &[&str]) -> RaGuard {
    RaGuard { prefixes: texts.iter().map(|text| text.parse().unwrap()).collect(), ..RaGuard::default() }
}

fn pvds(names: &[&str]) -> RaGuard {
    RaGuard { pvds: names.iter().map(|name| name.parse().unwrap()).collect(), ..RaGuard::default() }
}

/// Many things at once, each of which some rule may forbid.
fn much() -> Vec<u8> {
    let nested = options([prefix("2001:db8:2::/64"), route("2001:db8:3::/48", Preference::High)]);
    let own = options([NdOption::SourceLinkLayer(MAC), prefix("2001:db8:1::/64"), route("::/0", Preference::Low)]);
    [own, pvd("corp.example", true, Some(RaHeader::default()), &nested)].concat()
}

#[test]
fn without_rules_all_is_allowed_and_each_rule_ends_that() {
    let open = RaGuard::default();
    assert!(open.allows_all() && judged(&open, &much()).is_ok());
    assert!(RaGuard { unrecognised: true, ..RaGuard::default() }.allows_all(), "that is no rule for routers");
    for rule in [
        RaGuard { routers: [ROUTER].into(), ..RaGuard::default() },
        RaGuard { macs: [MAC].into(), ..RaGuard::default() },
        prefixes(&["2001:db8::/32"]),
        pvds(&["corp.example"]),
        RaGuard { pvd_required: true, ..RaGuard::default() },
        RaGuard { http: false, ..RaGuard::default() },
        RaGuard { preference: Preference::Medium, ..RaGuard::default() },
    ] {
        assert!(!rule.allows_all(), "{rule:?}");
    }
}

#[test]
fn senders() {
    let rules = RaGuard { routers: [ROUTER].into(), macs: [MAC].into(), ..RaGuard::default() };
    let message = advert(Preference::Medium, &[]);
    let from = |mac, src: &str| rules.judge(mac, src.parse().unwrap(), &RouterAdvert::parse(&message).unwrap());
    assert_eq!(from(MAC, "fe80::1"), Ok(()));
    assert_eq!(from(MAC, "fe80::2"), Err(DropReason::RaRouter));
    assert_eq!(from(OTHER_MAC, "fe80::1"), Err(DropReason::RaMac));
}

#[test]
fn what_hosts_are_told_to_send_to_is_a_routers_mac() {
    let rules = RaGuard { macs: [MAC].into(), ..RaGuard::default() };
    let (own, other) = (options([NdOption::SourceLinkLayer(MAC)]), options([NdOption::SourceLinkLayer(OTHER_MAC)]));
    assert_eq!(judged(&rules, &own), Ok(()));
    assert_eq!(judged(&rules, &[&own[..], &other].concat()), Err(DropReason::RaMac), "a second one");
    assert_eq!(
        judged(&rules, &pvd("corp.example", false, None, &other)),
        Err(DropReason::RaMac),
        "inside a PvD Option"
    );
}

#[test]
fn prefixes_lie_within_one_that_is_allowed() {
    let rules = prefixes(&["2001:db8::/32", "fd00:1::/48"]);
    for good in ["2001:db8::/32", "2001:db8:1::/64", "fd00:1:0:1::/64"] {
        assert_eq!(judged(&rules, &options([prefix(good)])), Ok(()), "{good}");
        assert_eq!(judged(&rules, &options([route(good, Preference::Medium)])), Ok(()), "{good}");
    }
    for bad in ["2001:db9::/64", "2001:db8::/31", "2000::/3", "fd00:2::/64", "fe80::/64"] {
        let bad_options = [options([prefix(bad)]), options([route(bad, Preference::Medium)])];
        for option in bad_options {
            let hidden = pvd("corp.example", false, None, &option);
            assert_eq!(judged(&rules, &option), Err(DropReason::RaPrefix), "{bad}");
            assert_eq!(judged(&rules, &hidden), Err(DropReason::RaPrefix), "{bad} inside a PvD Option");
            let behind = [options([prefix("2001:db8::/64")]), option].concat();
            assert_eq!(judged(&rules, &behind), Err(DropReason::RaPrefix), "{bad} behind a good one");
        }
    }
    assert_eq!(judged(&rules, &options([prefix("::/0")])), Err(DropReason::RaPrefix), "not on the link");
    assert_eq!(judged(&rules, &options([route("::/0", Preference::Medium)])), Ok(()), "a default route is allowed");
}

#[test]
fn pvds_are_known_by_their_canonical_names() {
    let rules = pvds(&["corp.example", "Guest.Example."]);
    for good in ["corp.example.", "CORP.example", "guest.example"] {
        assert_eq!(judged(&rules, &pvd(good, false, None, &[])), Ok(()), "{good}");
    }
    for bad in ["example", "corp.example.org", "corp.exampl", r"corp\.example"] {
        assert_eq!(judged(&rules, &pvd(bad, false, None, &[])), Err(DropReason::RaPvd), "{bad}");
    }
    assert_eq!(judged(&rules, &[]), Ok(()), "none is named");
    let strict = RaGuard { pvd_required: true, ..rules };
    assert_eq!(judged(&strict, &[]), Err(DropReason::RaPvd));
    let any = RaGuard { pvd_required: true, ..RaGuard::default() };
    assert_eq!(judged(&any, &pvd("whatever.example", false, None, &[])), Ok(()));
}

#[test]
fn a_pvd_option_has_no_more_inside_than_allowed() {
    let inside = |count: usize| pvd("corp.example", false, None, &options(vec![prefix("2001:db8::/64"); count]));
    let rules = |pvd_size| RaGuard { pvd_size, ..RaGuard::default() };
    for (count, size) in [(0, 0), (1, 32), (3, 96)] {
        assert_eq!(judged(&rules(size), &inside(count)), Ok(()), "{count} in {size}");
        assert_eq!(judged(&rules(size), &inside(count + 1)), Err(DropReason::RaPvdSize), "{count} and one in {size}");
    }
    assert_eq!(judged(&rules(0), &options([prefix("2001:db8::/64")])), Ok(()), "what is outside is another matter");
    assert!(!rules(PVD_SIZE - 1).allows_all() && rules(PVD_SIZE).allows_all());
}

#[test]
fn hosts_are_sent_nowhere_and_routers_are_preferred_no_more_than_allowed() {
    let silent = RaGuard { http: false, ..RaGuard::default() };
    assert_eq!(judged(&silent, &pvd("corp.example", false, None, &[])), Ok(()));
    assert_eq!(judged(&silent, &pvd("corp.example", true, None, &[])), Err(DropReason::RaHttp));

    use Preference::{High, Low, Medium};
    for (most, good) in [(Low, vec![Low]), (Medium, vec![Low, Medium]), (High, vec![Low, Medium, High])] {
        let rules = RaGuard { preference: most, http: false, ..RaGuard::default() };
        for preference in [Low, Medium, High] {
            let expected = if good.contains(&preference) { Ok(()) } else { Err(DropReason::RaPreference) };
            let judge = |message: &[u8]| rules.judge(MAC, ROUTER, &RouterAdvert::parse(message).unwrap());
            assert_eq!(judge(&advert(preference, &[])), expected, "{preference:?} of {most:?}");
            let header = RaHeader { lifetime: 1, ..RaHeader::default() }.with_preference(preference);
            let inner = pvd("corp.example", false, Some(header), &[]);
            assert_eq!(judge(&advert(Low, &inner)), expected, "{preference:?} of {most:?} inside a PvD Option");
            let route = options([route("::/0", preference)]);
            assert_eq!(judge(&advert(Low, &route)), expected, "a route of {preference:?} of {most:?}");
        }
    }
}

#[test]
fn what_receivers_read_differently_is_malformed() {
    let rules = prefixes(&["2001:db8::/32"]);
    let good = pvd("corp.example", false, None, &[]);
    let mut longer = options([prefix("2001:db9::/64")]);
    longer[1] += 1;
    longer.extend([0; 8]);
    let mut nested = good.clone();
    nested[1] += good.len() as u8 / 8;
    nested.extend(&good);
    let [mut pointer, mut cut] = [good.clone(), good.clone()];
    pointer[6] = 0xc0;
    cut[1] += 1;
    for (what, bytes) in [
        ("a prefix option that is too long", longer),
        ("two PvD Options", [good.clone(), good.clone()].concat()),
        ("a PvD Option in another", nested),
        ("a compressed name", pointer),
        ("an option beyond the message", cut),
        ("an option of no length", vec![1, 0, 0, 0, 0, 0, 0, 0]),
        ("a link-layer address that is too long", [&[1, 2][..], &[0; 14]].concat()),
    ] {
        assert_eq!(judged(&rules, &bytes), Err(DropReason::RaMalformed), "{what}");
    }
}

proptest! {
    /// Whatever passes all rules names nothing that they do not allow: read back by the codec's own iterators.
    #[test]
    fn what_passes_is_allowed(mut bytes in prop::collection::vec(any::<u8>(), 0..120), at in 0..120_usize) {
        let rules = RaGuard { macs: [MAC].into(), ..prefixes(&["2001:db8::/32"]) };
        let sound = much();
        bytes.splice(at.min(bytes.len())..at.min(bytes.len()), sound);
        let message = advert(Preference::Medium, &bytes);
        let advert = RouterAdvert::parse(&message).unwrap();
        if rules.judge(MAC, ROUTER, &advert).is_ok() {
            let nested = advert.pvd().unwrap().map(|pvd| pvd.options());
            for option in advert.options().chain(nested.into_iter().flatten()) {
                match option.unwrap() {
                    NdOption::Prefix(info) => prop_assert_eq!(info.prefix.segments()[..2].to_vec(), [0x2001, 0xdb8]),
                    NdOption::SourceLinkLayer(mac) => prop_assert_eq!(mac, MAC),
                    _ => {}
                }
            }
        }
    }
}
