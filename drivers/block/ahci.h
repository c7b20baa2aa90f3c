/* SPDX-License-Identifier: MIT */
/* AHCI: what the files of the driver share. Source: Serial ATA AHCI 1.3.1, ACS-3 (commands). */
#ifndef DRIVERS_BLOCK_AHCI_H
#define DRIVERS_BLOCK_AHCI_H

#include <drivers/pci.h>
#include <fs/block.h>
#include <kernel/workqueue.h>

/* Controller. */
#define HBA_CAP 0x00
#define HBA_GHC 0x04
#define HBA_IS 0x08
#define HBA_PI 0x0c
#define HBA_CAP2 0x24
#define HBA_BOHC 0x28
#define CAP_SNCQ BIT(30)
#define CAP_S64A BIT(31)
#define GHC_IE BIT(1)
#define GHC_AE BIT(31)
#define CAP2_BOH BIT(0)
#define BOHC_BIOS BIT(0)
#define BOHC_OS BIT(1)
/* Port, from 0x100 + 0x80 * number. */
#define PX_CLB 0x00
#define PX_CLBU 0x04
#define PX_FB 0x08
#define PX_FBU 0x0c
#define PX_IS 0x10
#define PX_IE 0x14
#define PX_CMD 0x18
#define PX_TFD 0x20
#define PX_SIG 0x24
#define PX_SSTS 0x28
#define PX_SCTL 0x2c
#define PX_SERR 0x30
#define PX_SACT 0x34
#define PX_CI 0x38
#define CMD_ST BIT(0)
#define CMD_SUD BIT(1)
#define CMD_POD BIT(2)
#define CMD_FRE BIT(4)
#define CMD_FR BIT(14)
#define CMD_CR BIT(15)
#define TFD_ERR 0x01u
#define TFD_DRQ 0x08u
#define TFD_BSY 0x80u
#define SIG_ATA 0x00000101u
#define SIG_ATAPI 0xeb140101u
#define SSTS_DET_MASK 15u
#define SSTS_DET_UP 3u
#define IS_ERRORS (BIT(30) | BIT(29) | BIT(28) | BIT(27)) /* task file, bus, data, interface */
#define IS_GONE BIT(22)					   /* PhyRdy changed */
#define IS_WANTED (IS_ERRORS | IS_GONE | BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(5))

#define AHCI_SLOTS 32
#define AHCI_SEGS 88	   /* with the rest a command table is 2 KiB */
#define AHCI_TABLE 2048
#define AHCI_TRIM_OFF 1536 /* ranges of a TRIM, behind the segments */
#define AHCI_TRIES 3

enum { ATA_READ_EXT = 0x25, ATA_WRITE_EXT = 0x35, ATA_WRITE_FUA_EXT = 0x3d, ATA_READ_NCQ = 0x60,
       ATA_WRITE_NCQ = 0x61, ATA_DSM = 0x06, ATA_FLUSH_EXT = 0xea, ATA_IDENTIFY = 0xec };

struct ahci_header {
	u16 flags; /* length of the FIS in words of 32 bits; bit 6: to the device */
	u16 nr_segs;
	u32 transferred;
	u32 table, table_high;
	u32 reserved[4];
};
#define HEADER_WRITE 0x40
struct ahci_seg {
	u32 addr, addr_high, reserved;
	u32 last_byte; /* bytes - 1 */
};
struct ahci_table {
	u8 fis[64];
	u8 packet[16];
	u8 reserved[48];
	struct ahci_seg segs[AHCI_SEGS];
	u64 trim[64];
};
_Static_assert(sizeof(struct ahci_table) == AHCI_TABLE, "command table");

struct ahci;
/* L: the disk queue's lock  C: const after probe  M: mutex */
struct ahci_port {
	struct ahci *hba;	    /* C */
	volatile u8 *regs;	    /* C */
	unsigned int number;	    /* C */
	struct ahci_header *list;   /* C; received FISes are behind it in the same page */
	struct ahci_table *tables;  /* C: one for each slot; entries L */
	struct disk *disk;	    /* C; NULL: not there yet */
	char name[16];		    /* C: "ata1" */
	char sysfs_parent[128];	    /* C */
	bool ncq;		    /* C: device and controller can */
	bool fua;		    /* C: also without NCQ */
	u8 lba_shift;		    /* C: of a logical block, in sectors of 512 */
	u32 inflight;		    /* L: slots */
	u32 queued;		    /* L: those of them with NCQ */
	u32 given;		    /* L: not yet told */
	bool stopped;		    /* L: recovering: nothing is given to the device */
	unsigned int single;	    /* L: so many commands without NCQ, to find the bad one */
	u64 completed;		    /* L */
	u8 tries[AHCI_SLOTS];	    /* M */
	unsigned int resets;	    /* M: without a completion in between */
	u64 completed_then;	    /* M: at the last reset */
	struct mutex mutex;	    /* LOCK_DRIVER: recovery */
	struct work recover;
};
struct ahci {
	struct pci_dev *pci;
	volatile u8 *regs;
	u32 cap;
	struct ahci_port *ports[32];
	char name[16];
};

static inline u32 port_read(const struct ahci_port *p, unsigned int off)
{
	return *(volatile u32 *)(p->regs + off);
}
static inline void port_write(struct ahci_port *p, unsigned int off, u32 v)
{
	*(volatile u32 *)(p->regs + off) = v;
}

/* --- ahci_port.c --- */
/* Looks for a disk and prepares it: 0, -ENODEV nothing there or not a disk, -errno. May sleep. */
int ahci_port_init(struct ahci *hba, unsigned int number);
int ahci_port_add_disk(struct ahci_port *p, const char *pci_path);
/* Interrupt of one port. */
void ahci_port_interrupt(struct ahci_port *p);
void ahci_port_shutdown(struct ahci_port *p);
void ahci_port_free(struct ahci_port *p);

/* --- ahci_engine.c: registers of a port --- */
int ahci_engine_stop(struct ahci_port *p);
/* Starts it; reset: after a COMRESET. 0, -EIO. May sleep. */
int ahci_engine_start(struct ahci_port *p, bool reset);
/* One command, polled; the port must be idle. buf: 512 bytes that the device fills, or NULL. */
int ahci_engine_exec(struct ahci_port *p, u8 command, void *buf);
/* Fills the register FIS of a slot. count: sectors or what the command takes it for. */
void ahci_fis(struct ahci_table *t, u8 command, u16 features, u64 lba, u16 count, u8 device);
void ahci_header(struct ahci_port *p, unsigned int slot, unsigned int nr_segs, bool write);

#endif
