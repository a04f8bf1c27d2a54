#include "worker/pc_firmware.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "worker/devices/mc146818.h"
#include "worker/firmware_tables.h"
#include "worker/machine.h"
#include "worker/options.h"
#include "worker/pc_drives.h"
#include "worker/pc_memory.h"

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

/* --- Boot order --- */

static enum firmware_boot boot_code(char letter)
{
    switch (letter) {
    case 'a':
        return FIRMWARE_BOOT_FLOPPY;
    case 'c':
        return FIRMWARE_BOOT_DISK;
    case 'd':
        return FIRMWARE_BOOT_CD;
    case 'n':
        return FIRMWARE_BOOT_NETWORK;
    default:
        return FIRMWARE_BOOT_END;
    }
}

/* The numbers in the CMOS RAM are the same. */
static void read_boot_order(const char *boot, uint8_t codes[FIRMWARE_BOOT_ENTRIES])
{
    if (!boot)
        boot = "cda";
    memset(codes, FIRMWARE_BOOT_END, FIRMWARE_BOOT_ENTRIES);
    for (unsigned i = 0; boot[i] != '\0'; i++) {
        if (i == FIRMWARE_BOOT_ENTRIES || boot_code(boot[i]) == FIRMWARE_BOOT_END)
            machine_fail("boot=%s: letters are a (floppy), c (disk), d (CD) and n (network)", boot);
        codes[i] = (uint8_t)boot_code(boot[i]);
    }
}

/* --- CMOS --- */

static void fill_cmos(struct mc146818 *rtc, const uint8_t *boot)
{
    uint8_t floppy_a = pc_drives_floppy_type(0), floppy_b = pc_drives_floppy_type(1);
    uint8_t equipment = EQUIPMENT_FPU | EQUIPMENT_MOUSE;
    if (floppy_a != 0)
        equipment |= EQUIPMENT_FLOPPY;
    if (floppy_b != 0)
        equipment |= EQUIPMENT_FLOPPY_2;
    put(rtc, CMOS_FLOPPY, (uint64_t)floppy_a << 4 | floppy_b, 1);
    put(rtc, CMOS_EQUIPMENT, equipment, 1);
    put(rtc, CMOS_PROCESSORS, machine.vp_count - 1, 1);
    put_memory(rtc);
    put(rtc, CMOS_BOOT, boot[0] | (uint64_t)boot[1] << 4, 1);
    put(rtc, CMOS_BOOT_3, (uint64_t)boot[2] << 4 | BOOT_NO_FLOPPY_CHECK, 1);
}

/* --- Tables --- */

static uint32_t devices_of(const struct options *options)
{
    uint32_t devices = FIRMWARE_HAS_COM1 | FIRMWARE_HAS_COM2;
    if (options_find(options, "fd:0"))
        devices |= FIRMWARE_HAS_FLOPPY;
    if (options_find(options, "nic:0"))
        devices |= FIRMWARE_HAS_NIC;
    return options->has_bus ? devices | FIRMWARE_HAS_VMBUS : devices;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* The SMBIOS UUID says nothing yet: nobody gives VMs one. */
static void write_tables(const struct options *options, const uint8_t *boot)
{
    struct cpuid_result features = cpuid(1, 0);
    struct firmware_machine tables = {.low_memory = machine_low_size(),
                                      .high_memory = machine.ram.size - machine_low_size(),
                                      .vp_count = machine.vp_count,
                                      .devices = devices_of(options),
                                      .cpu_signature = features.eax,
                                      .cpu_features = features.edx};
    uint8_t *area = pc_memory_rom(FIRMWARE_TABLES_ADDRESS);
    if (!area || !is_zero(area, FIRMWARE_TABLES_SIZE))
        return; /* another BIOS, which makes its own */
    memcpy(tables.boot_order, boot, FIRMWARE_BOOT_ENTRIES);
    if (!firmware_write_tables(&tables, area))
        machine_fail("the tables for the firmware have no room");
}

void pc_firmware_inform(const struct options *options, struct mc146818 *rtc)
{
    uint8_t boot[FIRMWARE_BOOT_ENTRIES];
    read_boot_order(options->boot, boot);
    fill_cmos(rtc, boot);
    write_tables(options, boot);
}
