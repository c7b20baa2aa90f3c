/* SPDX-License-Identifier: MIT */
/* Address spaces.
 *
 * struct mm: an ordered tree of areas (struct vma) behind mm->lock. Page faults take it shared;
 * mmap, munmap, mprotect, brk, mremap take it exclusive. Page-table entries are changed under
 * mm->page_table_lock (shared mm->lock is enough to keep the area in place).
 *
 * Anonymous pages have no reverse map (there is no swap): after fork a page is shared by reference
 * count and copied on the first write unless the writer holds the last reference. File pages come
 * straight from the page cache; truncation finds their mappers through mapping->areas.
 *
 * Order: mm->lock -> page lock -> mapping->areas_lock -> page_table_lock -> allocator. */
#ifndef KERNEL_MM_H
#define KERNEL_MM_H

#include <arch/mmu.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/page.h>
#include <kernel/rbtree.h>
#include <uapi/mman.h>

struct file;
struct task;
struct vma;
struct user_regs;

/* vma->flags */
#define VM_READ 0x1u
#define VM_WRITE 0x2u
#define VM_EXEC 0x4u
#define VM_SHARED 0x8u
#define VM_MAYREAD 0x10u /* what mprotect may still grant */
#define VM_MAYWRITE 0x20u
#define VM_MAYEXEC 0x40u
#define VM_GROWSDOWN 0x100u
#define VM_LOCKED 0x200u
#define VM_DONTFORK 0x400u
#define VM_WIPEONFORK 0x800u
#define VM_IO 0x1000u	  /* device memory, no struct page */
#define VM_ACCOUNT 0x2000u/* counted in committed memory */
#define VM_NORESERVE 0x4000u
#define VM_DONTEXPAND 0x8000u
#define VM_SPECIAL 0x10000u /* vdso, vvar: fixed pages */
#define VM_DONTDUMP 0x20000u
#define VM_SEQ_READ 0x40000u
#define VM_RAND_READ 0x80000u
#define VM_LOCKONFAULT 0x100000u
#define VM_SHMEM 0x200000u /* pages of a tmpfs object: counted as shared memory */
#define VM_STACK 0x400000u /* the stack made by exec (always with VM_GROWSDOWN) */

struct vm_fault {
	struct vma *vma;
	u64 addr;	   /* page aligned */
	u64 pgoff;	   /* in the file */
	bool write;
	struct page *page; /* result, with a reference */
	bool locked;	   /* out: page_mkwrite returns the page locked, until it is mapped */
	bool major;	   /* out: had to wait for a device */
};

/* Supplied by whoever is mapped. All may sleep; mm->lock is held (shared for fault). */
struct vm_ops {
	void (*open)(struct vma *v);  /* a copy of the area came into being (fork, split) */
	void (*close)(struct vma *v);
	/* Finds the page for f: 0 with f->page referenced, or -EFAULT (SIGSEGV), -EIO/-ENXIO
	 * (SIGBUS: beyond the end), -ENOMEM, -EAGAIN (try again). NULL: mapping_fault of the page
	 * cache. */
	int (*fault)(struct vm_fault *f);
	/* A shared page is about to become writable: may wait; 0 or -errno (SIGBUS), -EAGAIN. A
	 * file with a backing store returns with the page locked (f->locked), so that it is not
	 * cleaned before the entry is writable. */
	int (*page_mkwrite)(struct vm_fault *f);
	const char *name; /* shown in /proc/PID/maps when there is no file ("[vdso]") */
};

struct vma {
	struct rb_node node;	/* mm->lock */
	struct vma *prev, *next;/* mm->lock: neighbours in address order */
	u64 start, end;		/* bytes, page aligned, end exclusive; mm->lock */
	u64 own_gap;		/* free bytes below this area, without a stack's guard; mm->lock */
	u64 gap;		/* largest own_gap of this subtree; mm->lock */
	u64 pgoff;		/* page offset of start in file */
	u32 flags;		/* VM_* */
	bool has_anon;		/* A, only ever set: private pages may be mapped here */
	struct mm *mm;
	struct file *file;	/* referenced; NULL: anonymous */
	const struct vm_ops *ops;
	void *private;
	struct list_head mapping_node; /* mapping->areas_lock */
};

