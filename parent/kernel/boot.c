#include "parent/kernel/boot.h"

#include "lib/cmdline.h"
#include "lib/string.h"

struct boot_info boot_info;

bool boot_init(const struct boot_info *info)
{
    if (info->magic != BOOT_INFO_MAGIC || info->version != BOOT_INFO_VERSION ||
        info->size != sizeof(boot_info) || info->memory_count > BOOT_INFO_MAX_MEMORY_RANGES ||
        info->module_count > BOOT_INFO_MAX_MODULES)
        return false;
    boot_info = *info;
    return true;
}

const struct boot_memory_range *boot_find_range(uint64_t address)
{
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        if (address >= range->base && address - range->base < range->size)
            return range;
    }
    return NULL;
}

uint64_t boot_memory_total(enum boot_memory_type type)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        if (boot_info.memory[i].type == type)
            total += boot_info.memory[i].size;
    }
    return total;
}

bool boot_memory_is_ours(uint32_t type)
{
    return type == BOOT_MEMORY_RAM || type == BOOT_MEMORY_ACPI_RECLAIM ||
           type == BOOT_MEMORY_ACPI_NVS || type == BOOT_MEMORY_MODULE ||
           type == BOOT_MEMORY_BOOT_DATA;
}

uint64_t boot_memory_top(void)
{
    uint64_t top = 0;
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        if (boot_memory_is_ours(range->type) && range->base + range->size > top)
            top = range->base + range->size;
    }
    return top;
}

bool boot_option(const char *key, char *value, size_t size)
{
    return cmdline_find(boot_info.command_line, key, value, size);
}
