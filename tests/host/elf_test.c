/* SPDX-License-Identifier: MIT */
/* LINK: src/proc/elf.c src/proc/script_line.c */
#include "../../src/proc/elf.h"

#include <kernel/errno.h>
#include "test.h"

#define USER_LIMIT 0x00007ffffffff000ull

/* A program as ld makes them: header, five program headers, text, data with bss. */
struct program {
	struct elf64_ehdr eh;
	struct elf64_phdr ph[5];
};

static struct program make_program(u16 type, u64 base)
{
	struct program p = {
		.eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			.e_type = type, .e_machine = EM_X86_64, .e_version = 1,
			.e_entry = base + 0x1040, .e_phoff = 64, .e_ehsize = 64,
			.e_phentsize = 56, .e_phnum = 5 },
		.ph = {
			{ PT_LOAD, PF_R, 0, base, base, 0x800, 0x800, 0x1000 },
			{ PT_LOAD, PF_R | PF_X, 0x1000, base + 0x1000, base + 0x1000, 0x2345,
			  0x2345, 0x1000 },
			{ PT_LOAD, PF_R | PF_W, 0x3e00, base + 0x4e00, base + 0x4e00, 0x300, 0x5000,
			  0x1000 },
			{ PT_INTERP, PF_R, 0x200, base + 0x200, base + 0x200, 28, 28, 1 },
			{ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 },
		},
	};

	return p;
}

TEST(good_program_is_planned)
{
	struct program p = make_program(ET_EXEC, 0x400000);
	struct elf_layout l;
	size_t size;

	REQUIRE(elf_check_header(&p.eh, &size) == 0);
	CHECK(size == sizeof(p.ph));
	REQUIRE(elf_plan(&p.eh, p.ph, USER_LIMIT, &l) == 0);
	CHECK(l.first_vaddr == 0x400000 && l.low == 0x400000);
	CHECK(l.total == 0xa000);
	CHECK(l.segments == 3);
	CHECK(l.phdr_vaddr == 0x400040);
	CHECK(l.start_code == 0x401000 && l.end_code == 0x403345);
	CHECK(l.end_data == 0x405100);
	CHECK(l.brk == 0x409e00);
	CHECK(elf_find(p.ph, 5, PT_INTERP) == &p.ph[3]);
	CHECK(elf_find(p.ph, 5, PT_TLS) == NULL);
}

TEST(bad_headers_are_not_executable)
{
	struct program good = make_program(ET_DYN, 0), p;
	size_t size;

	p = good, p.eh.e_ident[0] = 'x';
	CHECK(elf_check_header(&p.eh, &size) == -ENOEXEC);
	p = good, p.eh.e_type = 1;
	CHECK(elf_check_header(&p.eh, &size) == -ENOEXEC);
	p = good, p.eh.e_machine = 3;
	CHECK(elf_check_header(&p.eh, &size) == -ENOEXEC);
	p = good, p.eh.e_phentsize = 32;
	CHECK(elf_check_header(&p.eh, &size) == -ENOEXEC);
	p = good, p.eh.e_phnum = 0;
	CHECK(elf_check_header(&p.eh, &size) == -ENOEXEC);
	p = good, p.eh.e_phnum = ELF_MAX_PHDRS + 1;
	CHECK(elf_check_header(&p.eh, &size) == -ENOEXEC);
}

TEST(segments_outside_user_space_are_refused)
{
	struct program good = make_program(ET_EXEC, 0x400000), p;
	struct elf_layout l;

	p = good, p.ph[1].p_vaddr = USER_LIMIT;
	CHECK(elf_plan(&p.eh, p.ph, USER_LIMIT, &l) == -EINVAL);
	p = good, p.ph[1].p_memsz = USER_LIMIT;
	CHECK(elf_plan(&p.eh, p.ph, USER_LIMIT, &l) == -EINVAL);
	p = good, p.ph[1].p_memsz = ~0ull;
	CHECK(elf_plan(&p.eh, p.ph, USER_LIMIT, &l) == -EINVAL);
	p = good, p.ph[1].p_filesz = p.ph[1].p_memsz + 1;
	CHECK(elf_plan(&p.eh, p.ph, USER_LIMIT, &l) == -EINVAL);
	p = good, p.ph[1].p_offset += 8;
	CHECK(elf_plan(&p.eh, p.ph, USER_LIMIT, &l) == -EINVAL);
	p = good, p.ph[1].p_offset = ~0ull << 12;
	CHECK(elf_plan(&p.eh, p.ph, USER_LIMIT, &l) == -EINVAL);
	p = good, p.ph[0].p_type = p.ph[1].p_type = p.ph[2].p_type = PT_NULL;
	CHECK(elf_plan(&p.eh, p.ph, USER_LIMIT, &l) == -EINVAL);
}

