// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use crate::netdev::mtu;

#[test]
fn a_netdev_is_asked_by_a_name_that_one_can_have() {
    let socket = UnixDatagram::unbound().unwrap();
    assert!(mtu(socket.as_fd(), "lo").unwrap() >= 1280);
    for name in ["", "0123456789abcdef", "a\0b"] {
        assert_eq!(mtu(socket.as_fd(), name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
    }
    assert_eq!(mtu(socket.as_fd(), "no-such-netdev").unwrap_err().raw_os_error(), Some(libc::ENODEV));
}
