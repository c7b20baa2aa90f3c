/* SPDX-License-Identifier: MIT */
/* 16550 serial lines: ttyS0 to ttyS3 at the addresses and interrupts of a PC, and the log on them.
 *
 * Output:     a ring of 4 KiB, moved to the chip when something is written and by its interrupt.
 * Input:      the interrupt handler empties the FIFO into the terminal's rx ring. When that is full
 *             the receive interrupt is switched off and the FIFO left alone: with RTS (CRTSCTS) or
 *             XOFF (IXOFF) the other end stops; an emulated line waits all by itself. Nothing is
 *             lost but on a real line without any flow control.
 * Interrupts: lines are shared by two ports each and edge triggered: the handler goes on until the
 *             chip has nothing pending.
 * Locking:    u->lock, interrupts off, round registers and ring; never held while the terminal is
 *             called. The log's writer gives up waiting for it, so that a panic gets through.
 * Lifetime:   static. */
#include <asm/ports.h>
#include <arch/ops.h>
#include <drivers/tty.h>
#include <kernel/console.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/random.h>
#include <kernel/ringbuf.h>
#include <uapi/ioctls.h>

#include "../tty/ldisc.h"
#include "uart_regs.h"

#define NR_PORTS 4
#define TX_SIZE 4096u
#define PUMP_BUDGET 256 /* bytes to the chip in one go, interrupts off */
#define RX_BATCH 64
#define IRQ_ROUNDS 64
#define LOCK_SPINS 10000000
#define TX_SPINS 100000

/* C: const after probing  L: lock */
struct uart {
	struct tty tty;
	struct console console;
	u16 port;		/* C: I/O base */
	u8 irq;			/* C: ISA line */
	bool has_irq;		/* C after the first open */
	struct spinlock lock;	/* LOCK_DRIVER_IRQ */
	u8 ier, mcr, lcr;	/* L: what the registers hold */
	bool open;		/* L */
	bool throttled;		/* L: receive interrupt off */
	bool stopped;		/* L: XOFF received or TCOOFF */
	bool cts_flow, cts;	/* L: CRTSCTS; the other end is ready */
	u8 xchar;		/* L: goes before everything else */
	struct ringbuf tx;	/* L */
	u8 tx_buf[TX_SIZE];
	u32 overruns;		/* L */
};

static struct uart uarts[NR_PORTS];

static u8 reg_read(const struct uart *u, u16 reg)
{
	return inb(u->port + reg);
}
static void reg_write(const struct uart *u, u16 reg, u8 v)
{
	outb(u->port + reg, v);
}

static void set_ier(struct uart *u, u8 ier)
{
	if (u->ier != ier) {
		u->ier = ier;
		reg_write(u, UART_IER, ier);
	}
}

static bool may_send(const struct uart *u)
{
	return !u->stopped && (!u->cts_flow || u->cts);
}

/* Moves output to the chip as far as it takes it; the interrupt goes on with the rest. Lock held.
 * */
static void tx_pump(struct uart *u)
{
	unsigned int budget = PUMP_BUDGET;
	int c;

	while (budget && (u->xchar || (may_send(u) && !ring_empty(&u->tx))) &&
	       (reg_read(u, UART_LSR) & LSR_THRE)) {
		if (u->xchar) {
			reg_write(u, UART_THR, u->xchar);
			u->xchar = 0;
			continue;
		}
		for (int i = 0; i < UART_FIFO && budget; i++, budget--) {
			c = ring_getc(&u->tx);
			if (c < 0)
				break;
			reg_write(u, UART_THR, (u8)c);
		}
	}
	if (u->xchar || (may_send(u) && !ring_empty(&u->tx)))
		set_ier(u, u->ier | IER_THRE);
	else
		set_ier(u, u->ier & ~IER_THRE);
}

/* --- interrupt --- */

struct rx_batch {
	u8 buf[RX_BATCH];
	size_t n;
	u8 bad, flag; /* a byte with an error, behind the good ones */
	bool has_bad;
};

/* Empties the FIFO into b, as much as the terminal has room for. Lock held. */
static void rx_collect(struct uart *u, struct rx_batch *b)
{
	size_t room = tty_receive_room(&u->tty);

	b->n = 0;
	b->has_bad = false;
	while (!u->throttled && b->n < RX_BATCH) {
		u8 lsr = reg_read(u, UART_LSR), c;

		if (!(lsr & LSR_DATA))
			return;
		if (b->n + 1 >= room) {
			u->throttled = true;
			set_ier(u, u->ier & ~(IER_RX | IER_LINE));
			return;
		}
		c = reg_read(u, UART_RBR);
		if (lsr & LSR_OVERRUN)
			u->overruns++;
		if (likely(!(lsr & (LSR_BREAK | LSR_PARITY | LSR_FRAME)))) {
			b->buf[b->n++] = c;
			continue;
		}
		b->bad = c;
		b->flag = lsr & LSR_BREAK ? TTY_BREAK : lsr & LSR_PARITY ? TTY_PARITY : TTY_FRAME;
		b->has_bad = true;
		return;
	}
}

