/* SPDX-License-Identifier: MIT */
/* Programs that are damaged: fields of a small ELF file set to bad values, one at a time, and ten
 * thousand random mutations of ELF files and scripts, of which only survival is told. */
#define ABI_LIMIT 100
#include "abi.h"

#include <elf.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define BASE 0x10000000UL

struct image {
	Elf64_Ehdr e;
	Elf64_Phdr p[4];
	char interp[64];
	unsigned char code[64];
};

/* A valid program: exits with 42. Its second segment is writable and has a bss. */
static void build(struct image *im)
{
	static const unsigned char code[] = {
		0xbf, 42, 0, 0, 0,	/* mov $42, %edi */
		0xb8, 231, 0, 0, 0,	/* mov $exit_group, %eax */
		0x0f, 0x05, 0x0f, 0x0b, /* syscall; ud2 */
	};

	memset(im, 0, sizeof(*im));
	memcpy(im->e.e_ident, ELFMAG, SELFMAG);
	im->e.e_ident[EI_CLASS] = ELFCLASS64;
	im->e.e_ident[EI_DATA] = ELFDATA2LSB;
	im->e.e_ident[EI_VERSION] = EV_CURRENT;
	im->e.e_type = ET_EXEC;
	im->e.e_machine = EM_X86_64;
	im->e.e_version = EV_CURRENT;
	im->e.e_entry = BASE + offsetof(struct image, code);
	im->e.e_phoff = offsetof(struct image, p);
	im->e.e_ehsize = sizeof(Elf64_Ehdr);
	im->e.e_phentsize = sizeof(Elf64_Phdr);
	im->e.e_phnum = 3;
	im->p[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = BASE,
				 .p_filesz = sizeof(*im), .p_memsz = sizeof(*im), .p_align = 4096 };
	im->p[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				 .p_flags = PF_R | PF_W,
				 .p_vaddr = BASE + 0x10000,
				 .p_filesz = 64,
				 .p_memsz = 0x3000,
				 .p_align = 4096 };
	im->p[2] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
	strcpy(im->interp, "/tmp/abi/interp");
	memcpy(im->code, code, sizeof(code));
}

static int image_fd = -1;

