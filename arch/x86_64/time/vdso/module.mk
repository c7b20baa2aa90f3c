# SPDX-License-Identifier: MIT
$(eval $(call shared-object,$(o)/linux-vdso.so,$(d)/clock.c,$(d)/vdso.ld))
obj-y += image.o
$(o)/image.o: $(o)/linux-vdso.so
