# SPDX-License-Identifier: MIT
# Every folder here that has a module.mk.
dirs-y += $(patsubst drivers/%/module.mk,%,$(sort $(wildcard drivers/*/module.mk)))
