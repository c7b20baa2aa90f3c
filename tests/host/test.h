/* SPDX-License-Identifier: MIT */
/*
 * Host unit tests: kernel code compiled for the build machine under ASan and UBSan.
 *
 * A test file names the sources it links in its first lines, in a comment of the one word LINK, a
 * colon and the paths (see any of them), includes this header once, and holds TEST(name) { ... }
 * bodies that use the CHECK macros. The program prints TAP and exits with 1 when a test failed.
 * A failed CHECK reports and goes on; REQUIRE leaves the test.
 *
 * Use: foo_test [-l] [name...]; -l lists the tests, names select some.
 * TEST_SEED=n is the seed of test_rand(); it is printed, so that a failure can be run again.
 * TEST_ROUNDS=n multiplies the length of randomised tests.
 */
#ifndef TESTS_HOST_TEST_H
#define TESTS_HOST_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*fn)(void);
	struct test_case *next;
};

static struct test_case *test_first, **test_last = &test_first;
static int test_failures; /* of the test that runs */
static uint64_t test_state;
static unsigned int test_rounds = 1;

#define TEST(id)                                                                                   \
	static void id(void);                                                                      \
	static struct test_case id##_case = { #id, id, NULL };                                     \
	__attribute__((constructor)) static void id##_register(void)                               \
	{                                                                                          \
		*test_last = &id##_case;                                                           \
		test_last = &id##_case.next;                                                       \
	}                                                                                          \
	static void id(void)

#define TEST_MAX_REPORTS 20
#define TEST_REPORT(...)                                                                           \
	do {                                                                                       \
		if (test_failures++ < TEST_MAX_REPORTS) {                                          \
			printf("# %s:%d: ", __FILE__, __LINE__);                                   \
			printf(__VA_ARGS__);                                                       \
			putchar('\n');                                                             \
		}                                                                                  \
	} while (0)

#define CHECK(cond) ((cond) ? true : (({ TEST_REPORT("%s", #cond); }), false))

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			TEST_REPORT("required: %s", #cond);                                        \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#define CHECK_EQ(a, b)                                                                             \
	do {                                                                                       \
		long long test_a = (long long)(a), test_b = (long long)(b);                        \
		if (test_a != test_b)                                                              \
			TEST_REPORT("%s is %lld (0x%llx), not %lld (0x%llx)", #a, test_a,          \
				    (unsigned long long)test_a, test_b,                            \
				    (unsigned long long)test_b);                                   \
	} while (0)

#define CHECK_STR(a, b)                                                                            \
	do {                                                                                       \
		const char *test_a = (a), *test_b = (b);                                           \
		if (strcmp(test_a, test_b))                                                        \
			TEST_REPORT("%s is \"%s\", not \"%s\"", #a, test_a, test_b);               \
	} while (0)

#define CHECK_MEM(a, b, n)                                                                         \
	do {                                                                                       \
		if (memcmp(a, b, n))                                                               \
			TEST_REPORT("%s and %s differ", #a, #b);                                   \
	} while (0)

/* splitmix64 */
static inline uint64_t test_rand(void)
{
	uint64_t z = (test_state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* 0 .. n-1 */
static inline uint64_t test_below(uint64_t n)
{
	return test_rand() % n;
}

static inline void test_fill(void *buf, size_t n)
{
	uint8_t *p = buf;

	while (n--)
		*p++ = (uint8_t)test_rand();
}

static bool test_selected(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("TEST_SEED"), *rounds = getenv("TEST_ROUNDS");
	uint64_t base = seed ? strtoull(seed, NULL, 0) : 1;
	int n = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rounds)
		test_rounds = (unsigned int)atoi(rounds);
	if (argc == 2 && !strcmp(argv[1], "-l")) {
		for (struct test_case *t = test_first; t; t = t->next)
			puts(t->name);
		return 0;
	}
	for (struct test_case *t = test_first; t; t = t->next)
		n += test_selected(t->name, argc, argv);
	printf("TAP version 13\n1..%d\n# seed %llu\n", n, (unsigned long long)base);
	n = 0;
	for (struct test_case *t = test_first; t; t = t->next) {
		if (!test_selected(t->name, argc, argv))
			continue;
		test_state = base;
		test_failures = 0;
		t->fn();
		printf("%sok %d - %s\n", test_failures ? "not " : "", ++n, t->name);
		failed += test_failures != 0;
	}
	return failed != 0 || n == 0;
}

#endif
