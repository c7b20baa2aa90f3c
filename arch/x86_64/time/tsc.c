/* SPDX-License-Identifier: MIT */
/* Which counter the clock is made of, and how fast it runs.
 *
 * The time stamp counter is the clock when it does not stop and all CPUs agree; else the HPET, else
 * the ACPI timer. Its rate comes from CPUID where that tells, else from a comparison with the HPET,
 * the ACPI timer or the 8254 over CALIBRATE_MS, which also gives the rate of the local APIC's
 * timer. Since boot time counts, that window is short (its error is below 0.05 %); two seconds
 * later tsc_refine compares the same counters over the long distance and corrects the clock. */
#include <arch/irqflags.h>
#include <arch/ops.h>
#include <asm/acpi.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <asm/msr.h>
#include <asm/ports.h>
#include <asm/tsc.h>
#include <kernel/compiler.h>
#include <kernel/div.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/time.h>
#include <kernel/workqueue.h>

#define CALIBRATE_MS 4
#define PM_TIMER_HZ 3579545ull
#define PIT_HZ 1193182ull
#define REFINE_AFTER (2 * NSEC_PER_SEC)

u64 tsc_khz;
bool tsc_unstable;

static u64 (*ref_read)(void); /* the reference, NULL: only the 8254 */
static u64 ref_hz, ref_mask;
static u64 start_tsc, start_ref; /* of the calibration */
static bool measured;		 /* rate by comparison, not told by CPUID */

static u64 pm_timer_read(void)
{
	return inl(acpi.pm_timer);
}

static u64 tsc_read(void)
{
	return rdtsc_ordered();
}

static struct clocksource tsc_source = {
	.name = "tsc", .read = tsc_read, .mask = ~0ull, .vdso_tsc = true
};
static struct clocksource ref_source;

/* One reading of both counters as close together as three tries allow. */
static void read_pair(u64 *tsc, u64 *ref)
{
	u64 best = ~0ull;

	for (unsigned int i = 0; i < 3; i++) {
		u64 t0 = rdtsc_ordered(), r = ref_read(), t1 = rdtsc_ordered();

		if (t1 - t0 >= best)
			continue;
		best = t1 - t0;
		*tsc = t0 + best / 2;
		*ref = r;
	}
}

static u64 hz_of(u64 ticks, u64 ref_ticks, u64 hz)
{
	return ref_ticks ? mul_div_u64(ticks, hz, ref_ticks) : 0;
}

/* Rate that the processor or the hypervisor states, in Hz, or 0. */
static u64 tsc_hz_told(void)
{
	struct cpuid_regs r;

	if (cpu_features.hypervisor) {
		r = cpuid(0x40000000, 0);
		if (r.eax >= 0x40000010 && r.eax < 0x40000100)
			return cpuid(0x40000010, 0).eax * 1000ull;
	}
	if (cpu_features.max_leaf >= 0x15) {
		r = cpuid(0x15, 0);
		if (r.eax && r.ebx && r.ecx)
			return (u64)r.ecx * r.ebx / r.eax;
	}
	return 0;
}

static void choose_reference(void)
{
	if (IS_ENABLED(CONFIG_HPET) && hpet_init()) {
		ref_read = hpet_read;
		ref_hz = hpet_hz;
		ref_mask = 0xffffffffu;
		ref_source = (struct clocksource){ .name = "hpet" };
	} else if (acpi.pm_timer) {
		ref_read = pm_timer_read;
		ref_hz = PM_TIMER_HZ;
		ref_mask = acpi.pm_timer_32 ? 0xffffffffu : 0xffffffu;
		ref_source = (struct clocksource){ .name = "acpi_pm" };
	}
	ref_source.read = ref_read;
	ref_source.freq_hz = ref_hz;
	ref_source.mask = ref_mask;
}

/* Rates of TSC and APIC timer over one window. */
static void calibrate(u64 *tsc_hz, u64 *apic_hz)
{
	u64 tsc, ref, want, dtsc, dapic;

	lapic_timer_write(~0u);
	if (!ref_read) {
		start_tsc = rdtsc_ordered();
		dapic = lapic_timer_read();
		pit_wait((u32)(PIT_HZ * CALIBRATE_MS / 1000));
		dapic -= lapic_timer_read();
		dtsc = rdtsc_ordered() - start_tsc;
		*tsc_hz = dtsc * 1000 / CALIBRATE_MS;
		*apic_hz = dapic * 1000 / CALIBRATE_MS;
		return;
	}
	want = ref_hz * CALIBRATE_MS / 1000;
	read_pair(&start_tsc, &start_ref);
	dapic = lapic_timer_read();
	while (((ref_read() - start_ref) & ref_mask) < want)
		arch_cpu_relax();
	read_pair(&tsc, &ref);
	dapic -= lapic_timer_read();
	*tsc_hz = hz_of(tsc - start_tsc, (ref - start_ref) & ref_mask, ref_hz);
	*apic_hz = hz_of(dapic, (ref - start_ref) & ref_mask, ref_hz);
}

static bool tsc_is_sane(void)
{
	/* A hypervisor hides the invariance flag from machines that may move; while it runs here,
	 * the counter behaves. */
	return tsc_khz && !tsc_unstable && (cpu_features.tsc_invariant || cpu_features.hypervisor);
}

void arch_init_time(void)
{
	u64 tsc_hz, apic_hz, told = tsc_hz_told();

	choose_reference();
	calibrate(&tsc_hz, &apic_hz);
	lapic_timer_write(0);
	measured = !told;
	if (told)
		tsc_hz = told;
	tsc_khz = tsc_hz / 1000;
	lapic_timer_set_rate(apic_hz);
	tsc_source.freq_hz = tsc_hz;
	if (tsc_is_sane() || !ref_read)
		clocksource_register(&tsc_source);
	else
		clocksource_register(&ref_source);
	wallclock_init(rtc_read_epoch());
	log_info("time", "TSC %llu kHz%s, APIC timer %llu kHz, reference %s",
		 (unsigned long long)tsc_khz, tsc_is_sane() ? "" : " (not used)",
		 (unsigned long long)apic_hz / 1000, ref_read ? ref_source.name : "8254");
}

void tsc_mark_unstable(const char *why)
{
	if (!__atomic_exchange_n(&tsc_unstable, true, __ATOMIC_SEQ_CST))
		log_warn("time", "time stamp counter not usable: %s", why);
}

/* After all CPUs were compared. */
void tsc_recheck(void)
{
	if (tsc_unstable && ref_read)
		clocksource_register(&ref_source);
}

static void refine(struct work *w __maybe_unused)
{
	static struct clocksource refined;
	u64 tsc, ref, hz, off;

	if (!tsc_is_sane())
		return;
	read_pair(&tsc, &ref);
	hz = hz_of(tsc - start_tsc, (ref - start_ref) & ref_mask, ref_hz);
	off = hz > tsc_source.freq_hz ? hz - tsc_source.freq_hz : tsc_source.freq_hz - hz;
	/* More than half a percent is no refinement: the reference wrapped or was stopped. */
	if (off == 0 || off > tsc_source.freq_hz / 200)
		return;
	refined = tsc_source;
	refined.freq_hz = hz;
	tsc_khz = hz / 1000;
	clocksource_register(&refined);
}

static int tsc_refine_init(void)
{
	static struct delayed_work work;

	if (!measured || !ref_read || !tsc_is_sane())
		return 0;
	delayed_work_init(&work, refine);
	schedule_delayed_work(&work, REFINE_AFTER);
	return 0;
}
INIT_HOOK(INIT_LATE, tsc_refine_init);
