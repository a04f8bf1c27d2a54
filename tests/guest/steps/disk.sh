# Steps on a disk of the guest: disk=NAME (sda), mib=N for the size of the file (about 64).

device=/dev/${disk:-sda}

# As many MiB as wanted, of which no piece is where another one could be.
pattern() {
    for block in $(seq 1 $((${mib:-64} / 2))); do
        echo "block $block"
        cat /bin/busybox
    done
}

# Disks get their names as they are found, in any order: /dev/lunN is LUN N.
link_luns() {
    for disk_of_lun in /sys/bus/scsi/devices/*:0:0:*/block/*; do
        [ -e "$disk_of_lun" ] || continue
        address=${disk_of_lun%/block/*}
        ln -sf "/dev/${disk_of_lun##*/}" "/dev/lun${address##*:}"
    done
}

# Modules find their disks in the background.
wait_for() {
    for round in $(seq 1 100); do
        link_luns
        [ -e "$1" ] && return
        usleep 100000
    done
    echo "there is no $1"
    return 1
}

# Fails if the file is not what disk-make has written.
verify_file() {
    mount -t ext4 "$device" /mnt || return
    wanted=$(pattern | sha256sum)
    found=$(sha256sum < /mnt/data)
    umount /mnt || return
    echo "$(echo "$found" | cut -c 1-64)"
    [ "$wanted" = "$found" ] || { echo "is wrong"; return 1; }
}

# Makes a file system on the whole disk, and a file; then reads it from the disk, not from memory.
step_disk_make() {
    wait_for "$device" || return
    /sbin/mke2fs -q -F -t ext4 "$device" || return
    mount -t ext4 "$device" /mnt || return
    pattern > /mnt/data || return
    umount /mnt || return
    echo 3 > /proc/sys/vm/drop_caches
    verify_file
}

# What disk-make has written is still there: after another start of the guest.
step_disk_verify() {
    wait_for "$device" && verify_file
}

# Every process reads a part of its own, all at once.
step_disk_many() {
    wait_for "$device" || return
    for part in 0 1 2 3 4 5 6 7; do
        dd if="$device" of=/dev/null bs=4k count=64 skip=$((part * 100)) iflag=direct 2> /dev/null &
        parts="$parts $!"
    done
    for part in $parts; do
        wait "$part" || return
    done
    echo "8 readers"
}

# The hash of the file on the disc in the drive.
read_disc() {
    mount -t iso9660 -o ro /dev/sr0 /mnt || return
    sha256sum < /mnt/data | cut -c 1-64
    umount /mnt
}

# Reads a disc, and another one that is in the drive when $device has come. Between, nobody has the drive
# open, which would lock it.
step_dvd() {
    wait_for /dev/sr0 && read_disc || return
    for round in 1 2 3; do
        wait_for "$device" > /dev/null && break
    done
    [ -e "$device" ] && read_disc
}

# A count of pages of /proc/zoneinfo, of the zone above 4 GiB.
pages_above() {
    awk -v name="$1" '/^Node/ { here = $4 == "Normal" } here && $1 == name { print $2; exit }' /proc/zoneinfo
}

# There is memory above 4 GiB, the kernel uses it, and what it reads from the disk comes there.
step_memory_above() {
    wait_for "$device" || return
    dmesg | grep -q 'BIOS-e820: \[mem 0x0000000100000000-.*usable' || { echo "it is not in the memory map"; return 1; }
    before=$(pages_above nr_zone_inactive_file)
    # While it is open, what was read stays in the kernel's memory.
    exec 3< "$device"
    dd of=/dev/null bs=1M count="${mib:-64}" <&3 2> /dev/null || return
    after=$(pages_above nr_zone_inactive_file)
    exec 3<&-
    echo "$(($(pages_above present) / 256)) MiB, of which $(((after - before) / 256)) MiB hold what was read"
    [ $(((after - before) / 256)) -ge $((${mib:-64} / 2)) ]
}

