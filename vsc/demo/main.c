/* The demo child: an enlightened kernel that tries what a partition offers. Its parts, in the order
 * in which they start; then what the command line asks for (docs/child.md). */
#include "include/child_start.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/bench.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/disk.h"
#include "vsc/demo/hostile.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/net.h"
#include "vsc/demo/options.h"
#include "vsc/demo/paging.h"
#include "vsc/demo/selftest.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/vp.h"

_Noreturn void demo_main(const struct child_start *start);

_Noreturn void demo_main(const struct child_start *start)
{
    if (start->magic != CHILD_START_MAGIC)
        die("not started as a child");
    /* Below 1 MiB, all is ours from here on: the trampoline of smp.c goes there. */
    options_set(start->command_line);
    selftest_vp_count = start->vp_count;
    uint64_t memory_size = start->memory_size;

    paging_init();
    paging_load();
    interrupts_init();
    lapic_choose(option_is("apic", "xapic"));
    vp_init(0);
    hyperv_init();
    clock_init();
    print("child: %u VPs, %llu MiB, %s, %s\n", selftest_vp_count,
          (unsigned long long)(memory_size >> 20), hyperv_present() ? "Hv#1" : "no hypervisor",
          lapic_is_x2apic() ? "x2APIC" : "xAPIC");
    smp_start(selftest_vp_count, option_is("start", "hypercall"));

    uint32_t status = 0;

    hostile_run();
    if (option("test") && !selftest_run())
        status = 1;
    if (option("disk") && !option_is("disk", "bench") && !disk_run())
        status = 1;
    if (option("ip") && !net_run())
        status = 1;
    if (option("flood") && !net_flood())
        status = 1;
    if (option("bench"))
        bench_run();
    child_exit((uint32_t)option_number("exit", 0, status));
}
