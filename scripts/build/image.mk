# SPDX-License-Identifier: MIT
#
# Programs for the guest, root file systems, the ISO. Independent of the kernel's configuration,
# except for the ISO.

.PHONY: images iso programs image
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
images: $(filter-out $(patsubst %,build/images/%.cpio,debian disk dev),$(images))
# What an image list may name, as its builder wants it.
image-inputs := scripts/mkimage.py scripts/build/busybox.sh scripts/build/e2fsprogs.sh scripts/sources.list \
	$(user-out)
image-env = IMAGE_BUSYBOX=$$(scripts/build/busybox.sh) IMAGE_E2FSPROGS=$$(scripts/build/e2fsprogs.sh) \
	IMAGE_PROGRAMS=build/user IMAGE_TESTS=build/tests

build/images/%.cpio: rootfs/images/%.list $(image-inputs) \
		$$(if $$(filter test debian first,$$*),$(test-out))
	$(call say,IMAGE,$@)mkdir -p $(@D) && $(image-env) $(python) scripts/mkimage.py --depend $@.d -o $@ $<
-include $(wildcard $(images:=.d))

iso: $(B)/keelson.iso
$(B)/keelson.iso: $(B)/kernel.img build/images/default.cpio scripts/mkiso.sh
	$(call say,ISO,$@)scripts/mkiso.sh $(B)/kernel.img build/images/default.cpio $@

.PHONY: debian-image
debian-image: build/images/debian.cpio

# A disk that boots by itself, as raw bytes and as qcow2. `make image IMAGE=dev` for another list.
IMAGE ?= disk
image: $(B)/$(IMAGE).raw $(B)/$(IMAGE).qcow2
$(B)/%.raw: rootfs/images/%.list scripts/mkdisk.py $(image-inputs) $(B)/kernel.img
	$(call say,DISK,$@)$(image-env) $(python) scripts/mkdisk.py --depend $@.d --kernel $(B)/kernel.img -o $@ $<
$(B)/%.qcow2: $(B)/%.raw
	$(call say,QCOW2,$@)qemu-img convert -f raw -O qcow2 $< $@.new && mv $@.new $@
-include $(wildcard $(B)/$(IMAGE).raw.d)
