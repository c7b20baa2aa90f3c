#!/bin/sh
# SPDX-License-Identifier: MIT
#
# In the guest: BusyBox's own tests of the applets given as arguments, with its own testing.sh.
# Its runtest makes 400 links on every call; here they are made once, so that an applet can be run
# by itself, with a time limit of its own. Output: the suite's PASS:, FAIL:, SKIPPED: lines.
export bindir=/usr/lib/busybox-tests
export tsdir=$bindir/testsuite
export VERBOSE='' ECHO=echo
links=$bindir/links

if [ ! -d $links ]; then
	mkdir $links
	# shellcheck disable=SC2046  # one word an applet
	(cd $links && for applet in $(/bin/busybox --list); do echo "$applet"; done |
		xargs -n 1 ln -s /bin/busybox)
fi
OPTIONFLAGS=:$(sed -n 's/^CONFIG_\([^=]*\)=.*/\1/p' $bindir/.config | tr '\n' ':')
export OPTIONFLAGS
export PATH="$links:$tsdir:$bindir:$PATH"

# One script of the old kind: it fails when a command of it fails.
old_style() { # applet script
	name=${2##*/}
	# shellcheck disable=SC2013  # one word a feature
	for feature in $(sed -n 's/^# FEATURE: //p' "$2"); do
		if grep -q "^# $feature is not set$" $bindir/.config; then
			echo "UNTESTED: $name"
			return
		fi
	done
	rm -rf "$tsdir/.tmp"
	mkdir -p "$tsdir/.tmp"
	if (cd "$tsdir/.tmp" && d=$tsdir sh -x -e "$2" >log 2>&1); then
		echo "PASS: $name"
	else
		echo "FAIL: $name"
	fi
	rm -rf "$tsdir/.tmp"
}

cd $tsdir || exit 2
for applet; do
	if [ -d "$tsdir/$applet" ]; then
		for script in "$tsdir/$applet"/*; do
			old_style "$applet" "$script"
		done
	fi
	if [ -f "$applet.tests" ]; then
		"./$applet.tests" 2>&1
	fi
done
exit 0
