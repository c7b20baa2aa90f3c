# SPDX-License-Identifier: MIT
dirs-y := $(patsubst $(d)/%/module.mk,%,$(wildcard $(d)/*/module.mk))
