#!/bin/bash
# Install the package in a fresh minimal Debian 12, use it as its users will, and take it away again.
#
#     sudo packaging/linux/test_deb.sh [-m MIRROR] [-s SCREENSHOT.png] PACKAGE.deb
#
# Needs root, debootstrap and a mirror: by default the first one of this machine. Nothing is left of
# it but the picture of the window, by default build/test_deb.png. Ends with 0 only if all is right.
#
# Two roots are made. The package is installed in the first, which gets nothing but what the package
# asks for; the screen that its window is looked at on (Xvfb) is in the second.
set -euo pipefail

suite=bookworm
mirror=
shot=$(cd "$(dirname "$0")/../.." && pwd)/build/test_deb.png
while getopts m:s: option; do
    case $option in
    m) mirror=$OPTARG ;;
    s) shot=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
package=${1:?which package? usage: $0 [-m MIRROR] [-s SCREENSHOT.png] PACKAGE.deb}

[ "$(id -u)" = 0 ] || { echo "$0 needs root: it makes a root of its own." >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "apt-get install debootstrap" >&2; exit 2; }

say() { printf '%s\n' "$*"; }
good() { printf 'ok      %s\n' "$*"; }
fail() { printf 'FAILED  %s\n' "$*"; exit 1; }

# Means --------------------------------------------------------------------------------------------

work=$(mktemp -d /var/tmp/test_deb.XXXXXX)
root=$work/root
screen=$work/screen
display=

# The processes that run in a root below this folder.
processes() {
    local process
    for process in /proc/[0-9]*; do
        case $(readlink "$process/root" 2>/dev/null) in "$1"*) echo "${process#/proc/}" ;; esac
    done
}

clean() {
    local status=$? place signal
    trap - EXIT INT TERM
    for signal in TERM KILL; do
        # shellcheck disable=SC2046
        kill -s "$signal" $(processes "$work") 2>/dev/null || continue
        sleep 2
    done
    for place in "$root"/tmp/.X11-unix {"$root","$screen"}/{dev/pts,dev/shm,dev,proc}; do
        if mountpoint -q "$place"; then umount "$place" || umount -l "$place"; fi
    done
    # Never through a mount that would not go.
    if rm -rf --one-file-system "$work"; then say "removed $work"; else status=1; fi
    [ "$status" = 0 ] || say "not all is right (status $status)"
    exit "$status"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
unset XDG_DATA_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR WAYLAND_DISPLAY DISPLAY

in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
as_user() { in_root /sbin/runuser -u analyst -- /usr/bin/env HOME=/home/analyst "$@"; }
in_screen() { chroot "$screen" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 DISPLAY=":$display" "$@"; }
quietly() { "$@" >"$work/said" 2>&1 || { tail -n 20 "$work/said"; fail "$*"; }; }

mount_system() {
    mount -t proc proc "$1/proc"
    mount -t tmpfs -o mode=755 tmpfs "$1/dev"
    mkdir "$1"/dev/{pts,shm}
    chmod 1777 "$1/dev/shm"
    for node in null zero full random urandom tty; do
        touch "$1/dev/$node"
        cp -a --remove-destination "/dev/$node" "$1/dev/$node"
    done
    ln -s /proc/self/fd "$1/dev/fd"
    mount -t devpts devpts "$1/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
}

# All names, but for what apt, dpkg and the loader keep for themselves, and what is mounted.
names_in_root() {
    find "$root" -xdev \( -path "$root/proc" -o -path "$root/dev" -o -path "$root/tmp" \
        -o -path "$root/run" -o -path "$root/home" -o -path "$root/var/lib/dpkg" \
        -o -path "$root/var/lib/apt" -o -path "$root/var/cache/apt" -o -path "$root/var/log" \
        -o -path "$root/var/cache/ldconfig" -o -path "$root/var/cache/debconf" \) -prune \
        -o -printf '/%P\n' | LC_ALL=C sort
}

# Roots --------------------------------------------------------------------------------------------

# The mirror, proxies and certificates are those that apt uses here.
setting() { apt-config shell value "$1" 2>/dev/null | sed -n "s/^value='\(.*\)'$/\1/p"; }
if [ -z "$mirror" ]; then
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
        grep -Eo '^(deb .*|URIs: *)https?://[^ ]+' | grep -Eo 'https?://[^ ]+' | head -n 1 || true)
