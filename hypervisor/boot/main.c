/* Boot: from the boot loader's hand-over to the parent partition running on every processor. What
 * is in this folder goes to the parent then. */
#include <stdint.h>

#include "hypervisor/boot/multiboot2.h"
#include "hypervisor/boot/platform.h"
#include "hypervisor/console.h"
#include "hypervisor/hw.h"
#include "hypervisor/lp.h"
#include "hypervisor/memory.h"
#include "hypervisor/page_owner.h"
#include "hypervisor/panic.h"
#include "hypervisor/pool.h"
#include "hypervisor/reftime.h"
#include "hypervisor/root.h"
#include "hypervisor/selftest.h"
#include "include/version.h"
#include "hypervisor/x86/apic.h"
#include "hypervisor/x86/tables.h"

#define BOOT_MAP_END (4ull << 30)
#define SCRATCH __attribute__((section(".scratch")))

static struct loader_info loader SCRATCH;
static struct platform platform SCRATCH;

_Noreturn void hypervisor_main(uint32_t magic, uint64_t information, uint64_t image_base);
_Noreturn void stack_switch(uint64_t stack, void (*function)(void)); /* entry.asm */

/* Its parser has seen to it that this does not overflow. */
static uint64_t framebuffer_end(const struct boot_framebuffer *framebuffer)
{
    return framebuffer->address + (uint64_t)framebuffer->pitch * framebuffer->height;
}

static void read_loader_information(uint32_t magic, uint64_t information)
{
    const char *error = "it is not a Multiboot2 boot loader";

    if (magic == MULTIBOOT2_BOOTLOADER_MAGIC)
        error = multiboot2_parse(spa_to_va(spa(information)), BOOT_MAP_END - information, &loader);
    console_init_serial(error == NULL ? loader.command_line : "");
    if (error != NULL)
        boot_stop("the boot loader's information is unusable: %s. Use GRUB 2.06 or later.", error);
    if (framebuffer_end(&loader.framebuffer) <= BOOT_MAP_END)
        console_init_screen(&loader.framebuffer, spa_to_va(spa(loader.framebuffer.address)));
}

static void print_banner(void)
{
    uint64_t image = memory_image_size();

    print("Veneer %s: %s, %u LPs, TSC %llu MHz\n", VENEER_VERSION, hw->name, lp_count,
          (unsigned long long)reftime_tsc_frequency() / 1000000);
    print("Veneer owns %llu pages (%llu KiB), %llu of them free; its image has %llu KiB\n",
          (unsigned long long)page_owner_count(PAGE_HYPERVISOR),
          (unsigned long long)page_owner_count(PAGE_HYPERVISOR) * 4,
          (unsigned long long)pool_free_pages(), (unsigned long long)image / 1024);
}

/* The final page tables have no identity map. Only now can a screen be used that the boot page
 * tables do not reach. */
static void map_screen(void)
{
    const struct boot_framebuffer *framebuffer = &loader.framebuffer;

    if (framebuffer->type == BOOT_FRAMEBUFFER_NONE)
        return;
    volatile void *memory = memory_map_device(spa(framebuffer->address),
                                              framebuffer_end(framebuffer) - framebuffer->address);
    if (console_screen_size() == 0)
        console_init_screen(framebuffer, memory);
    if (console_screen_size() != 0)
        console_move_screen(memory);
}

/* LP 0, on its own stack, with the final page tables. */
static void start(void)
{
    struct lp *lp = this_lp();

    map_screen();
    apic_init(spa(platform.lapic_address));
    reftime_measure_apic();
    lp_init(lp);
    console_use_lock();
    pool_share();
    lp_start_others(spa(platform.trampoline));

    page_owner_init(&loader.memory);
    root_create(&loader.memory);
    root_load(&loader);
    print_banner();
    selftest_run(loader.command_line);

    console_leave_screen();
    tables_use_stacks(hw->own_tss);
    lp_end_boot();
}

void hypervisor_main(uint32_t magic, uint64_t information, uint64_t image_base)
{
    read_loader_information(magic, information);
    tables_init();
    hw_select();
    tables_use_stacks(true);
    platform_read(&loader, &platform);
    reftime_calibrate(&platform.fixed_hardware);
    memory_claim(&loader, spa(image_base), platform.processor_count);
    platform_choose_trampoline(&loader, &platform);
    memory_map_self(&loader.memory);
    lp_create_all(platform.apic_ids, platform.processor_count);
    stack_switch((uint64_t)lp_by_index(0) - LP_STATE_OFFSET + LP_STACK_HIGH, start);
}
