#include <kernel/sched.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/init.h>
#include <kernel/string.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <arch/ops.h>
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__weak void do_exit(int s) { log_info("x","exit %s",current->comm); schedule_dead(); }
__weak int do_execve_kernel(const char*p,const char*const*a,const char*const*e){return -2;}
__weak void mm_caches_init(void){}
__weak struct task *task_alloc_kernel(const char*n){ struct task*t=kzalloc(sizeof(*t),GFP_KERNEL); refcount_set(&t->refs,2); t->stack=kstack_alloc(); strscpy(t->comm,n,16); t->flags=TF_KTHREAD; t->process=current->process; list_init(&t->pending.queue); t->stack_canary=0x1234500; return t;}
static int my_init(void*); __weak int init_process_start(int(*f)(void*),void*a){ struct task *t=task_alloc_kernel("init"); sched_fork(t,false); arch_thread_init_kernel(t,my_init,a); t->tid=1; wake_up_new_task(t); return 0;}
__weak void task_free(struct task*t){}
__weak void proc_init(void){}
__weak struct spinlock tasklist_lock;
#include <kernel/atomic.h>
static void hello(void*a){ atomic_inc((atomic_t*)a); }
static int worker(void *a){ for(int i=0;i<5;i++){ hrtimer_sleep_until(ktime_get()+10000000, TASK_UNINTERRUPTIBLE); } log_info("x","worker %lu on %u", (unsigned long)a, cpu_id()); return 0;}
static int (*volatile rec)(long); static int recurse(long x){ volatile char big[500]; big[0]=1; rec=recurse; rec(x+1); return big[0]; }
static int my_init(void*a){
 u64 t0=ktime_get(); arch_smp_boot(); log_info("x","smp took %llu us",(unsigned long long)(ktime_get()-t0)/1000);
 static atomic_t n; for(int i=0;i<100;i++) smp_call_all(hello,&n); log_info("x","calls %d",atomic_read(&n));
 for(unsigned long i=0;i<8;i++){ struct task*t=task_alloc_kernel("w"); sched_fork(t,false); arch_thread_init_kernel(t,worker,(void*)i); t->tid=2+i; wake_up_new_task(t);}
 hrtimer_sleep_until(ktime_get()+100000000, TASK_UNINTERRUPTIBLE);
 arch_ro_after_init();
 u64 v; log_info("x","rnd %d", arch_random_u64(&v));
 { static struct strbuf sb; static char b[4096]; sb_init(&sb,b,4096); arch_cpuinfo(0,&sb); for(unsigned i=0; irq_describe(i,&sb);i++); extern void early_console_write(const char*,size_t); early_console_write(b,strlen(b)); }
 if (boot_command_line[0]=='W') *(volatile char*)worker=1;
 if (boot_command_line[0]=='S') recurse(0);
 arch_poweroff(); }
__weak bool signal_pending(void){return false;}
__weak bool fatal_signal_pending(void){return false;}
__weak bool capable(int c){return true;}
