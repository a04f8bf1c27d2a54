/* Test program: a child partition without sense, from a fixed seed (the second word): hypercalls on
 * it with random contents, and dispatches of its VPs in whatever state that has made. It ends with
 * status 0 after all of them, or if there are no children here; whatever happens, kernel and
 * hypervisor must not fall. */
#include <stdbool.h>

#include "include/hv/vp_page.h"
#include "include/hv/vp_registers.h"
#include "lib/cmdline.h"
#include "lib/x86/cpu.h"
#include "parent/user/dispatch.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define ROUNDS 10000
#define VPS 2
#define MEMORY_SIZE 0x400000u
#define REGISTERS 4u

static uint64_t state;
static uint32_t vm;
static uint64_t partition_id;
static struct hv_vp_register_page *pages[VPS];
static uint64_t accepted;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* The calls that the kernel passes on: code, repetitions, sizes of input and output. */
static const struct {
    uint16_t code, reps, input, output;
} calls[] = {
    {HVCALL_GET_PARTITION_PROPERTY, 0, 16, 8},
    {HVCALL_SET_PARTITION_PROPERTY, 0, 24, 0},
    {HVCALL_INSTALL_INTERCEPT, 0, 24, 0},
    {HVCALL_GET_VP_REGISTERS, REGISTERS, 16 + 4 * REGISTERS, 16 * REGISTERS},
    {HVCALL_SET_VP_REGISTERS, REGISTERS, 16 + 32 * REGISTERS, 0},
    {HVCALL_TRANSLATE_VIRTUAL_ADDRESS, 0, 32, 16},
    {HVCALL_CLEAR_VIRTUAL_INTERRUPT, 0, 8, 0},
    {HVCALL_REGISTER_INTERCEPT_RESULT, 0, 64, 0},
    {HVCALL_ASSERT_VIRTUAL_INTERRUPT, 0, 32, 0},
    {HVCALL_START_VIRTUAL_PROCESSOR, 0, 240, 0},
    {HVCALL_SIGNAL_EVENT_DIRECT, 0, 16, 8},
    {HVCALL_POST_MESSAGE_DIRECT, 0, 280, 0},
    {HVCALL_GET_GPA_PAGES_ACCESS_STATES, 64, 24, 64},
    {HVCALL_VENEER_SET_VP_REGISTER_RULE, 0, 32, 0},
    {HVCALL_VENEER_CANCEL_VP, 0, 16, 0},
};

_Static_assert(sizeof(struct hv_input_register_intercept_result) == 64, "as above");
_Static_assert(sizeof(struct hv_input_veneer_set_vp_register_rule) == 32, "as above");

/* Mostly small numbers, of which many mean something; the second word is mostly a VP's index. */
static void fill(uint64_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        switch (next_random() % 4) {
        case 0:
            words[i] = next_random();
            break;
        case 1:
            words[i] = next_random() % 16;
            break;
        case 2:
            words[i] = next_random() % 256;
            break;
        default:
            words[i] = 0;
            break;
        }
    }
    if (next_random() % 8 != 0)
        words[1] = next_random() % VPS;
}

/* Registers that there are, so that some values arrive. */
static void name_registers(uint16_t code, uint64_t *words)
{
    for (uint32_t i = 0; i < REGISTERS; i++) {
        uint32_t name = (uint32_t)(next_random() % 12) << 16 | (uint32_t)(next_random() % 26);
        if (code == HVCALL_GET_VP_REGISTERS)
            ((uint32_t *)&words[2])[i] = name;
        else if (code == HVCALL_SET_VP_REGISTERS)
            words[2 + 4 * i] = name;
    }
}

static void call_once(void)
{
    uint64_t input[40], output[64];
    size_t i = next_random() % (sizeof(calls) / sizeof(calls[0]));
    fill(input, sizeof(input) / sizeof(input[0]));
    name_registers(calls[i].code, input);
    int64_t result = system_vm_call(vm, calls[i].code, calls[i].reps, input, calls[i].input, output,
                                    calls[i].output);
    if (result >= 0 && !(result & HV_HYPERCALL_STATUS_MASK))
        accepted++;
}

/* Garbage in the pages that it shares with the hypervisor, too. A cancelled dispatch ends at once,
 * so that a VP that runs wild does not go on for ever. */
static void dispatch_once(void)
{
    uint32_t index = (uint32_t)(next_random() % VPS);
    uint64_t cancel[] = {0, index};
    uint64_t *words = (uint64_t *)pages[index];
    for (int i = 0; i < 8; i++)
        words[next_random() % (2 * PAGE_SIZE / sizeof(uint64_t))] = next_random();
    if (system_vm_call(vm, HVCALL_VENEER_CANCEL_VP, 0, cancel, sizeof(cancel), NULL, 0) == 0)
        vp_dispatch(partition_id, index, (uint32_t)next_random() & HV_DISPATCH_VP_VALID_FLAGS);
}

/* False: children cannot be made here. */
static bool make_child(void)
{
    int64_t handle = system_vm_create(0, HV_SYNTHETIC_FEATURE_HYPERVISOR_PRESENT, &partition_id);
    if (handle < 0) {
        printf("fuzzvm: %s\n", system_error_text(handle));
        return false;
    }
    vm = (uint32_t)handle;
    int64_t memory = system_memory_create(MEMORY_SIZE);
    if (memory < 0 || system_vm_map(vm, (uint32_t)memory, 0, MEMORY_SIZE, 0,
                                    SYSTEM_VM_READ | SYSTEM_VM_WRITE | SYSTEM_VM_EXECUTE) < 0)
        system_exit(1);
    for (uint32_t i = 0; i < VPS; i++) {
        void *address;
        if (system_vp_create(vm, i, &address) < 0)
            system_exit(2);
        pages[i] = address;
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    if (argc > 1)
        parse_number(argv[1], &seed);
    state = seed * 0x9e3779b97f4a7c15 | 1;
    vp_dispatch_init();
    if (!make_child())
        return 0;
    for (int i = 0; i < ROUNDS; i++) {
        call_once();
        if (next_random() % 2)
            dispatch_once();
    }
    printf("fuzzvm: %d hypercalls, %lu of them accepted\n", ROUNDS, accepted);
    return 0;
}
