# SPDX-License-Identifier: MIT
#
# Targets that work without a configuration.

.PHONY: help clean distclean setup
help:
	@sed -n 's/^#: \?//p' scripts/build/light.mk

#: make                    kernel of the configuration CONFIG (default), in build/CONFIG/
#: make run                boot from GRUB to a shell in this terminal (Ctrl-A X ends QEMU)
#: make test               everything that proves it; the last line is `N passed, N failed`
#: make setup              install what is missing and fetch sources (run and test do it)
#: make iso                build/CONFIG/keelson.iso: BIOS and UEFI
#: make images             the root file systems alone
#: make check              static checks: warnings, clang, cppcheck, shellcheck, style
#: make bench              figures, Linux beside them
#: make stress             long stress in the debug configuration
#: make menuconfig         edit the configuration; defconfig resets, savedefconfig commits it
#: make clean              remove build/; make distclean also the caches of this tree
#:
#: CONFIG=default|tiny|debug   configuration (scripts/configs/)
#: V=1                         show commands
#: make build/CONFIG/PATH.s    assembly of PATH.c (.i: preprocessed)
#:
#: scripts/vm --help           QEMU: run, exec, debug

setup:
	$(Q)scripts/setup.sh

clean:
	rm -rf build compile_commands.json
distclean: clean
	rm -rf "$(KEELSON_CACHE)"
