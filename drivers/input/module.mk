# SPDX-License-Identifier: MIT
obj-y += keymap.o
obj-$(CONFIG_PS2_KEYBOARD) += ps2kbd.o