static void check_modem(struct uart *u)
{
	u8 msr = reg_read(u, UART_MSR);

	u->cts = msr & MSR_CTS;
}

static bool uart_interrupt(void *arg)
{
	struct uart *u = arg;
	struct rx_batch b;
	bool ours = false, room = false;

	for (int i = 0; i < IRQ_ROUNDS; i++) {
		spin_lock(&u->lock);
		if (!u->open || (reg_read(u, UART_IIR) & IIR_NONE)) {
			spin_unlock(&u->lock);
			break;
		}
		ours = true;
		rx_collect(u, &b);
		check_modem(u);
		if (u->ier & IER_THRE) {
			tx_pump(u);
			room = true;
		}
		spin_unlock(&u->lock);
		if (b.n)
			tty_receive(&u->tty, b.buf, b.n, TTY_NORMAL);
		if (b.has_bad)
			tty_receive(&u->tty, &b.bad, 1, b.flag);
	}
	if (ours)
		random_add_event((u32)arch_cycles());
	if (room && ring_used(&u->tx) <= TX_SIZE / 2)
		tty_wakeup(&u->tty);
	return ours;
}

/* --- terminal operations --- */

static struct uart *to_uart(struct tty *t)
{
	return container_of(t, struct uart, tty);
}

static size_t uart_write(struct tty *t, const u8 *buf, size_t n)
{
	struct uart *u = to_uart(t);
	irqflags_t f = spin_lock_irqsave(&u->lock);

	n = ring_write(&u->tx, buf, n);
	tx_pump(u);
	spin_unlock_irqrestore(&u->lock, f);
	return n;
}

static size_t uart_write_room(struct tty *t)
{
	return ring_free(&to_uart(t)->tx);
}

static size_t uart_chars_in_buffer(struct tty *t)
{
	struct uart *u = to_uart(t);

	return ring_used(&u->tx) + (u->open && !(reg_read(u, UART_LSR) & LSR_IDLE) ? 1 : 0);
}

static void uart_flush_output(struct tty *t)
{
	struct uart *u = to_uart(t);
	irqflags_t f = spin_lock_irqsave(&u->lock);

	ring_clear(&u->tx);
	tx_pump(u);
	spin_unlock_irqrestore(&u->lock, f);
}

static void uart_stop_output(struct tty *t, bool stop)
{
	struct uart *u = to_uart(t);
	irqflags_t f = spin_lock_irqsave(&u->lock);

	u->stopped = stop;
	tx_pump(u);
	spin_unlock_irqrestore(&u->lock, f);
}

static void uart_send_xchar(struct tty *t, u8 c)
{
	struct uart *u = to_uart(t);
	irqflags_t f = spin_lock_irqsave(&u->lock);

	u->xchar = c;
	tx_pump(u);
	spin_unlock_irqrestore(&u->lock, f);
}

static void set_mcr(struct uart *u, u8 mcr)
{
	u->mcr = mcr;
	reg_write(u, UART_MCR, mcr);
}

static void uart_throttle(struct tty *t, bool on)
{
	struct uart *u = to_uart(t);
	const struct ktermios *tio = tty_termios(t);
	irqflags_t f = spin_lock_irqsave(&u->lock);

	if (tio->c_iflag & IXOFF) {
		u->xchar = tio->c_cc[on ? VSTOP : VSTART];
		tx_pump(u);
	}
	if (tio->c_cflag & CRTSCTS)
		set_mcr(u, on ? u->mcr & ~MCR_RTS : u->mcr | MCR_RTS);
	if (!on && u->throttled && u->open) {
		u->throttled = false;
		set_ier(u, u->ier | IER_RX | IER_LINE);
	}
	spin_unlock_irqrestore(&u->lock, f);
}

