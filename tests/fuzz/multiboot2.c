/* Damaged boot information: what is accepted must keep the promises of multiboot2.h. */
#include "hypervisor/boot/multiboot2.h"

#include "lib/acpi.h"
#include "tests/fuzz/fuzz.h"
#include "tests/memory_map_check.h"

static struct loader_info info;

static void check_module(const struct loader_module *module)
{
    const struct boot_memory_range *range = memory_map_find(&info.memory, module->base);

    FUZZ_CHECK(module->base % 4096 == 0 && module->size > 0);
    FUZZ_CHECK(range != NULL && range->type == BOOT_MEMORY_RAM);
    FUZZ_CHECK(module->base + module->size <= range->base + range->size);
    FUZZ_CHECK(memchr(module->command_line, '\0', sizeof(module->command_line)) != NULL);
    for (unsigned i = 0; &info.modules[i] < module; i++)
        FUZZ_CHECK(info.modules[i].base + info.modules[i].size <= module->base ||
                   info.modules[i].base >= module->base + module->size);
}

static void check_framebuffer(const struct boot_framebuffer *framebuffer)
{
    uint64_t end, bytes = (framebuffer->bits_per_pixel + 7) / 8;

    if (framebuffer->type == BOOT_FRAMEBUFFER_NONE)
        return;
    if (framebuffer->type == BOOT_FRAMEBUFFER_TEXT)
        bytes = 2;
    else
        FUZZ_CHECK(framebuffer->type == BOOT_FRAMEBUFFER_RGB && bytes >= 2 && bytes <= 4);
    FUZZ_CHECK(framebuffer->width > 0 && framebuffer->width * bytes <= framebuffer->pitch);
    FUZZ_CHECK(framebuffer->height > 0);
    FUZZ_CHECK(!__builtin_add_overflow(framebuffer->address,
                                       (uint64_t)framebuffer->pitch * framebuffer->height, &end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (multiboot2_parse(data, size, &info) != NULL)
        return 0;
    FUZZ_CHECK(memory_map_check(&info.memory) == NULL);
    FUZZ_CHECK(memchr(info.command_line, '\0', sizeof(info.command_line)) != NULL);
    FUZZ_CHECK(info.module_count <= BOOT_INFO_MAX_MODULES);
    for (unsigned i = 0; i < info.module_count; i++)
        check_module(&info.modules[i]);
    check_framebuffer(&info.framebuffer);
    FUZZ_CHECK(info.rsdp[0] == 0 || acpi_rsdp_valid(info.rsdp, sizeof(info.rsdp)));
    return 0;
}
