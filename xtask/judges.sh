# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# shellcheck shell=sh
#
# Sourced by xtask/setup.sh: programs that some tests ask for their opinion. Without them those tests are skipped, and say so.
#
# Debian 12's tshark and radvd are too old (they know nothing of RFC 8801, 8781 and 8910), and so is its systemd, which keeps no
# sessions over a restart. So those of Debian 13 are unpacked into a folder of the cache together with every library that they
# need, and are started by the linker in there; systemd has that folder for its /usr.
# Nothing of that is installed: apt works on lists and folders of its own, and checks Debian's signatures as always.

JUDGES_SUITE=trixie
JUDGES='tshark radvd ndisc6 ethtool systemd procps'

install_judges() {
    [ $install = yes ] && have apt-get || return 0
    unpack_judges
    missing='' why=''
    has_judges || have tshark || want tshark "says of frames that weft finished whether their checksums are good"
    /usr/bin/python3 -c 'import scapy' 2>/dev/null ||
        want python3-scapy "says how weft has to segment frames, and makes Router Advertisements"
    [ -n "$missing" ] && [ "$(id -u)" -eq 0 ] || return 0
    say "installing, up to 135 MB on disk on Debian 12:$why"
    refresh_lists
    # shellcheck disable=SC2086
    apt_quiet install --yes --no-install-recommends $missing ||
        say "apt could not install: $missing. The tests that ask them are skipped."
}

judges_folder() { echo "${WEFT_CACHE:-.cache/guest}/judges"; }

has_judges() {
    for program in usr/bin/tshark usr/sbin/radvd usr/bin/rdisc6 usr/sbin/ethtool usr/lib/systemd/systemd usr/bin/pgrep; do
        [ -x "$(judges_folder)/$program" ] || return 1
    done
}

unpack_judges() {
    has_judges && return 0
    say "unpacking into $(judges_folder), 65 MB to fetch and 220 MB on disk, nothing is installed:
  tshark, radvd, ndisc6, ethtool of Debian $JUDGES_SUITE: judge what weft says about IPv6 routers
  systemd and procps of the same: run weftd as a service, in namespaces of their own"
    private=$(mktemp -d) || return 0
    fetch_judges "$private" && place_judges "$private" ||
        say "that did not work. The tests that ask them are skipped."
    rm -rf "$private"
}

# The packages and all that they depend on, as for a machine that has nothing, into $1/cache/archives.
fetch_judges() {
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    main=$(main_source "$codename")
    [ -n "$main" ] || [ "$(id -u)" -ne 0 ] || { refresh_lists; main=$(main_source "$codename"); }
    [ -n "$main" ] || { say "found no apt source of Debian to derive $JUDGES_SUITE from"; return 1; }
    mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
    : >"$1/status"
    source_stanza "$main" "$JUDGES_SUITE" >"$1/judges.sources"
    apt_private "$1" update || return 1
    # shellcheck disable=SC2086
    apt_private "$1" install --yes --no-install-recommends --download-only $JUDGES
}

# The private lists need no lock, nor a user of their own to fetch with.
apt_private() {
    home=$1
    shift
    apt_quiet -o Dir::Etc::SourceList="$home/judges.sources" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State::Lists="$home/lists" -o Dir::State::Status="$home/status" -o Dir::Cache="$home/cache" \
        -o APT::Default-Release= -o APT::Sandbox::User= -o Debug::NoLocking=true "$@"
}

# Another ./check may do the same at this moment: the folder appears whole or not at all.
place_judges() {
    folder=$(judges_folder)
    mkdir -p "$folder.$$" || return 1
    for package in "$1"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$folder.$$" || return 1
    done
    # A third of it that no program here reads.
    rm -rf "$folder.$$"/usr/share/doc "$folder.$$"/usr/share/man "$folder.$$"/usr/share/locale \
        "$folder.$$"/usr/share/perl* "$folder.$$"/usr/lib/*/perl*
    has_judges || rm -rf "$folder"
    mv -T "$folder.$$" "$folder" 2>/dev/null || rm -rf "$folder.$$"
}
