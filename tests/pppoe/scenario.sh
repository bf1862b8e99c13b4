# What a PPPoE line does to a router, one thing after the other. Read by the guest's /init (busybox ash).
#
#   router namespace                         isp namespace
#   wanbeacon, pppd ── wan0 ──── isp0 ── pppoe-server, pppd, radvd
#          ppp0 203.0.113.x                  ppp* 100.64.0.1, 2001:db8:n::/64 by router advertisement
#                                            lo   198.51.100.53 provider, name server, referee (lab-server)
#
# After each step the name must resolve to what ppp0 has, at most $LIMIT milliseconds after that became usable. The
# referee measures: it hears the kernel's messages itself and asks the name server after each accepted update.
# Settings (--env): STEPS, RECONNECTS, LIMIT, SHOW=1 for the logs.
: "${STEPS:=terminate padt silent inplace prefix same many}" "${RECONNECTS:=30}" "${LIMIT:=2000}" "${SHOW:=0}"
NAME=home.example.test PROVIDER=198.51.100.53 PEER=100.64.0.1
IP=/sbin/ip            # by path: busybox's shell would run an applet of that name first

isp() { $IP netns exec isp "$@"; }
router() { $IP netns exec router "$@"; }
lab() { lab-server ask --control /tmp/lab.sock "$@"; }
wanted() { case " $STEPS " in *" $1 "*) true ;; *) false ;; esac; }
say() { echo "$(cut -d' ' -f1 /proc/uptime) $*"; }
failed=0
bad() { say "FAILED: $*"; failed=1; }
uptime_seconds() { read -r now _ < /proc/uptime; now=${now%.*}; }
# until_ok SECONDS COMMAND...: for what announces itself to nobody
until_ok() {
    uptime_seconds; end=$((now + $1)); shift
    while uptime_seconds; [ $now -le $end ]; do "$@" && return 0; usleep 100000; done
    return 1
}

# ---------------------------------------------------------------- topology

for node in isp router; do $IP netns add $node; $IP -n $node link set lo up; done
$IP link add isp0 netns isp type veth peer name wan0 netns router
$IP -n isp link set isp0 up; $IP -n router link set wan0 up
$IP -n isp addr add $PROVIDER/32 dev lo
isp sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
# A router that forwards accepts advertisements on its WAN only when told so twice (accept_ra=2).
router sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
    for scope in default all; do echo 2 > /proc/sys/net/ipv6/conf/$scope/accept_ra; done'

# ---------------------------------------------------------------- the ISP

