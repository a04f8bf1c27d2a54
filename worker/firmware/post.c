#include "worker/firmware/post.h"
#include "worker/firmware/ata.h"
#include "worker/firmware/boot.h"
#include "worker/firmware/cmos.h"
#include "worker/firmware/ebda.h"
#include "worker/firmware/keyboard.h"
#include "worker/firmware/memory.h"
#include "worker/firmware/pci.h"
#include "worker/firmware/pic.h"
#include "worker/firmware/screen.h"
#include "worker/firmware/time.h"
#include "worker/firmware/unit.h"

#define VGA_SEGMENT 0xc000
#define VGA_FONT_VECTOR 0x43
#define FIXED_FONT 0xfa6e /* in segment F000h */
#define FIXED_FONT_SIZE 1024

#define EQUIPMENT_FLOPPY 0x0001
#define EQUIPMENT_FPU 0x0002
#define EQUIPMENT_MOUSE 0x0004
#define EQUIPMENT_80X25 0x0020

#define BRIDGE 0 /* device and function of the host bridge */
#define PAM0 0x59
#define PAM0_F_READ_ONLY 0x10

/* Code of segment F000h that vectors point to. */
extern uint8_t ignored_interrupt[], int_master[], int_slave[];
extern uint8_t int02[], int08[], int09[], int0e[], int11[], int12[], int13[], int14[], int15[],
    int16[], int17[], int18[], int19[], int1a[], int40[], int70[], int71[], int74[], int75[],
    int76[], int77[];
extern uint8_t video_parameters[], floppy_parameters[], disk_parameters[];

static void set_vector(uint8_t vector, const uint8_t *code)
{
    far_write32(0, (uint16_t)(vector * 4),
                (uint32_t)FIRMWARE_CODE << 16 | (uint16_t)(uintptr_t)code);
}

static void set_vectors(void)
{
    static const struct {
        uint8_t vector;
        const uint8_t *code;
    } vectors[] = {
        {0x02, int02},
        {0x08, int08},
        {0x09, int09},
        {0x0e, int0e},
        {0x11, int11},
        {0x12, int12},
        {0x13, int13},
        {0x14, int14},
        {0x15, int15},
        {0x16, int16},
        {0x17, int17},
        {0x18, int18},
        {0x19, int19},
        {0x1a, int1a},
        {0x40, int40},
        {0x70, int70},
        {0x71, int71},
        {0x74, int74},
        {0x75, int75},
        {0x76, int76},
        {0x77, int77},
        {0x1d, video_parameters},
        {0x1e, floppy_parameters},
    };

    for (unsigned i = 0; i < 0x78; i++) {
        /* Those that programs share out among themselves are 0 as long as nobody has them. */
        if (i >= 0x60 && i <= 0x67)
            far_write32(0, (uint16_t)(i * 4), 0);
        else
            set_vector((uint8_t)i, ignored_interrupt);
    }
    for (unsigned i = 0x78; i < 0x100; i++)
        far_write32(0, (uint16_t)(i * 4), 0);
    for (unsigned i = 0x08; i < 0x10; i++)
        set_vector((uint8_t)i, int_master);
    for (unsigned i = 0x70; i < 0x78; i++)
        set_vector((uint8_t)i, int_slave);
    for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        set_vector(vectors[i].vector, vectors[i].code);
    far_write32(0, 0x1f * 4, 0);
}

static void set_data_area(void)
{
    uint16_t reset_flag = bda_read16(BDA_RESET_FLAG);

    far_fill(BDA_SEGMENT, 0, 0, 0x100);
    far_fill(EBDA_SEGMENT, 0, 0, EBDA_KIB * 1024);
    far_write8(EBDA_SEGMENT, EBDA_SIZE_KIB, EBDA_KIB);
    bda_write16(BDA_EBDA_SEGMENT, EBDA_SEGMENT);
    bda_write16(BDA_MEMORY_KIB, BASE_MEMORY_KIB);
    bda_write16(BDA_KEY_HEAD, 0x1e);
    bda_write16(BDA_KEY_TAIL, 0x1e);
    bda_write16(BDA_KEY_BUFFER, 0x1e);
    bda_write16(BDA_KEY_BUFFER + 2, 0x3e);
    bda_write16(BDA_RESET_FLAG, reset_flag);
    bda_write16(BDA_EQUIPMENT, EQUIPMENT_FPU | EQUIPMENT_80X25);
}

