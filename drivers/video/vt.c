/* SPDX-License-Identifier: MIT */
/* Virtual terminals tty1 to tty6 on one screen.
 *
 * Owns:       the terminals, which one is in front, the copy of what the screen shows.
 * Output:     bytes go through the emulator at once, under vt_lock; drawing follows in a work item,
 *             a row at a time: cells that differ from the copy of the screen are drawn. However
 *             fast a program writes, the screen is drawn at most 100 times a second.
 * Log:        a console that writes to the terminal in front (tty0) or a given one. In a panic it
 *             draws itself, without locks that somebody else may hold.
 * Memory:     cells of a terminal are allocated when it is first opened, switched to, or logged on.
 * Locking:    vt_switch_lock (sleeping) round switches; vt_lock (innermost, interrupts off) for the
 *             emulators; draw_lock (sleeping) for the screen and its copy. */
#include "vt_internal.h"

#include <fs/poll.h>
#include <kernel/console.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <uapi/ioctls.h>

#include "../tty/ldisc.h"

#define DRAW_DELAY (10 * NSEC_PER_MSEC)
#define WRITE_ROOM 4096u
#define LOCK_SPINS 10000000

struct vt vts[TTY_NR_VT];
struct spinlock vt_lock = SPINLOCK_INIT(LOCK_CONSOLE);
DEFINE_MUTEX(vt_switch_lock, LOCK_DRIVER);
DEFINE_WAIT_QUEUE(vt_switch_wq);
int vt_pending = -1;

static unsigned int front;	   /* vt_lock to write */
static struct display *display;	   /* C once set */
static DEFINE_MUTEX(draw_lock, LOCK_DRIVER);
static vt_cell *shown;		   /* draw_lock: cells on the screen */
static struct {
	unsigned int x, y;
	bool visible;
} shown_cursor;			   /* draw_lock */
static struct delayed_work draw_work;
static struct work switch_work;
static int switch_wanted = -1;	   /* A */

struct tty *vt_foreground(void)
{
	return display ? &vts[READ_ONCE(front)].tty : NULL;
}

unsigned int vt_current(void)
{
	return READ_ONCE(front);
}

int vt_allocate(struct vt *vt)
{
	vt_cell *cells;
	irqflags_t f;

	if (READ_ONCE(vt->em.cells))
		return 0;
	if (!display)
		return -ENXIO;
	cells = kvmalloc((size_t)display->cols * display->rows * sizeof(*cells), GFP_KERNEL);
	if (!cells)
		return -ENOMEM;
	f = spin_lock_irqsave(&vt_lock);
	if (!vt->em.cells) {
		vt_emul_init(&vt->em, cells, display->cols, display->rows);
		cells = NULL;
	}
	spin_unlock_irqrestore(&vt_lock, f);
	kvfree(cells);
	return 0;
}

/* --- drawing --- */

/* Draws what differs between a row and the screen. */
static void draw_row(unsigned int y, const vt_cell *row)
{
	vt_cell *old = shown + (size_t)y * display->cols;
	unsigned int x = 0, end;

	while (x < display->cols) {
		if (row[x] == old[x]) {
			x++;
			continue;
		}
		for (end = x + 1; end < display->cols && row[end] != old[end]; end++)
			;
		memcpy(old + x, row + x, (end - x) * sizeof(*row));
		display->draw(display, x, y, row + x, end - x);
		x = end;
	}
}

static void draw_cursor(unsigned int x, unsigned int y, bool visible)
{
	vt_cell under;

	if (shown_cursor.visible)
		display->cursor(display, shown_cursor.x, shown_cursor.y,
				shown[(size_t)shown_cursor.y * display->cols + shown_cursor.x],
				false);
	shown_cursor.x = x;
	shown_cursor.y = y;
	shown_cursor.visible = visible;
	under = shown[(size_t)y * display->cols + x];
	display->cursor(display, x, y, under, visible);
}