/* Whatever the bytes are: no wild access (the sanitizers watch), and what is accepted is sane. */
TEST(mutated_files_are_harmless)
{
	for (unsigned int i = 0; i < 100000 * test_rounds; i++) {
		struct program p = make_program(test_rand() & 1 ? ET_DYN : ET_EXEC, 0x400000);
		unsigned int changes = 1 + test_rand() % 6;
		struct elf_layout l;
		size_t size;

		while (changes--) {
			u8 *at = (u8 *)&p + test_rand() % sizeof(p);

			*at = test_rand() & 1 ? (u8)test_rand() : (u8)(*at ^ 1u << test_rand() % 8);
		}
		if (elf_check_header(&p.eh, &size))
			continue;
		if (!CHECK(size <= ELF_PAGE))
			break;
		/* The kernel reads as many as the header says; here there are five. */
		if (p.eh.e_phnum > 5)
			p.eh.e_phnum = 5;
		if (elf_plan(&p.eh, p.ph, USER_LIMIT, &l))
			continue;
		CHECK(l.low + l.total <= USER_LIMIT && l.total && l.segments <= 5);
		CHECK(l.brk <= l.low + l.total && l.first_vaddr >= l.low);
		CHECK(!(l.align & (l.align - 1)) && l.align >= ELF_PAGE);
		for (unsigned int k = 0; k < p.eh.e_phnum; k++) {
			if (p.ph[k].p_type == PT_LOAD)
				CHECK(p.ph[k].p_vaddr >= l.low &&
				      p.ph[k].p_vaddr + p.ph[k].p_memsz <= l.low + l.total);
		}
	}
}

TEST(interpreter_names)
{
	struct elf64_phdr ph = { .p_filesz = 1 };

	CHECK(elf_check_interp_size(&ph) == -ENOEXEC);
	ph.p_filesz = 4097;
	CHECK(elf_check_interp_size(&ph) == -ENOEXEC);
	ph.p_filesz = 4096;
	CHECK(elf_check_interp_size(&ph) == 0);
	CHECK(elf_check_interp_text("/lib/ld", 8) == 0);
	CHECK(elf_check_interp_text("/lib/ld", 7) == -ENOEXEC);
}

static const char *parse(const char *text, char **name, char **arg)
{
	static char line[256];

	memset(line, 0, sizeof(line));
	memcpy(line, text, strnlen(text, sizeof(line)));
	return script_parse(line, sizeof(line), name, arg) ? NULL : *name;
}

TEST(script_lines)
{
	char *name, *arg, big[300];

	REQUIRE(parse("#!/bin/sh\n", &name, &arg));
	CHECK(!strcmp(name, "/bin/sh") && !arg);
	REQUIRE(parse("#! \t /bin/sh  -x  y \t\nrest", &name, &arg));
	CHECK(!strcmp(name, "/bin/sh") && arg && !strcmp(arg, "-x  y"));
	REQUIRE(parse("#!/bin/sh", &name, &arg));
	CHECK(!strcmp(name, "/bin/sh") && !arg);
	REQUIRE(parse("#!/bin/sh   \n", &name, &arg));
	CHECK(!strcmp(name, "/bin/sh") && !arg);
	CHECK(!parse("#!\n", &name, &arg));
	CHECK(!parse("#!  \t \n", &name, &arg));

	/* A name that fills the head may have been cut; a cut argument is passed as it is. */
	memset(big, 'a', sizeof(big));
	memcpy(big, "#!/", 3);
	big[299] = '\0';
	CHECK(!parse(big, &name, &arg));
	big[100] = ' ';
	REQUIRE(parse(big, &name, &arg));
	CHECK(strlen(name) == 98 && arg && strlen(arg) == 255 - 101);
}

TEST(mutated_script_lines_are_harmless)
{
	static const char letters[] = "#! \t\n\0/abc";

	for (unsigned int i = 0; i < 100000 * test_rounds; i++) {
		char line[256], *name, *arg;

		for (unsigned int k = 0; k < sizeof(line); k++)
			line[k] = letters[test_rand() % (sizeof(letters) - 1)];
		line[0] = '#';
		line[1] = '!';
		if (script_parse(line, sizeof(line), &name, &arg))
			continue;
		CHECK(name > line && name < line + sizeof(line) &&
		      name + strlen(name) < line + sizeof(line));
		CHECK(!arg || (arg > name && arg + strlen(arg) < line + sizeof(line)));
	}
}

