/* How a worker starts a freestanding kernel in a child partition, and the devices that the demo
 * child and its worker agree on.
 *
 * Entry contract. VP 0 starts at the ELF file's entry point, its segments loaded at their physical
 * addresses:
 *  - 64-bit mode, CPL 0, interrupts off, flat segments; GDTR and IDTR have limit 0;
 *  - RDI = guest physical address of a struct child_start, below 1 MiB; the other general registers
 *    are 0, RSP too;
 *  - CR0 = PG WP NE ET MP PE, CR4 = PAE, EFER = LMA LME NXE; page tables map the first 4 GiB one to
 *    one, writable and executable, by large pages;
 *  - the other VPs wait for INIT and SIPI, or for HvCallStartVirtualProcessor.
 *
 * Memory is RAM from 0 on, `memory_size` bytes. The command line is behind the structure. */
#ifndef VENEER_CHILD_START_H
#define VENEER_CHILD_START_H

#include <stdint.h>

#define CHILD_START_MAGIC 0x444c494843ull
#define CHILD_COMMAND_LINE_SIZE 256

struct child_start {
    uint64_t magic;       /* CHILD_START_MAGIC */
    uint64_t memory_size; /* bytes */
    uint32_t vp_count;
    uint32_t reserved;
    char command_line[CHILD_COMMAND_LINE_SIZE]; /* NUL terminated */
};

/* Ports. */
#define CHILD_PORT_PRINT 0xe9 /* out, 1 byte or a string: text for the console */
#define CHILD_PORT_EXIT 0xf4  /* out, 4 bytes: the child has ended, with this status */
#define CHILD_PORT_SCRATCH                                                                         \
    0x500 /* 1, 2, 4 bytes: the worker keeps what is written, and returns it */
#define CHILD_PORT_POSTED                                                                          \
    0x510 /* out, 4 bytes, posted: the worker counts writes and sums values                        \
           */
#define CHILD_PORT_POSTED_COUNT 0x514 /* in, 4 bytes: how many posted writes have come */
#define CHILD_PORT_POSTED_SUM 0x518   /* in, 4 bytes: their sum, modulo 2^32 */
#define CHILD_PORT_MIRRORED 0x520     /* in, 4 bytes, mirrored: CHILD_MIRRORED_VALUE + VP index */
#define CHILD_PORT_STRING                                                                          \
    0x530 /* of 1, 2, 4 bytes: out adds each element to a sum (in CHILD_PORT_POSTED_SUM), in       \
             returns 1, 2, 3, … */
#define CHILD_PORT_EVENT                                                                           \
    0x540 /* out, 4 bytes: the worker signals event flag n of SINT                                 \
             CHILD_SINT on this VP */
#define CHILD_PORT_INTERRUPT                                                                       \
    0x544 /* out, 4 bytes: the worker asserts this vector at VP bits 31:8 */
#define CHILD_PORT_MESSAGE_COUNT                                                                   \
    0x548                            /* in, 4 bytes: messages of CHILD_CONNECTION_MESSAGE so far */
#define CHILD_PORT_EVENT_COUNT 0x54c /* in, 4 bytes: wake-ups by CHILD_CONNECTION_EVENT so far */
#define CHILD_PORT_EXITS                                                                           \
    0x550 /* in, 4 bytes: exits of all VPs, and of all of the parent's, so far, modulo 2^32 */
/* Status of a worker whose child wants to be started again. */
#define CHILD_STATUS_RESET 0x5e7
/* The same, because of a triple fault. */
#define CHILD_STATUS_TRIPLE_FAULT 0x5e8

#define CHILD_MIRRORED_VALUE 0x12340000u

/* A page of registers, not mapped. */
#define CHILD_MMIO_BASE 0xfed80000ull
#define CHILD_MMIO_SIZE 0x1000
#define CHILD_MMIO_SCRATCH 0x00  /* 4 bytes: kept and returned by the worker */
#define CHILD_MMIO_POSTED 0x10   /* as CHILD_PORT_POSTED, the same count and sum */
#define CHILD_MMIO_MIRRORED 0x20 /* as CHILD_PORT_MIRRORED */

/* Connections to the parent (HvPostMessage, HvSignalEvent), and the SINT of what comes from it. */
#define CHILD_CONNECTION_MESSAGE 2 /* 1 and 4 are VMBus's */
#define CHILD_CONNECTION_EVENT 3
#define CHILD_EVENT_FLAGS 8
#define CHILD_SINT 2

#endif