/* Copies a dirty row of the terminal in front out, or tells that there is none. */
static bool take_dirty_row(unsigned int *y, vt_cell *row)
{
	irqflags_t f = spin_lock_irqsave(&vt_lock);
	struct vt *vt = &vts[front];
	struct vt_emul *em = &vt->em;
	bool any = em->cells && vt->kd_mode == KD_TEXT && vt_emul_dirty(em);

	if (any) {
		*y = em->dirty_top++;
		memcpy(row, em->cells + (size_t)*y * em->cols, em->cols * sizeof(*row));
		if (em->dirty_top >= em->dirty_bottom) {
			em->dirty_top = em->rows;
			em->dirty_bottom = 0;
		}
	}
	spin_unlock_irqrestore(&vt_lock, f);
	return any;
}

static void draw_pending(vt_cell *row)
{
	unsigned int x, y;
	bool visible, text;
	irqflags_t f;

	while (take_dirty_row(&y, row))
		draw_row(y, row);
	f = spin_lock_irqsave(&vt_lock);
	x = vts[front].em.x;
	y = vts[front].em.y;
	visible = vts[front].em.cursor_visible;
	text = vts[front].em.cells && vts[front].kd_mode == KD_TEXT;
	spin_unlock_irqrestore(&vt_lock, f);
	if (text && (x != shown_cursor.x || y != shown_cursor.y ||
		     visible != shown_cursor.visible || visible))
		draw_cursor(x, y, visible);
}

static void draw_fn(struct work *w)
{
	static vt_cell row[VT_MAX_COLS]; /* draw_lock */

	mutex_lock(&draw_lock);
	draw_pending(row);
	mutex_unlock(&draw_lock);
}

static void draw_soon(void)
{
	schedule_delayed_work(&draw_work, DRAW_DELAY);
}

void vt_refresh(void)
{
	irqflags_t f;

	mutex_lock(&draw_lock);
	/* Nothing is known about what the screen shows. */
	for (size_t i = 0; i < (size_t)display->cols * display->rows; i++)
		shown[i] = ~0u;
	mutex_unlock(&draw_lock);
	f = spin_lock_irqsave(&vt_lock);
	vts[front].em.dirty_top = 0;
	vts[front].em.dirty_bottom = display->rows;
	spin_unlock_irqrestore(&vt_lock, f);
	draw_soon();
}

/* Everything at once, with nobody else running: the last words of the kernel. */
static void draw_in_panic(void)
{
	struct vt_emul *em = &vts[front].em;

	for (unsigned int y = 0; em->cells && y < em->rows; y++)
		draw_row(y, em->cells + (size_t)y * em->cols);
}

/* --- terminal operations --- */

/* vt_lock held. */
static void emulate(struct vt *vt, const u8 *buf, size_t n)
{
	vt_emul_write(&vt->em, buf, n);
	vt->em.bell = false;
}

static size_t take_reply(struct vt *vt, u8 *buf)
{
	size_t n = vt->em.nreply;

	memcpy(buf, vt->em.reply, n);
	vt->em.nreply = 0;
	return n;
}

static size_t vt_write(struct tty *t, const u8 *buf, size_t n)
{
	struct vt *vt = vt_of(t);
	u8 answer[VT_REPLY_MAX];
	size_t nanswer;
	irqflags_t f;

	f = spin_lock_irqsave(&vt_lock);
	emulate(vt, buf, n);
	nanswer = take_reply(vt, answer);
	spin_unlock_irqrestore(&vt_lock, f);
	if (vt->n == READ_ONCE(front))
		draw_soon();
	if (nanswer)
		tty_receive(t, answer, nanswer, TTY_NORMAL);
	return n;
}

static size_t vt_write_room(struct tty *t)
{
	return WRITE_ROOM;
}

