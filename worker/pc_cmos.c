#include "worker/pc_cmos.h"

#include "worker/devices/mc146818.h"
#include "worker/machine.h"

/* Sizes are low byte first. */
enum {
    CMOS_FLOPPY = 0x10,    /* types: A in the upper half */
    CMOS_EQUIPMENT = 0x14, /* as INT 11h gives it */
    CMOS_BASE = 0x15,      /* KiB below 1 MiB */
    CMOS_EXTENDED = 0x17,  /* KiB from 1 MiB on, at most 65,535 */
    CMOS_EXTENDED_2 = 0x30,
    CMOS_ABOVE_16M = 0x34, /* 64 KiB from 16 MiB on, below 4 GiB */
    CMOS_BOOT_3 = 0x38,    /* third in the upper half; bit 0: no check of floppies */
    CMOS_BOOT = 0x3d,      /* first, second above */
    CMOS_ABOVE_4G = 0x5b,  /* three bytes: 64 KiB from 4 GiB on */
    CMOS_PROCESSORS = 0x5f /* but the first */
};

#define EQUIPMENT_FLOPPY 0x01u
#define EQUIPMENT_FPU 0x02u
#define EQUIPMENT_MOUSE 0x04u
#define EQUIPMENT_FLOPPY_2 0x40u
#define BASE_KIB 640u
#define BOOT_NO_FLOPPY_CHECK 1u

static void put(struct mc146818 *rtc, uint8_t index, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        mc146818_cmos_write(rtc, (uint8_t)(index + i), (uint8_t)(value >> 8 * i));
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void put_memory(struct mc146818 *rtc)
{
    uint64_t low = machine_low_size(), extended = least((low >> 10) - 1024, UINT16_MAX);
    put(rtc, CMOS_BASE, BASE_KIB, 2);
    put(rtc, CMOS_EXTENDED, extended, 2);
    put(rtc, CMOS_EXTENDED_2, extended, 2);
    put(rtc, CMOS_ABOVE_16M, low > 16u << 20 ? (low - (16u << 20)) >> 16 : 0, 2);
    put(rtc, CMOS_ABOVE_4G, (machine.ram.size - low) >> 16, 3);
}

/* 0: no drive. */
static uint8_t code_of(char letter)
{
    switch (letter) {
    case 'a':
        return 1;
    case 'c':
        return 2;
    case 'd':
        return 3;
    case 'n':
        return 4;
    default:
        return 0;
    }
}

static void put_boot_order(struct mc146818 *rtc, const char *boot)
{
    uint8_t codes[3] = {0};
    if (!boot)
        boot = "cda";
    for (unsigned i = 0; i < sizeof(codes) && boot[i] != '\0'; i++) {
        codes[i] = code_of(boot[i]);
        if (codes[i] == 0)
            machine_fail("boot=%s: letters are a (floppy), c (disk), d (CD) and n (network)", boot);
    }
    put(rtc, CMOS_BOOT, codes[0] | codes[1] << 4, 1);
    put(rtc, CMOS_BOOT_3, (uint64_t)codes[2] << 4 | BOOT_NO_FLOPPY_CHECK, 1);
}

void pc_cmos_fill(struct mc146818 *rtc, uint8_t floppy_a, uint8_t floppy_b, const char *boot)
{
    uint8_t equipment = EQUIPMENT_FPU | EQUIPMENT_MOUSE;
    if (floppy_a != 0)
        equipment |= EQUIPMENT_FLOPPY;
    if (floppy_b != 0)
        equipment |= EQUIPMENT_FLOPPY_2;
    put(rtc, CMOS_FLOPPY, (uint64_t)floppy_a << 4 | floppy_b, 1);
    put(rtc, CMOS_EQUIPMENT, equipment, 1);
    put(rtc, CMOS_PROCESSORS, machine.vp_count - 1, 1);
    put_memory(rtc);
    put_boot_order(rtc, boot);
}
