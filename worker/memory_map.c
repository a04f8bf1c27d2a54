#include "worker/memory_map.h"

#include "worker/machine.h"

#define LOW_END 0xa0000ull /* of what a PC has below the video memory */
#define EXTENDED_START 0x100000ull

unsigned memory_map(struct memory_range ranges[MEMORY_MAP_MAX])
{
    uint64_t low = machine_low_size();
    unsigned count = 0;
    ranges[count++] = (struct memory_range){0, LOW_END, MEMORY_RAM};
    ranges[count++] = (struct memory_range){LOW_END, MEMORY_ACPI_START - LOW_END, MEMORY_RESERVED};
    ranges[count++] = (struct memory_range){MEMORY_ACPI_START, MEMORY_ACPI_SIZE, MEMORY_ACPI};
    ranges[count++] = (struct memory_range){MEMORY_ACPI_START + MEMORY_ACPI_SIZE,
                                            EXTENDED_START - MEMORY_ACPI_START - MEMORY_ACPI_SIZE,
                                            MEMORY_RESERVED};
    ranges[count++] = (struct memory_range){EXTENDED_START, low - EXTENDED_START, MEMORY_RAM};
    if (machine.ram.size > low)
        ranges[count++] =
            (struct memory_range){MACHINE_HIGH_START, machine.ram.size - low, MEMORY_RAM};
    return count;
}