fi
[ -n "$mirror" ] || mirror=http://deb.debian.org/debian
[ -n "${http_proxy-}" ] || http_proxy=$(setting Acquire::http::Proxy)
[ -n "${https_proxy-}" ] || https_proxy=$(setting Acquire::https::Proxy)
export http_proxy https_proxy
extra=()
case $mirror in https:*) extra=(--include=ca-certificates) ;; esac

say "Debian 12 (minbase) from $mirror in $root …"
quietly debootstrap --variant=minbase "${extra[@]}" "$suite" "$root" "$mirror"
echo "deb $mirror $suite main" >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::(https?::(Proxy|Ca|Verify)|Check-|Retries)' \
    >"$root/etc/apt/apt.conf.d/99host" || true
if [ "${#extra[@]}" -gt 0 ]; then
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
cp -a "$root" "$screen"
mount_system "$root"
mount_system "$screen"
quietly in_root apt-get update
quietly in_root useradd --create-home analyst
names_in_root >"$work/before"
good "root with $(in_root dpkg-query -W | wc -l) packages, and a second one for the screen"

# Installing ---------------------------------------------------------------------------------------

file=$(basename "$package")
cp "$package" "$root/tmp/$file"
name=$(dpkg-deb -f "$package" Package)
version=$(dpkg-deb -f "$package" Version)
quietly in_root apt-get install --yes --no-install-recommends "/tmp/$file"
rm "$root/tmp/$file"
good "apt-get install --no-install-recommends ./$file: $(in_root dpkg-query -W | wc -l) packages now"
quietly in_root dpkg --verify "$name"
[ ! -s "$work/said" ] || fail "dpkg --verify: $(cat "$work/said")"
good "dpkg --verify $name finds nothing changed"

find "$root/usr/lib/elascope" -type f -exec sh -c \
    'for f; do [ "$(head -c 4 "$f" | tail -c 3)" = ELF ] && echo "$f"; done' _ {} + 2>/dev/null |
    sed "s|^$root||" >"$work/libraries" || true
while read -r library; do
    in_root env LD_LIBRARY_PATH=/usr/lib/elascope/_internal ldd "$library" 2>&1 |
        sed -n "s|^\(.*\) => not found.*|$library:\1|p"
done <"$work/libraries" | grep -vE ':\s*lib(cu|nv|nccl)' >"$work/unresolved" || true
[ ! -s "$work/unresolved" ] || fail "unresolved libraries: $(cat "$work/unresolved")"
good "$(wc -l <"$work/libraries") programs and libraries find all they are linked to"

# The command line ---------------------------------------------------------------------------------

said=$(as_user elascope --version)
[ "$said" = "elascope ${version//\~/}" ] || fail "elascope --version: $said"
good "elascope --version: $said"

samples=/usr/lib/elascope/_internal/resources/samples
count=$(find "$root$samples" -type f | wc -l)
# The network is cut for all that follows, but for the screen, which needs none of this.
offline=(unshare --net)
"${offline[@]}" true || { say "note    the network cannot be cut here"; offline=(); }
as_user_offline() { "${offline[@]}" chroot "$root" /sbin/runuser -u analyst -- /usr/bin/env -i \
    PATH=/usr/bin:/bin HOME=/home/analyst LC_ALL=C.UTF-8 "$@"; }
