#!/bin/bash
# pppoe-lab.sh - runs a scenario inside a throw-away Linux kernel that has real PPPoE on both sides.
#
#   pppoe-lab.sh --scenario FILE [--engine uml|qemu] [--cache DIR] [--work DIR]
#                [--add NAME=FILE]... [--env NAME=VALUE]... [--timeout SECONDS]
#
# --engine uml   Debian's user-mode-linux kernel: an ordinary process, no KVM, no root (the default)
# --engine qemu  Debian's stock kernel under qemu-system-x86_64 without KVM: slower, but with two CPUs
# --add          puts FILE into the guest as a command called NAME, with the libraries that it needs
# --cache        keeps what was downloaded; --work keeps what is made for one run
#
# All software comes from the distribution's packages by `apt-get download`, which needs no root. The scenario is a
# shell script that the guest's /init reads; its status is the exit status of this one, 99 if the guest never said any.
set -euo pipefail

engine=uml scenario= cache= work= adds=() envs= limit=300 memory=192
while [ $# -gt 0 ]; do
    case $1 in
        --scenario) scenario=$(realpath "$2") ;;
        --engine) engine=$2 ;;
        --cache) cache=$2 ;;
        --work) work=$2 ;;
        --add) adds+=("${2%%=*}=$(realpath "${2#*=}")") ;;
        --env) envs+="${2%%=*}=$(printf %q "${2#*=}")"$'\n' ;;
        --timeout) limit=$2 ;;
        *) echo "pppoe-lab.sh: what is $1?" >&2; exit 2 ;;
    esac
    shift 2
done
: "${scenario:?--scenario is missing}" "${cache:?--cache is missing}" "${work:?--work is missing}"
mkdir -p "$cache/debs" "$work"
cache=$(cd "$cache" && pwd) work=$(cd "$work" && pwd)
# The first of these files that there is: releases of Debian differ in what lies under /usr.
first_of() { for file; do [ -e "$file" ] && { echo "$file"; return; }; done; say "none of these: $*"; return 1; }
say() { echo "[pppoe-lab] $*" >&2; }

# ---------------------------------------------------------------- packages

# Package lists in the cache, for a machine that has none, or old ones, and a user who must not refresh them.
apt_options=()
own_lists() {
    say "fetching package lists"
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial"
    apt_options=(-o "Dir::State::Lists=$cache/apt/lists" -o "Dir::Cache=$cache/apt" -o Debug::NoLocking=1)
    apt-get "${apt_options[@]}" -qq update
}

# fetch DIR PACKAGE... : downloads and unpacks, once
fetch() {
    local directory=$cache/$1 package; shift
    [ -e "$directory/.complete" ] && return
    say "fetching $*"
    # A package that is gone from the server was in an old list.
    download "$@" || { own_lists; download "$@"; }
    mkdir -p "$directory"
    for package; do
        dpkg-deb -x "$(ls -t "$cache/debs/$package"_*.deb | head -1)" "$directory"
    done
    : > "$directory/.complete"
}
download() {
    # As root apt warns that it cannot drop privileges for this directory; that is no news.
    (cd "$cache/debs" && apt-get ${apt_options[@]+"${apt_options[@]}"} download -qq "$@" 2> >(grep -v unsandboxed >&2))
}

# The libraries that packages need, as package names. What PAM and Kerberos pull in is not needed by a pppd without them.
libraries_of() {
    apt-cache ${apt_options[@]+"${apt_options[@]}"} depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances "$@" |
        grep -E '^(lib[a-z0-9.+-]+|zlib1g|openssl-provider-legacy)$' |
        grep -Ev 'perl|-common$|pam-(modules|runtime)|elogind|krb5|k5|gssapi|debian-installer' | sort -u
}

