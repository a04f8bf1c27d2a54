/* The parent kernel's table of contents: what it does when the hypervisor starts it. */
#include "include/hv/cpuid.h"
#include "include/version.h"
#include "lib/x86/cpu.h"
#include "parent/drivers/pci.h"
#include "parent/console/console.h"
#include "parent/include/block.h"
#include "parent/services/child.h"
#include "parent/services/network.h"
#include "parent/include/log.h"
#include "parent/include/time.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/console.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/irq.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/mm/heap.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/mm/pages.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/pic.h"
#include "parent/kernel/proc/user.h"
#include "parent/kernel/sched/scheduler.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/smp.h"
#include "parent/kernel/time.h"
#include "parent/kernel/timer.h"
#include "parent/net/virtual_switch.h"
#include "parent/services/store.h"
#include "parent/include/vdisk.h"
#include "parent/vid/vid.h"
#include "parent/vmms/vm.h"

/* For disks to tell their partitions, which one that works does at once. */
#define DISKS_LIMIT_US 5000000

void kernel_main(const struct boot_info *info);
_Noreturn void stack_switch(void (*function)(void), uint64_t stack);

static void print_banner(void)
{
    struct hv_identity hypervisor;
    hyperv_identify(&hypervisor);
    print("Veneer parent partition %s (%s build, gcc %s)\n", VENEER_VERSION,
          VENEER_DEBUG ? "debug" : "release", __VERSION__);
    print("  hypervisor  %s, interface %.4s, version %u.%u.%u\n", hypervisor.vendor,
          (const char *)&hypervisor.interface, hypervisor.major, hypervisor.minor,
          hypervisor.build);
    print("  processors  %u, local APIC in %s mode, TSC %lu MHz, APIC timer %lu MHz\n", cpu_count,
          lapic_is_x2apic() ? "x2APIC" : "xAPIC", boot_info.tsc_frequency / 1000000,
          timer_lapic_frequency() / 1000000);
    print("  memory      %lu MiB, %lu MiB of it free; the hypervisor has %lu KiB\n",
          (boot_memory_total(BOOT_MEMORY_RAM) + boot_memory_total(BOOT_MEMORY_KERNEL)) >> 20,
          pages_free_count() >> (20 - PAGE_SHIFT), boot_memory_total(BOOT_MEMORY_HYPERVISOR) >> 10);
}

/* The first thread: everything that may block. It becomes the console's. */
static int main_thread(void *argument)
{
    (void)argument;
    selftest_fault();
    vid_start();
    console_start();
    pci_init();
    pci_probe();
    virtual_switch_init();
    network_start();
    if (!block_settle(time_now() + DISKS_LIMIT_US))
        log_print(LOG_WARNING, "a disk takes long to tell its partitions: going on without them");
    if (selftest_wanted())
        selftest_run();
    thread_set_cpu(thread_self(), THREAD_ANY_CPU);
    store_mount();
    vdisk_init();
    child_init();
    vm_service_start();
    return console_thread(NULL);
}

/* On VP 0's own stack, which becomes that of its idle thread. */
static void start(void)
{
    time_init();
    lapic_find();
    lapic_init();
    pic_mask();
    timer_init();
    sched_init();
    user_init_cpu();
    hyperv_init();
    interrupts_enable();
    smp_start_all();
    print_banner();
    work_init();
    irq_init();
    /* Self tests expect it on VP 0. */
    if (!thread_create("main", main_thread, NULL, PRIORITY_NORMAL, 0))
        panic("no memory for the first thread");
    sched_idle();
}

/* Called by entry.asm, on the boot stack and with the hypervisor's page tables. */
void kernel_main(const struct boot_info *info)
{
    memory_early_init();
    if (!boot_init(info))
        panic("this kernel does not know the boot information that it got");
    console_init_serial();
    pages_init();
    memory_init();
    pages_add_rest();
    heap_init();
    console_init_screen();
    interrupt_init();
    struct cpu *cpu = cpu_create(0);
    cpu_load(cpu);
    cpu_count = 1;
    stack_switch(start, cpu->stack);
}
