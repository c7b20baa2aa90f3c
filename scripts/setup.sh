#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Make this machine ready: install missing packages, fetch pinned sources into the cache.
# Does nothing, quickly, when everything is there.
#
#   scripts/setup.sh           packages and sources
#   scripts/setup.sh linux     also Debian's kernel, the oracle of tests and benchmarks
#   scripts/setup.sh debs P... also the packages P..., downloaded but not installed
#   scripts/setup.sh closure P... the same with all that they depend on; prints the names
set -eu
cd "$(dirname "$0")/.."
cache=${KEELSON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/keelson}
mkdir -p "$cache"

as_root() {
	if [ "$(id -u)" = 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	elif command -v sudo >/dev/null; then
		sudo DEBIAN_FRONTEND=noninteractive "$@"
	else
		echo "setup: root is needed to install packages, and there is no sudo" >&2
		exit 1
	fi
}

words() { sed 's/#.*//' "$1"; }

# Names of the packages in the list that are not installed.
missing_packages() {
	words scripts/packages.list | tr -s ' \t\n' '\n' | sed '/^$/d' | sort -u >"$cache/wanted.$$"
	dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null |
		sed -n 's/^ii  *//p' | sort -u | comm -23 "$cache/wanted.$$" -
	rm -f "$cache/wanted.$$"
}

install_packages() {
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	echo "setup: installing $(echo "$missing" | tr '\n' ' ')"
	as_root apt-get -qq update || echo "setup: package lists could not be refreshed" >&2
	# shellcheck disable=SC2086  # one argument a package
	as_root apt-get -y -qq --no-install-recommends install $missing >"$cache/apt.log" 2>&1 ||
		{ tail -n 20 "$cache/apt.log" >&2; exit 1; }
}

# Run apt-get on lists of its own: deb-src lines made from the system's, nothing of it changed.
private_apt() {
	apt="$cache/apt"
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	apt-get -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt" -o APT::Sandbox::User= "$@"
}

have_source() { # file sha256
	[ -f "$cache/src/$1" ] && echo "$2  $cache/src/$1" | sha256sum -c --status
}

fetch_source() { # package file sha256
	have_source "$2" "$3" && return 0
	echo "setup: fetching the source of $1"
	mkdir -p "$cache/apt" "$cache/src"
	/usr/bin/python3 scripts/build/debsrc.py >"$cache/apt/sources.list"
	private_apt -qq update
	(cd "$cache/src" && private_apt -qq source --download-only "$1")
	have_source "$2" "$3" || {
		echo "setup: $2 is missing or has another SHA-256 than scripts/sources.list" >&2
		exit 1
	}
}

fetch_sources() {
	words scripts/sources.list | while read -r package file sum; do
		[ -z "$package" ] || fetch_source "$package" "$file" "$sum"
	done
}

# Download the packages and everything they depend on, as apt would install them on an empty system
# (it checks every file against the signed lists), unpack each into $cache/debs/NAME without running
# anything of it, and print the names. What was asked for before is only printed.
fetch_closure() {
	note="$cache/debs/closure-$(echo "$@" | sha256sum | cut -c1-16)"
	if [ ! -f "$note" ]; then
		mkdir -p "$cache/debs" "$cache/closure/archives/partial"
		: >"$cache/closure/status"
		set -- -qq -o "Dir::State::status=$cache/closure/status" \
			-o "Dir::Cache::archives=$cache/closure/archives" -o APT::Sandbox::User= \
			-o Debug::NoLocking=1 --no-install-recommends install "$@"
		apt-get -s "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | sort >"$note.new"
		[ -s "$note.new" ] || {
			as_root apt-get -qq update >&2
			apt-get -s "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | sort >"$note.new"
		}
		[ -s "$note.new" ] || { echo "setup: apt cannot resolve: $*" >&2; exit 1; }
		echo "setup: fetching $(wc -l <"$note.new") packages" >&2
		apt-get -y -d "$@" >&2
		for deb in "$cache/closure/archives/"*.deb; do
			name=${deb##*/}
			name=${name%%_*}
			[ -d "$cache/debs/$name/root" ] && continue
			rm -rf "$cache/debs/$name.new"
			mkdir -p "$cache/debs/$name.new/root"
			dpkg -x "$deb" "$cache/debs/$name.new/root"
			mv "$cache/debs/$name.new" "$cache/debs/$name"
		done
		rm -rf "$cache/closure/archives"
		mv "$note.new" "$note"
	fi
	cat "$note"
}

# Download packages without installing them, and unpack each into $cache/debs/NAME.
fetch_debs() {
	for package; do
		dir="$cache/debs/$package"
		[ -d "$dir/root" ] && continue
		echo "setup: fetching $package"
		rm -rf "$dir.new"
		mkdir -p "$dir.new/root"
		(cd "$dir.new" && apt-get -qq -o APT::Sandbox::User= download "$package")
		dpkg -x "$dir.new"/*.deb "$dir.new/root"
		mv "$dir.new" "$dir"
	done
}

# The cloud kernel: a metapackage names the real one.
fetch_linux() {
	[ -f "$cache/linux/vmlinuz" ] && return 0
	name=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -n 1)
	if [ -z "$name" ]; then
		as_root apt-get -qq update
		name=$(apt-cache depends linux-image-cloud-amd64 |
			sed -n 's/.*Depends: \(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -n 1)
	fi
	[ -n "$name" ] || { echo "setup: no linux-image-cloud-amd64 in the archive" >&2; exit 1; }
	fetch_debs "$name"
	mkdir -p "$cache/linux"
	cp "$cache/debs/$name"/root/boot/vmlinuz-* "$cache/linux/vmlinuz.new"
	ln -sfn "../debs/$name/root/lib/modules/${name#linux-image-}" "$cache/linux/modules"
	mv "$cache/linux/vmlinuz.new" "$cache/linux/vmlinuz"
}

install_packages
fetch_sources
case ${1:-} in
"") ;;
linux) fetch_linux ;;
debs) shift; fetch_debs "$@" ;;
closure) shift; fetch_closure "$@" ;;
*) sed -n 's/^# \{0,1\}//p' "$0" | sed -n '2,/^$/p'; exit 2 ;;
esac
