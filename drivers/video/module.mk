# SPDX-License-Identifier: MIT
ifneq ($(CONFIG_VGA_CONSOLE)$(CONFIG_FRAMEBUFFER_CONSOLE),)
obj-y += vt.o vt_ioctl.o vt_emul.o
endif
obj-$(CONFIG_VGA_CONSOLE) += vga_text.o
obj-$(CONFIG_FRAMEBUFFER_CONSOLE) += fb.o

# The font of the framebuffer console comes from a package of the distribution.
console-font := /usr/share/consolefonts/Uni2-Fixed16.psf.gz
$(o)/font.h: scripts/build/psf2h.py $(wildcard $(console-font))
	$(call say,FONT,$@)mkdir -p $(@D) && $(python) $< -o $@ $(console-font)
$(o)/fb.o: $(o)/font.h
