/* SPDX-License-Identifier: MIT */
/* User memory: range checks round the copy routines of uaccess_fast.S, single values, strings.
 *
 * Every function checks that its range lies in the user half before it touches anything; a fault
 * inside resumes at a fixup. STAC and CLAC bracket each access, and nothing in between calls out.
 */
#include <arch/extable.h>
#include <asm/cpu.h>
#include <asm/smap.h>
#include <kernel/compiler.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#include "../../../src/mm/mm_internal.h"
#include "user_copy.h"

u8 user_copy_bytes __ro_after_init;
bool mm_cpu_emulated __ro_after_init;

void __init arch_uaccess_init(void)
{
	struct cpuid_regs r;

	if (cpu_features.hypervisor) {
		r = cpuid(0x40000000, 0);
		/* "TCGTCGTCGTCG" */
		mm_cpu_emulated = r.ebx == 0x54474354 && r.ecx == 0x43544743 && r.edx == 0x47435447;
	}
	user_copy_bytes = cpu_features.erms && !mm_cpu_emulated;
}

size_t copy_from_user_partial(void *dst, struct user_ptr src, size_t n)
{
	if (unlikely(!user_range_ok(src, n)))
		return n;
	return user_copy(dst, (const void *)src.addr, n);
}

size_t copy_to_user_partial(struct user_ptr dst, const void *src, size_t n)
{
	if (unlikely(!user_range_ok(dst, n)))
		return n;
	return user_copy((void *)dst.addr, src, n);
}

int copy_from_user(void *dst, struct user_ptr src, size_t n)
{
	size_t left = copy_from_user_partial(dst, src, n);

	if (likely(!left))
		return 0;
	memset((char *)dst + (n - left), 0, left);
	return -EFAULT;
}

int copy_to_user(struct user_ptr dst, const void *src, size_t n)
{
	return copy_to_user_partial(dst, src, n) ? -EFAULT : 0;
}

size_t clear_user_partial(struct user_ptr dst, size_t n)
{
	if (unlikely(!user_range_ok(dst, n)))
		return n;
	return user_clear((void *)dst.addr, n);
}

int clear_user(struct user_ptr dst, size_t n)
{
	return clear_user_partial(dst, n) ? -EFAULT : 0;
}

/* --- single values --- */

#define GET_USER(name, type, mov, reg)                                                             \
	int name(type *v, struct user_ptr p)                                                       \
	{                                                                                          \
		int rc = 0;                                                                        \
		type x = 0;                                                                        \
		if (unlikely(!user_range_ok(p, sizeof(type))))                                     \
			return -EFAULT;                                                            \
		__asm__ volatile(                                                                  \
			SMAP_SITE(0xcb) "1: " mov " (%[p]), %" reg "[x]\n"                         \
					"2: " SMAP_SITE(0xca) ".pushsection .text.fixup, \"ax\"\n" \
							      "3: movl %[err], %[rc]\n xorl "      \
							      "%k[x], %k[x]\n jmp 2b\n"            \
							      ".popsection\n" EXTABLE("1b", "3b")  \
			: [rc] "+r"(rc), [x] "+&q"(x)                                              \
			: [p] "r"(p.addr), [err] "i"(-EFAULT)                                      \
			: "memory", "cc");                                                         \
		*v = x;                                                                            \
		return rc;                                                                         \
	}

#define PUT_USER(name, type, mov, reg)                                                             \
	int name(type v, struct user_ptr p)                                                        \
	{                                                                                          \
		int rc = 0;                                                                        \
		if (unlikely(!user_range_ok(p, sizeof(type))))                                     \
			return -EFAULT;                                                            \
		__asm__ volatile(                                                                  \
			SMAP_SITE(0xcb) "1: " mov " %" reg "[x], (%[p])\n"                         \
					"2: " SMAP_SITE(0xca) ".pushsection .text.fixup, \"ax\"\n" \
							      "3: movl %[err], %[rc]\n jmp 2b\n"   \
							      ".popsection\n" EXTABLE("1b", "3b")  \
			: [rc] "+r"(rc)                                                            \
			: [x] "q"(v), [p] "r"(p.addr), [err] "i"(-EFAULT)                          \
			: "memory");                                                               \
		return rc;                                                                         \
	}

GET_USER(get_user_u8, u8, "movb", "b")
GET_USER(get_user_u32, u32, "movl", "k")
GET_USER(get_user_u64, u64, "movq", "q")
PUT_USER(put_user_u8, u8, "movb", "b")
PUT_USER(put_user_u32, u32, "movl", "k")
PUT_USER(put_user_u64, u64, "movq", "q")