report=/home/analyst/report.csv
quietly as_user_offline elascope scan "$samples" --csv "$report"
rows=$(grep -c "^\"\\?[0-9]*\"\\?,\"\\?$samples/" "$root$report" || true)
[ "$rows" = "$count" ] || { head -n 3 "$root$report"; fail "$rows rows for $count samples"; }
answered=$(grep -c ',ok,' "$root$report" || true)
[ "$answered" -ge $((count - 1)) ] || fail "only $answered of $count samples were judged"
grep -q 'damaged.jpg.*,broken,' "$root$report" || fail "the damaged sample is not called broken"
grep -q 'generated.jpg.*,positive,' "$root$report" || fail "the generated sample is not positive"
[ "$(stat -c %U "$root$report")" = "$(stat -c %U "$root/home/analyst")" ] || fail "whose report?"
good "scan by an ordinary user without network: $rows rows, $answered ok, 1 broken, as it should be"
quietly as_user_offline elascope ela "$samples/splice.jpg" --output /home/analyst/map.png
[ "$(head -c 4 "$root/home/analyst/map.png" | tail -c 3)" = PNG ] || fail "no map was written"
good "ela writes a map, without network"
if as_user_offline elascope open >"$work/said" 2>&1; then fail "a window without a display"; fi
[ "$(wc -l <"$work/said")" = 1 ] || fail "more than a sentence: $(cat "$work/said")"
good "without a display: $(cat "$work/said")"

# The window ---------------------------------------------------------------------------------------

thumbnails=$root/home/analyst/.cache/elascope/thumbnails
stop_window() {
    # All that runs in this root now is the window, with runuser in front of it.
    # shellcheck disable=SC2046
    kill -INT $(processes "$root") 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}
as_user_offline QT_QPA_PLATFORM=offscreen elascope open "$samples" >"$work/offscreen" 2>&1 &
window=$!
for _ in $(seq 60); do
    [ "$(find "$thumbnails" -type f 2>/dev/null | wc -l)" -ge $((count - 1)) ] && break
    kill -0 "$window" 2>/dev/null || { cat "$work/offscreen"; fail "the window without a screen ended"; }
    sleep 1
done
made=$(find "$thumbnails" -type f 2>/dev/null | wc -l)
[ "$made" -ge $((count - 1)) ] || fail "only $made small pictures after a minute"
stop_window "$window"
good "the window with QT_QPA_PLATFORM=offscreen: $made small pictures"
rm -rf "$root/home/analyst/.cache"

say "the screen: xvfb, imagemagick and x11-utils in $screen …"
quietly in_screen apt-get update
quietly in_screen apt-get install --yes --no-install-recommends xvfb imagemagick x11-utils
mkdir -p "$screen/tmp/.X11-unix" "$root/tmp/.X11-unix"
chmod 1777 "$screen/tmp/.X11-unix"
mount --bind "$screen/tmp/.X11-unix" "$root/tmp/.X11-unix"
in_screen Xvfb -displayfd 3 -screen 0 1440x900x24 -nolisten tcp -ac \
    3>"$work/display" >"$work/xvfb" 2>&1 &
for _ in $(seq 60); do [ -s "$work/display" ] && break; sleep 1; done
display=$(cat "$work/display")
[ -n "$display" ] || { cat "$work/xvfb"; fail "Xvfb does not start"; }
as_user_offline DISPLAY=":$display" elascope open "$samples" >"$work/window" 2>&1 &
window=$!
seen=
for _ in $(seq 60); do
    kill -0 "$window" 2>/dev/null || { cat "$work/window"; fail "the window ended"; }
    # With the name of the first sample in the title, and no more, its picture is there.
    seen=$(in_screen xwininfo -root -tree |
        sed -n '/being opened/d; s/^ *\(0x[0-9a-f]*\) "\(.*camera_original.*\)": .*/\1 \2/p') || true
    [ -n "$seen" ] && break
    sleep 1