static void init_dma(void)
{
    outb(0x0d, 0); /* master clear */
    outb(0xda, 0);
    outb(0xd6, 0xc0); /* channel 4: cascade */
    outb(0xd4, 0x00); /* and unmasked */
}

static void start_vga(void)
{
    struct frame call = {.cs = VGA_SEGMENT, .ip = 3};
    uint32_t font;

    if (far_read16(VGA_SEGMENT, 0) != 0xaa55)
        return;
    call_far(&call);
    font = far_read32(0, VGA_FONT_VECTOR * 4);
    far_move(FIRMWARE_CODE, FIXED_FONT, (uint16_t)(font >> 16), (uint16_t)font, FIXED_FONT_SIZE);
}

static void set_equipment(unsigned serial_ports, bool mouse)
{
    uint16_t equipment = bda_read16(BDA_EQUIPMENT);
    uint8_t floppies = unit_count(0);

    equipment = (uint16_t)(equipment | serial_ports << 9 | (mouse ? EQUIPMENT_MOUSE : 0));
    if (floppies)
        equipment = (uint16_t)(equipment | EQUIPMENT_FLOPPY | (floppies - 1) << 6);
    bda_write16(BDA_EQUIPMENT, equipment);
    bda_write8(BDA_DISK_COUNT, unit_count(UNIT_FIRST_DISK));
}

/* The tables of the first two hard disks, for those who call no INT 13h. */
static void set_disk_tables(void)
{
    static const uint8_t vectors[] = {0x41, 0x46};

    for (unsigned i = 0; i < 2; i++) {
        uint16_t at = (uint16_t)(EBDA_DISK_PARAMETERS + i * 16);
        struct unit *unit = unit_find((uint8_t)(UNIT_FIRST_DISK + i));

        if (!unit) {
            set_vector(vectors[i], disk_parameters);
            continue;
        }
        far_write16(EBDA_SEGMENT, at, unit->cylinders);
        far_write8(EBDA_SEGMENT, (uint16_t)(at + 2), (uint8_t)unit->heads);
        far_write8(EBDA_SEGMENT, (uint16_t)(at + 8), unit->heads > 8 ? 8 : 0);
        far_write16(EBDA_SEGMENT, (uint16_t)(at + 12), unit->cylinders);
        far_write8(EBDA_SEGMENT, (uint16_t)(at + 14), (uint8_t)unit->sectors_per_track);
        far_write32(0, (uint16_t)(vectors[i] * 4), (uint32_t)EBDA_SEGMENT << 16 | at);
    }
}

static void introduce(void)
{
    screen_print("Veneer BIOS\n");
    screen_print_decimal(memory_low() >> 20);
    screen_print(" MiB of memory below 4 GiB");
    if (memory_high()) {
        screen_print(", ");
        screen_print_decimal((uint32_t)(memory_high() >> 20));
        screen_print(" MiB above");
    }
    screen_print("\n\n");
}

/* Interrupts of the timer and of the disks are needed from here on. */
static void start_interrupts(void)
{
    pic_enable(0);
    pic_enable(14);
    pic_enable(15);
    pic_enable(2);
}

_Noreturn void post(void)
{
    unsigned serial_ports;
    bool mouse;

    pic_init();
    set_data_area();
    set_vectors();
    init_dma();
    a20_enable(true);
    memory_init();
    mtrr_init(memory_low());
    pci_init();
    time_init();
    start_interrupts();
    serial_ports = serial_init();
    start_vga();
    introduce();
    keyboard_init();
    mouse = mouse_init();
    ata_init();
    unit_init();
    set_equipment(serial_ports, mouse);
    set_disk_tables();
    option_roms_start();
    tables_copy();
    pci_write8(BRIDGE, PAM0, PAM0_F_READ_ONLY);
    boot_start();
}
