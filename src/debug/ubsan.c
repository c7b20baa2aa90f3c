/* SPDX-License-Identifier: MIT */
/* Handlers that instrumented code calls on undefined behaviour (-fsanitize without a run-time
 * library): one report with the place in the source. The structures are the compiler's. */
#include <kernel/assert.h>
#include <kernel/log.h>
#include <kernel/types.h>

struct location {
	const char *file;
	u32 line, column;
};
struct type_descriptor {
	u16 kind, info;
	char name[];
};
struct overflow_data {
	struct location loc;
	const struct type_descriptor *type;
};
struct shift_data {
	struct location loc;
	const struct type_descriptor *left, *right;
};
struct bounds_data {
	struct location loc;
	const struct type_descriptor *array, *index;
};
struct value_data {
	struct location loc;
	const struct type_descriptor *type;
};
struct unreachable_data {
	struct location loc;
};
struct nonnull_arg_data {
	struct location loc, attr_loc;
	int arg;
};

static void ub(struct location *loc, const char *what, u64 value, const char *type)
{
	/* The first report of a place is enough; column -1 marks it as told. */
	if (__atomic_exchange_n(&loc->column, ~0u, __ATOMIC_RELAXED) == ~0u)
		return;
	report_bug(loc->file, (int)loc->line, "undefined behaviour: %s (value %#llx, %s)", what,
		   (unsigned long long)value, type);
}

void __ubsan_handle_shift_out_of_bounds(struct shift_data *d, u64 l, u64 r);
void __ubsan_handle_shift_out_of_bounds(struct shift_data *d, u64 l, u64 r)
{
	(void)l;
	ub(&d->loc, "shift by", r, d->right->name);
}

void __ubsan_handle_divrem_overflow(struct overflow_data *d, u64 l, u64 r);
void __ubsan_handle_divrem_overflow(struct overflow_data *d, u64 l, u64 r)
{
	(void)r;
	ub(&d->loc, "division", l, d->type->name);
}

void __ubsan_handle_out_of_bounds(struct bounds_data *d, u64 index);
void __ubsan_handle_out_of_bounds(struct bounds_data *d, u64 index)
{
	ub(&d->loc, "array index", index, d->array->name);
}

void __ubsan_handle_load_invalid_value(struct value_data *d, u64 v);
void __ubsan_handle_load_invalid_value(struct value_data *d, u64 v)
{
	ub(&d->loc, "not a value of its type", v, d->type->name);
}

void __ubsan_handle_vla_bound_not_positive(struct value_data *d, u64 v);
void __ubsan_handle_vla_bound_not_positive(struct value_data *d, u64 v)
{
	ub(&d->loc, "array size", v, d->type->name);
}

void __ubsan_handle_builtin_unreachable(struct unreachable_data *d);
void __ubsan_handle_builtin_unreachable(struct unreachable_data *d)
{
	panic("%s:%u: unreachable code reached", d->loc.file, d->loc.line);
}

void __ubsan_handle_nonnull_arg(struct nonnull_arg_data *d);
void __ubsan_handle_nonnull_arg(struct nonnull_arg_data *d)
{
	ub(&d->loc, "NULL argument number", (u64)d->arg, "pointer");
}

void __ubsan_handle_nonnull_return_v1(void *attr, struct location *loc);
void __ubsan_handle_nonnull_return_v1(void *attr, struct location *loc)
{
	(void)attr;
	ub(loc, "NULL returned", 0, "pointer");
}
