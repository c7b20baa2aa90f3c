# SPDX-License-Identifier: MIT
#
# Targets that work on a machine that has nothing yet: they set it up, then start make again with
# the targets that need a configuration.

.PHONY: help clean distclean setup run test check bench stress crash
help:
	@sed -n 's/^#: \?//p' scripts/build/light.mk

#: make run                boot from a disk by GRUB to a shell in this terminal (Ctrl-A X ends QEMU);
#:                         the next run starts clean
#: make run PERSIST=1      the same on build/persist.qcow2, which keeps what is written
#: make run ISO=1          from the ISO, root in memory
#: make test               everything that proves it; the last line is `N passed, N failed`
#: make                    the kernel of configuration CONFIG (default), in build/CONFIG/
#: make iso                build/CONFIG/keelson.iso: BIOS and UEFI
#: make image              build/CONFIG/disk.raw and .qcow2: a disk that boots by BIOS and by UEFI
#: make image IMAGE=dev    the same with Debian's tools and a compiler
#: make images             the root file systems in memory alone
#: make check              static checks: warnings, clang, cppcheck, shellcheck, style
#: make bench              figures, Linux beside them
#: make stress             long stress, each 10 minutes, in the debug configuration
#: make crash              power cuts under ext2: every state that the writes of a disk allow
#: make setup              install what is missing and fetch sources (run and test do it)
#: make menuconfig         edit the configuration; defconfig resets, savedefconfig commits it
#: make clean              remove build/
#: make distclean          also the cache outside the tree: downloads and built packages
#:
#: CONFIG=default|tiny|debug   configuration (scripts/configs/)
#: TESTS="abi boot:uefi"       suites and parts of suites for make test
#: V=1                         show commands
#: make build/CONFIG/PATH.s    assembly of PATH.c (.i: preprocessed)
#:
#: scripts/vm --help           QEMU: run, exec, debug

jobs := -j$(shell nproc)

setup:
	$(Q)scripts/setup.sh

ifdef ISO
run: setup
	$(Q)$(MAKE) $(jobs) iso
	$(Q)scripts/vm run --bios --smp $(or $(SMP),2)
else
IMAGE ?= disk
run: setup
	$(Q)$(MAKE) $(jobs) IMAGE=$(IMAGE) image
ifdef PERSIST
	$(Q)[ -f build/persist.qcow2 ] || cp $(B)/$(IMAGE).qcow2 build/persist.qcow2
	@echo "build/persist.qcow2 keeps its files and its kernel; remove it to start afresh"
	$(Q)scripts/vm run --from build/persist.qcow2 --keep --smp $(or $(SMP),2)
else
	$(Q)scripts/vm run --from $(B)/$(IMAGE).raw --smp $(or $(SMP),2)
endif
endif

test: setup
	$(Q)scripts/setup.sh linux
	$(Q)$(MAKE) $(jobs) all iso images image debian-image host-tests
	$(Q)$(python) tests/runner.py --config $(CONFIG) $(TESTS)

check: setup
	$(Q)$(MAKE) $(jobs) checks

bench: setup
	$(Q)scripts/setup.sh linux
	$(Q)$(MAKE) $(jobs) all iso images
	$(Q)$(python) tests/bench/bench.py

stress: setup
	$(Q)$(MAKE) $(jobs) CONFIG=debug all images
	$(Q)$(python) tests/runner.py --config debug --seconds $(or $(SECONDS_EACH),600) soak fsloadsoak

crash: setup
	$(Q)$(MAKE) $(jobs) all images
	$(Q)$(python) tests/runner.py --seconds 1 powercut

clean:
	rm -rf build compile_commands.json
distclean: clean
	rm -rf "$(KEELSON_CACHE)"