static int vt_open(struct tty *t)
{
	struct vt *vt = vt_of(t);
	struct winsize ws = { .ws_row = display->rows, .ws_col = display->cols };
	int rc = vt_allocate(vt);

	if (!rc && !t->winsize.ws_row)
		t->winsize = ws;
	return rc;
}

static void vt_hangup(struct tty *t)
{
	struct vt *vt = vt_of(t);
	irqflags_t f = spin_lock_irqsave(&vt_lock);
	bool redraw = vt->kd_mode == KD_GRAPHICS;

	vt->kd_mode = KD_TEXT;
	vt->kb_mode = K_UNICODE;
	spin_unlock_irqrestore(&vt_lock, f);
	if (redraw && vt->n == READ_ONCE(front))
		vt_refresh();
}

static const struct tty_ops vt_ops = {
	.open = vt_open,
	.write = vt_write,
	.write_room = vt_write_room,
	.hangup = vt_hangup,
	.ioctl = vt_ioctl,
};

/* --- keyboard side --- */

void vt_keyboard_mode(struct vt_keyboard_mode *m)
{
	irqflags_t f = spin_lock_irqsave(&vt_lock);
	const struct vt *vt = &vts[front];

	*m = (struct vt_keyboard_mode){ .app_cursor = vt->em.app_cursor,
					.app_keypad = vt->em.app_keypad,
					.raw = vt->kb_mode == K_RAW || vt->kb_mode == K_MEDIUMRAW,
					.off = vt->kb_mode == K_OFF };
	spin_unlock_irqrestore(&vt_lock, f);
}

void vt_input(const u8 *buf, size_t n)
{
	if (display)
		tty_receive(&vts[READ_ONCE(front)].tty, buf, n, TTY_NORMAL);
}

/* --- switching --- */

static void set_front(unsigned int n)
{
	irqflags_t f = spin_lock_irqsave(&vt_lock);

	front = n;
	vts[n].em.dirty_top = 0;
	vts[n].em.dirty_bottom = display->rows;
	spin_unlock_irqrestore(&vt_lock, f);
	if (keyboard_set_leds)
		keyboard_set_leds(vts[n].leds);
}

/* sig is what the owner once asked for, unchecked: 0 none is sent, a number that is no signal
 * counts as an owner that cannot be reached. */
static bool signal_owner(struct vt *vt, int sig)
{
	struct process *p;
	bool sent = false;

	rcu_read_lock();
	p = vt->owner ? rcu_dereference(vt->owner->process) : NULL;
	if (p && sig == 0)
		sent = true;
	else if (p && sig_valid(sig))
		sent = !send_signal_process(p, sig, NULL);
	rcu_read_unlock();
	return sent;
}

/* The owner is gone: the terminal switches by itself again. */
static void disown(struct vt *vt)
{
	vt->mode = (struct vt_mode){ .mode = VT_AUTO };
	if (vt->owner)
		pid_put(vt->owner);
	vt->owner = NULL;
}

void vt_switch_finish(unsigned int n)
{
	bool was_text = vts[front].kd_mode == KD_TEXT;

	vt_pending = -1;
	if (vt_allocate(&vts[n]))
		return;
	set_front(n);
	if (!was_text)
		vt_refresh();
	if (vts[n].mode.mode == VT_PROCESS && !signal_owner(&vts[n], vts[n].mode.acqsig))
		disown(&vts[n]);
	draw_soon();
	wake_up_common(&vt_switch_wq, TASK_NORMAL, 0, 0, false);
}

void vt_switch_begin(unsigned int n)
{
	struct vt *vt = &vts[front];

	if (n >= TTY_NR_VT || n == front)
		return;
	if (vt->mode.mode == VT_PROCESS) {
		vt_pending = (int)n;
		if (signal_owner(vt, vt->mode.relsig))
			return; /* goes on in VT_RELDISP */
		disown(vt);
	} else if (vt->kd_mode == KD_GRAPHICS) {
		return; /* nobody could restore the picture */
	}
	vt_switch_finish(n);
}

