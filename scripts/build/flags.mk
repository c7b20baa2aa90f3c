# SPDX-License-Identifier: MIT
#
# Compiler and linker flags of the kernel, and the stamps that rebuild when they change.

CC := gcc
LD := ld
OBJCOPY := objcopy
NM := nm
comma := ,
gcc-include := $(shell $(CC) -print-file-name=include)

include-flags := -nostdinc -isystem $(gcc-include) -Iinclude -Iarch/x86_64/include -I$(B)/include \
	-I$(B) -include $(gen)/autoconf.h

warnings := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla -Wundef \
	-Wimplicit-fallthrough -Wwrite-strings -Wpointer-arith -Wno-unused-parameter \
	-Wno-builtin-declaration-mismatch \
	$(if $(CONFIG_WERROR),-Werror)

# Builtins stay on so that small copies become moves; loops are never turned into calls of memcpy
# or memset, which would make those functions call themselves.
c-flags := -std=gnu17 -ffreestanding -fbuiltin -fno-builtin-sprintf -fno-builtin-snprintf \
	-fno-builtin-vsnprintf -fno-tree-loop-distribute-patterns

# The stack protector reads %gs:stack_chk_guard(%rip): the per-CPU variable must be linked at a
# kernel address, and GS must hold the distance of a CPU's copy from the linked original.
machine-flags := -m64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie \
	-mno-mmx -mno-sse -fcf-protection=none -mpreferred-stack-boundary=3

codegen-flags := -O2 -g -fno-strict-aliasing -fno-common -fno-strict-overflow \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-omit-frame-pointer \
	-ffunction-sections -fdata-sections -fno-delete-null-pointer-checks \
	-ffile-prefix-map=$(CURDIR)=. \
	-fstack-protector-strong -mstack-protector-guard=tls -mstack-protector-guard-reg=gs \
	-mstack-protector-guard-symbol=stack_chk_guard

frame-flags := -Wframe-larger-than=$(if $(CONFIG_KASAN)$(CONFIG_UBSAN),2048,1024)

# Outline calls only: gcc's inline checks would need a fixed shadow address at compile time.
kasan-flags := -fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 \
	--param asan-globals=0 --param asan-stack=0
ubsan-flags := -fsanitize=shift,integer-divide-by-zero,unreachable,bounds,bool,enum \
	-fsanitize=nonnull-attribute,returns-nonnull-attribute,vla-bound

kernel-cflags := $(c-flags) $(machine-flags) $(codegen-flags) $(frame-flags) $(warnings) \
	$(include-flags)
kernel-asflags := -D__ASSEMBLY__ -m64 -g $(include-flags) \
	$(if $(CONFIG_WERROR),-Werror -Wa$(comma)--fatal-warnings)
kernel-ldflags := -m elf_x86_64 -nostdlib -static --gc-sections --build-id=none \
	-z max-page-size=4096 -z noexecstack

# $(call stamp,file,text): at parse time, rewrite the file when the text differs from it.
define stamp
$(if $(call same,$(file <$(1)),$(2)),,$(shell mkdir -p $(dir $(1)))$(file >$(1),$(2)))
endef
same = $(and $(findstring x$(1)x,x$(2)x),$(findstring x$(2)x,x$(1)x))

flags-stamp := $(B)/flags.stamp
flags-text := $(strip $(kernel-cflags) $(kernel-asflags) $(kernel-ldflags) $(kasan-flags) $(ubsan-flags))
$(eval $(call stamp,$(flags-stamp),$(flags-text)))
$(flags-stamp): ;

# --- small shared objects mapped into programs (the vDSO)
# $(call shared-object,out.so,sources,linker script,flags): for module.mk, before the object that
# embeds it:
#   $(eval $(call shared-object,$(o)/vdso.so,$(d)/clock.c $(d)/note.S,$(d)/vdso.ld))
#   $(o)/image.o: $(o)/vdso.so
# image.S then says .incbin "arch/x86_64/time/vdso/vdso.so": the build folder is an include path.
user-cflags = -std=gnu17 -ffreestanding -nostdlib -shared -fpic -O2 -m64 -mno-sse -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fomit-frame-pointer \
	-mno-red-zone $(warnings) $(include-flags) -Wl,--hash-style=both -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,-Bsymbolic -Wl,--no-undefined
define shared-object
$(1): $(2) $(3) $(flags-stamp) | generated
	$$(call say,SHARED,$$@)mkdir -p $$(@D) && $$(CC) $$(user-cflags) $(4) -Wl,-T,$(3) \
		-Wl,-soname,$$(patsubst %.so,%.so.1,$$(@F)) -MMD -MP -MT $$@ -MF $$@.d -o $$@ $(2)
$(eval all-deps += $(1).d)
endef
