/* SPDX-License-Identifier: MIT */
/* COM1 by polling: output before there is any driver, and when everything else is broken. */
#include <asm/ports.h>
#include <arch/ops.h>
#include <kernel/console.h>

#include "uart_regs.h"

#define COM1 0x3f8
/* Bounds the wait for a line that is stopped or absent: about 10 ms on real hardware. */
#define TX_SPINS 100000

static bool ready;

static void early_setup(void)
{
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, LCR_DLAB);
	outb(COM1 + UART_DLL, 1); /* 115200 */
	outb(COM1 + UART_DLM, 0);
	outb(COM1 + UART_LCR, LCR_8N1);
	outb(COM1 + UART_FCR, FCR_ENABLE | FCR_CLEAR_RX | FCR_CLEAR_TX);
	outb(COM1 + UART_MCR, MCR_DTR | MCR_RTS);
	ready = true;
}

static void early_putc(char c)
{
	unsigned int spins = TX_SPINS;

	while (!(inb(COM1 + UART_LSR) & LSR_THRE) && --spins)
		arch_cpu_relax();
	outb(COM1 + UART_THR, (u8)c);
}

void early_console_write(const char *s, size_t n)
{
	if (!ready)
		early_setup();
	for (; n; n--, s++) {
		if (*s == '\n')
			early_putc('\r');
		early_putc(*s);
	}
}
