/* What the two files of the AHCI driver share: registers (Serial ATA AHCI 1.3.1, chapter 3),
 * structures in memory (chapter 4), and ports without requests: their start and reset, and commands
 * that are polled, with the port's interrupts off. Not for other files. */
#ifndef VENEER_PARENT_DRIVERS_AHCI_H
#define VENEER_PARENT_DRIVERS_AHCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/drivers/ata.h"
#include "parent/drivers/atapi.h"
#include "parent/include/block.h"
#include "parent/include/spinlock.h"

#define PORT_COUNT 32
#define SLOT_COUNT 32

struct port_registers {
    uint32_t clb, clbu, fb, fbu, is, ie, cmd, reserved0;
    uint32_t tfd, sig, ssts, sctl, serr, sact, ci, sntf;
    uint32_t fbs, devslp, reserved1[10], vendor[4];
};

struct hba_registers {
    uint32_t cap, ghc, is, pi, vs, ccc_ctl, ccc_ports, em_loc, em_ctl, cap2, bohc;
    uint32_t reserved[53];
    struct port_registers ports[PORT_COUNT];
};

_Static_assert(sizeof(struct port_registers) == 0x80, "AHCI 3.3");
_Static_assert(offsetof(struct hba_registers, ports) == 0x100, "AHCI 3");

#define CAP_NCS(cap) (((cap) >> 8 & 0x1f) + 1)
#define CAP_SNCQ (1u << 30)
#define CAP_S64A (1u << 31)
#define GHC_HR (1u << 0)
#define GHC_IE (1u << 1)
#define GHC_AE (1u << 31)
#define CAP2_BOH (1u << 0)
#define BOHC_BOS (1u << 0)
#define BOHC_OOS (1u << 1)

#define CMD_ST (1u << 0)
#define CMD_SUD (1u << 1)
#define CMD_POD (1u << 2)
#define CMD_FRE (1u << 4)
#define CMD_FR (1u << 14)
#define CMD_CR (1u << 15)
#define CMD_ATAPI (1u << 24)
#define CMD_ICC_MASK (0xfu << 28)
#define CMD_ICC_ACTIVE (1u << 28)

#define IS_DHRS (1u << 0)
#define IS_PSS (1u << 1)
#define IS_SDBS (1u << 3)
#define IS_IFS (1u << 27)
#define IS_HBDS (1u << 28)
#define IS_HBFS (1u << 29)
#define IS_TFES (1u << 30)
#define IS_ERRORS (IS_IFS | IS_HBDS | IS_HBFS | IS_TFES)
#define IE_USED (IS_DHRS | IS_PSS | IS_SDBS | IS_ERRORS)

#define SSTS_DET(ssts) ((ssts)&0xf)
#define DET_NONE 0
#define DET_READY 3
#define SCTL_DET_MASK 0xfu
#define SCTL_DET_RESET 0x1u
#define TFD_STATUS(tfd) ((uint8_t)(tfd))
#define TFD_ERROR(tfd) ((uint8_t)((tfd) >> 8))
#define SIG_DISK 0x00000101u
#define SIG_PACKET 0xeb140101u

#define MEDIUM_PAUSE_US 100000u /* before the drive is asked again */

struct command_header {
    uint16_t flags, prd_count;
    uint32_t bytes; /* moved; not with queueing */
    uint32_t table, table_high;
    uint32_t reserved[4];
};

#define HEADER_ATAPI 0x0020u
#define HEADER_WRITE 0x0040u

struct command_prd {
    uint32_t address, address_high, reserved;
    uint32_t size; /* bytes - 1 */
};

#define PRD_COUNT 56
#define PRD_BOUNDARY (4u << 20)

struct command_table {
    uint8_t fis[64];
    uint8_t packet[16];
    uint8_t reserved[48];
    struct command_prd prds[PRD_COUNT];
};

/* What a port's DMA uses. */
struct port_memory {
    struct command_header headers[SLOT_COUNT];
    uint8_t received_fis[256];
    uint8_t reserved[256];
    uint8_t buffer[512]; /* answers to polled commands */
    struct command_table tables[SLOT_COUNT] __attribute__((aligned(1024)));
};

_Static_assert(sizeof(struct command_header) == 32, "AHCI 4.2.2");
_Static_assert(sizeof(struct command_table) == 1024, "AHCI 4.2.3: a multiple of 128");
_Static_assert(offsetof(struct port_memory, received_fis) % 256 == 0, "AHCI 3.3.3");

struct ahci_port {
    struct block_device block;
    struct ata_identity identity;
    bool packet;
    char name[12];
    volatile struct port_registers *registers;
    volatile struct port_memory *memory;
    uint64_t memory_address;
    struct spinlock lock; /* issuing, and: */
    uint32_t active;      /* slots whose commands have not ended */
    bool queueing;        /* they are queued commands */
    bool completing;      /* the handler is */
    struct block_command *commands[SLOT_COUNT];
};

/* Waits until *@at has the bits @value under @mask. Thread. */
bool ahci_wait_register(volatile uint32_t *at, uint32_t mask, uint32_t value, uint64_t limit_us);

/* A port with memory, below 4 GiB unless @wide; NULL, with a message, if there is none. Thread, as
 * all that follow up to ahci_port_request_sense(). */
struct ahci_port *ahci_port_create(const char *controller, uint32_t number,
                                   volatile struct port_registers *registers, bool wide);
void ahci_port_free(struct ahci_port *port);

/* Tells the port its memory and has it look for a drive (AHCI 10.1.2). */
bool ahci_port_wake(struct ahci_port *port);

/* Waits until the drive of an awake port is ready, and asks it what it is. False: there is none, or
 * none that we can use. */
bool ahci_port_find_drive(struct ahci_port *port);

/* Finds out whether there is a medium, and how large it is: the sectors of port->block. */
void ahci_port_read_medium(struct ahci_port *port);

/* Stops all commands, resets the link, and with it the drive (AHCI 10.4.2), and makes the port
 * ready for commands. False: the drive does not come back. */
bool ahci_port_reset(struct ahci_port *port);

/* Asks a drive whose last packet command has failed why. */
enum block_status ahci_port_request_sense(struct ahci_port *port, struct atapi_sense *sense);

/* Describes a piece of memory to the command in @slot. Any, with the port's lock held or the port
 * not in use; as the next. */
void ahci_fill_prd(struct ahci_port *port, uint32_t slot, unsigned index, uint64_t address,
                   uint32_t size);

/* Completes the command in @slot: HEADER_ @flags, @packet for HEADER_ATAPI. */
void ahci_fill_command(struct ahci_port *port, uint32_t slot, const struct ata_taskfile *taskfile,
                       const uint8_t packet[ATAPI_PACKET_SIZE], uint16_t flags, uint16_t prd_count);

#endif