static void program_line(struct uart *u, const struct ktermios *tio)
{
	u32 cflag = tio->c_cflag, divisor;

	u->lcr = (u8)((cflag & CSIZE) >> 4);
	if (cflag & CSTOPB)
		u->lcr |= LCR_STOP2;
	if (cflag & PARENB)
		u->lcr |= LCR_PARITY | (cflag & PARODD ? 0 : LCR_EVEN) |
			  (cflag & CMSPAR ? LCR_STICK : 0);
	divisor = tio->c_ospeed ? clamp(UART_CLOCK / tio->c_ospeed, 1u, 0xffffu) : 0;
	if (divisor) {
		reg_write(u, UART_LCR, u->lcr | LCR_DLAB);
		reg_write(u, UART_DLL, divisor & 0xff);
		reg_write(u, UART_DLM, divisor >> 8);
	}
	reg_write(u, UART_LCR, u->lcr);
	u->cts_flow = cflag & CRTSCTS;
	if (divisor)
		set_mcr(u, u->mcr | MCR_DTR | (u->throttled && u->cts_flow ? 0 : MCR_RTS));
	else
		set_mcr(u, u->mcr & ~(MCR_DTR | MCR_RTS)); /* B0 hangs up */
}

static void uart_set_termios(struct tty *t, const struct ktermios *old)
{
	struct uart *u = to_uart(t);
	const struct ktermios *tio = tty_termios(t);
	irqflags_t f;

	if (tio->c_cflag == old->c_cflag && tio->c_ospeed == old->c_ospeed)
		return;
	f = spin_lock_irqsave(&u->lock);
	program_line(u, tio);
	check_modem(u);
	tx_pump(u);
	spin_unlock_irqrestore(&u->lock, f);
}

static void uart_send_break(struct tty *t, bool on)
{
	struct uart *u = to_uart(t);
	irqflags_t f = spin_lock_irqsave(&u->lock);

	u->lcr = on ? u->lcr | LCR_BREAK : u->lcr & ~LCR_BREAK;
	reg_write(u, UART_LCR, u->lcr);
	spin_unlock_irqrestore(&u->lock, f);
}

static int uart_tiocmget(struct tty *t)
{
	struct uart *u = to_uart(t);
	u8 msr = reg_read(u, UART_MSR);
	int bits = 0;

	bits |= u->mcr & MCR_DTR ? TIOCM_DTR : 0;
	bits |= u->mcr & MCR_RTS ? TIOCM_RTS : 0;
	bits |= u->mcr & MCR_OUT1 ? TIOCM_OUT1 : 0;
	bits |= u->mcr & MCR_OUT2 ? TIOCM_OUT2 : 0;
	bits |= u->mcr & MCR_LOOP ? TIOCM_LOOP : 0;
	bits |= msr & MSR_CTS ? TIOCM_CTS : 0;
	bits |= msr & MSR_DSR ? TIOCM_DSR : 0;
	bits |= msr & MSR_RI ? TIOCM_RNG : 0;
	bits |= msr & MSR_DCD ? TIOCM_CAR : 0;
	return bits;
}

static u8 mcr_of_tiocm(unsigned int bits)
{
	return (bits & TIOCM_DTR ? MCR_DTR : 0) | (bits & TIOCM_RTS ? MCR_RTS : 0) |
	       (bits & TIOCM_LOOP ? MCR_LOOP : 0) | (bits & TIOCM_OUT1 ? MCR_OUT1 : 0);
}

static int uart_tiocmset(struct tty *t, unsigned int set, unsigned int clear)
{
	struct uart *u = to_uart(t);
	irqflags_t f = spin_lock_irqsave(&u->lock);

	/* OUT2 gates the interrupt on a PC: not for programs to switch off. */
	set_mcr(u, (u->mcr & ~mcr_of_tiocm(clear)) | mcr_of_tiocm(set));
	spin_unlock_irqrestore(&u->lock, f);
	return 0;
}

static int uart_open(struct tty *t)
{
	struct uart *u = to_uart(t);
	irqflags_t f;
	int rc;

	if (!u->has_irq) {
		rc = irq_request_isa(u->irq, t->name, uart_interrupt, u);
		if (rc)
			return rc;
		u->has_irq = true;
	}
	f = spin_lock_irqsave(&u->lock);
	u->open = true;
	u->throttled = u->stopped = false;
	program_line(u, tty_termios(t));
	set_mcr(u, u->mcr | MCR_OUT2);
	check_modem(u);
	set_ier(u, IER_RX | IER_LINE | IER_MODEM);
	tx_pump(u);
	spin_unlock_irqrestore(&u->lock, f);
	return 0;
}