etc=/etc/netns/isp/ppp
: > $etc/options
echo '"user@isp" * "secret" *' > $etc/chap-secrets
cp $etc/chap-secrets /etc/netns/router/ppp/chap-secrets
chmod 600 /etc/netns/*/ppp/chap-secrets
printf '%s\n' auth require-chap 'name isp' nobsdcomp nodeflate noccp 'mtu 1492' 'mru 1492' 'lcp-echo-interval 1' \
    'lcp-echo-failure 3' 'lcp-restart 1' +ipv6 'ipv6 ::1,::2' > $etc/pppoe-server-options

cat > /tmp/radvd.sh <<'SCRIPT'
#!/bin/sh
# radvd.sh DEVICE start|renumber|stop|silence: announces 2001:db8:N::/64, with a new N each time unless /tmp/pinned
# exists; renumber deprecates the prefix before it; silence ends it for whomever it runs.
# The old session's hook may run beside the new session's: one after the other, or it would stop the new radvd.
# A directory is the lock: Debian's busybox has no flock.
until mkdir /tmp/radvd.lock 2>/dev/null; do usleep 10000; done
trap 'rmdir /tmp/radvd.lock' EXIT
trap exit HUP INT TERM
stop() { [ -e /tmp/radvd.pid ] && kill -KILL "$(cat /tmp/radvd.pid)" 2>/dev/null; rm -f /tmp/radvd.pid; }
if [ "$2" = silence ]; then stop; exit 0; fi
if [ "$2" = stop ]; then
    # What is no longer its own is not stopped either.
    [ "$(cat /tmp/radvd.owner)" = "$PPPD_PID" ] && stop
    exit 0
fi
old=$(cat /tmp/prefix 2>/dev/null || echo 0) new=$((old + 1))
[ -e /tmp/pinned ] && new=$old
echo $new > /tmp/prefix
prefix() { echo "prefix 2001:db8:$1::/64 { AdvOnLink on; AdvAutonomous on; AdvValidLifetime $2; AdvPreferredLifetime $3; };"; }
{
    echo "interface $1 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvDefaultLifetime 1800;"
    [ "$2" = renumber ] && prefix $old 7200 0
    prefix $new 600 300
    echo "};"
} > /tmp/radvd.conf
if [ "$2" = renumber ]; then kill -HUP "$(cat /tmp/radvd.pid)"; exit; fi
stop
echo "$PPPD_PID" > /tmp/radvd.owner
radvd -n -m logfile -l /tmp/radvd.log -C /tmp/radvd.conf -p /tmp/radvd.pid >/dev/null 2>&1 </dev/null &
# Its file names it only when it has begun: the lock is for as long.
until [ -s /tmp/radvd.pid ] || ! kill -0 $! 2>/dev/null; do usleep 10000; done
SCRIPT
for hook in up:start down:stop; do
    printf '#!/bin/sh\nexport PATH=/bin:/sbin\nexec /tmp/radvd.sh $1 %s\n' ${hook#*:} > $etc/ipv6-${hook%:*}
done

cat > /tmp/server-pppd <<'SCRIPT'
#!/bin/sh
# Debian's pppoe-server knows no -k. It runs: pppd pty "/usr/sbin/pppoe -n -I IF -e SESSION:MAC ..." OPTIONS.
# This puts the kernel's PPPoE socket in place of the pty and pppoe(8).
echo $$ > /tmp/server-pppd.pid
set -f
pty=$2; shift 2
set -- "$@" -- $pty
options=; while [ "$1" != -- ]; do options="$options $1"; shift; done; shift
while [ $# -gt 0 ]; do case $1 in -I) nic=$2 ;; -e) session=$2 ;; esac; shift; done
exec pppd plugin rp-pppoe.so nic-$nic rp_pppoe_sess $session $options
SCRIPT
chmod 755 /tmp/radvd.sh $etc/ipv6-up $etc/ipv6-down /tmp/server-pppd

server_ready() { isp grep -q 8863 /proc/net/packet; }
start_server() { # start_server NUMBER_OF_ADDRESSES
    isp pppoe-server -q /tmp/server-pppd -I isp0 -C ac0 -L $PEER -R 203.0.113.10 -N $1 \
        -O /etc/ppp/pppoe-server-options -F >> /tmp/server.log 2>&1 &
    # A client that dials before the server listens waits five seconds for its second PADI.
    until_ok 5 server_ready || bad "pppoe-server is not ready"
}
# The radvd of this session goes first: it would greet the next ppp0, which has the same name, with the old prefix.
isp_ends_session() { isp /tmp/radvd.sh - silence; kill $1 "$(cat /tmp/server-pppd.pid)"; }
isp_device() { $IP -n isp -o link | awk -F': ' '/ppp/ { print $2 }' | tail -1; }

isp lab-server serve --address $PROVIDER --watch /run/netns/router ppp0 \
    --control /tmp/lab.sock > /tmp/lab.log 2>&1 &
until_ok 5 test -S /tmp/lab.sock || { cat /tmp/lab.log; exit 1; }

# ---------------------------------------------------------------- the router

: > /etc/netns/router/ppp/options
dial() {
    # silent and lcp-restart: our first LCP request is lost while the server's pppd starts, and costs 1 to 3 s.
    router pppd plugin rp-pppoe.so wan0 user user@isp noauth noipdefault defaultroute persist holdoff 0 maxfail 0 \
        +ipv6 usepeerdns noccp mtu 1492 mru 1492 lcp-echo-interval 1 lcp-echo-failure 3 lcp-restart 1 silent \
        pppoe-padi-timeout 1 linkname router nodetach debug logfile /tmp/pppd.log >> /tmp/pppd.err 2>&1 </dev/null &
    dialer=$!
}
hang_up() { kill "$(head -1 /run/ppp-router.pid)"; wait $dialer; }

mkdir -p /tmp/state /tmp/runtime
cat > /tmp/wanbeacon.toml <<TOML
[global]
state_dir = "/tmp/state"
runtime_dir = "/tmp/runtime"

[record.home]
provider = "dyndns2"
server = "http://$PROVIDER:8080"
insecure = true
hostname = ["$NAME"]
user = "u"
password = "p"
ipv4 = "ppp0"
ipv6 = "ppp0"
allow = ["documentation"]
verify = "0s"
TOML
chmod 600 /tmp/wanbeacon.toml
# Not by the function above: $! would be a shell that waits, and its memory not the agent's.
$IP netns exec router wanbeacon run --allow-root --config /tmp/wanbeacon.toml > /tmp/agent.log 2>&1 </dev/null &
agent=$!

# ---------------------------------------------------------------- checks

# expect STEP IP: the name has this address
expect() { say "$1: $(lab expect "$1" $NAME "$2" "$LIMIT")" || failed=1; }
# connected STEP COUNT: a session after COUNT ones is there; both families must follow it
connected() {
    ipv4=$(lab session "$2" 30000) || { bad "$1: no session"; return; }
    expect "$1" "$ipv4"
    ipv6=$(lab usable v6 - 15000) || { bad "$1: no IPv6"; return; }
    expect "$1" "$ipv6"
}
# reconnect STEP SIGNAL: the ISP ends the session, pppd dials in again
reconnect() {
    sessions=$(lab session) old=$ipv4
    isp_ends_session "$2"
    connected "$1" "$sessions"
    [ "$ipv4" != "$old" ] || bad "$1: the same IPv4 address came back"
}

start_server 40
dial
connected first-dial-in 0

# The ISP ends the session by LCP Terminate-Request: the nightly disconnect.
wanted terminate && reconnect lcp-terminate -TERM

# The ISP's process dies; its server sends PADT.
wanted padt && reconnect padt -KILL

# The line goes silent: nothing on ppp0 until LCP echo gives up, three seconds later.
if wanted silent; then
    sessions=$(lab session)
    gone() { ! $IP -n router link show ppp0 >/dev/null 2>&1; }
    $IP -n isp link set isp0 down
    until_ok 15 gone || bad "silent-line: ppp0 stays"
    $IP -n isp link set isp0 up
    connected silent-line "$sessions"
fi

# Renumbered in place, same device, same peer. With promote_secondaries the second address stays when the first one
# goes; without, the kernel takes both away, and the default route with them, without a word.
if wanted inplace; then
    promote() { router sh -c "echo $1 > /proc/sys/net/ipv4/conf/ppp0/promote_secondaries"; }
    for new in 203.0.113.201 203.0.113.202; do $IP -n isp route add $new/32 dev "$(isp_device)"; done
    promote 1
    $IP -n router addr add 203.0.113.201 peer $PEER dev ppp0
    $IP -n router addr del "$ipv4" peer $PEER dev ppp0
    expect inplace-promoted 203.0.113.201
    promote 0
    $IP -n router addr add 203.0.113.202 peer $PEER dev ppp0
    $IP -n router addr del 203.0.113.201 peer $PEER dev ppp0
    $IP -n router addr add 203.0.113.202 peer $PEER dev ppp0
    $IP -n router route add default dev ppp0
    expect inplace-lost-and-back 203.0.113.202
    for new in 203.0.113.201 203.0.113.202; do $IP -n isp route del $new/32; done
    # pppd knows nothing of this; the next session starts clean.
    reconnect after-inplace -TERM
fi

# The ISP replaces the IPv6 prefix: the old one is deprecated and stays.
if wanted prefix; then
    isp /tmp/radvd.sh "$(isp_device)" renumber
    ipv6=$(lab usable v6 "$ipv6" 15000) || bad "prefix: no new prefix"
    expect prefix-replaced "$ipv6"
fi

# Nights in a row, both ways to end a session in turn.
if wanted many; then
    night=0
    while [ $night -lt "$RECONNECTS" ]; do
        night=$((night + 1))
        if [ $((night % 2)) = 0 ]; then reconnect nights-in-a-row -TERM; else reconnect nights-in-a-row -KILL; fi
    done
fi

# The same addresses come back: nothing may be sent.
if wanted same; then
    hang_up
    kill "$(pidof pppoe-server)"
    until_ok 5 eval '! server_ready'
    start_server 1
    sessions=$(lab session)
    dial
    connected before-same "$sessions"
    : > /tmp/pinned
    requests=$(lab requests) sessions=$(lab session) old4=$ipv4 old6=$ipv6
    isp_ends_session -TERM
    ipv4=$(lab session "$sessions" 30000) ipv6=$(lab usable v6 - 15000)
    [ "$ipv4 $ipv6" = "$old4 $old6" ] || bad "same: not the same addresses: $ipv4 $ipv6"
    say "same-addresses: $(lab quiet same-addresses "$requests" "$LIMIT")" || failed=1
fi

# ---------------------------------------------------------------- the end

if kill -0 $agent 2>/dev/null; then
    say "the agent's memory at its peak: $(awk '/VmHWM/ { print $2 }' /proc/$agent/status) KiB"
else
    bad "the agent has ended"
fi
echo
lab table || failed=1
if [ $failed != 0 ] || [ "$SHOW" = 1 ]; then
    for log in agent.log lab.log server.log radvd.log pppd.err; do echo "---- $log"; tail -n 60 /tmp/$log; done
    echo "---- pppd.log"; tail -n 40 /tmp/pppd.log
    echo "---- router"; $IP -n router addr; $IP -n router route; $IP -n router -6 route
fi
[ $failed = 0 ]
