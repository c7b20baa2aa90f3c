# SPDX-License-Identifier: MIT
dirs-y += $(patsubst src/%/module.mk,%,$(sort $(wildcard src/*/module.mk)))
