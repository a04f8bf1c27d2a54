#include "worker/machine.h"

#include <stdarg.h>

#include "include/hv/cpuid.h"
#include "lib/printf.h"
#include "lib/x86/cpu.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

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

/* Maps @size bytes of the memory, from @offset on, at guest @address. */
static void map_ram(uint32_t memory, uint64_t offset, uint64_t size, uint64_t address)
{
    machine_must(system_vm_map(machine.handle, memory, offset, size, address,
                               SYSTEM_VM_READ | SYSTEM_VM_WRITE | SYSTEM_VM_EXECUTE),
                 "the child's memory");
}

static void create_ram(uint64_t size)
{
    void *ram;
    uint32_t memory = (uint32_t)machine_must(system_memory_create(size), "memory for the child");
    machine_must(system_memory_map(memory, 0, size, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE, &ram),
                 "the child's memory");
    machine.ram = ram;
    machine.ram_size = size;
    uint64_t low = machine_low_size();
    map_ram(memory, 0, low, 0);
    if (size > low)
        map_ram(memory, low, size - low, MACHINE_HIGH_START);
    system_handle_close(memory);
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

void machine_create(uint64_t ram_size, uint32_t vp_count)
{
    machine.handle =
        (uint32_t)machine_must(system_vm_create(PRIVILEGES, HV_SYNTHETIC_FEATURE_HYPERVISOR_PRESENT,
                                                &machine.partition_id),
                               "no child can be made");
    create_ram(ram_size);
    machine.vp_count = vp_count;
    for (uint32_t i = 0; i < vp_count; i++)
        create_vp(i);
}

void *machine_memory(uint64_t address, uint64_t size)
{
    uint64_t low = machine_low_size();
    if (address < low && size <= low - address)
        return machine.ram + address;
    if (address < MACHINE_HIGH_START)
        return NULL;
    uint64_t offset = address - MACHINE_HIGH_START, high = machine.ram_size - low;
    if (offset >= high || size > high - offset)
        return NULL;
    return machine.ram + low + offset;
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
