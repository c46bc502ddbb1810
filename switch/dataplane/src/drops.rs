// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a frame was not delivered. Guest trouble is a counter, never an error.

use std::fmt;

/// The reasons, their names in the control protocol, and what a user should know about them.
macro_rules! reasons {
    ($($variant:ident $name:literal $text:literal)*) => {
        /// Why a frame was dropped. Reasons up to [`DropReason::NoReceiver`] are counted at the port that sent the
        /// frame, the others at the port that should have received it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum DropReason { $(#[doc = $text] $variant,)* }

        impl DropReason {
            /// Every reason, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in the control protocol and on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence for the user: what happened and what to do about it.
            #[must_use]
            pub const fn explain(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

reasons! {
    BadChain "bad-chain"
        "The guest's descriptor chain was malformed (a loop, a bad index, a buffer outside its memory, no room for a header): its driver is broken or hostile."
    Runt "runt"
        "The frame was shorter than an Ethernet header (14 bytes)."
    Oversize "oversize"
        "The frame was longer than the sending port's MTU allows: lower the guest's MTU or raise the port's with `weft port set --mtu`."
    BadOffload "bad-offload"
        "The frame's virtio-net header asked for an offload that the guest did not negotiate, or that makes no sense for the frame: a checksum outside it or among its headers, segments of no bytes or of another protocol, a header length beyond it."
    BadSource "bad-source"
        "The source MAC was zero or a group address."
    SpoofedMac "spoofed-mac"
        "The source MAC was not the port's own, or the NIC's mac= is not the port's (`weft port show` tells it): allow it with `weft port set --macs any` if the guest bridges or has further MACs."
    RogueRouter "rogue-router"
        "A Router Advertisement or Redirect came from a port that is not a router: `weft port set --role router` if it is one."
    RogueDhcp "rogue-dhcp"
        "A DHCPv6 message for clients came from a port that is not a router (RFC 7610): `weft port set --role router` if a DHCPv6 server or relay is behind it."
    Unclassifiable "unclassifiable"
        "The frame's IPv6 headers could not be followed to their end, so it cannot be shown to be harmless (RFC 7113)."
    FragmentedNd "fragmented-nd"
        "A message of Neighbor Discovery was in an IPv6 fragment, which no node may take seriously (RFC 6980): nobody has a reason to send it so but to hide it."
    UnrecognisedHeader "unrecognised-header"
        "The IPv6 headers led to a number that nobody has assigned, behind which a Router Advertisement could hide in the future (RFC 7113): `weft port set --ra-guard-unrecognised true` lets such frames pass."
    RaMalformed "ra-malformed"
        "A Router Advertisement came from a port whose router may not say everything, and is not as RFC 4861 and RFC 8801 demand, so that nobody can say what hosts would make of it: mend the router, or empty the port's rules, which `weft port show` tells."
    RaRouter "ra-router"
        "A Router Advertisement or Redirect came from an address that is not among the port's: `weft port set --ra-guard-router` names the link-local addresses of its routers."
    RaMac "ra-mac"
        "A Router Advertisement or Redirect came from a MAC that is not among those of the port's routers, or told hosts of such a one: `weft port set --ra-guard-mac` names them."
    RaPreference "ra-preference"
        "A Router Advertisement gave its router or a route a higher preference than the port's may have: `weft port set --ra-guard-preference` allows a higher one."
    RaPrefix "ra-prefix"
        "A Router Advertisement told of a prefix or a route outside all prefixes of the port: `weft port set --ra-guard-prefix` names these."
    RaPvd "ra-pvd"
        "A Router Advertisement named a PvD that is not among the port's, or none where one is required: `weft port set --ra-guard-pvd` names them, `--ra-guard-pvd-required false` allows advertisements without."
    RaHttp "ra-http"
        "A Router Advertisement sent hosts to fetch more about its PvD over HTTPS (H flag), which the port's router may not: `weft port set --ra-guard-http true` allows it."
    RaPvdSize "ra-pvd-size"
        "A Router Advertisement had more octets of options inside its PvD Option than the port's router may: `weft port set --ra-guard-pvd-size` allows more."
    RaLearning "ra-learning"
        "A Router Advertisement or Redirect came while the RA guard learns whether a router is behind the port: none passes until that is decided. `weft port show` tells when, and what was heard so far."
    RaBlocked "ra-blocked"
        "A Router Advertisement or Redirect came from a port at which the RA guard heard no router that it allows while it learnt: `weft port set --ra-guard-relearn` lets it learn anew, `--ra-guard-learn off` lets the port's rules alone decide."
    LinkRouter "link-router"
        "A Router Advertisement or Redirect came over a link that lets none across: `weft port set --role router` at the end where it comes out lets it."
    TxPoliced "tx-policed"
        "The guest sent more than its port may: `weft port show` tells its limits, `weft port set --tx-frames` and `--tx-bytes` change them."
    FloodPoliced "flood-policed"
        "The guest sent more broadcasts, multicasts and frames to unknown MACs than its port may: `weft port set --flood-frames` and `--flood-bytes` change that."
    NamespaceTxPoliced "namespace-tx-policed"
        "The ports of the namespace, or of one that it lies in, sent more than they may together: `weft namespace show` tells the limits, `weft namespace set --tx-frames` and `--tx-bytes` change them."
    NamespaceFloodPoliced "namespace-flood-policed"
        "The ports of the namespace, or of one that it lies in, sent more broadcasts, multicasts and frames to unknown MACs than they may together: `weft namespace set --flood-frames` and `--flood-bytes` change that."
    Mediated "mediated"
        "No loss: a Router Advertisement was taken out because weftd itself decides who gets it (a PvD Option is injected, repetitions are held back, or a port sees only some PvDs). `weft port show` tells what became of them."
    NotMediated "not-mediated"
        "A Router Advertisement that weftd would have had to decide about was lost: too many of the port waited already (8), or it was longer than a jumbo frame."
    Answer "answer"
        "No loss: the guest answered a question of the switch's own, an ARP probe by which the switch learns whether the guest has taken what it was sent while it changes over to a VF."
    Hairpin "hairpin"
        "The destination MAC belongs to the port that sent the frame."
    GuestAway "guest-away"
        "The guest of the port that the destination MAC leads to is at another switch, or not here yet, and the namespace has no other uplink by which the frame could follow it: `weft port show` tells where its move stands."
    NoReceiver "no-receiver"
        "The namespace has no other port that could receive the frame."
    PortDown "port-down"
        "The receiving port had no running receive queue: its guest is not up, is restarting, or has its interface down."
    RingFull "ring-full"
        "The receiving guest had no buffers left: it is slower than its senders, or its interface is down. Of a large (TSO) frame that the switch cuts for it, the pieces before the first that found no buffer count as received and all others as one drop."
    LaneFull "lane-full"
        "The port's VF lane, or the device that is its only lane, took no more: what is behind it is slower than its senders, or not there. `weft vf status` tells."
    LaneStray "lane-stray"
        "A frame came over the VF lane of a host-lane port and was a broadcast or multicast, which the guest gets from its namespace, or for another MAC."
    HoldFull "hold-full"
        "Frames for the guest waited while its VF was taken from it, or while it was on its way to another host or had only just come from one, and more came than may wait (4096 frames or 4 MiB). Of a VF, frames went by both lanes from then on, as without waiting."
    RxPoliced "rx-policed"
        "More was sent to the guest than its port may receive: `weft port show` tells its limits, `weft port set --rx-frames` and `--rx-bytes` change them."
    BufferTooSmall "buffer-too-small"
        "The receiving guest's buffers are too small for the frame, and not mergeable or so small that merging does not help."
    BadBuffer "bad-buffer"
        "A buffer of the receiving guest was malformed (not writable, outside its memory, a loop) and was given back empty: its driver is broken or hostile."
    TooBig "too-big-for-receiver"
        "The frame was longer than the receiving port's MTU allows: give the ports of a namespace the same MTU."
    BrokenRing "broken-ring"
        "The receiving guest broke its ring; `weft port show` tells how. It works again after the guest resets its device."
    LinkLoop "link-loop"
        "The frame had crossed as many links as a frame may (8), or its burst had: more namespaces are linked in a row than frames can travel, or links were changed meanwhile."
    WorkerBusy "worker-busy"
        "A Router Advertisement that weftd itself had for the guest was lost, because too many others waited for the same worker already. The guest asks again."
    OffloadFailed "offload-failed"
        "The receiving guest does not take large frames, and this one was to be cut so small that the switch would have had to send more than 256 for it."
}

impl DropReason {
    /// Number of reasons.
    pub const COUNT: usize = Self::ALL.len();

    /// For which a frame is dropped that speaks, or may speak, as a router when it should not: signs of an attack or of a
    /// router set up wrong. That a link lets no router across is neither.
    pub const GUARD: &[Self] = &[
        Self::RogueRouter,
        Self::RogueDhcp,
        Self::Unclassifiable,
        Self::FragmentedNd,
        Self::UnrecognisedHeader,
        Self::RaMalformed,
        Self::RaRouter,
        Self::RaMac,
        Self::RaPreference,
        Self::RaPrefix,
        Self::RaPvd,
        Self::RaHttp,
        Self::RaPvdSize,
        Self::RaBlocked,
    ];
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
