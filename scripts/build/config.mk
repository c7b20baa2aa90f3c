# SPDX-License-Identifier: MIT
#
# Configuration: build/<name>/.config, made on first use from scripts/configs/<name>, and from it
# two generated files that can never disagree: auto.conf for make, autoconf.h for the compiler.
# Make itself rebuilds auto.conf when a Kconfig file changed, and then starts over.

kconfig := $(python) scripts/build/kconfig.py --out $(B)
kconfig-files := $(wildcard Kconfig arch/Kconfig arch/*/Kconfig src/Kconfig fs/Kconfig net/Kconfig \
	drivers/Kconfig)
gen := $(B)/include/generated
start-config := scripts/configs/$(CONFIG)

ifeq ($(wildcard $(start-config)),)
$(error no configuration $(CONFIG); there are $(notdir $(wildcard scripts/configs/*)))
endif

config-goals := menuconfig defconfig savedefconfig
.PHONY: $(config-goals)

# scripts/configs/<name> newer than .config: the committed choice wins over a stale build folder.
$(B)/auto.conf $(gen)/autoconf.h &: $(kconfig-files) $(start-config) scripts/build/kconfig.py \
		$(wildcard $(B)/.config)
	$(Q)$(kconfig) --start $(start-config) sync

menuconfig:
	$(Q)$(kconfig) --start $(start-config) menuconfig
defconfig:
	$(Q)$(kconfig) --start $(start-config) reset
savedefconfig:
	$(Q)$(kconfig) --start $(start-config) save

ifeq ($(filter $(config-goals),$(MAKECMDGOALS)),)
include $(B)/auto.conf
endif