fetch_kernel_for_qemu() {
    local image compressed offset
    image=$(apt-cache ${apt_options[@]+"${apt_options[@]}"} depends linux-image-amd64 | awk '/Depends: linux-image/ && !found++ { print $2 }')
    fetch linux "$image"
    modules=$(first_of "$cache"/linux/{,usr/}lib/modules/*)
    # Unpacked here and booted as an ELF file: unpacking it inside an emulated CPU costs 20 seconds.
    kernel=$cache/vmlinux
    if [ ! -s "$kernel" ]; then
        compressed=$(ls "$cache"/linux/boot/vmlinuz-*)
        offset=$(LC_ALL=C grep -aboP '\xfd7zXZ\x00' "$compressed" | cut -d: -f1 | sed -n 1p)
        # Behind the kernel comes more, which xz is not to read.
        xz -dc --single-stream > "$kernel" 2>/dev/null < <(tail -c +$((offset + 1)) "$compressed") || kernel=$compressed
    fi
    qemu=(qemu-system-x86_64)
    if ! command -v qemu-system-x86_64 >/dev/null; then
        [ -e "$cache/qemu/.complete" ] ||
            fetch qemu $(apt-get ${apt_options[@]+"${apt_options[@]}"} -s install --no-install-recommends qemu-system-x86 | awk '/^Inst/ { print $2 }')
        local library=$cache/qemu/usr/lib/x86_64-linux-gnu
        qemu=(env LD_LIBRARY_PATH="$library:$cache/qemu/lib/x86_64-linux-gnu" QEMU_MODULE_DIR="$library/qemu" "$cache/qemu/usr/bin/qemu-system-x86_64"
            -L "$cache/qemu/usr/share/qemu" -L "$cache/qemu/usr/share/seabios")
    fi
}

[ "$(uname -m)" = x86_64 ] || { say "needs an x86_64 machine"; exit 2; }
tools=(busybox-static ppp pppoe radvd iproute2)
if [ ! -e "$cache/tools/.complete" ] || [ ! -e "$cache/$engine/.complete" ]; then
    apt-cache show user-mode-linux >/dev/null 2>&1 || own_lists
fi
if [ ! -e "$cache/tools/.complete" ]; then fetch tools "${tools[@]}" $(libraries_of "${tools[@]:1}"); fi
case $engine in
    uml) fetch uml user-mode-linux; modules=$(echo "$cache"/uml/usr/lib/uml/modules/*) ;;
    qemu) fetch_kernel_for_qemu ;;
    *) say "no such engine: $engine"; exit 2 ;;
esac

# ---------------------------------------------------------------- the guest's files

packages=$cache/tools
root=$work/root
rm -rf "$root"
mkdir -p "$root"/{bin,sbin,lib64,lib/x86_64-linux-gnu,usr/sbin,usr/lib,proc,sys,dev,run,tmp,etc/ppp,var/log,root,payload,modules}
ln -s ../run "$root/var/run"

# The distribution's own loader lists libraries, so that the guest's are used and not this machine's.
loader=$(first_of "$packages"/{,usr/}lib/x86_64-linux-gnu/ld-linux-x86-64.so.2)
library_path=$packages/lib/x86_64-linux-gnu:$packages/usr/lib/x86_64-linux-gnu:$packages/usr/lib/x86_64-linux-gnu/systemd
cp -L "$loader" "$root/lib64/"
copy_libraries_of() {
    "$loader" --library-path "$library_path" --list "$1" 2>/dev/null | awk '$3 ~ /^\// { print $3 }' |
        while read -r library; do
            [ -e "$root/lib/x86_64-linux-gnu/${library##*/}" ] || cp -L "$library" "$root/lib/x86_64-linux-gnu/"
        done || true # a script or a static program has none
}

busybox=$(first_of "$packages"/{,usr/}bin/busybox)
cp "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do
    # Not busybox's own ip: it knows neither JSON nor half of the options.
    case $applet in ip | busybox | dpkg* | rpm*) ;; *) ln -s busybox "$root/bin/$applet" ;; esac
done
for program in ip pppd pppoe pppoe-server radvd; do
    file=$(first_of "$packages"/{usr/sbin,sbin,bin,usr/bin}/$program)
    cp -L "$file" "$root/sbin/"
    copy_libraries_of "$file"
done
ln -s /sbin/pppd /sbin/pppoe "$root/usr/sbin/"

