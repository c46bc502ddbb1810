# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# shellcheck shell=sh
#
# machine.sh DIR SYSTEM: a machine whose process 1 is the systemd below SYSTEM, until standard input ends.
#
# It has namespaces, a control group and a root of its own, in which only /usr (SYSTEM/usr) and devices such as /dev/null are of
# this machine, and none of that can be written to. Programs of /usr/sbin are those in DIR/sbin, and units those in DIR/units.
# DIR/began is there once all is set up. To be run as root, in a mount namespace of its own.
set -eu

# Starts the machine and ends it. Whatever becomes of the test, the end of its pipe is heard here.
outside() {
    mount -t cgroup2 cgroup "$1/group"
    group=$1/group/weft-test-$$
    mkdir "$group"
    [ -e "$group/cgroup.kill" ] || { rmdir "$group" && echo 'that takes Linux 5.14' >&2 && exit 1; }
    trap end EXIT
    trap 'exit 1' TERM
    { begin "$@" || kill $$; } &
    read -r _ || exit 0
}

begin() {
    env -i container=weft PATH="$PATH" SYSTEMD_UNIT_PATH=/etc/systemd/system \
        unshare --pid --ipc --uts --net --mount --fork sh "$script" "$1" "$2" inside "$group"
}

# Ends all that runs in the group, and the group; who has not come to it yet finds it gone.
end() {
    trap '' TERM
    left=50
    until echo 1 >"$group/cgroup.kill" && find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do
        left=$((left - 1))
        [ $left -gt 0 ] || { echo "$group is still in use" >&2 && exit 1; }
        sleep 0.1
    done
    wait
}

# A namespace of control groups begins at the group of the process that makes it.
inside() {
    echo 0 >"$3/cgroup.procs"
    exec unshare --cgroup sh "$script" "$1" "$2" root
}

# The root, and systemd in it.
root() {
    cd "$1/root"
    mount -t tmpfs -o mode=755 root .
    cd "$1/root"
    mkdir -p usr etc/default etc/systemd/system var/lib run proc sys dev/net dev/pts dev/shm tmp var/tmp old
    for name in bin sbin lib lib64; do ln -s "usr/$name" $name; done
    echo 00000000000000000000000000000001 >etc/machine-id
    echo 'root:x:0:0::/:/bin/sh' >etc/passwd
    printf '%s\n' 'root:x:0:' 'weft:x:900:' >etc/group
    printf '%s\n' '[Journal]' 'ReadKMsg=no' >etc/systemd/journald.conf
    bind_readonly "$2/usr" usr
    mount --bind "$1/sbin" usr/sbin
    mount --bind "$1/units" etc/systemd/system
    mount -t tmpfs -o mode=755 run run
    mount -t proc proc proc
    bind_readonly proc/sys proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup sys/fs/cgroup
    for device in null zero full random urandom tty net/tun; do
        [ ! -e /dev/$device ] || { : >dev/$device && mount --bind /dev/$device dev/$device; }
    done
    : >"$1/began"
    pivot_root . old
    umount -l old
    # As it is on a host: credentials come to a service that way.
    mount --make-rshared /
    exec /usr/lib/systemd/systemd --system --unit=multi-user.target
}

bind_readonly() {
    mount --bind "$1" "$2"
    mount -o remount,bind,ro "$2"
}

script=$0
"${3:-outside}" "$1" "$2" "${4:-}"