static void switch_fn(struct work *w)
{
	int n = xchg(&switch_wanted, -1);

	if (n < 0)
		return;
	mutex_lock(&vt_switch_lock);
	vt_switch_begin((unsigned int)n);
	mutex_unlock(&vt_switch_lock);
}

void vt_request_switch(unsigned int n)
{
	if (!display || n >= TTY_NR_VT)
		return;
	xchg(&switch_wanted, (int)n);
	schedule_work(&switch_work);
}

/* --- the log --- */

static void vt_console_write(struct console *c, const char *s, size_t n) NO_LOCK_ANALYSIS
{
	irqflags_t f = irq_save();
	unsigned int spins = LOCK_SPINS;
	bool locked;
	struct vt *vt;

	while (!(locked = spin_trylock(&vt_lock)) && --spins)
		;
	/* The holder runs on (it only lost its processor) or is below us: two writers would leave
	 * the screen's memory. The log has the text. In a panic everybody else has stopped. */
	if (!locked && !console_panicking()) {
		irq_restore(f);
		return;
	}
	vt = &vts[c->index ? (unsigned int)c->index - 1 : front];
	if (vt->em.cells) {
		for (size_t done = 0; done < n;) {
			size_t k = strcspn(s + done, "\n");

			if (k > n - done)
				k = n - done;
			emulate(vt, (const u8 *)s + done, k);
			done += k;
			if (done < n) {
				emulate(vt, (const u8 *)"\r\n", 2);
				done++;
			}
		}
	}
	if (locked)
		spin_unlock(&vt_lock);
	irq_restore(f);
	/* With interrupts off the caller may hold any lock, those of timers and work items too:
	 * then the next write or message draws. */
	if (console_panicking())
		draw_in_panic();
	else if (!irqs_disabled() && !in_atomic())
		draw_soon();
}

static struct console vt_console = { .name = "tty", .write = vt_console_write };

/* The first wanted of tty0, tty1...: tty0, the one in front, when nobody says. */
static void register_console(void)
{
	int n = 0;

	for (int i = 0; i <= TTY_NR_VT; i++)
		if (console_wanted("tty", i)) {
			n = i;
			break;
		}
	vt_console.index = n;
	vt_console.dev = MKDEV(TTY_MAJOR, (unsigned int)n);
	if (!vt_allocate(&vts[n ? n - 1 : 0]))
		console_register(&vt_console);
}

int display_register(struct display *d)
{
	char name[16];
	int rc;

	if (display)
		return -EBUSY;
	ASSERT(d->cols <= VT_MAX_COLS);
	shown = kvmalloc((size_t)d->cols * d->rows * sizeof(*shown), GFP_KERNEL);
	if (!shown)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)d->cols * d->rows; i++)
		shown[i] = ~0u;
	delayed_work_init(&draw_work, draw_fn);
	work_init(&switch_work, switch_fn);
	for (unsigned int i = 0; i < TTY_NR_VT; i++) {
		struct ktermios tio = tty_std_termios;

		tio.c_iflag |= IUTF8;
		vts[i].n = i;
		vts[i].kb_mode = K_UNICODE;
		vts[i].kb_meta = K_ESCPREFIX;
		vts[i].em.dirty_top = d->rows;
		scnprintf(name, sizeof(name), "tty%u", i + 1);
		tty_init(&vts[i].tty, &vt_ops, MKDEV(TTY_MAJOR, i + 1), name, i + 1, &tio);
	}
	smp_store_release(&display, d);
	for (unsigned int i = 0; i < TTY_NR_VT; i++) {
		rc = tty_register(&vts[i].tty);
		if (rc)
			return rc;
	}
	rc = devfs_create("tty0", S_IFCHR | 0600, MKDEV(TTY_MAJOR, 0));
	log_info("vt", "%u terminals on %s, %ux%u", TTY_NR_VT, d->name, d->cols, d->rows);
	register_console();
	return rc;
}
