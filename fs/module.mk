# SPDX-License-Identifier: MIT
dirs-y += $(patsubst fs/%/module.mk,%,$(sort $(wildcard fs/*/module.mk)))
