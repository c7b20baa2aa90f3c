# SPDX-License-Identifier: MIT
#
# Programs for the guest, root file systems, the ISO. Independent of the kernel's configuration,
# except for the ISO.

.PHONY: images iso programs
MUSL_CC := musl-gcc
user-flags := -std=gnu17 -O2 -g0 -static -s -Wall -Wextra -Wno-unused-parameter -Wno-array-bounds -Wno-clobbered \
	-Werror
# musl first; the kernel's own headers behind it.
user-tail := -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu

# userland/NAME/*.c becomes build/user/NAME; tests/{abi,bench,stress}/NAME.c build/tests/NAME.
user-programs := $(patsubst userland/%/main.c,%,$(wildcard userland/*/main.c))
test-sources := $(wildcard tests/abi/*.c tests/bench/*.c tests/stress/*.c)
user-out := $(addprefix build/user/,$(user-programs))
test-out := $(addprefix build/tests/,$(notdir $(test-sources:.c=)))
programs: $(user-out) $(test-out)

.SECONDEXPANSION:
build/user/%: $$(wildcard userland/$$*/*.[ch]) scripts/build/image.mk
	$(call say,MUSL,$@)mkdir -p $(@D) && $(MUSL_CC) $(user-flags) -o $@ $(filter %.c,$^) $(user-tail)

build/tests/%: $$(wildcard tests/abi/$$*.c tests/bench/$$*.c tests/stress/$$*.c) $(wildcard tests/abi/*.h) scripts/build/image.mk
	$(call say,MUSL,$@)mkdir -p $(@D) && $(MUSL_CC) $(user-flags) -pthread -o $@ $< $(user-tail)

images := $(patsubst rootfs/images/%.list,build/images/%.cpio,$(wildcard rootfs/images/*.list))
images: $(filter-out build/images/debian.cpio,$(images))

build/images/%.cpio: rootfs/images/%.list scripts/mkimage.py scripts/build/busybox.sh \
		scripts/sources.list $(user-out) $$(if $$(filter test debian first,$$*),$(test-out))
	$(call say,IMAGE,$@)mkdir -p $(@D) && \
		busybox=$$(scripts/build/busybox.sh) && \
		IMAGE_BUSYBOX=$$busybox IMAGE_PROGRAMS=build/user IMAGE_TESTS=build/tests \
		$(python) scripts/mkimage.py --depend $@.d -o $@ $<
-include $(wildcard $(images:=.d))

iso: $(B)/keelson.iso
$(B)/keelson.iso: $(B)/kernel.img build/images/default.cpio scripts/mkiso.sh
	$(call say,ISO,$@)scripts/mkiso.sh $(B)/kernel.img build/images/default.cpio $@

.PHONY: debian-image
debian-image: build/images/debian.cpio
