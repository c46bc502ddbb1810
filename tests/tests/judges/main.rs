// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Judges that nobody here wrote: programs that know nothing of weft, and the Linux kernel as host and router.
//!
//! scapy builds Router Advertisements, and what weft tells of them must be what scapy put in; tshark reads what weft says
//! and must read the same; radvd and Linux hosts sit in network namespaces on ports of a real weftd, and must not notice.
//! `./check` brings these programs; what is missing is noted as skipped.
#![forbid(unsafe_code)]

mod announced;
mod hostile;
mod lab;
mod scapy;
mod solicit;
mod told;
mod transparency;
mod tshark;
