# SPDX-License-Identifier: MIT
#
# module.mk files to lists of objects. A folder with a module.mk is a module. It may set
#
#   obj-y += foo.o bar.o          sources foo.c or foo.S beside it
#   obj-$(CONFIG_X) += baz.o      only in configurations with X
#   dirs-y += sub                 (and dirs-$(CONFIG_X)) folders that are modules too
#   cflags-y += -DX               flags for every object of this module
#   CFLAGS_foo.o := -O3           flags for one object
#   KASAN := n, UBSAN := n        no instrumentation in this module
#   KASAN_foo.o := n              none in one object (UBSAN_foo.o likewise)
#
# and may define rules of its own for generated things, with $(d) for its folder and $(o) for the
# folder's place below build/. In recipes both are long gone: use $@, $< and $(@D) there.
# Every variable above is cleared before the next module, so nothing leaks from one to another.

kernel-objs :=
module-files :=
all-deps :=

module-vars := obj-y obj- obj-n dirs-y dirs- dirs-n cflags-y cflags- KASAN UBSAN

# $(call load-module,dir)
define load-module
$(foreach v,$(module-vars),$(eval $(v) :=))
$(eval d := $(1))
$(eval o := $(B)/$(1))
$(eval module-files += $(1)/module.mk)
$(eval include $(1)/module.mk)
$(foreach x,$(obj-y),$(call add-object,$(1),$(x)))
$(eval subdirs[$(1)] := $(dirs-y))
$(foreach s,$(subdirs[$(1)]),$(call load-module,$(1)/$(s)))
endef

# $(call add-object,dir,name.o): note what is special about it, then forget the per-file names.
define add-object
$(eval kernel-objs += $(B)/$(1)/$(2))
$(if $(cflags-y)$(CFLAGS_$(2)),$(eval own-flags[$(B)/$(1)/$(2)] := $(cflags-y) $(CFLAGS_$(2))))
$(if $(filter n,$(KASAN) $(KASAN_$(2))),$(eval no-kasan[$(B)/$(1)/$(2)] := y))
$(if $(filter n,$(UBSAN) $(UBSAN_$(2))),$(eval no-ubsan[$(B)/$(1)/$(2)] := y))
$(if $(CFLAGS_$(2)),$(eval undefine CFLAGS_$(2))$(eval $(B)/$(1)/$(2): $(1)/module.mk))
$(if $(KASAN_$(2)),$(eval undefine KASAN_$(2)))
$(if $(UBSAN_$(2)),$(eval undefine UBSAN_$(2)))
endef

$(foreach m,$(modules),$(if $(wildcard $(m)/module.mk),$(eval unused := $(strip $(call load-module,$(m))))))

# $(call object-flags,object)
object-flags = $(kernel-cflags) \
	$(if $(CONFIG_KASAN),$(if $(no-kasan[$(1)]),-DKASAN_OFF_HERE,$(kasan-flags))) \
	$(if $(CONFIG_UBSAN),$(if $(no-ubsan[$(1)]),,$(ubsan-flags))) $(own-flags[$(1)])

all-deps += $(kernel-objs:.o=.d)

# All output folders at once, when one is missing: a mkdir in every recipe would cost more.
object-dirs := $(sort $(dir $(kernel-objs)) $(gen)/)
missing-dirs := $(strip $(foreach x,$(object-dirs),$(if $(wildcard $(x)),,$(x))))
$(if $(missing-dirs),$(shell mkdir -p $(missing-dirs)))

$(B)/%.o: %.c $(flags-stamp) | generated
	$(call say,CC,$<)$(CC) $(call object-flags,$@) -MMD -MP -c -o $@ $<

$(B)/%.o: %.S $(flags-stamp) | generated
	$(call say,AS,$<)$(CC) $(kernel-asflags) $(own-flags[$@]) -MMD -MP -c -o $@ $<

# One file's assembly or preprocessed text: make build/default/src/lib/string.s
$(B)/%.s: %.c FORCE | generated
	$(call say,CC,$<)$(CC) $(call object-flags,$(@:.s=.o)) -S -fverbose-asm -o $@ $<
$(B)/%.i: %.c FORCE | generated
	$(call say,CPP,$<)$(CC) $(call object-flags,$(@:.i=.o)) -E -o $@ $<

.PHONY: FORCE
FORCE: ;