done
[ -n "$seen" ] || { in_screen xwininfo -root -tree; cat "$work/window"; fail "no window within a minute"; }
id=${seen%% *}
in_screen xwininfo -id "$id" | grep 'Map State: IsViewable' >/dev/null || fail "the window is not on the screen"
class=$(in_screen xprop -id "$id" WM_CLASS)
for _ in $(seq 10); do
    sleep 3
    quietly in_screen import -window root /tmp/window.png
    colours=$(in_screen identify -format %k /tmp/window.png)
    [ "$colours" -gt 500 ] && break
done
mkdir -p "$(dirname "$shot")"
cp "$screen/tmp/window.png" "$shot"
[ "$colours" -gt 500 ] || fail "only $colours colours: see $shot"
good "the window on Xvfb is mapped: \"${seen#* }\", $class"
good "its picture has $colours colours: $shot"
[ ! -s "$work/window" ] || say "note    it said: $(head -n 3 "$work/window")"
stop_window "$window"
umount "$root/tmp/.X11-unix"

# What the desktop gets ----------------------------------------------------------------------------

[ -s "$root/usr/share/man/man1/elascope.1.gz" ] || fail "there is no man page"
quietly in_root apt-get install --yes --no-install-recommends man-db desktop-file-utils libglib2.0-bin
in_root man -w elascope >/dev/null || fail "man does not find its page"
in_root env MANPAGER=cat man elascope | grep 'elascope copy-move' >/dev/null || fail "the man page is empty"
good "man elascope: $(in_root env MANPAGER=cat man elascope | wc -l) lines"
entries=$root/usr/share/applications
in_root sh -c 'desktop-file-validate /usr/share/applications/*elascope.desktop' ||
    fail "desktop-file-validate"
grep -q '^image/jpeg=.*elascope' "$entries/mimeinfo.cache" || fail "the cache of types has it not"
offered=$(in_root gio mime image/png)
case $offered in *zz-elascope.desktop*) ;; *) fail "not offered for image/png: $offered" ;; esac
printf '[Desktop Entry]\nType=Application\nName=Other\nExec=true %%f\nMimeType=image/png;inode/directory;\n' \
    >"$entries/viewer.desktop"
in_root update-desktop-database
for type in image/png inode/directory; do
    in_root gio mime "$type" | grep 'Default.*viewer.desktop' >/dev/null ||
        fail "it is the default for $type beside another program: $(in_root gio mime "$type")"
done
rm "$entries/viewer.desktop"
in_root update-desktop-database
good "desktop entries are valid, offered for images and folders, and no default beside others"

# Taking it away -----------------------------------------------------------------------------------

quietly in_root apt-get purge --yes "$name"
[ ! -e "$root/usr/lib/elascope" ] && [ ! -L "$root/usr/bin/elascope" ] || fail "purge leaves the program"
! grep -q elascope "$entries/mimeinfo.cache" || fail "the cache of types still has it"
quietly in_root apt-get purge --yes man-db desktop-file-utils libglib2.0-bin
quietly in_root apt-get -o APT::AutoRemove::RecommendsImportant=false autoremove --purge --yes
names_in_root >"$work/after"
comm -13 "$work/before" "$work/after" >"$work/left"
! grep -i elascope "$work/left" || fail "purge leaves these files"
# Of its dependencies: fontconfig and man leave the folders of their caches.
others=$(grep -cvE '^/(var/cache/(fontconfig|man)|etc/ld.so.cache)' "$work/left" || true)
missing=$(comm -23 "$work/before" "$work/after")
[ -z "$missing" ] || fail "purge took what was there before: $missing"
if [ "$others" -gt 0 ]; then
    grep -vE '^/(var/cache/(fontconfig|man)|etc/ld.so.cache)' "$work/left"
    fail "files are left that were not there before"
fi
good "apt-get purge and autoremove: the root is as before, $(wc -l <"$work/before") names compared"
[ -s "$root$report" ] && [ -s "$root/home/analyst/map.png" ] || fail "files of the user are gone"
[ -d "$root/home/analyst/.local/share/elascope" ] || fail "the settings of the user are gone"
good "the user's report, map and settings stay"
say "all is right: $file on Debian 12"
