#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build e2fsprogs static against musl, once for each set of inputs, and print the folder with
# sbin/{mke2fs,e2fsck,tune2fs,dumpe2fs,debugfs,resize2fs,badblocks,...}, mke2fs.conf, tests/ (its
# own odd and corrupt images) and NOTICE.
set -eu
cd "$(dirname "$0")/../.."
cache=${KEELSON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/keelson}
tarball=$cache/src/e2fsprogs_1.47.0.orig.tar.gz

key=$({ cat scripts/build/e2fsprogs.sh; grep '^e2fsprogs ' scripts/sources.list
	gcc -dumpfullversion; dpkg-query -W musl-dev linux-libc-dev; } | sha256sum | cut -c1-16)
out=$cache/e2fsprogs/$key
if [ -f "$out/sbin/e2fsck" ]; then
	echo "$out"
	exit 0
fi
mkdir -p "$cache/e2fsprogs"
exec 9>"$cache/e2fsprogs/lock"
flock 9
[ -f "$out/sbin/e2fsck" ] && { echo "$out"; exit 0; }
[ -f "$tarball" ] || scripts/setup.sh >&2
echo "building e2fsprogs" >&2
work=$cache/e2fsprogs/work.$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/out/sbin"
tar -xf "$tarball" -C "$work" --strip-components=1
log=$cache/e2fsprogs/build.log
# Of a make that calls this script: -rR would take the rules away that this package builds by.
unset MAKEFLAGS MFLAGS MAKELEVEL
build() {
	cd "$work" || return
	./configure CC=musl-gcc BUILD_CC=gcc LDFLAGS=-static \
		CFLAGS='-O2 -g0 -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu' \
		--disable-nls --disable-fuse2fs --disable-uuidd --disable-defrag --disable-e2initrd-helper \
		--enable-libuuid --enable-libblkid &&
		make -j"$(nproc)" libs &&
		make -j"$(nproc)" -C misc mke2fs tune2fs dumpe2fs badblocks chattr lsattr e2image e2undo \
			mke2fs.conf &&
		make -j"$(nproc)" -C e2fsck e2fsck &&
		make -j"$(nproc)" -C debugfs debugfs &&
		make -j"$(nproc)" -C resize resize2fs &&
		cp misc/mke2fs misc/tune2fs misc/dumpe2fs misc/badblocks misc/chattr misc/lsattr misc/e2image \
			misc/e2undo e2fsck/e2fsck debugfs/debugfs resize/resize2fs out/sbin &&
		strip out/sbin/* &&
		cp misc/mke2fs.conf NOTICE out &&
		cp -r tests out/tests
}
(build) >"$log" 2>&1 || { tail -n 30 "$log" >&2; echo "the log is $log" >&2; exit 1; }
rm -rf "$out"
mv "$work/out" "$out"
echo "$out"
