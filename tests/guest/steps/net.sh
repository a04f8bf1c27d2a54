# Steps on the network card eth0: url=http://HOST:PORT of tests/guest/server.py.

PAIR_A=192.168.77.1
PAIR_B=192.168.77.2
TRIES=50 # of 200 ms: the other one of a pair starts at another time

# An address from DHCP. udhcpc calls /tmp/leased with what it has got.
step_dhcp() {
    wait_for /sys/class/net/eth0 || return
    ip link set eth0 up
    cat > /tmp/leased << 'EOF'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev eth0
[ -z "$router" ] || ip route add default via "${router%% *}"
echo "$ip" "${router%% *}" > /tmp/lease
EOF
    chmod +x /tmp/leased
    udhcpc -q -n -i eth0 -s /tmp/leased > /dev/null 2> /tmp/errors || { echo "no address"; return 1; }
    cat /tmp/lease
}

step_ping() {
    ping -c 3 -W 5 "$(cut -d ' ' -f 2 /tmp/lease)" > /tmp/pings || { echo "no answer"; return 1; }
    grep transmitted /tmp/pings
}

# Takes a file from the host and gives one to it; each tells the other what it has got.
step_tcp() {
    wanted=$(wget -q -O - "$url/hash") || { echo "the server does not answer"; return 1; }
    found=$(wget -q -O - "$url/data" | sha256sum | cut -c 1-64)
    [ "$wanted" = "$found" ] || { echo "came as $found instead of $wanted"; return 1; }
    seq 1 200000 > /tmp/upload # text: busybox ends what it sends at a byte 0
    wanted=$(sha256sum < /tmp/upload | cut -c 1-64)
    found=$(wget -q -O - --post-file /tmp/upload "$url/upload")
    [ "$wanted" = "$found" ] || { echo "was sent as $wanted and came as $found"; return 1; }
}

# Two guests on one switch without DHCP: B pings A and sends it a file; A answers with its hash.
pair_address() {
    wait_for /sys/class/net/eth0 || return
    ip link set eth0 up && ip address add "$1/24" dev eth0
}

step_pair_a() {
    pair_address $PAIR_A || return
    found=$(timeout 60 nc -l -p 7000 | sha256sum)
    echo "$found" | timeout 60 nc -l -p 7001 || { echo "the other one does not come"; return 1; }
    echo "$found" | cut -c 1-64
}

step_pair_b() {
    pair_address $PAIR_B || return
    for try in $(seq 1 $TRIES); do
        ping -c 1 -W 1 $PAIR_A > /dev/null && break
    done
    ping -c 3 -W 5 $PAIR_A > /dev/null || { echo "no answer"; return 1; }
    wanted=$(sha256sum < /bin/busybox)
    for try in $(seq 1 $TRIES); do
        nc $PAIR_A 7000 < /bin/busybox && break
        usleep 200000
    done
    for try in $(seq 1 $TRIES); do
        found=$(nc $PAIR_A 7001) && break
        usleep 200000
    done
    [ "$wanted" = "$found" ] || { echo "sent $wanted and got $found"; return 1; }
}
