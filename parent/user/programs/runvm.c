/* Test program: a child whose first VP runs for ever, and whose second one never starts, with a
 * thread for each and one that waits for what it sends. Somebody has to end it. */
#include "include/hv/vp_page.h"
#include "include/hv/vp_registers.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/user/dispatch.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define VPS 2u
#define STACK_SIZE 0x4000u
#define REGISTERS 2u
#define REAL_MODE_CODE 0x009b /* attributes */
#define REAL_MODE_LIMIT 0xffffu

static uint32_t vm;
static uint64_t partition_id;

/* The result of a step of the preparations, each of which must succeed. */
static uint64_t must(int64_t result, int step)
{
    if (result < 0) {
        printf("runvm: step %d: %s\n", step, system_error_text(result));
        system_exit(step);
    }
    return (uint64_t)result;
}

static void load_loop(void)
{
    static const uint8_t loop[] = {0xeb, 0xfe}; /* jmp $ */
    void *address;
    uint32_t memory = (uint32_t)must(system_memory_create(PAGE_SIZE), 1);
    must(system_memory_map(memory, 0, PAGE_SIZE, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE, &address),
         2);
    memcpy(address, loop, sizeof(loop));
    must(system_vm_map(vm, memory, 0, PAGE_SIZE, 0, SYSTEM_VM_READ | SYSTEM_VM_EXECUTE), 3);
}

static void set_start(void)
{
    struct {
        struct hv_input_set_vp_registers header;
        struct hv_register_assoc registers[REGISTERS];
    } input = {.registers = {{.name = HV_X64_REGISTER_CS}, {.name = HV_X64_REGISTER_RIP}}};
    struct hv_x64_segment_register code = {.limit = REAL_MODE_LIMIT, .attributes = REAL_MODE_CODE};
    memcpy(input.registers[0].value, &code, sizeof(code));
    if (must(system_vm_call(vm, HVCALL_SET_VP_REGISTERS, REGISTERS, &input, sizeof(input), NULL, 0),
             4) &
        HV_HYPERCALL_STATUS_MASK)
        system_exit(5);
}

static void run(void *argument)
{
    struct veneer_vp_run *page = argument;
    uint32_t index = page->mirrored[0];
    for (;;) {
        vp_dispatch(partition_id, index, 0);
        if (index > 0)
            system_vp_wait(vm, index, page->deadline_tsc, 0);
    }
}

static void receive(void *argument)
{
    struct system_vm_event event;
    (void)argument;
    system_vm_receive(vm, &event, SYSTEM_FOREVER);
    system_exit(6);
}

static void start_thread(void (*entry)(void *argument), void *argument)
{
    char *stack = malloc(STACK_SIZE);
    if (!stack)
        system_exit(7);
    must(system_thread_start(entry, stack + STACK_SIZE, argument), 8);
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    vp_dispatch_init();
    vm = (uint32_t)must(system_vm_create(0, 0, &partition_id), 9);
    load_loop();
    start_thread(receive, NULL);
    for (uint32_t i = 0; i < VPS; i++) {
        void *pages;
        must(system_vp_create(vm, i, &pages), 10);
        struct veneer_vp_run *page = (void *)((char *)pages + VENEER_VP_RUN_OFFSET);
        page->mirrored[0] = (uint8_t)i; /* the thread finds its index there */
        if (i == 0)
            set_start();
        start_thread(run, page);
    }
    system_thread_exit();
}