/* L: lock  P: page_table_lock  A: atomic  C: const */
struct mm {
	atomic_t users;		/* A: tasks using it; areas go with the last */
	atomic_t refs;		/* A: structure and page-table root (lazy users) */
	struct rwsem lock;	/* LOCK_MM */
	struct rb_root areas;	/* L */
	struct vma *first;	/* L: lowest area */
	struct vma *cached;	/* A: what vma_find found last; cleared when an area goes */
	unsigned int nr_areas;	/* L */
	struct spinlock page_table_lock;
	struct arch_mm arch;	/* root, CPUs that may cache it, generations: asm/mmu.h */
	u32 membarrier;		/* A: registered commands */
	u64 mmap_top;		/* C: placement goes downward from here */
	u64 total_pages, locked_pages, data_pages, stack_pages, exec_pages; /* L: of areas */
	atomic64_t rss_anon, rss_file, rss_shmem; /* A: mapped pages */
	atomic64_t pgtable_bytes;
	u64 hiwater_rss;
	u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack; /* L */
	u64 arg_start, arg_end, env_start, env_end; /* L */
	u64 def_flags;		/* L: mlockall(MCL_FUTURE) */
	struct file *exe_file;	/* RCU/L: referenced */
	u64 saved_auxv[48];	/* C after exec */
	u64 vdso_base;		/* C after exec */
	u32 context_id;
};

/* Empty, with the kernel half; exec sets mmap_top. NULL: no memory. users = refs = 1. */
struct mm *mm_create(void);
int mm_fork(struct mm *parent, struct mm **out); /* copy-on-write copy; parent is current's */
void mm_put(struct mm *mm);		/* drops a user; the last unmaps everything */
static inline void mm_get(struct mm *mm)
{
	atomic_inc(&mm->users);
}
void mm_drop(struct mm *mm);		/* drops a structure reference; any context */
static inline void mm_grab(struct mm *mm)
{
	atomic_inc(&mm->refs);
}
/* Another user of an address space that is only held by mm_grab: false when it is torn down. */
bool mm_get_live(struct mm *mm);
struct mm *task_mm_get(struct task *t); /* NULL for kernel threads; mm_put it */
/* The same for who wants to look into it or change it: -EPERM without the right to inspect t. The
 * right is asked for after the address space was taken, so that it is never one that exec put in
 * place after the question. 0 with *out (NULL: t has none). */
int task_mm_inspect(struct task *t, struct mm **out);
/* exec: makes mm current's address space (switches page tables), returns the old one in *old. */
void mm_install(struct mm *mm, struct mm **old);

/* Kernel-side mapping calls: lengths in bytes, all checks of mmap(2) already in do_mmap. */
struct mmap_req {
	u64 addr, len, pgoff; /* pgoff in pages */
	u32 prot, flags;      /* PROT_*, MAP_* */
	u32 deny;	      /* VM_MAY* that the area shall not have although the file allows it */
	struct file *file;    /* NULL anonymous */
	const struct vm_ops *ops; /* instead of the file's own; open is called for the new area */
	void *private;
};
/* Address or -errno. Takes mm->lock exclusive. */
long do_mmap(const struct mmap_req *rq);
int do_munmap(u64 addr, u64 len);
/* Special pages (vdso): maps n pages at a free address near `hint`. */
int mm_map_special(u64 hint, u64 len, u32 vm_flags, const struct vm_ops *ops, void *private,
		   u64 *addr);
/* exec: the stack area, top exclusive; size grows on demand up to RLIMIT_STACK. */
int mm_map_stack(u64 top, u64 initial, u32 vm_flags);
/* exec on a new mm that is not installed yet: copies bytes to user addresses of mm (anonymous areas
 * exist there): used to build the argument stack page by page. 0 or -errno. */
int mm_write(struct mm *mm, u64 addr, const void *src, size_t n);
/* Reads another address space (for /proc/PID/cmdline, process_vm_readv): bytes copied. */
size_t mm_read(struct mm *mm, u64 addr, void *dst, size_t n);
size_t mm_write_forced(struct mm *mm, u64 addr, const void *src, size_t n);

struct vma *vma_find(struct mm *mm, u64 addr);	     /* first area with end > addr; lock held */
static inline struct vma *vma_first(struct mm *mm)
{
	return mm->first;
}
static inline struct vma *vma_next(struct vma *v)
{
	return v->next;
}
/* Drivers' mmap: maps device registers or other memory without descriptors, size bytes from the
 * start of v; sets VM_IO. prot: 0 cached, PTE_PCD | PTE_PWT uncached, PTE_PWT write combining. 0 or
 * -ENOMEM. */
