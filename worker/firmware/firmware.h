/* What all of the firmware shares: how a service is entered, and how C reaches other segments.
 *
 * The firmware runs in real mode or virtual-8086 mode. Its code is in segment F000h; its data,
 * constants and stacks are in segment FIRMWARE_DATA, where pointers of C point to. GCC makes 32-bit
 * instructions with prefixes (-m16). FS is free for anyone's use; GS is not used. Unless a function
 * says otherwise it runs with interrupts disabled, but for idle(). */
#ifndef VENEER_FIRMWARE_H
#define VENEER_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/x86/port_io.h"

#define FIRMWARE_CODE 0xf000
#define FIRMWARE_DATA 0xe000

/* EFLAGS */
#define FLAG_CF 0x0001
#define FLAG_ZF 0x0040
#define FLAG_IF 0x0200

#define FRAME_REGISTER(n)                                                                          \
    union {                                                                                        \
        uint32_t e##n##x;                                                                          \
        uint16_t n##x;                                                                             \
        struct {                                                                                   \
            uint8_t n##l, n##h;                                                                    \
        };                                                                                         \
    }
#define FRAME_INDEX(n)                                                                             \
    union {                                                                                        \
        uint32_t e##n;                                                                             \
        uint16_t n;                                                                                \
    }

/* The registers of whom a service was called by, or of whom call_interrupt() calls. What a service
 * changes here the caller sees, flags included. entry.inc has the layout, too. */
struct frame {
    uint16_t gs, fs, es, ds;
    FRAME_INDEX(di);
    FRAME_INDEX(si);
    FRAME_INDEX(bp);
    uint32_t esp; /* of no use */
    FRAME_REGISTER(b);
    FRAME_REGISTER(d);
    FRAME_REGISTER(c);
    FRAME_REGISTER(a);
    uint16_t handler, ip, cs, flags;
} __attribute__((packed));

_Static_assert(sizeof(struct frame) == 48, "entry.inc");
_Static_assert(offsetof(struct frame, esp) == 20, "entry.inc");
_Static_assert(offsetof(struct frame, flags) == 46, "entry.inc");

/* --- Other segments --- */

#define FAR __seg_fs

static inline void set_fs(uint16_t segment)
{
    __asm__ volatile("movw %0, %%fs" : : "r"(segment) : "memory");
}

static inline uint8_t far_read8(uint16_t segment, uint16_t offset)
{
    set_fs(segment);
    return *(volatile uint8_t FAR *)(uint32_t)offset;
}

static inline uint16_t far_read16(uint16_t segment, uint16_t offset)
{
    set_fs(segment);
    return *(volatile uint16_t FAR *)(uint32_t)offset;
}

static inline uint32_t far_read32(uint16_t segment, uint16_t offset)
{
    set_fs(segment);
    return *(volatile uint32_t FAR *)(uint32_t)offset;
}

static inline void far_write8(uint16_t segment, uint16_t offset, uint8_t value)
{
    set_fs(segment);
    *(volatile uint8_t FAR *)(uint32_t)offset = value;
}

static inline void far_write16(uint16_t segment, uint16_t offset, uint16_t value)
{
    set_fs(segment);
    *(volatile uint16_t FAR *)(uint32_t)offset = value;
}

static inline void far_write32(uint16_t segment, uint16_t offset, uint32_t value)
{
    set_fs(segment);
    *(volatile uint32_t FAR *)(uint32_t)offset = value;
}

/* @count bytes, upwards, between any two segments: one instruction, for memory that is emulated. */
static inline void far_move(uint16_t to_segment, uint16_t to, uint16_t from_segment, uint16_t from,
                            uint16_t count)
{
    uint32_t di = to, si = from, cx = count;

    __asm__ volatile("pushw %%ds\n\tpushw %%es\n\tmovw %w3, %%es\n\tmovw %w4, %%ds\n\t"
                     "rep movsb\n\tpopw %%es\n\tpopw %%ds"
                     : "+D"(di), "+S"(si), "+c"(cx)
                     : "a"(to_segment), "d"(from_segment)
                     : "memory");
}

static inline void far_fill(uint16_t segment, uint16_t offset, uint8_t value, uint16_t count)
{
    uint32_t di = offset, cx = count;

    __asm__ volatile("pushw %%es\n\tmovw %w2, %%es\n\trep stosb\n\tpopw %%es"
                     : "+D"(di), "+c"(cx)
                     : "d"(segment), "a"(value)
                     : "memory");
}

/* Copies between the data segment and another one. Nothing may cross a segment's end. */
static inline void far_put(uint16_t segment, uint16_t offset, const void *from, size_t size)
{
    uint16_t here;

    __asm__("movw %%ds, %0" : "=r"(here));
    far_move(segment, offset, here, (uint16_t)(uintptr_t)from, (uint16_t)size);
}

static inline void far_get(void *to, uint16_t segment, uint16_t offset, size_t size)
{
    uint16_t here;

    __asm__("movw %%ds, %0" : "=r"(here));
    far_move(here, (uint16_t)(uintptr_t)to, segment, offset, (uint16_t)size);
}

/* --- Ports --- */

/* @count words from or to @port, at @segment:@offset. They must not cross the segment's end. */
static inline void in_words(uint16_t port, uint16_t segment, uint16_t offset, uint16_t count)
{
    uint32_t di = offset, cx = count;

    __asm__ volatile("pushw %%es\n\tmovw %w3, %%es\n\trep insw\n\tpopw %%es"
                     : "+D"(di), "+c"(cx)
                     : "d"(port), "a"(segment)
                     : "memory");
}

static inline void out_words(uint16_t port, uint16_t segment, uint16_t offset, uint16_t count)
{
    uint32_t si = offset, cx = count;

    __asm__ volatile("pushw %%ds\n\tmovw %w3, %%ds\n\trep outsw\n\tpopw %%ds"
                     : "+S"(si), "+c"(cx)
                     : "d"(port), "a"(segment)
                     : "memory");
}

/* --- Processor --- */

static inline void disable_interrupts(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void enable_interrupts(void)
{
    __asm__ volatile("sti" : : : "memory");
}

/* --- services.asm --- */

/* Calls frame->cs:frame->ip with all registers from @frame, as INT does, and stores what they are
 * afterwards in @frame. Interrupts are as they were before; nothing is assumed about what is
 * called. */
void call_far_interrupt(struct frame *frame);

/* The same for code that returns with RETF. */
void call_far(struct frame *frame);

/* Calls interrupt @vector as it is set now. */
void call_interrupt(uint8_t vector, struct frame *frame);

/* Copies @size bytes between any addresses below 4 GiB, in protected mode, as double words as far
 * as @size allows. A20 must be on. Returns false in virtual-8086 mode, where that cannot be done.
 */
bool flat_copy(uint32_t to, uint32_t from, uint32_t size);

/* Leaves the stack for good and starts the boot sector at @segment:@offset with DL = @drive,
 * ES:DI = the PnP structure, a stack below 7000h and interrupts enabled. */
_Noreturn void start_boot_sector(uint16_t segment, uint16_t offset, uint8_t drive);

/* --- string.c --- */

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

/* The result of a service that says errors with CF, in the flags its caller gets. */
static inline void set_carry(struct frame *frame, bool error)
{
    frame->flags = (uint16_t)(error ? frame->flags | FLAG_CF : frame->flags & ~FLAG_CF);
}

#endif