static void uart_close(struct tty *t)
{
	struct uart *u = to_uart(t);
	irqflags_t f = spin_lock_irqsave(&u->lock);

	u->open = false;
	set_ier(u, 0);
	ring_clear(&u->tx);
	u->xchar = 0;
	if (!u->console.enabled && (tty_termios(t)->c_cflag & HUPCL))
		set_mcr(u, u->mcr & ~(MCR_DTR | MCR_RTS));
	spin_unlock_irqrestore(&u->lock, f);
}

static const struct tty_ops uart_ops = {
	.open = uart_open,
	.close = uart_close,
	.write = uart_write,
	.write_room = uart_write_room,
	.chars_in_buffer = uart_chars_in_buffer,
	.set_termios = uart_set_termios,
	.throttle = uart_throttle,
	.stop_output = uart_stop_output,
	.flush_output = uart_flush_output,
	.send_break = uart_send_break,
	.send_xchar = uart_send_xchar,
	.tiocmget = uart_tiocmget,
	.tiocmset = uart_tiocmset,
};

/* --- the log --- */

static void console_putc(const struct uart *u, char c)
{
	unsigned int spins = TX_SPINS;

	while (!(reg_read(u, UART_LSR) & LSR_THRE) && --spins)
		arch_cpu_relax();
	reg_write(u, UART_THR, (u8)c);
}

static void uart_console_write(struct console *c, const char *s, size_t n) NO_LOCK_ANALYSIS
{
	struct uart *u = container_of(c, struct uart, console);
	irqflags_t f = irq_save();
	unsigned int spins = LOCK_SPINS;
	bool locked;
	u8 ier;

	/* The holder may be stopped for good (panic): then write all the same. */
	while (!(locked = spin_trylock(&u->lock)) && --spins)
		arch_cpu_relax();
	ier = u->ier;
	if (locked)
		set_ier(u, ier & ~IER_THRE);
	for (; n; n--, s++) {
		if (*s == '\n')
			console_putc(u, '\r');
		console_putc(u, *s);
	}
	if (locked) {
		set_ier(u, ier);
		spin_unlock(&u->lock);
	}
	irq_restore(f);
}

/* --- probing --- */

/* A chip is there when the scratch register keeps what is written and the loop works. */
static bool __init uart_present(const struct uart *u)
{
	u8 mcr, msr;

	reg_write(u, UART_SCR, 0x5a);
	if (reg_read(u, UART_SCR) != 0x5a)
		return false;
	reg_write(u, UART_SCR, 0xa5);
	if (reg_read(u, UART_SCR) != 0xa5)
		return false;
	mcr = reg_read(u, UART_MCR);
	reg_write(u, UART_MCR, MCR_LOOP | MCR_RTS);
	msr = reg_read(u, UART_MSR);
	reg_write(u, UART_MCR, mcr);
	return (msr & 0xf0) == MSR_CTS;
}

static int __init uart_add(unsigned int i, u16 port, u8 irq)
{
	static struct ktermios tio;
	struct uart *u = &uarts[i];
	char name[16];
	int rc;

	u->port = port;
	u->irq = irq;
	if (!uart_present(u))
		return 0;
	spin_lock_init(&u->lock, LOCK_DRIVER_IRQ);
	ring_init(&u->tx, u->tx_buf, TX_SIZE);
	tio = tty_std_termios;
	tio.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL;
	tio.c_ispeed = tio.c_ospeed = 115200;
	scnprintf(name, sizeof(name), "ttyS%u", i);
	tty_init(&u->tty, &uart_ops, MKDEV(TTY_MAJOR, TTY_SERIAL_MINOR + i), name, i, &tio);
	reg_write(u, UART_IER, 0);
	program_line(u, &tio);
	/* Fewer bytes than this come with the chip's timeout, four characters later. An emulated
	 * chip takes only so many from its host at a time: at 1 it is ten times slower. */
	reg_write(u, UART_FCR, FCR_ENABLE | FCR_TRIGGER_14);
	rc = tty_register(&u->tty);
	if (rc)
		return rc;
	log_info("serial", "%s: 16550 at I/O %#x, interrupt %u", name, port, irq);
	u->console = (struct console){ .name = "ttyS", .index = (int)i,
				       .write = uart_console_write, .dev = u->tty.dev };
	if (i == 0 || console_wanted("ttyS", (int)i))
		console_register(&u->console);
	return 0;
}

static int __init uart_init(void)
{
	static const struct {
		u16 port;
		u8 irq;
	} places[NR_PORTS] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };
	int rc = 0;

	for (unsigned int i = 0; i < NR_PORTS && !rc; i++)
		rc = uart_add(i, places[i].port, places[i].irq);
	return rc;
}
INIT_HOOK(INIT_DRIVER, uart_init);
