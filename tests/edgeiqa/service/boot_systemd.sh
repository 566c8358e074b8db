#!/bin/sh
# Boots systemd in namespaces of its own, over a copy-on-write view of this system that is gone
# when the first process is killed. Needs root. Usage: boot_systemd.sh EMPTY_FOLDER PYTHON_LINE
# SITE_PACKAGES
set -eu
folder=$1 line=$2 site=$3
mount -t tmpfs tmpfs "$folder"
cd "$folder"
mkdir up work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/up,workdir=$folder/work" root
cd root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev
for device in null zero full random urandom tty; do
    : > "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd

echo "$line" > "./$site/edgeiqa-under-test.pth"
units=etc/systemd/system
rm -rf "$units"/*.wants "$units"/edgeiqa*
mkdir -p "$units"
# Nothing but the journal: no network, no logins, and no cleaning of /tmp, where we may lie.
for unit in basic.target sockets.target timers.target paths.target slices.target; do
    printf '[Unit]\nDescription=%s\n' "$unit" > "$units/$unit"
done
for unit in systemd-tmpfiles-clean.timer systemd-tmpfiles-clean.service \
    systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service; do
    ln -sf /dev/null "$units/$unit"
done
printf '[Unit]\nRequires=systemd-journald.service\nAfter=systemd-journald.service\n' \
    > "$units/edgeiqa-test.target"
echo 0123456789abcdef0123456789abcdef > etc/machine-id
mkdir -p old
pivot_root . old
umount -l /old
mount --make-rshared / # As a booted system has it; without it systemd cannot hand over credentials.
export container=edgeiqa-test
exec /lib/systemd/systemd --system --unit=edgeiqa-test.target --show-status=0 \
    --log-target=console </dev/null
