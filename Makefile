# SPDX-License-Identifier: MIT
#
# The one makefile. It reads a configuration, loads every module.mk below the top modules, and
# never calls make again: the whole dependency graph is in one process, so that a build in which
# nothing changed ends in a fraction of a second.
#
#   make                  the kernel, in build/default/
#   make CONFIG=debug     the same with another configuration, in build/debug/
#   make help             everything else
#
# scripts/build/ holds the parts: config.mk (Kconfig), flags.mk (compilers), engine.mk (module.mk
# files to a list of objects), kernel.mk (link), image.mk (root file system and ISO), host.mk
# (programs for tests), check.mk (static checks).

MAKEFLAGS += -rR --no-print-directory
.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
SHELL := /bin/bash

CONFIG ?= default
B := build/$(CONFIG)
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2);)
python := /usr/bin/python3
KEELSON_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/keelson
export KEELSON_CACHE

modules := arch/x86_64 src fs net drivers

# Targets that need no configuration and no list of modules.
light := help clean distclean setup run test check bench stress crash
ifeq ($(filter-out $(light),$(or $(MAKECMDGOALS),all)),)
include scripts/build/light.mk
else
include scripts/build/config.mk
include scripts/build/flags.mk
include scripts/build/engine.mk
include scripts/build/kernel.mk
include scripts/build/light.mk
-include scripts/build/image.mk
-include scripts/build/host.mk
-include scripts/build/check.mk
-include $(wildcard $(all-deps))
endif