int vma_map_phys(struct vma *v, paddr_t pa, u64 size, u64 prot);
u64 vma_resident_pages(struct vma *v); /* mm->lock held: present page-table entries */

/* Page fault from the trap handler; interrupts on, task context. error: FAULT_*. Returns 0 handled,
 * or the signal: fills sig, code. */
#define FAULT_WRITE 1u
#define FAULT_EXEC 2u
#define FAULT_USER 4u
#define FAULT_PROT 8u /* an entry was present */
int mm_fault(u64 addr, u32 fault, int *sig, int *si_code);

/* Truncation and hole punching: removes the page-table entries of [first, first+count) pages of a
 * file mapping in every address space. count 0: to the end. cow: private copies too. May sleep. */
struct mapping;
void mapping_unmap_pages(struct mapping *m, u64 first, u64 count, bool cow);
/* Write-protects all mappings of a page: true when one was dirty. (write-back; page lock held) */
bool page_mkclean(struct page *p);
/* For reclaim, page lock held; areas_lock is only tried. Were entries of the page used since the
 * last call? Clears their accessed bits: how many; a locked area or one that cannot be looked at
 * counts. *exec: one of them maps code. */
unsigned int page_referenced(struct page *p, bool *exec);
/* Takes the page out of all page tables; false: not all of them. */
bool page_try_unmap(struct page *p);

/* Pages of current's memory for a transfer by a device: [addr, addr + len) inside at most max
 * pages, each referenced (page_put). write: they will be written to. Number pinned, > 0, or
 * -EFAULT, -ENOMEM. May sleep. */
long mm_pin_user(u64 addr, u64 len, bool write, struct page **pages, unsigned int max);

/* Memory pressure: src/mm/reclaim.c. Reclaim frees clean pages of files and what shrinkers have;
 * it never writes and only tries page locks. Shrinkers may call a file system (evicting inodes), so
 * a file system that allocates with its own locks held does so between these two. */
u32 nofs_save(void);
void nofs_restore(u32 old);
/* Whether reclaim of current must not call file systems. */
bool nofs_active(void);
/* Wakes the thread that keeps memory free. Task context, no spinlocks. */
void kswapd_wake(void);
u64 reclaim(u64 want_pages, gfp_t gfp); /* pages freed by shrinkers and the page cache */
bool oom_kill(const char *why);		/* true: somebody dies, try again */

struct sysinfo_mem {
	u64 total, free, available, shared, slab_reclaimable, slab_unreclaimable, page_tables,
		kernel_stacks, anon, mapped, cached, buffers, dirty, writeback, active_file,
		inactive_file, committed, commit_limit,
		vmalloc_used; /* pages, all of them */
};
void mm_info(struct sysinfo_mem *i); /* may sleep: asks every process */
/* OOM killer's view of a process, in pages; 0: never chosen. For /proc/PID/oom_score. */
struct process;
s64 oom_score(struct process *p);
u64 oom_kill_count(void);

/* Futex keys: what backs a user address. shared: (mapping/inode id, page offset); private: mm. */
struct futex_key {
	u64 object, offset;
};
int mm_futex_key(u64 addr, bool shared, struct futex_key *key);

/* Kernel stacks: KSTACK_SIZE bytes with an unmapped guard page below; not zeroed. May sleep; NULL:
 * no memory. kstack_guard_hit: addr lies in a guard page (double-fault handler). */
void *must_check kstack_alloc(void);
void kstack_free(void *stack);
bool kstack_guard_hit(u64 addr);

/* Per-CPU page and object caches of a CPU that is about to start: its per-CPU area is a copy of the
 * boot CPU's, whose lists must not be used twice. Called by the boot CPU after making the copy. */
void mm_cpu_prepare(unsigned int cpu);

/* Page array, buddy, direct map, slab: called once by src/init/main.c, on the boot page tables,
 * with bootinfo and the CPU's features filled. The boot page tables must map the first 4 GiB at
 * DIRECT_MAP_BASE and the image. Afterwards CR3 holds kernel_pgd
 * (asm/mmu.h): no identity mapping, direct map of RAM, ACPI tables and the first MiB, image W^X. */
void mm_init_early(void);

#endif