# One sector of the first argument at once; the second is its number.
write_sector() {
    dd if=/dev/urandom of=/tmp/sector bs=512 count=1 2> /dev/null &&
        dd if=/tmp/sector of="$1" bs=512 seek="$2" oflag=direct 2> /dev/null
}

# The sector bad_sector= of bad_disk= cannot be written: the kernel is told so as a disk would, and the
# sectors beside it can.
step_disk_write_error() {
    wait_for "/dev/$bad_disk" || return
    bad_disk=$(basename "$(readlink -f "/dev/$bad_disk")")
    write_sector "/dev/$bad_disk" "$bad_sector" && { echo "nobody said anything"; return 1; }
    for said in 'Sense Key : Medium Error' 'Add. Sense: Write error' "I/O error, dev $bad_disk, sector $bad_sector op 0x1"; do
        dmesg | grep -q "$said" || { echo "the kernel has not said: $said"; return 1; }
    done
    for sector in $((bad_sector - 1)) $((bad_sector + 1)); do
        write_sector "/dev/$bad_disk" $sector || { echo "sector $sector cannot be written"; return 1; }
        dd if="/dev/$bad_disk" bs=512 count=1 skip=$sector iflag=direct 2> /dev/null | cmp -s - /tmp/sector ||
            { echo "sector $sector is not what was written"; return 1; }
    done
}

# Reads the start of the disk in requests of 64 KiB, one at a time: ticks of the TSC for a MiB.
step_disk_read() {
    wait_for "$device" || return
    before=$(ticks)
    dd if="$device" of=/dev/null bs=64k count=$((${mib:-64} * 16)) iflag=direct || return
    echo "$((($(ticks) - before) / ${mib:-64})) ticks for a MiB"
}

# Runs the arguments, which start the guest again, from its first step; then nothing. The first sector of
# the disk remembers it until then.
once() {
    wait_for "$device" || return
    if [ "$(head -c 8 "$device")" = rebooted ]; then
        dd if=/dev/zero of="$device" bs=512 count=1 conv=fsync
        return
    fi
    (echo rebooted | dd of="$device" bs=512 count=1 conv=sync,fsync) || return
    "$@"
}

step_reboot() {
    once busybox reboot -f
}

# With panic=1 on the kernel's command line.
step_panic() {
    once sh -c 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; sleep 100'
}

# The root file system is on a disk: a file of it is written, and read from the disk, and after a restart
# (the step restart) it is still the same.
step_root_file() {
    [ -n "$root_disk" ] && grep -q "^$root_disk / ext4 rw" /proc/mounts || { echo "the root is elsewhere"; return 1; }
    [ -e /restarted ] || { pattern > /data && sync && echo 3 > /proc/sys/vm/drop_caches; } || return
    wanted=$(pattern | sha256sum)
    [ "$wanted" = "$(sha256sum < /data)" ] || { echo "it is not what was written"; return 1; }
}

# Starts the guest again, from its first step on, once; for a root file system on a disk.
step_restart() {
    [ ! -e /restarted ] || return 0
    touch /restarted
    mount -o remount,ro /
    busybox reboot -f
}

# Disks and CDs are driven by DMA: the kernel has not fallen back to programmed I/O.
step_dma() {
    for device in /sys/class/ata_device/dev*.*; do
        case $(cat "$device/class") in ata | atapi) ;; *) continue ;; esac
        mode=$(cat "$device/dma_mode")
        echo "${device##*/} $mode"
        case $mode in *DMA*) ;; *) return 1 ;; esac
    done
}

# The file cd_file= of the CD in the drive has the hash cd_hash=.
step_cd() {
    wait_for /dev/sr0 && mount -t iso9660 -o ro /dev/sr0 /mnt || return
    found=$(sha256sum < "/mnt/$cd_file" | cut -c 1-64)
    umount /mnt
    [ "$found" = "$cd_hash" ] || { echo "it is $found"; return 1; }
}
