#include "worker/firmware/memory.h"
#include "worker/firmware/bda.h"
#include "worker/firmware/cmos.h"

#define MIB 0x100000u
#define KIB 1024u
#define SMAP 0x534d4150u
#define ENTRY_SIZE 20
#define RAM 1
#define RESERVED 2

struct range {
    uint64_t base, size;
    uint32_t type;
} __attribute__((packed));

_Static_assert(sizeof(struct range) == ENTRY_SIZE, "E820");

void memory_size_service(struct frame *frame);

static uint32_t low;
static uint64_t high;

const struct firmware_info *firmware_info(void)
{
    const struct firmware_info *info =
        (const void *)(uintptr_t)(FIRMWARE_TABLES_ADDRESS - ((uint32_t)FIRMWARE_DATA << 4));
    /* The structure is at the start of our segment, where C would see a null pointer. */
    __asm__("" : "+r"(info));
    return info->magic == FIRMWARE_INFO_MAGIC ? info : NULL;
}

void memory_init(void)
{
    const struct firmware_info *info = firmware_info();
    uint16_t above_16m = cmos_read16(CMOS_ABOVE_16M);

    if (info) {
        low = (uint32_t)info->low_memory;
        high = info->high_memory;
        return;
    }
    low = above_16m ? 16 * MIB + above_16m * 64 * KIB : MIB + cmos_read16(CMOS_EXTENDED_KIB2) * KIB;
    high = (uint64_t)(cmos_read16(CMOS_ABOVE_4G) | (uint32_t)cmos_read(CMOS_ABOVE_4G + 2) << 16)
           << 16;
}

uint32_t memory_low(void)
{
    return low;
}

uint64_t memory_high(void)
{
    return high;
}

/* INT 12h */
void memory_size_service(struct frame *frame)
{
    frame->ax = bda_read16(BDA_MEMORY_KIB);
}

/* Range @index of the map; false behind the last one. */
static bool get_range(uint32_t index, struct range *range)
{
    uint32_t base_end = bda_read16(BDA_MEMORY_KIB) * KIB;
    const struct range map[] = {
        {0, base_end, RAM},
        {base_end, 640 * KIB - base_end, RESERVED},
        {FIRMWARE_TABLES_ADDRESS, MIB - FIRMWARE_TABLES_ADDRESS, RESERVED},
        {MIB, low - MIB, RAM},
        {0xfec00000, 0x1000, RESERVED},  /* I/O APIC */
        {0xfee00000, 0x1000, RESERVED},  /* local APICs */
        {0xfffc0000, 0x40000, RESERVED}, /* this image */
        {1ull << 32, high, RAM},
    };
    unsigned count = sizeof(map) / sizeof(map[0]) - (high ? 0 : 1);

    if (index >= count)
        return false;
    *range = map[index];
    return true;
}

void memory_map_service(struct frame *frame)
{
    struct range range, next;

    if (frame->edx != SMAP || frame->ecx < ENTRY_SIZE || !get_range(frame->ebx, &range)) {
        frame->ah = 0x86;
        set_carry(frame, true);
        return;
    }
    far_put(frame->es, frame->di, &range, ENTRY_SIZE);
    frame->ebx = get_range(frame->ebx + 1, &next) ? frame->ebx + 1 : 0;
    frame->eax = SMAP;
    frame->ecx = ENTRY_SIZE;
    set_carry(frame, false);
}

/* KiB from 1 MiB to 16 MiB, then 64 KiB from there on. */
void memory_e801_service(struct frame *frame)
{
    if (low >= 16 * MIB) {
        frame->ax = 15 * 1024;
        frame->bx = (uint16_t)((low - 16 * MIB) >> 16);
    } else {
        frame->ax = (uint16_t)((low - MIB) / KIB);
        frame->bx = 0;
    }
    frame->cx = frame->ax;
    frame->dx = frame->bx;
    set_carry(frame, false);
}

/* KiB above 1 MiB, 63 MiB at most: what others than us take for the most, too. */
void memory_88_service(struct frame *frame)
{
    uint32_t kib = (low - MIB) / KIB;

    frame->ax = (uint16_t)(kib > 0xfc00 ? 0xfc00 : kib);
    set_carry(frame, false);
}
