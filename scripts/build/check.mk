# SPDX-License-Identifier: MIT
#
# Static checks, all at zero findings: gcc's warnings (every build has them), clang's thread-safety
# pass over lock contracts, cppcheck, shellcheck, python's compiler, and our own rules.

.PHONY: checks check-warnings check-clang check-cppcheck check-shell check-python check-rules
checks: check-warnings check-clang check-cppcheck check-shell check-python check-rules
	@echo "checks: no findings"

# Every configuration compiles without a warning: -Werror is on in all of them.
check-warnings: all

clang := clang
clang-flags = $(filter-out -nostdinc -isystem $(gcc-include) -mstack-protector% -mpreferred% --param asan% \
	-fsanitize% -fno-tree-loop-distribute-patterns -fno-delete-null-pointer-checks -Wno% -W%,\
	$(kernel-cflags)) -nostdinc -isystem $(shell $(clang) -print-resource-dir)/include \
	-Wno-everything -Wthread-safety -Werror -ferror-limit=0
clang-flags := $(clang-flags)
clang-objs := $(patsubst $(B)/%.o,build/check/%.clang,$(filter $(patsubst %.c,$(B)/%.o,\
	$(foreach m,$(module-files),$(wildcard $(dir $(m))*.c))),$(kernel-objs)))
check-clang: $(clang-objs)
build/check/%.clang: %.c $(flags-stamp) | generated
	$(call say,CLANG,$<)mkdir -p $(@D) && $(clang) $(clang-flags) $(own-flags[$(B)/$*.o]) -MMD -MP -MF $@.d -MT $@ \
		-fsyntax-only $< && touch $@
-include $(wildcard $(clang-objs:=.d))

# Left out, and why: linker tables compare the bounds of one section (comparePointers); gcc's range
# designators and statement expressions are beyond the parser (internalAstError, unknownMacro);
# "uninitialised" follows neither out-pointers nor goto (uninitvar, ctuuninitvar); gcc defines the
# shift of a negative number (shiftNegativeLHS).
cppcheck-flags := --quiet --enable=warning,portability --inline-suppr --error-exitcode=1 \
	--std=c11 --platform=unix64 $(addprefix --suppress=,missingInclude missingIncludeSystem \
	unknownMacro nullPointerArithmetic uninitvar ctuuninitvar comparePointers internalAstError \
	shiftNegativeLHS arithOperationsOnVoidPointer) \
	-U__ASSEMBLY__ -UKEELSON_HOST -U__clang__ -Iinclude -Iarch/x86_64/include \
	--include=$(gen)/autoconf.h
cppcheck-objs := $(clang-objs:.clang=.cppcheck)
check-cppcheck: $(cppcheck-objs)
build/check/%.cppcheck: %.c | generated
	$(call say,CHECK,$<)mkdir -p $(@D) && cppcheck $(cppcheck-flags) $< && touch $@

shell-scripts := $(wildcard scripts/*.sh scripts/build/*.sh tests/*/*.sh .ci/run \
	rootfs/skeleton/etc/init.d/rcS)
check-shell: build/check/shell
build/check/shell: $(shell-scripts)
	$(call say,SHELL,"$(words $^) scripts")mkdir -p $(@D) && shellcheck $^ && touch $@

python-files := scripts/vm $(wildcard scripts/*.py scripts/*/*.py tests/*.py tests/*/*.py)
check-python: build/check/python
build/check/python: $(python-files)
	$(call say,PYTHON,"$(words $^) files")mkdir -p $(@D) && $(python) -W error -c 'import pathlib, sys; \
		[compile(pathlib.Path(f).read_text(), f, "exec") for f in sys.argv[1:]]' $^ && touch $@

check-rules:
	$(Q)$(python) scripts/check_rules.py
