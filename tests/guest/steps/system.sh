# What the system is and has: processors, clocks, drivers, and what the kernel complained of.

# Whether this is a guest on Hyper-V's interface, by what the kernel has found.
on_hyperv() {
    dmesg | grep -q 'Hypervisor detected: Microsoft Hyper-V'
}

load_modules() {
    list=/modules/pc
    on_hyperv && list=/modules/hyperv
    for module in $(cat $list); do
        insmod "/modules/$module.ko" || echo "MODULE $module FAIL"
    done
}

# Goes on with the same on the file system of root_disk=.
change_root() {
    wait_for "$root_disk" && mount -t ext4 "$root_disk" /mnt || { echo "STEP root FAIL: $(dmesg | tail -n 5)"; exec /sbin/poweroff; }
    umount /proc /sys /dev
    exec switch_root /mnt /init
}

step_info() {
    echo "$(uname -r), cpus $(nproc)," \
        "clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)," \
        "memory $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB"
}

# A line of its own for each device on the bus; the step fails if one has no driver.
step_bus() {
    bound=0 unbound=0
    for device in /sys/bus/vmbus/devices/*; do
        [ -e "$device" ] || continue
        driver=none
        [ -e "$device/driver" ] && driver=$(basename "$(readlink "$device/driver")")
        [ $driver = none ] && unbound=$((unbound + 1)) || bound=$((bound + 1))
        echo "BUS $(cat "$device/class_id") $driver" > /dev/console
    done
    echo "$bound devices with a driver, $unbound without"
    [ $unbound = 0 ] && [ $bound != 0 ]
}

# The kernel's warnings and worse, each on a line of its own, for the host to judge.
step_dmesg() {
    dmesg -r | grep -E '^<[0-4]>|Call Trace|WARNING:|BUG:' | sed 's/^/DMESG /' > /dev/console
}

# All processors work at once, and the clock agrees with itself across them.
step_cpus() {
    count=$(nproc)
    for cpu in $(seq 0 $((count - 1))); do
        taskset "$(printf %x $((1 << cpu)))" sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done' &
    done
    wait
    for cpu in $(seq 0 $((count - 1))); do
        grep -q "^cpu$cpu " /proc/stat || return 1
    done
    echo "$count"
}

# Sleeps of 10 ms: timers arrive, and not much later than they should.
step_timer() {
    before=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
    for round in 1 2 3 4 5 6 7 8 9 10; do
        usleep 10000
    done
    after=$(cut -d ' ' -f 1 /proc/uptime | tr -d .)
    echo "10 sleeps of 10 ms took $((after - before))0 ms"
    [ $((after - before)) -ge 9 ] && [ $((after - before)) -lt 300 ]
}

# The host types at this shell; its end is the end of the step.
step_shell() {
    echo "STEP shell begins"
    setsid cttyhack sh -i
    echo "STEP shell ok"
}

# Until the host asks for a shutdown: then the kernel runs /sbin/poweroff.
step_wait_shutdown() {
    touch /tmp/waiting
    echo "STEP wait-shutdown begins"
    while true; do
        sleep 1
    done
}

# Until somebody presses the power button: then the guest goes on, to its end.
step_button() {
    for event in /sys/class/input/event*; do
        [ "$(cat "$event/device/name")" = "Power Button" ] || continue
        echo "STEP button begins" > /dev/console
        head -c 24 "/dev/input/${event##*/}" > /dev/null
        return
    done
    echo "there is none"
    return 1
}
