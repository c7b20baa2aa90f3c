# SPDX-License-Identifier: MIT
#
# From objects to the kernel: generated sources, the link, the table of function names.
#
#   kernel.elf   with symbols and debugging information: what QEMU, gdb and the tools load
#   kernel.img   the same stripped: what goes on the ISO
#   kernel.map   the linker's map

.PHONY: all kernel generated
all: kernel compile_commands.json
kernel: $(B)/kernel.elf $(B)/kernel.img

# --- generated sources
syscalls := src/syscall/syscalls.tbl
gen-files := $(gen)/autoconf.h $(if $(wildcard $(syscalls)),$(gen)/syscall_table.inc)
generated: $(gen-files)

$(gen)/syscall_table.inc $(gen)/syscall_protos.h $(gen)/syscall_names.inc &: $(syscalls) \
		scripts/gen_syscalls.py
	$(call say,GEN,syscall_table.inc)$(python) scripts/gen_syscalls.py --out $(gen) $<

# --- the link
linker-script := arch/x86_64/boot/kernel.ld
objs-stamp := $(B)/objs.stamp
$(eval $(call stamp,$(objs-stamp),$(kernel-objs)))
$(objs-stamp): ;

$(B)/kernel.ld: $(linker-script) $(flags-stamp) | generated
	$(call say,LDS,$<)$(CC) -E -P -x assembler-with-cpp -D__LINKER_SCRIPT__ $(kernel-asflags) \
		-MMD -MP -MT $@ -MF $@.d -o $@ $<
all-deps += $(B)/kernel.ld.d

link = $(LD) $(kernel-ldflags) -T $(B)/kernel.ld

# Function names need addresses, and their table is part of the image. The table stands behind all
# code, so its size does not move a function: link with an empty table, read the addresses, link
# again, and check that the second link has the same addresses.
$(B)/kernel.elf: $(B)/kernel.ld $(kernel-objs) $(objs-stamp) scripts/gen_ksyms.py
ifeq ($(CONFIG_KSYMS),y)
	$(call say,KSYMS,$(B)/ksyms.S)$(python) scripts/gen_ksyms.py --empty -o $(B)/ksyms.S
	$(Q)$(CC) $(kernel-asflags) -c -o $(B)/ksyms0.o $(B)/ksyms.S
	$(Q)$(link) -o $(B)/kernel.0.elf $(kernel-objs) $(B)/ksyms0.o
	$(Q)$(python) scripts/gen_ksyms.py --nm $(NM) -o $(B)/ksyms.S $(B)/kernel.0.elf
	$(Q)$(CC) $(kernel-asflags) -c -o $(B)/ksyms.o $(B)/ksyms.S
	$(call say,LD,$@)$(link) -Map $(B)/kernel.map -o $@ $(kernel-objs) $(B)/ksyms.o
	$(Q)$(python) scripts/gen_ksyms.py --nm $(NM) --check $(B)/ksyms.S $@
	$(Q)rm -f $(B)/kernel.0.elf
else
	$(Q)$(python) scripts/gen_ksyms.py --empty -o $(B)/ksyms.S
	$(Q)$(CC) $(kernel-asflags) -c -o $(B)/ksyms.o $(B)/ksyms.S
	$(call say,LD,$@)$(link) -Map $(B)/kernel.map -o $@ $(kernel-objs) $(B)/ksyms.o
endif

$(B)/kernel.img: $(B)/kernel.elf
	$(call say,STRIP,$@)$(OBJCOPY) --strip-all $< $@

# --- what editors read
compile_commands.json: $(module-files) $(flags-stamp) $(objs-stamp)
	$(Q)$(foreach x,$(kernel-objs),$(file >>$@.in,$(patsubst $(B)/%.o,%,$(x))|$(call object-flags,$(x))))
	$(Q)$(python) scripts/build/compdb.py $(CC) $(B) < $@.in > $@; rm -f $@.in
