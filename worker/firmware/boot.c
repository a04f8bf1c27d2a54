/* INT 18h and 19h: the boot order. */

#include "worker/firmware/boot.h"
#include "worker/firmware/bda.h"
#include "worker/firmware/cmos.h"
#include "worker/firmware/el_torito.h"
#include "worker/firmware/floppy.h"
#include "worker/firmware/memory.h"
#include "worker/firmware/screen.h"
#include "worker/firmware/timing.h"
#include "worker/firmware/unit.h"

#define BOOT_SEGMENT 0x07c0
#define SIGNATURE_OFFSET 510
#define SIGNATURE 0xaa55
#define ROM_LIMIT 4
#define NAME_SIZE 40

struct boot_rom {
    uint16_t segment, vector;
    char name[NAME_SIZE];
};

void bootstrap_service(struct frame *frame);
void boot_failed_service(struct frame *frame);

static uint8_t order[FIRMWARE_BOOT_ENTRIES + 1];
static unsigned next; /* in order */
static struct boot_rom roms[ROM_LIMIT];
static unsigned rom_count, next_rom;

void boot_add_rom(uint16_t segment, uint16_t vector, const char *name)
{
    struct boot_rom *rom = &roms[rom_count];
    unsigned length = 0;

    if (rom_count == ROM_LIMIT)
        return;
    rom_count++;
    rom->segment = segment;
    rom->vector = vector;
    while (name && length < NAME_SIZE - 1 && name[length]) {
        rom->name[length] = name[length];
        length++;
    }
    rom->name[length] = 0;
}

/* The order that the worker says, or else CMOS; what CMOS does not name comes last. */
static void find_order(void)
{
    static const uint8_t standard[] = {FIRMWARE_BOOT_FLOPPY, FIRMWARE_BOOT_DISK, FIRMWARE_BOOT_CD,
                                       FIRMWARE_BOOT_NETWORK};
    const struct firmware_info *info = firmware_info();
    uint8_t first = cmos_read(CMOS_BOOT_ORDER_12), third = cmos_read(CMOS_BOOT_ORDER_3);

    memset(order, 0, sizeof(order));
    if (info) {
        memcpy(order, info->boot_order, FIRMWARE_BOOT_ENTRIES);
        return;
    }
    if (!first) {
        memcpy(order, standard, sizeof(standard));
        return;
    }
    order[0] = first & 15;
    order[1] = first >> 4;
    order[2] = third >> 4;
}

/* --- The kinds of things to start. Each returns only if it could not. ----------------------------
 */

static const char *describe(enum disk_status status)
{
    switch (status) {
    case DISK_TIMEOUT:
        return "the drive is empty or does not answer";
    case DISK_NO_MEDIA:
        return "there is no disc in the drive";
    case DISK_NOT_FOUND:
        return "its first sector cannot be found";
    default:
        return "its first sector cannot be read";
    }
}

static void start_sector(struct unit *unit, bool check)
{
    struct unit_request request = {.address = BOOT_SEGMENT << 4, .count = 1};
    enum disk_status status = DISK_OK;
    uint16_t done;

    if (unit->kind == UNIT_FLOPPY)
        status = floppy_prepare(unit);
    if (status == DISK_OK)
        status = unit_transfer(unit, UNIT_READ, &request, &done);
    if (status != DISK_OK) {
        screen_print(describe(status));
        return;
    }
    if (check && far_read16(BOOT_SEGMENT, SIGNATURE_OFFSET) != SIGNATURE) {
        screen_print("no boot signature (55h AAh)");
        return;
    }
    screen_print("started\n");
    start_boot_sector(0, BOOT_SEGMENT << 4, unit->number);
}

static void start_floppy(void)
{
    struct unit *unit = unit_find(0);

    screen_print("Booting from the floppy disk: ");
    if (unit)
        start_sector(unit, !(cmos_read(CMOS_BOOT_ORDER_3) & 1) || firmware_info());
    else
        screen_print("there is no drive");
}

static void start_disk(void)
{
    struct unit *unit = unit_find(UNIT_FIRST_DISK);

    screen_print("Booting from the hard disk");
    if (!unit) {
        screen_print(": there is none");
        return;
    }
    screen_print(" (");
    screen_print(unit->drive->model);
    screen_print("): ");
    start_sector(unit, true);
}

static void start_cd(void)
{
    struct unit *unit = unit_find(UNIT_FIRST_CD);

    screen_print("Booting from the CD: ");
    if (unit)
        el_torito_start(unit);
    else
        screen_print("there is no drive");
}

static void start_rom(void)
{
    struct frame call = {.flags = FLAG_IF};

    if (next_rom == rom_count) {
        screen_print("Booting from the network: there is no boot ROM");
        return;
    }
    screen_print("Booting from the ROM ");
    screen_print(roms[next_rom].name);
    screen_print("\n");
    call.cs = roms[next_rom].segment;
    call.ip = roms[next_rom].vector;
    next_rom++;
    call_far(&call);
    screen_print("The ROM has found nothing to start");
}

static void try_one(uint8_t kind)
{
    switch (kind) {
    case FIRMWARE_BOOT_FLOPPY:
        start_floppy();
        break;
    case FIRMWARE_BOOT_DISK:
        start_disk();
        break;
    case FIRMWARE_BOOT_CD:
        start_cd();
        break;
    case FIRMWARE_BOOT_NETWORK:
        start_rom();
        break;
    default:
        return;
    }
    screen_print(".\n");
}

/* Tries what is next in the order and goes on for ever. */
static _Noreturn void try_next(void)
{
    struct frame call = {.flags = FLAG_IF};

    for (;;) {
        while (order[next] != FIRMWARE_BOOT_END)
            try_one(order[next++]);
        screen_print("\nNothing could be started. Put a system on a disk of this machine, or "
                     "change the boot order.\nA key tries again.\n");
        call.ah = 0;
        call_interrupt(0x16, &call);
        next = next_rom = 0;
    }
}

void boot_start(void)
{
    find_order();
    next = next_rom = 0;
    try_next();
}

/* INT 19h */
void bootstrap_service(struct frame *frame)
{
    (void)frame;
    boot_start();
}

/* INT 18h: what was started could not go on. */
void boot_failed_service(struct frame *frame)
{
    (void)frame;
    screen_print("\nIt has found nothing to start.\n");
    try_next();
}
