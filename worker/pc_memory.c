#include "worker/pc_memory.h"

#include "lib/string.h"
#include "worker/guest_memory.h"
#include "worker/io.h"
#include "worker/machine.h"

#define VIDEO_FIRST 0xa0000u
#define SHADOW_FIRST 0xc0000u /* to the end of the first MiB */
#define SHADOW_PART 0x4000u   /* unit of what can be switched */
#define LOW_END 0x100000u
#define ROM_FIRST 0xe0000u /* the last 128 KiB of the ROM are here too */
#define TOP 0x100000000ull

_Static_assert(SHADOW_FIRST + PC_OPTION_ROM_MAX == ROM_FIRST, "ROMs do not overlap");

static struct device_memory rom, option_rom;
static bool written_to_ram[(LOW_END - SHADOW_FIRST) / SHADOW_PART];

uint8_t *pc_memory_rom(uint32_t address)
{
    uint64_t from_end = LOW_END - address;
    if (address < ROM_FIRST || from_end > rom.size)
        return NULL;
    return rom.data + (rom.size - from_end);
}

/* Maps the ROM that is at @first, if there is one. */
static void map_rom(uint32_t first, uint32_t size)
{
    const uint8_t *data = pc_memory_rom(first);
    if (data)
        guest_memory_map(first, &rom, (uint64_t)(data - rom.data), size, GUEST_ROM);
    else if (first - SHADOW_FIRST < option_rom.size)
        guest_memory_map(first, &option_rom, first - SHADOW_FIRST, size, GUEST_ROM);
}

/* --- Where reads and writes go different ways: accesses that exit --- */

/* Reads come here where nothing is. */
static uint64_t read_bus(void *device, uint64_t offset, uint32_t size)
{
    (void)device, (void)offset, (void)size;
    return UINT64_MAX;
}

static void write_bus(void *device, uint64_t offset, uint32_t size, uint64_t value)
{
    (void)device;
    if (written_to_ram[offset / SHADOW_PART])
        memcpy(machine.ram.data + SHADOW_FIRST + offset, &value, size);
}

static const struct device_mmio bus = {
    .first = SHADOW_FIRST, .size = LOW_END - SHADOW_FIRST, .read = read_bus, .write = write_bus};

void pc_memory_set_shadow(void *context, uint32_t first, uint32_t size, bool read, bool write)
{
    (void)context;
    for (uint32_t part = first; part < first + size; part += SHADOW_PART)
        written_to_ram[(part - SHADOW_FIRST) / SHADOW_PART] = write;
    guest_memory_unmap(first);
    if (read)
        guest_memory_map(first, &machine.ram, first, size, write ? GUEST_RAM : GUEST_ROM);
    else
        map_rom(first, size);
}

void pc_memory_init(const void *firmware, uint64_t size)
{
    guest_memory_create(size, &rom);
    memcpy(rom.data, firmware, size);
    guest_memory_map(0, &machine.ram, 0, VIDEO_FIRST, GUEST_RAM);
    machine_map_ram(LOW_END);
    guest_memory_map(TOP - size, &rom, 0, size, GUEST_ROM);
    io_add_mmio(&bus);
    for (uint32_t first = SHADOW_FIRST; first < LOW_END; first += SHADOW_PART)
        if (first < 0xf0000)
            pc_memory_set_shadow(NULL, first, SHADOW_PART, false, false);
    pc_memory_set_shadow(NULL, 0xf0000, 0x10000, false, false);
}

void pc_memory_add_option_rom(const void *image, uint64_t size)
{
    uint64_t parts = (size + SHADOW_PART - 1) / SHADOW_PART;
    guest_memory_create(parts * SHADOW_PART, &option_rom);
    memcpy(option_rom.data, image, size);
    for (uint32_t i = 0; i < parts; i++)
        map_rom(SHADOW_FIRST + i * SHADOW_PART, SHADOW_PART);
}
