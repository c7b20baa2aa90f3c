/* SPDX-License-Identifier: MIT */
/* THE lock order of the kernel: a lock may be taken only while every held lock has a smaller rank.
 * Two locks of the same class may be held together only when the second is taken with the _nested
 * form, whose caller defines the order inside the class. Debug builds check every acquisition.
 * Sleeping locks come first: none may be taken under a spinlock. docs/LOCKING.md gives reasons. */
#ifndef KERNEL_LOCK_ORDER_H
#define KERNEL_LOCK_ORDER_H

enum lock_class {
	LOCK_NONE, /* not checked */

	/* Sleeping locks, outermost first. */
	LOCK_FILE_POS,	  /* file->pos_lock: around the whole of a read or write */
	LOCK_FILE_TEXT,	  /* text of a /proc or /sys file while it is made: show() takes anything */
	LOCK_LOOP_LIST,	  /* loop devices: coming and going */
	LOCK_DISK_CTL,	  /* a disk driver's configuration: around open_mutex */
	LOCK_DISK_OPEN,	  /* disk->open_mutex: openers, partitions, their nodes */
	LOCK_DEVFS,	  /* making device nodes: calls the VFS */
	LOCK_SYSFS_USE,	  /* read: show or store of an attribute runs; write: its removal */
	LOCK_TTY_OPEN,	  /* tty open/close/hangup */
	LOCK_TTY_CTL,	  /* termios, window size, session */
	LOCK_TTY_READ,	  /* one reader at a time */
	LOCK_TTY_WRITE,	  /* one writer at a time */
	LOCK_SB_UMOUNT,	  /* superblock read: in use, write: being unmounted */
	LOCK_MOUNT_TREE,  /* mount namespace changes */
	LOCK_SB_SYNC,	  /* per superblock: writing everything that is dirty */
	LOCK_RENAME,	  /* per superblock: directory renames */
	LOCK_INODE,	  /* inode->lock; parent before child with _nested */
	LOCK_EXEC,	  /* process exec/credential change */
	LOCK_EPOLL,	  /* epoll instance; nesting checked by depth */
	LOCK_PIPE,	  /* pipe->lock; two pipes in address order */
	LOCK_MM,	  /* mm->lock; parent before child in fork */
	LOCK_FS_COMMIT,	  /* a file system writes what it collected: takes page locks */
	LOCK_FS_CUT,	  /* a file system's truncations against its snapshots */
	LOCK_PAGE,	  /* page locked bit */
	LOCK_MAPPING,	  /* page-cache mapping: list of areas (i_mmap); reclaim only tries it */
	LOCK_FS_TXN,	  /* a file system's operations against its snapshots */
	LOCK_FS_PRIVATE,  /* inside one file system */
	LOCK_DRIVER,	  /* inside one driver, may sleep */
	LOCK_SLEEP_INNER, /* leaf mutexes */

	/* Spinlocks taken with interrupts as they are. */
	LOCK_TASKLIST,	    /* process tree, pid table, sessions, groups */
	LOCK_POSIX_TIMER,   /* POSIX timers of one process (irq-safe); reads CPU clocks under it */
	LOCK_SIGHAND,	    /* signal state of one process (irq-safe) */
	LOCK_TASK_ALLOC,    /* task->lock: pointers to mm, fs, files, cred of another task */
	LOCK_FS_STRUCT,	    /* cwd, root, umask */
	LOCK_FILES,	    /* descriptor table */
	LOCK_MOUNT_HASH,    /* mount hash and its sequence count */
	LOCK_DENTRY_RENAME, /* d_move: the sequence count that d_path retries on */
	LOCK_DENTRY,	    /* dentry->lock; parent before child */
	LOCK_DCACHE_HASH,   /* chains of the dentry hash */
	LOCK_INODE_SPIN,    /* inode->spin: state, size pairs, lists */
	LOCK_SB_LISTS,	    /* inode and dentry LRU lists */
	LOCK_FLOCK,	    /* record locks of an inode */
	LOCK_PAGETABLE,	    /* mm->page_table_lock */
	LOCK_XARRAY,	    /* page-cache tree of a mapping */
	LOCK_FUTEX,	    /* futex hash bucket; two in address order */
	LOCK_VMALLOC,
	LOCK_LEAF, /* spinlocks that nest nothing but the ones below */

	/* Spinlocks taken with interrupts off. */
	LOCK_TTY_BUFFER, /* input flip buffer, output ring of a tty */
	LOCK_DRIVER_IRQ, /* inside one driver */
	LOCK_DRIVER_INNER, /* hardware queue that several disks share, under a disk queue's lock */
	LOCK_SIGQUEUE,
	LOCK_WAITQUEUE,	      /* wait_queue_head */
	LOCK_EPOLL_READY,     /* ready list of an epoll instance */
	LOCK_WAITQUEUE_INNER, /* the wait queue of an epoll instance or a pidfd */
	LOCK_WORKQUEUE,
	LOCK_TASK_WAKE, /* task->pi_lock: state changes on wake-up */
	LOCK_RUNQUEUE,	/* run queue; two in CPU order */
	LOCK_RCU,	/* arms its timer */
	LOCK_HRTIMER,
	LOCK_SLAB,
	LOCK_PAGE_ALLOC,
	LOCK_RANDOM,
	LOCK_IRQ_DESC,
	LOCK_CONSOLE, /* output of one console driver */
	LOCK_LOG,     /* kernel log ring */
	LOCK_CLASSES,
};

#endif