int user_cmpxchg_u32(struct user_ptr p, u32 old, u32 new, u32 *found)
{
	int rc = 0;

	if (unlikely(!user_range_ok(p, 4) || p.addr & 3))
		return -EFAULT;
	__asm__ volatile(SMAP_SITE(0xcb) "1: lock cmpxchgl %[new], (%[p])\n"
					 "2: " SMAP_SITE(0xca) ".pushsection .text.fixup, \"ax\"\n"
							       "3: movl %[err], %[rc]\n jmp 2b\n"
							       ".popsection\n" EXTABLE("1b", "3b")
			 : [rc] "+r"(rc), "+a"(old)
			 : [new] "r"(new), [p] "r"(p.addr), [err] "i"(-EFAULT)
			 : "memory", "cc");
	*found = old;
	return rc;
}

/* One aligned word of user memory; false on a fault. */
static inline bool word_get(u64 addr, u64 *v)
{
	int bad = 0;

	__asm__ volatile(SMAP_SITE(0xcb) "1: movq (%[p]), %[v]\n"
					 "2: " SMAP_SITE(0xca) ".pushsection .text.fixup, \"ax\"\n"
							       "3: movl $1, %[bad]\n jmp 2b\n"
							       ".popsection\n" EXTABLE("1b", "3b")
			 : [bad] "+r"(bad), [v] "=&r"(*v)
			 : [p] "r"(addr)
			 : "memory");
	return likely(!bad);
}

/* --- strings: by aligned words, which never cross a page --- */

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

static inline u64 zero_bytes(u64 w)
{
	return (w - ONES) & ~w & HIGHS;
}

ssize_t strnlen_user(struct user_ptr src, size_t max)
{
	u64 at = src.addr & ~7ull, skip = src.addr & 7;
	size_t seen = 0;

	if (!user_range_ok(src, 1))
		return -EFAULT;
	if (max > USER_END - src.addr)
		max = USER_END - src.addr;
	while (seen <= max) {
		u64 w, z;

		if (at >= USER_END || !word_get(at, &w))
			return -EFAULT;
		/* Bytes before the string count as not zero. */
		if (skip)
			w |= ~0ull >> (64 - 8 * skip);
		z = zero_bytes(w);
		if (z) {
			seen += (size_t)__builtin_ctzll(z) / 8 - skip;
			return (ssize_t)min(seen, max + 1);
		}
		seen += 8 - skip;
		skip = 0;
		at += 8;
	}
	return (ssize_t)max + 1;
}

ssize_t strncpy_from_user(char *dst, struct user_ptr src, size_t size)
{
	size_t n = 0;

	if (!user_range_ok(src, 1))
		return -EFAULT;
	while (n < size) {
		u64 at = src.addr + n, w, z;

		if (at >= USER_END)
			return -EFAULT;
		/* A word that stays inside its page cannot fault where its first byte would not. */
		if (likely((at & (PAGE_SIZE - 1)) <= PAGE_SIZE - 8 && size - n >= 8)) {
			if (unlikely(!word_get(at, &w)))
				return -EFAULT;
			__builtin_memcpy(dst + n, &w, 8);
			z = zero_bytes(w);
			if (z)
				return (ssize_t)(n + (size_t)__builtin_ctzll(z) / 8);
			n += 8;
			continue;
		}
		if (get_user_u8((u8 *)dst + n, USER_PTR(at)))
			return -EFAULT;
		if (dst[n] == 0)
			return (ssize_t)n;
		n++;
	}
	return -ENAMETOOLONG;
}

/* --- structures of the user's size --- */

int copy_struct_from_user(void *dst, size_t ksize, struct user_ptr src, size_t usize)
{
	size_t both = min(ksize, usize);

	for (size_t at = ksize; at < usize;) {
		u8 chunk[64];
		size_t n = min(sizeof(chunk), usize - at);

		if (copy_from_user(chunk, user_ptr_add(src, at), n))
			return -EFAULT;
		if (memchr_inv(chunk, 0, n))
			return -E2BIG;
		at += n;
	}
	if (copy_from_user(dst, src, both))
		return -EFAULT;
	memset((char *)dst + both, 0, ksize - both);
	return 0;
}

/* --- no faults please --- */

void pagefault_disable(void)
{
	current->pagefault_disabled++;
	barrier();
}

void pagefault_enable(void)
{
	barrier();
	current->pagefault_disabled--;
}
