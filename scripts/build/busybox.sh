#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build BusyBox static against musl, once for each set of inputs, and print the folder with
# busybox, links.txt (every applet's path), config, testsuite/ and ash_test/.
#
# Upstream's default configuration, static, without what cannot be built against musl: none of
# 1.35's default applets, once the kernel's own headers are found behind musl's (-idirafter).
set -eu
cd "$(dirname "$0")/../.."
cache=${KEELSON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/keelson}
tarball=$cache/src/busybox_1.35.0.orig.tar.bz2

key=$({ cat scripts/build/busybox.sh; grep '^busybox ' scripts/sources.list
	gcc -dumpfullversion; dpkg-query -W musl-dev linux-libc-dev; } | sha256sum | cut -c1-16)
out=$cache/busybox/$key
if [ -f "$out/busybox" ]; then
	echo "$out"
	exit 0
fi
mkdir -p "$cache/busybox"
exec 9>"$cache/busybox/lock"
flock 9
[ -f "$out/busybox" ] && { echo "$out"; exit 0; }
[ -f "$tarball" ] || scripts/setup.sh >&2
echo "building BusyBox" >&2
work=$cache/busybox/work.$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"
tar -xf "$tarball" -C "$work" --strip-components=1
log=$cache/busybox/build.log
(
	cd "$work"
	set -x
	make defconfig
	sed -i -e 's/^# CONFIG_STATIC is not set/CONFIG_STATIC=y/' \
		-e 's|^CONFIG_EXTRA_CFLAGS=.*|CONFIG_EXTRA_CFLAGS="-idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu"|' \
		.config
	yes '' | make oldconfig
	KCONFIG_NOTIMESTAMP=1 SOURCE_DATE_EPOCH=0 make CC=musl-gcc HOSTCC=gcc -j"$(nproc)" busybox
	make CC=musl-gcc HOSTCC=gcc busybox.links
) >"$log" 2>&1 || { tail -n 30 "$log" >&2; echo "the log is $log" >&2; exit 1; }
mkdir -p "$work/out"
cp "$work/busybox" "$work/out/busybox.x"
cp "$work/busybox.links" "$work/out/links.txt"
cp "$work/.config" "$work/out/config"
cp -r "$work/testsuite" "$work/out/testsuite"
cp "$work/LICENSE" "$work/out/LICENSE"
# The tests of its shell, with the three helpers they compile.
cp -r "$work/shell/ash_test" "$work/out/ash_test"
for helper in printenv recho zecho; do
	musl-gcc -O2 -static -s -o "$work/out/ash_test/$helper" "$work/shell/ash_test/$helper.c" 2>>"$log"
done
mv "$work/out/busybox.x" "$work/out/busybox"
rm -rf "$out"
mv "$work/out" "$out"
echo "$out"
