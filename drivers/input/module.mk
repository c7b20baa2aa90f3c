# SPDX-License-Identifier: MIT
ifneq ($(CONFIG_VGA_CONSOLE)$(CONFIG_FRAMEBUFFER_CONSOLE),)
obj-y += keymap.o
endif
obj-$(CONFIG_PS2_KEYBOARD) += ps2kbd.o
