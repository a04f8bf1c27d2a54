#include "worker/machine.h"

#include <stdarg.h>

#include "include/hv/cpuid.h"
#include "lib/printf.h"
#include "lib/x86/cpu.h"
#include "parent/user/program.h"
#include "parent/user/system.h"
#include "worker/guest_memory.h"

#define STACK_SIZE 0x8000u
#define MESSAGE_SIZE 256

/* What the guest may use of the hypervisor: everything that it has for children but its partition's
 * id, which Hyper-V gives to parents: Linux takes a child that may ask for it for one. */
#define PRIVILEGES_LOW                                                                             \
    (HV_ACCESS_VP_RUN_TIME | HV_ACCESS_PARTITION_REFERENCE_COUNTER | HV_ACCESS_SYNIC |             \
     HV_ACCESS_SYNTHETIC_TIMERS | HV_ACCESS_APIC_MSRS | HV_ACCESS_HYPERCALL_MSRS |                 \
     HV_ACCESS_VP_INDEX | HV_ACCESS_PARTITION_REFERENCE_TSC | HV_ACCESS_FREQUENCY_MSRS)
#define PRIVILEGES_HIGH (HV_POST_MESSAGES | HV_SIGNAL_EVENTS)
#define PRIVILEGES ((uint64_t)PRIVILEGES_HIGH << 32 | PRIVILEGES_LOW)

struct machine machine;

_Noreturn void machine_fail(const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    printf("child: %s\n", text);
    system_exit(MACHINE_STATUS_FAILED);
}

uint64_t machine_must(int64_t result, const char *what)
{
    if (result < 0)
        machine_fail("%s: %s", what, system_error_text(result));
    return (uint64_t)result;
}

void machine_map_ram(uint64_t first)
{
    uint64_t low = machine_low_size();
    guest_memory_map(first, &machine.ram, first, low - first, GUEST_RAM);
    if (machine.ram.size > low)
        guest_memory_map(MACHINE_HIGH_START, &machine.ram, low, machine.ram.size - low, GUEST_RAM);
}

static void create_vp(uint32_t index)
{
    void *pages;
    struct vp *vp = &machine.vps[index];
    machine_must(system_vp_create(machine.handle, index, &pages), "no VP can be made");
    vp->index = index;
    vp->registers = pages;
    vp->run = (void *)((uint8_t *)pages + VENEER_VP_RUN_OFFSET);
    vp->message = (void *)((uint8_t *)pages + PAGE_SIZE);
}

void machine_create(uint64_t ram_size, uint32_t vp_count, bool enlightened)
{
    machine.handle = (uint32_t)machine_must(
        system_vm_create(enlightened ? PRIVILEGES : 0,
                         enlightened ? HV_SYNTHETIC_FEATURE_HYPERVISOR_PRESENT : 0,
                         &machine.partition_id),
        "no child can be made");
    guest_memory_create(ram_size, &machine.ram);
    machine.vp_count = vp_count;
    for (uint32_t i = 0; i < vp_count; i++)
        create_vp(i);
}

int64_t machine_call(uint16_t code, uint16_t reps, const void *input, size_t input_size)
{
    int64_t result = system_vm_call(machine.handle, code, reps, input, input_size, NULL, 0);
    return result < 0 ? result : (int64_t)(result & HV_HYPERCALL_STATUS_MASK);
}

void machine_start_thread(void (*entry)(void *argument), void *argument)
{
    char *stack = malloc(STACK_SIZE);
    if (!stack)
        machine_fail("no memory for a thread");
    machine_must(system_thread_start(entry, stack + STACK_SIZE, argument),
                 "no thread can be started");
}
