#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A bootable ISO for BIOS and UEFI: GRUB, the kernel (Multiboot2), the root file system as module.
#
# usage: mkiso.sh [--timeout SECONDS] [--append TEXT] KERNEL IMAGE OUT
#   --timeout   how long GRUB shows its menu (1; 0 boots at once)
#   --append    the kernel's command line for the normal entry
set -eu

timeout=1
append="console=tty0 console=ttyS0 quiet"
while :; do
	case $1 in
	--timeout) timeout=$2; shift 2 ;;
	--append) append=$2; shift 2 ;;
	*) break ;;
	esac
done
kernel=$1 image=$2 out=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/boot/grub"
cp "$kernel" "$work/boot/keelson"
cp "$image" "$work/boot/root.cpio"

# Nothing a user typed may end GRUB's command: quote what is special to it.
quoted=$(printf '%s' "$append" | sed 's/[\\"$;|&<>{}]/\\&/g')
verbose=$(printf '%s' "$quoted" | sed 's/\(^\| \)quiet\( \|$\)/ /g')

entry() { # title, command line
	cat <<-EOF
		menuentry "$1" {
			multiboot2 /boot/keelson $2
			module2 /boot/root.cpio root.cpio
			set gfxpayload=\$screen
		}
	EOF
}

cat >"$work/boot/grub/grub.cfg" <<EOF
serial --unit=0 --speed=115200
terminal_input console serial
# multiboot2 sets gfxpayload to what the kernel's header wishes; the entries set it back.
if [ "\$grub_platform" = efi ]; then
	# The firmware's own console goes to the serial port as well; the kernel gets a framebuffer.
	insmod all_video
	set screen=1024x768x32,1024x768,auto
else
	set screen=text
	terminal_output console serial
fi
set default=0
set timeout=$timeout
$(entry "Keelson" "$quoted")
$(entry "Keelson, verbose" "$verbose loglevel=7")
$(entry "Keelson, one CPU" "$quoted maxcpus=1")
EOF
modules="normal multiboot2 serial terminal test part_acorn part_amiga part_apple part_bsd part_dfly"
modules="$modules part_dvh part_gpt part_msdos part_plan part_sun part_sunpc"
grub-mkrescue -o "$out.new" --locales= --fonts= --themes= --install-modules="$modules all_video" \
	"$work" -- -volid KEELSON >"$out.log" 2>&1 || { cat "$out.log" >&2; exit 1; }
rm -f "$out.log"
mv "$out.new" "$out"
