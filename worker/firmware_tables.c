#include "worker/firmware_tables.h"

#include "lib/string.h"

void *firmware_take(struct firmware_area *area, uint32_t size, uint32_t alignment)
{
    uint32_t start = (area->used + alignment - 1) & ~(alignment - 1);

    area->used = start + size;
    return area->memory + start;
}

uint32_t firmware_address(const struct firmware_area *area, const void *pointer)
{
    return FIRMWARE_TABLES_ADDRESS + (uint32_t)((const uint8_t *)pointer - area->memory);
}

bool firmware_write_tables(const struct firmware_machine *machine,
                           uint8_t memory[FIRMWARE_TABLES_SIZE])
{
    struct firmware_area area = {.memory = memory};
    struct firmware_info *info;

    memset(memory, 0, FIRMWARE_TABLES_SIZE);
    if (machine->vp_count == 0 || machine->vp_count > FIRMWARE_MAX_VPS)
        return false;
    info = firmware_take(&area, sizeof(*info), 16);
    *info = (struct firmware_info){
        .magic = FIRMWARE_INFO_MAGIC,
        .size = sizeof(*info),
        .low_memory = machine->low_memory,
        .high_memory = machine->high_memory,
        .vp_count = machine->vp_count,
        .devices = machine->devices,
    };
    memcpy(info->boot_order, machine->boot_order, sizeof(info->boot_order));
    info->copies[FIRMWARE_COPY_PIR] = firmware_write_pir(&area);
    info->copies[FIRMWARE_COPY_MP] = firmware_write_mp(machine, &area);
    info->copies[FIRMWARE_COPY_SMBIOS] = firmware_write_smbios(machine, &area);
    info->rsdp = firmware_write_acpi(machine, &area);
    return true;
}
