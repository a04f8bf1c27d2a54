/* Option ROMs: "Plug and Play BIOS Specification", version 1.0A, and PCI's expansion ROMs. */

#include "worker/firmware/bda.h"
#include "worker/firmware/boot.h"
#include "worker/firmware/pci.h"
#include "worker/firmware/post.h"

#define ROM_START 0xc800 /* segments: behind the VGA BIOS */
#define ROM_END 0xe000
#define ROM_STEP 0x80 /* 2 KiB */
#define ROM_SIGNATURE 0xaa55
#define ROM_BLOCKS 2 /* of 512 bytes */
#define ROM_ENTRY 3
#define ROM_PCI 0x18
#define ROM_PNP 0x1a

#define PCI_DATA_SIGNATURE 0x52494350u /* "PCIR" */
#define PCI_DATA_BLOCKS 0x10
#define PCI_DATA_CODE 0x14
#define PCI_DATA_LAST 0x15
#define CODE_PC 0

#define PNP_SIGNATURE_1 0x5024 /* "$P", "nP": together they would be found in this code */
#define PNP_SIGNATURE_2 0x506e
#define PNP_PRODUCT 0x10
#define PNP_BCV 0x16
#define PNP_BEV 0x1a

#define CLASS_VGA 0x0300
#define ROM_BAR_ENABLE 1

extern uint8_t pnp_header[];

static bool checksum_good(uint16_t segment)
{
    uint32_t size = (uint32_t)far_read8(segment, ROM_BLOCKS) * 512;
    uint8_t sum = 0;

    if (!size || segment + (size >> 4) > ROM_END)
        return false;
    for (uint32_t i = 0; i < size; i += 512) {
        for (uint16_t j = 0; j < 512; j++)
            sum = (uint8_t)(sum + far_read8((uint16_t)(segment + (i >> 4)), j));
    }
    return !sum;
}

/* What the ROM can start: with a boot connection vector it takes interrupts itself. */
static void take_entries(uint16_t segment)
{
    uint16_t header = far_read16(segment, ROM_PNP), vector, product;
    char name[40];

    if (!header || far_read16(segment, header) != PNP_SIGNATURE_1 ||
        far_read16(segment, (uint16_t)(header + 2)) != PNP_SIGNATURE_2)
        return;
    vector = far_read16(segment, (uint16_t)(header + PNP_BCV));
    if (vector) {
        struct frame call = {.cs = segment, .ip = vector, .flags = FLAG_IF};

        call.es = FIRMWARE_CODE;
        call.di = (uint16_t)(uintptr_t)pnp_header;
        call_far(&call);
    }
    vector = far_read16(segment, (uint16_t)(header + PNP_BEV));
    product = far_read16(segment, (uint16_t)(header + PNP_PRODUCT));
    if (!vector)
        return;
    far_get(name, segment, product, sizeof(name));
    name[sizeof(name) - 1] = 0;
    for (unsigned i = 0; name[i]; i++) {
        if (name[i] < ' ' || name[i] > '~')
            name[i] = 0;
    }
    boot_add_rom(segment, vector, product ? name : NULL);
}

/* Calls the ROM's start. Returns the segment behind it, which may be less than it was before. */
static uint16_t start_rom(uint16_t segment, uint16_t pci_function)
{
    struct frame call = {.cs = segment, .ip = ROM_ENTRY, .flags = FLAG_IF};

    call.ax = pci_function;
    call.bx = call.dx = 0xffff; /* no Plug and Play card */
    call.es = FIRMWARE_CODE;
    call.di = (uint16_t)(uintptr_t)pnp_header;
    call_far(&call);
    disable_interrupts();
    take_entries(segment);
    return (uint16_t)((segment + far_read8(segment, ROM_BLOCKS) * 32 + ROM_STEP - 1) &
                      ~(ROM_STEP - 1));
}

/* The address of the image for PCs in a device's ROM at @address, and its size; false without. */
static bool find_image(uint32_t address, uint32_t limit, uint32_t *image, uint32_t *size)
{
    uint8_t header[0x1c] = {0}, data[0x18] = {0};
    uint32_t here = (uint32_t)FIRMWARE_DATA << 4, at = 0, signature;
    uint16_t word;

    while (at < limit) {
        flat_copy(here + (uint32_t)(uintptr_t)header, address + at, sizeof(header));
        memcpy(&word, header, 2);
        if (word != ROM_SIGNATURE)
            return false;
        memcpy(&word, header + ROM_PCI, 2);
        if (at + word + sizeof(data) > limit)
            return false;
        flat_copy(here + (uint32_t)(uintptr_t)data, address + at + word, sizeof(data));
        memcpy(&signature, data, 4);
        memcpy(&word, data + PCI_DATA_BLOCKS, 2);
        if (signature != PCI_DATA_SIGNATURE || !word)
            return false;
        if (data[PCI_DATA_CODE] == CODE_PC) {
            *image = address + at;
            *size = header[ROM_BLOCKS] ? header[ROM_BLOCKS] * 512u : word * 512u;
            return true;
        }
        if (data[PCI_DATA_LAST] & 0x80)
            return false;
        at += word * 512u;
    }
    return false;
}

/* Copies the ROM of a PCI device, if it has one, to @segment and starts it. */
static uint16_t start_pci_rom(uint8_t function, uint16_t segment)
{
    uint32_t size, image, mask, address = 0xfe000000; /* between the devices and the I/O APIC */
    uint16_t next = segment;

    pci_write32(function, PCI_ROM_BAR, 0xfffff800);
    mask = pci_read32(function, PCI_ROM_BAR) & 0xfffff800;
    pci_write32(function, PCI_ROM_BAR, 0);
    if (!mask || -mask > 0x800000)
        return segment;
    pci_write32(function, PCI_ROM_BAR, address | ROM_BAR_ENABLE);
    pci_write16(function, PCI_COMMAND, pci_read16(function, PCI_COMMAND) | PCI_COMMAND_MEMORY);
    if (find_image(address, -mask, &image, &size) && size <= (uint32_t)(ROM_END - segment) << 4 &&
        flat_copy((uint32_t)segment << 4, image, size) && checksum_good(segment))
        next = start_rom(segment, function);
    pci_write32(function, PCI_ROM_BAR, 0);
    return next;
}

void option_roms_start(void)
{
    uint16_t segment = ROM_START;

    /* ROMs that are there already, for example put there by the worker. */
    while (segment < ROM_END) {
        if (far_read16(segment, 0) == ROM_SIGNATURE && checksum_good(segment))
            segment = start_rom(segment, 0);
        else
            segment += ROM_STEP;
    }
    segment = ROM_START;
    while (segment < ROM_END && far_read16(segment, 0) == ROM_SIGNATURE)
        segment = (uint16_t)(segment + far_read8(segment, ROM_BLOCKS) * 32);
    for (unsigned f = pci_next(-1); f < PCI_FUNCTIONS; f = pci_next((int)f)) {
        if (pci_read32((uint8_t)f, PCI_CLASS) >> 16 != CLASS_VGA)
            segment = start_pci_rom((uint8_t)f, segment);
    }
}
