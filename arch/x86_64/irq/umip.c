/* SPDX-License-Identifier: MIT */
/* SGDT, SIDT, SLDT, STR and SMSW of user code. UMIP makes them fault, so that no kernel address
 * leaks; programs (Wine, old copy protection) expect them to work, so, as Linux does, the
 * instruction is carried out with fixed values. Only what the fault was about is decoded: prefixes,
 * opcode, one operand. */
#include <asm/cpu.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/traps.h>
#include <kernel/compiler.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#define DUMMY_GDT 0xfffffffffffe0000ull
#define DUMMY_IDT 0xffffffffffff0000ull
#define MAX_INSN 15

enum umip_op { OP_SGDT, OP_SIDT, OP_SMSW, OP_SLDT, OP_STR };

struct insn {
	u8 bytes[MAX_INSN];
	unsigned int len, at; /* fetched, decoded so far */
	u8 rex, modrm;
	bool short_operand, short_address, fs_gs;
};

static u64 *reg_of(struct user_regs *r, unsigned int n)
{
	u64 *const regs[16] = {
		&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
		&r->r8,	 &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15,
	};

	return regs[n & 15];
}

static bool next_byte(struct insn *i, u8 *b)
{
	if (i->at >= i->len)
		return false;
	*b = i->bytes[i->at++];
	return true;
}

static bool fetch(struct insn *i, u64 rip)
{
	/* The instruction may end at the end of its page. */
	memset(i, 0, sizeof(*i));
	i->len = MAX_INSN - (unsigned int)copy_from_user_partial(i->bytes, USER_PTR(rip), MAX_INSN);
	return i->len != 0;
}

static bool decode_op(struct insn *i, enum umip_op *op)
{
	u8 b, second;

	for (;;) {
		if (!next_byte(i, &b))
			return false;
		if (b == 0x66)
			i->short_operand = true;
		else if (b == 0x67)
			i->short_address = true;
		else if (b == 0x64 || b == 0x65)
			i->fs_gs = true;
		else if (b != 0x2e && b != 0x36 && b != 0x3e && b != 0x26 && b != 0xf2 && b != 0xf3)
			break;
	}
	if ((b & 0xf0) == 0x40) {
		i->rex = b;
		if (!next_byte(i, &b))
			return false;
	}
	if (b != 0x0f || !next_byte(i, &second) || !next_byte(i, &i->modrm) || second > 1)
		return false;
	switch (second << 4 | ((i->modrm >> 3) & 7)) {
	case 0x00:
		*op = OP_SLDT;
		return true;
	case 0x01:
		*op = OP_STR;
		return true;
	case 0x10:
		*op = OP_SGDT;
		return i->modrm >> 6 != 3;
	case 0x11:
		*op = OP_SIDT;
		return i->modrm >> 6 != 3;
	case 0x14:
		*op = OP_SMSW;
		return true;
	default:
		return false;
	}
}

static bool displacement(struct insn *i, unsigned int bytes, u64 *disp)
{
	s32 v = 0;

	if (i->len - i->at < bytes)
		return false;
	memcpy(&v, i->bytes + i->at, bytes);
	i->at += bytes;
	*disp = (u64)(s64)(bytes == 1 ? (s8)v : v);
	return true;
}

/* Address of the memory operand. Bases of FS and GS are not looked at: such code is not emulated.
 * */
static bool operand_address(struct insn *i, struct user_regs *r, u64 *addr)
{
	unsigned int mod = i->modrm >> 6, rm = i->modrm & 7;
	u64 base = 0, disp = 0;
	bool rip_relative = false;
	u8 sib;

	if (i->fs_gs)
		return false;
	if (rm == 4) {
		if (!next_byte(i, &sib))
			return false;
		if (((sib >> 3) & 7) != 4 || (i->rex & 2))
			base = *reg_of(r, ((sib >> 3) & 7) | (i->rex & 2) << 2) << (sib >> 6);
		if ((sib & 7) == 5 && mod == 0)
			mod = 4; /* displacement alone */
		else
			base += *reg_of(r, (sib & 7) | (i->rex & 1) << 3);
	} else if (rm == 5 && mod == 0) {
		rip_relative = true;
		mod = 4;
	} else {
		base = *reg_of(r, rm | (i->rex & 1) << 3);
	}
	if (mod == 1 && !displacement(i, 1, &disp))
		return false;
	if ((mod == 2 || mod == 4) && !displacement(i, 4, &disp))
		return false;
	*addr = base + disp + (rip_relative ? r->rip + i->at : 0);
	if (i->short_address)
		*addr = (u32)*addr;
	return true;
}

/* True when the instruction behind a general protection fault was carried out. Interrupts on. */
bool umip_emulate(struct user_regs *regs)
{
	u8 data[10];
	size_t n = 2;
	u64 value = 0, addr;
	enum umip_op op;
	struct insn i;

	if (!cpu_features.umip || !fetch(&i, regs->rip) || !decode_op(&i, &op))
		return false;
	if (op == OP_SMSW)
		value = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
	else if (op == OP_STR)
		value = TSS_SEL;
	if (op == OP_SGDT || op == OP_SIDT) {
		value = op == OP_SGDT ? DUMMY_GDT : DUMMY_IDT;
		memset(data, 0, 2);
		memcpy(data + 2, &value, 8);
		n = 10;
	} else {
		memcpy(data, &value, 8);
	}
	if (i.modrm >> 6 == 3) {
		n = i.rex & 8 ? 8 : i.short_operand ? 2 : 4;
		memcpy(reg_of(regs, (i.modrm & 7) | (i.rex & 1) << 3), data, n);
	} else if (!operand_address(&i, regs, &addr) || copy_to_user(USER_PTR(addr), data, n)) {
		return false;
	}
	regs->rip += i.at;
	return true;
}
