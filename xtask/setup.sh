# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# shellcheck shell=sh
#
# Sourced by ./demo and ./check: brings the machine to where `cargo xtask` can do the rest.
# It installs only what is missing, says what and why before it does, and never asks a question.
# The guests' kernel and programs are not installed: `cargo xtask` unpacks them into a cache folder.

# Older QEMUs crash on the interrupt vectors of a vhost-user NIC.
QEMU_MIN=8

say() { printf '%s\n' "setup: $*"; }
die() { printf '%s\n' "setup: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
apt_quiet() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null; }

set_up() {
    install=yes refreshed=no
    for arg in "$@"; do
        case $arg in
            -h | --help) return 0 ;;
            --no-install) install=no ;;
        esac
    done
    need_cargo
    find_missing
    [ -z "$missing" ] || install_missing
    [ "${judges:-no}" = no ] || install_judges
    have_kernel || find_kernel
    [ -x "${CARGO_TARGET_DIR:-target}/debug/xtask" ] || build_xtask
}

have_kernel() { ls -d "${WEFT_CACHE:-.cache/guest}"/kernel-* >/dev/null 2>&1; }

# The kernel is fetched with `apt-get download`, which needs lists, and fresh ones.
find_kernel() {
    [ $install = yes ] && have apt-get && [ "$(id -u)" -eq 0 ] || return 0
    refresh_lists
}

# `cargo xtask` is quiet; the first time that would look like a hang.
build_xtask() {
    say "building xtask, which does the rest"
    cargo build --package xtask
}

# rustup's cargo is often not in the PATH of root's non-login shells.
need_cargo() {
    have cargo || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    have cargo || die "cargo is missing: install Rust from https://rustup.rs"
    wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
    found=$(cargo --version | sed 's/^cargo 1\.\([0-9]*\).*/\1/')
    [ "$found" -ge "$wanted" ] || die "Rust 1.$found is too old, 1.$wanted is needed: run 'rustup update'"
}

# Sets $missing (package names) and $why (one line each).
find_missing() {
    missing='' why=''
    have cc || want gcc "the linker that cargo calls"
    have cc || want libc6-dev "the C library to link against"
    have dpkg-deb || want dpkg "unpacks the guests' kernel"
    have xz || want xz-utils "unpacks the modules of the guests' kernel"
    can_count || want valgrind "counts the instructions that a frame takes"
    new_qemu || want qemu-system-x86 "runs the guests (QEMU $QEMU_MIN or newer; found: $(qemu_version))"
}

# Only ./check counts, and it can do without where nothing can be installed.
can_count() {
    [ "${0##*/}" = check ] && [ $install = yes ] && have apt-get && [ "$(id -u)" -eq 0 ] || return 0
    have valgrind
}

want() {
    missing="${missing:+$missing }$1"
    why="$why
  $1: $2"
}

qemu_version() {
    have qemu-system-x86_64 || { echo none; return; }
    qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p'
}

new_qemu() {
    found=$(qemu_version)
    [ "$found" != none ] && [ "${found%%.*}" -ge "$QEMU_MIN" ]
}

install_missing() {
    [ $install = yes ] || die "missing: $missing. Install them, or run again without --no-install."
    have apt-get || die "missing: $missing. This is no Debian: install them with your own package manager."
    [ "$(id -u)" -eq 0 ] || die "missing: $missing. Run as root to have them installed."
    say "installing:$why"
    suite=''
    refresh_lists
    case " $missing " in *' qemu-system-x86 '*) choose_qemu_suite ;; esac
    # $missing is a list, and an empty $suite must vanish.
    # shellcheck disable=SC2086
    apt_quiet install --yes --no-install-recommends ${suite:+-t $suite} $missing ||
        die "apt could not install: $missing. Is this machine online? Install them by hand, then use --no-install."
}

# A fresh image comes without apt's lists, a failed refresh may still leave usable ones.
refresh_lists() {
    [ "$refreshed" = no ] || return 0
    say "refreshing apt's package lists"
    apt_quiet update || say "apt-get update failed; going on with the lists that are there"
    refreshed=yes
}

# Versions of qemu-system-x86 that apt can get: is one of them new enough?
offers_new_qemu() {
    apt-cache madison qemu-system-x86 | sed 's/^[^|]*| *\([0-9]*:\)\{0,1\}\([0-9]*\)\..*/\2/' |
        { while read -r major; do [ "$major" -ge "$QEMU_MIN" ] && exit 0; done; exit 1; }
}

# Debian 12's own QEMU is 7.2; its backports have a new one. Later releases need nothing special.
choose_qemu_suite() {
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    [ "$codename" = bookworm ] || return 0
    suite=$codename-backports
    offers_new_qemu && return 0
    add_backports "$codename" "$suite"
    refreshed=no
    refresh_lists
    offers_new_qemu || die "no QEMU >= $QEMU_MIN in $suite. Is this machine online? Install one by hand, then use --no-install."
}

# Takes mirror and key from the source that the machine already has, whatever format that is in.
add_backports() {
    main=$(main_source "$1")
    [ -n "$main" ] || die "found no apt source of $1 to derive $2 from. Add $2 by hand, then run again."
    file=/etc/apt/sources.list.d/weft-backports.sources
    say "adding the suite $2, from the mirror ${main%% *}, as $file (delete that file to undo)"
    source_stanza "$main" "$2" >"$file"
}

# Where apt has Debian's release $1 from: the mirror, a blank, and the place that says so.
main_source() {
    apt-get indextargets --format '$(REPO_URI) $(SOURCESENTRY)' \
        'Origin: Debian' "Codename: $1" 'Component: main' 'Created-By: Packages' | head -n 1
}

# A source of suite $2 with the mirror and the key of $1, a line of main_source.
source_stanza() {
    from=${1#* } from=${from%:*}
    key=$(sed -n 's/^Signed-By: *//p; s/^deb \[.*signed-by=\([^] ]*\).*/\1/p' "$from" | head -n 1)
    printf '%s\n' 'Types: deb' "URIs: ${1%% *}" "Suites: $2" 'Components: main' ${key:+"Signed-By: $key"}
}
