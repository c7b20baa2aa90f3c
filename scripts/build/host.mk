# SPDX-License-Identifier: MIT
#
# Unit tests on the build machine: tests/host/NAME_test.c and the kernel sources that its LINK line
# names, in one program under ASan and UBSan. They use the configuration scripts/configs/host.

.PHONY: host-tests
host-sources := $(wildcard tests/host/*_test.c)
host-programs := $(patsubst tests/host/%.c,build/host/%,$(host-sources))
host-tests: $(host-programs)

host-cflags := -std=gnu17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -DKEELSON_HOST -Iinclude -Iarch/x86_64/include -Itests/host \
	-Ibuild/host/include -include build/host/include/generated/autoconf.h \
	-Wall -Wextra -Wshadow -Wvla -Wundef -Wimplicit-fallthrough -Wwrite-strings -Wpointer-arith \
	-Wno-unused-parameter -Wno-unused-function -Werror

build/host/include/generated/autoconf.h: $(kconfig-files) scripts/configs/host scripts/build/kconfig.py
	$(Q)$(python) scripts/build/kconfig.py --out build/host --start scripts/configs/host sync
	@touch $@

# LINK lines as dependencies; what is linked is the C files among them.
build/host/tests.mk: $(host-sources)
	@mkdir -p $(@D)
	@for f in $^; do \
		sed -n "s|^/\* LINK:\(.*\)\*/.*|build/host/$$(basename $$f .c): \1|p" $$f; done >$@
ifneq ($(filter host-tests build/host/%,$(MAKECMDGOALS)),)
include build/host/tests.mk
endif

build/host/%_test: tests/host/%_test.c tests/host/test.h build/host/include/generated/autoconf.h
	$(call say,HOSTCC,$@)$(CC) $(host-cflags) -MMD -MP -MF $@.d -MT $@ -o $@ $(filter %.c,$^)
-include $(wildcard $(host-programs:=.d))