plugin=$(ls "$packages"/usr/lib/pppd/*/pppoe.so)
plugins=${plugin#"$packages"} plugins=${plugins%/*}
mkdir -p "$root$plugins"
cp "$plugin" "$root$plugins/"
ln -s pppoe.so "$root$plugins/rp-pppoe.so"
for node in isp router; do
    # `ip netns exec` mounts /etc/netns/NAME/* over /etc: two pppd, two sets of files, one file system.
    mkdir -p "$root/etc/netns/$node/ppp/plugins"
    ln -s "$plugins/pppoe.so" "$root/etc/netns/$node/ppp/plugins/rp-pppoe.so"
done
# pppd 2.5 ends at once without OpenSSL's legacy provider: CHAP is MD4 and MD5.
for provider in "$packages"/usr/lib/x86_64-linux-gnu/ossl-modules/*.so; do
    [ -e "$provider" ] || continue
    mkdir -p "$root/usr/lib/x86_64-linux-gnu/ossl-modules"
    cp "$provider" "$root/usr/lib/x86_64-linux-gnu/ossl-modules/"
done

printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534:nobody:/:/bin/sh' 'radvd:x:100:65534::/:/bin/sh' > "$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' 'dip:x:30:' > "$root/etc/group"

# Modules in the order in which they must be loaded: Debian ships no modules.dep, but each names what it depends on.
number=100
copy_module() {
    local file dependency unpacked=$work/module.ko
    file=$(find "$modules" -name "${1//[-_]/[-_]}.ko*" -print -quit)
    [ -n "$file" ] || return 0
    compgen -G "$root/modules/*-${1//-/_}.ko" >/dev/null && return
    unpack "$file" > "$unpacked"
    for dependency in $(tr '\0' '\n' < "$unpacked" | grep -a '^depends=' | head -1 | cut -d= -f2 | tr , ' '); do
        copy_module "$dependency"
    done
    number=$((number + 1))
    unpack "$file" > "$root/modules/$number-${1//-/_}.ko"
}
unpack() { case $1 in *.xz) xz -dc "$1" ;; *.zst) zstd -qdc "$1" ;; *) cat "$1" ;; esac; }
for module in ipv6 pppoe ppp_async veth; do copy_module $module; done

for add in ${adds[@]+"${adds[@]}"}; do
    # Without its debugging information if it has any: the guest's memory is small. A script is taken as it is.
    strip -o "$root/payload/${add%%=*}" "${add#*=}" 2>/dev/null || cp "${add#*=}" "$root/payload/${add%%=*}"
    chmod 755 "$root/payload/${add%%=*}"
    copy_libraries_of "${add#*=}"
done
cp "$scenario" "$root/scenario.sh"
printf %s "$envs" > "$root/env.sh"
cat > "$root/init" <<'INIT'
#!/bin/sh
export PATH=/bin:/sbin:/payload HOME=/root
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts; mount -t devpts pts /dev/pts; mount -t tmpfs run /run; mkdir -p /run/netns; mount -t tmpfs tmp /tmp
for module in /modules/*; do insmod $module || echo "insmod $module failed"; done
[ -e /dev/ppp ] || mknod /dev/ppp c 108 0
( . /env.sh; . /scenario.sh ); status=$?
echo "@@ LAB-EXIT $status"
sync; poweroff -f
INIT
chmod 755 "$root/init"
(cd "$root" && find . | "$busybox" cpio -o -H newc 2>/dev/null) > "$work/initrd"

# ---------------------------------------------------------------- boot

boot_uml() {
    # Its memory is a file in TMPDIR, where execution must be allowed; a container's /dev/shm is often too small.
    local place=/dev/shm free
    free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)
    if [ "${free:-0}" -lt $((memory * 2048)) ] || grep -q '^[^ ]* /dev/shm .*noexec' /proc/mounts; then place=$work; fi
    TMPDIR=$place timeout -k 5 "$limit" "$cache/uml/usr/bin/linux.uml" mem=${memory}M initrd="$work/initrd" root=/dev/ram0 rw quiet \
        loglevel=1 panic=-1 con0=null,fd:1 con=null ssl=null uml_dir="$work" </dev/null
}
boot_qemu() {
    # tcg by name: a /dev/kvm that opens is not yet one that works (nested machines hang in the first instruction).
    timeout -k 5 "$limit" "${qemu[@]}" -M pc,usb=off -vga none -nodefaults -no-user-config -accel tcg,thread=multi \
        -cpu max -smp 2 -m $memory -kernel "$kernel" -initrd "$work/initrd" -display none -serial stdio -no-reboot \
        -append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check random.trust_cpu=on audit=0" \
        </dev/null
}
console=$work/console
say "booting ($engine, initramfs $(($(stat -c %s "$work/initrd") / 1024)) KiB)"
"boot_$engine" 2>&1 | tr -d '\r' | tee "$console" | grep --line-buffered -v -e '^@@ LAB-EXIT' -e 'reboot: ' || true
status=$(sed -n 's/^@@ LAB-EXIT //p' "$console" | tail -1)
[ -n "$status" ] || say "the guest ended without a result, or not within $limit s: see $console"
exit "${status:-99}"