static int run_bytes(const void *data, size_t size)
{
	struct rlimit cpu = { 1, 1 }, as = { 1 << 30, 1 << 30 };
	char *argv[] = { (char *)"x", NULL }, *envp[] = { NULL };
	int status;
	pid_t pid;

	if (image_fd >= 0)
		close(image_fd);
	unlink("prog");
	image_fd = (int)NEED(open("prog", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
	NEED(write(image_fd, data, size));
	close(image_fd);
	image_fd = -1;
	pid = vfork();
	if (pid == 0) {
		syscall(SYS_prlimit64, 0, RLIMIT_CPU, &cpu, NULL);
		syscall(SYS_prlimit64, 0, RLIMIT_AS, &as, NULL);
		execve("./prog", argv, envp);
		_exit(errno == 42 ? 1 : errno);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void show_run(const char *what, const void *data, size_t size)
{
	int status = run_bytes(data, size);

	if (WIFEXITED(status) && WEXITSTATUS(status) != 42)
		SHOW("%s: %s", what, abi_errname(WEXITSTATUS(status)));
	else if (WIFEXITED(status))
		SHOW("%s: runs", what);
	else
		abi_show_status(what, status & ~0x80);
}

#define WITH(change)                                                                               \
	do {                                                                                       \
		struct image im;                                                                   \
		build(&im);                                                                        \
		change;                                                                            \
		show_run(#change, &im, sizeof(im));                                                \
	} while (0)

CASE(header_fields)
{
	WITH((void)0);
	WITH(im.e.e_ident[0] = 0);
	WITH(im.e.e_ident[3] = 'f');
	WITH(im.e.e_ident[EI_CLASS] = ELFCLASS32);
	WITH(im.e.e_ident[EI_DATA] = ELFDATA2MSB);
	WITH(im.e.e_ident[EI_VERSION] = 0);
	WITH(im.e.e_ident[EI_OSABI] = 255);
	WITH(im.e.e_type = ET_NONE);
	WITH(im.e.e_type = ET_REL);
	WITH(im.e.e_type = ET_CORE);
	WITH(im.e.e_type = 0xffff);
	WITH(im.e.e_machine = EM_386);
	WITH(im.e.e_machine = EM_AARCH64);
	WITH(im.e.e_version = 0);
	WITH(im.e.e_flags = ~0U);
	WITH(im.e.e_ehsize = 0);
	WITH(im.e.e_shoff = ~0UL);
	WITH(im.e.e_shnum = 0xffff);
	WITH(im.e.e_phentsize = 0);
	WITH(im.e.e_phentsize = 55);
	WITH(im.e.e_phentsize = 57);
	WITH(im.e.e_phnum = 0);
	WITH(im.e.e_phnum = 1);
	WITH(im.e.e_phnum = 0xffff);
	WITH(im.e.e_phnum = 1171);
	WITH(im.e.e_phoff = 0);
	WITH(im.e.e_phoff = sizeof(im));
	WITH(im.e.e_phoff = 1UL << 63);
	WITH(im.e.e_phoff = ~0UL - 3);
	WITH(im.e.e_entry = 0);
	WITH(im.e.e_entry = BASE - 1);
	WITH(im.e.e_entry = BASE + 0x10000);
	WITH(im.e.e_entry = 1UL << 63);
	WITH(im.e.e_entry = ~0UL);
	WITH(im.e.e_entry = 0xffffffff80000000UL);
	WITH(im.e.e_entry = 0x0000800000000000UL);
}

CASE(load_segments)
{
	WITH(im.p[0].p_type = PT_NULL);
	WITH(im.p[1].p_type = PT_NULL);
	WITH(im.p[0].p_flags = 0);
	WITH(im.p[0].p_flags = PF_R);
	WITH(im.p[0].p_flags = ~0U);
	WITH(im.p[0].p_offset = 1);
	WITH(im.p[0].p_offset = 4096);
	WITH(im.p[0].p_offset = ~0UL);
	WITH(im.p[0].p_offset = 1UL << 62);
	WITH(im.p[0].p_vaddr += 1);
	WITH(im.p[0].p_vaddr = 0);
	WITH(im.p[0].p_vaddr = 0xffff800000000000UL);
	WITH(im.p[0].p_vaddr = 0x7ffffffff000UL);
	WITH(im.p[0].p_filesz = 0);
	WITH(im.p[0].p_filesz = 0; im.p[0].p_memsz = 0);
	WITH(im.p[0].p_filesz = sizeof(im) + 100);
	WITH(im.p[0].p_memsz = 1);
	WITH(im.p[0].p_memsz = ~0UL);
	WITH(im.p[0].p_memsz = 1UL << 47);
	WITH(im.p[0].p_memsz = 2UL << 30);
	WITH(im.p[0].p_align = 0);
	WITH(im.p[0].p_align = 3);
	WITH(im.p[0].p_align = 1UL << 40);
	WITH(im.p[0].p_align = 1UL << 63);
	WITH(im.p[1].p_vaddr = BASE);
	WITH(im.p[1].p_vaddr = BASE - 0x10000);
	WITH(im.p[1].p_filesz = 0);
	WITH(im.p[1].p_memsz = 0);
	WITH(im.p[1].p_memsz = 10);
	WITH(im.p[1].p_memsz = 1UL << 46);
	WITH(im.p[1].p_memsz = ~0UL);
	WITH(im.p[1].p_offset = 8192);
	WITH(im.p[1].p_flags = PF_R);
	WITH(im.p[1].p_flags = 0);
	WITH(im.p[2].p_flags = PF_R | PF_W | PF_X);
	WITH(im.p[2].p_type = PT_NOTE; im.p[2].p_filesz = ~0UL);
	WITH(im.p[2].p_type = PT_TLS; im.p[2].p_filesz = ~0UL);
	WITH(im.p[2].p_type = PT_DYNAMIC; im.p[2].p_offset = ~0UL);
	WITH(im.p[2].p_type = PT_PHDR; im.p[2].p_vaddr = ~0UL);
	WITH(im.p[2].p_type = 0x7fffffff);
	WITH(im.e.e_type = ET_DYN);
	WITH(im.e.e_type = ET_DYN; im.p[0].p_align = 1UL << 21);
}

#define INTERP(change)                                                                             \
	do {                                                                                       \
		struct image im;                                                                   \
		build(&im);                                                                        \
		im.p[2].p_type = PT_INTERP;                                                        \
		im.p[2].p_offset = offsetof(struct image, interp);                                 \
		im.p[2].p_filesz = strlen(im.interp) + 1;                                          \
		change;                                                                            \
		show_run(#change, &im, sizeof(im));                                                \
	} while (0)

static void put_interp(const void *data, size_t size, mode_t mode)
{
	int fd;

	unlink("interp");
	fd = (int)NEED(open("interp", O_WRONLY | O_CREAT, 0755));
	NEED(write(fd, data, size));
	NEED(fchmod(fd, mode));
	close(fd);
}

CASE(interpreters)
{
	struct image in;

	INTERP((void)"missing");
	put_interp("text, long enough to be no header of anything, so that it is read as a whole",
		   70, 0755);
	INTERP((void)"not ELF");
	put_interp("short", 5, 0755);
	INTERP((void)"short file");
	build(&in);
	in.e.e_type = ET_DYN;
	for (int i = 0; i < 2; i++)
		in.p[i].p_vaddr -= BASE;
	in.e.e_entry -= BASE;
	in.code[1] = 42;
	put_interp(&in, sizeof(in), 0755);
	INTERP((void)"good");
	INTERP(im.p[2].p_filesz--);
	INTERP(im.p[2].p_filesz = 1);
	INTERP(im.p[2].p_filesz = 0);
	INTERP(im.p[2].p_filesz = 5000);
	INTERP(im.p[2].p_filesz = ~0UL);
	INTERP(im.p[2].p_offset = ~0UL);
	INTERP(im.p[2].p_offset = 1UL << 40);
	INTERP(im.interp[0] = '\0');
	put_interp(&in, sizeof(in), 0644);
	INTERP((void)"not executable");
	in.e.e_machine = EM_386;
	put_interp(&in, sizeof(in), 0755);
	INTERP((void)"other machine");
	in.e.e_machine = EM_X86_64;
	in.e.e_phnum = 0;
	put_interp(&in, sizeof(in), 0755);
	INTERP((void)"no program headers");
	in.e.e_phnum = 3;
	in.e.e_entry = 1UL << 63;
	put_interp(&in, sizeof(in), 0755);
	INTERP((void)"mad entry");
	unlink("interp");
	NEED(mkdir("interp", 0755));
	INTERP((void)"a directory");
}

CASE(truncated)
{
	struct image im;
	char what[32];

	build(&im);
	for (size_t n = 0; n <= sizeof(im); n += n < 8 ? 1 : 24) {
		snprintf(what, sizeof(what), "%zu bytes", n);
		/* Behind the headers what is cut is code, which then is zero. */
		if (n < offsetof(struct image, interp))
			show_run(what, &im, n);
	}
}

CASE(bss_is_zero)
{
	struct image im;
	/* Adds up the bytes behind the file part of the data segment: 42 when all are zero. */
	static const unsigned char code[] = {
		0xbe, 0x40, 0x00, 0x01, 0x10,	/* mov $BASE + 0x10040, %esi */
		0xb9, 0xc0, 0x2f, 0x00, 0x00,	/* mov $0x2fc0, %ecx */
		0xbf, 42, 0, 0, 0,		/* mov $42, %edi */
		0x0f, 0xb6, 0x06,		/* 1: movzbl (%rsi), %eax */
		0x01, 0xc7, 0x48, 0xff, 0xc6,	/* add %eax, %edi; inc %rsi */
		0xff, 0xc9, 0x75, 0xf4,		/* dec %ecx; jnz 1b */
		0xb8, 231, 0, 0, 0, 0x0f, 0x05,
	};

	build(&im);
	memcpy(im.code, code, sizeof(code));
	show_run("bss", &im, sizeof(im));
}

static unsigned long seed;

static unsigned long rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void mutate(unsigned char *b, size_t size)
{
	static const unsigned long odd[] = { 0, 1, 0xff, 0x7f, 0x80, 0xffff, 4095, 4096, 0x7fffffff,
					     0x80000000, 0xffffffff, 1UL << 47, 1UL << 63, ~0UL,
					     0xffffffff80000000, 0x7ffffffff000, BASE };
	int n = 1 + (int)(rnd() % 4);

	while (n--) {
		size_t at = rnd() % (size - 8);
		unsigned long v = odd[rnd() % (sizeof(odd) / sizeof(odd[0]))];

		switch (rnd() % 4) {
		case 0:
			b[at] = (unsigned char)rnd();
			break;
		case 1:
			b[at] ^= (unsigned char)(1 << rnd() % 8);
			break;
		case 2:
			memcpy(b + (at & ~3UL), &v, 4);
			break;
		default:
			memcpy(b + (at & ~7UL), &v, 8);
			break;
		}
	}
}

static int rounds(int count)
{
	return abi_is_keelson() ? count : count / 10;
}

static void storm(unsigned long start, int count, int interp)
{
	int done = 0, runs = rounds(count);

	seed = start;
	for (int i = 0; i < runs; i++) {
		struct image im;
		int status;

		build(&im);
		if (interp) {
			im.p[3] = im.p[2];
			im.e.e_phnum = 4;
			im.p[2].p_type = PT_INTERP;
			im.p[2].p_offset = offsetof(struct image, interp);
			im.p[2].p_filesz = 16;
		}
		mutate((unsigned char *)&im, offsetof(struct image, code));
		status = run_bytes(&im, rnd() % 8 ? sizeof(im) : rnd() % sizeof(im));
		done += WIFEXITED(status) || WIFSIGNALED(status);
	}
	SHOW("survived %d", done * (count / runs));
}

CASE(random_elf_1)
{
	storm(1, 2500, 0);
}

CASE(random_elf_2)
{
	storm(22222, 2500, 0);
}

CASE(random_elf_3)
{
	storm(333333333, 2500, 0);
}

CASE(random_interpreters)
{
	struct image in;

	build(&in);
	in.e.e_type = ET_DYN;
	put_interp(&in, sizeof(in), 0755);
	storm(4444, 1500, 1);
}

CASE(random_interpreter_files)
{
	int done = 0, runs = rounds(500);

	seed = 55;
	for (int i = 0; i < runs; i++) {
		struct image in, im;
		int status;

		build(&in);
		in.e.e_type = ET_DYN;
		mutate((unsigned char *)&in, offsetof(struct image, code));
		put_interp(&in, sizeof(in), 0755);
		build(&im);
		im.p[2].p_type = PT_INTERP;
		im.p[2].p_offset = offsetof(struct image, interp);
		im.p[2].p_filesz = 16;
		status = run_bytes(&im, sizeof(im));
		done += WIFEXITED(status) || WIFSIGNALED(status);
	}
	SHOW("survived %d", done * (500 / runs));
}

CASE(random_scripts)
{
	static const char *const parts[] = { "#!",   "/bin/true", " ",	"\t",	    "\n",
					     "x",    "/",	  ".",	"\0",	    "/tmp/abi/prog",
					     "\xff", "#",	  "-c", "/dev/null" };
	int done = 0, runs = rounds(500);

	seed = 666;
	for (int i = 0; i < runs; i++) {
		char text[512] = "#!";
		size_t n = 2, k = rnd() % 20;

		while (k--) {
			const char *p = parts[rnd() % (sizeof(parts) / sizeof(parts[0]))];
			size_t len = *p ? strlen(p) : 1, times = rnd() % 16 ? 1 : 40;

			while (times-- && n + len < sizeof(text)) {
				memcpy(text + n, p, len);
				n += len;
			}
		}
		done += run_bytes(text, n) != -1;
	}
	SHOW("survived %d", done * (500 / runs));
}
