#include "worker/start.h"

#include <stdbool.h>

#include "include/hv/vp_registers.h"
#include "lib/page_table.h"
#include "lib/x86/cpu.h"
#include "worker/guest_memory.h"
#include "worker/machine.h"
#include "worker/vp.h"

#define MAPPED_GIGABYTES 4u
#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITABLE)
/* Segment attributes: present; 64-bit and 32-bit code, data, busy TSS, LDT. */
#define ATTRIBUTES_CODE_64 0xa09b
#define ATTRIBUTES_CODE_32 0xc09b
#define ATTRIBUTES_DATA 0xc093
#define ATTRIBUTES_TSS 0x008b
#define ATTRIBUTES_LDT 0x0082
#define TSS_LIMIT 0x67
#define GENERAL_REGISTERS 16u

/* A PML4, a PDPT, and a directory per GiB, behind each other. */
static void build_tables(void)
{
    uint64_t *top = guest_memory_ram(START_TABLES, (2 + MAPPED_GIGABYTES) * PAGE_SIZE);
    uint64_t *upper = top + PAGE_TABLE_ENTRIES;
    uint64_t *directory = upper + PAGE_TABLE_ENTRIES;
    top[0] = (START_TABLES + PAGE_SIZE) | TABLE_FLAGS;
    for (uint64_t i = 0; i < MAPPED_GIGABYTES; i++)
        upper[i] = (START_TABLES + (2 + i) * PAGE_SIZE) | TABLE_FLAGS;
    for (uint64_t i = 0; i < MAPPED_GIGABYTES * PAGE_TABLE_ENTRIES; i++)
        directory[i] = i * LARGE_PAGE_SIZE | TABLE_FLAGS | PAGE_TABLE_LARGE;
}

#define START_REGISTERS 40u

/* The input of HVCALL_SET_VP_REGISTERS. */
struct registers {
    struct hv_input_set_vp_registers header;
    struct hv_register_assoc registers[START_REGISTERS];
};

static struct registers state; /* for one thread, once */
static uint16_t state_count;

static void set(uint32_t name, struct hv_register_value value)
{
    state.registers[state_count++] =
        (struct hv_register_assoc){.name = name, .value = {value.low, value.high}};
}

static void set_number(uint32_t name, uint64_t number)
{
    set(name, (struct hv_register_value){.low = number});
}

static void set_segment(uint32_t name, uint16_t selector, uint32_t limit, uint16_t attributes)
{
    set(name, (struct hv_register_value){
                  .segment = {.limit = limit, .selector = selector, .attributes = attributes}});
}

static void set_segments(const struct start_state *start)
{
    set_segment(HV_X64_REGISTER_CS, start->code, UINT32_MAX,
                start->mode == START_LONG_MODE ? ATTRIBUTES_CODE_64 : ATTRIBUTES_CODE_32);
    for (uint32_t name = HV_X64_REGISTER_ES; name <= HV_X64_REGISTER_GS; name++)
        if (name != HV_X64_REGISTER_CS)
            set_segment(name, start->data, UINT32_MAX, ATTRIBUTES_DATA);
    set_segment(HV_X64_REGISTER_TR, 0, TSS_LIMIT, ATTRIBUTES_TSS);
    set_segment(HV_X64_REGISTER_LDTR, 0, 0, ATTRIBUTES_LDT);
    set(HV_X64_REGISTER_GDTR,
        (struct hv_register_value){.table = {.limit = start->gdt_limit, .base = start->gdt}});
    set(HV_X64_REGISTER_IDTR, (struct hv_register_value){.table = {.limit = 0}});
}

static void set_control(enum start_mode mode)
{
    if (mode == START_PROTECTED_MODE) {
        set_number(HV_X64_REGISTER_CR0, CR0_NE | CR0_ET | CR0_PE);
        return;
    }
    build_tables();
    set_number(HV_X64_REGISTER_EFER, EFER_LMA | EFER_LME | EFER_NXE);
    set_number(HV_X64_REGISTER_CR3, START_TABLES);
    set_number(HV_X64_REGISTER_CR4, CR4_PAE);
    set_number(HV_X64_REGISTER_CR0, CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
}

void start_set(const struct start_state *start)
{
    const uint64_t general[GENERAL_REGISTERS] = {[GPR_RAX] = start->rax,
                                                 [GPR_RBX] = start->rbx,
                                                 [GPR_RSI] = start->rsi,
                                                 [GPR_RDI] = start->rdi};
    set_control(start->mode);
    set_segments(start);
    for (uint32_t i = 0; i < GENERAL_REGISTERS; i++)
        set_number(HV_X64_REGISTER_RAX + i, general[i]);
    set_number(HV_X64_REGISTER_RIP, start->rip);
    set_number(HV_X64_REGISTER_RFLAGS, RFLAGS_FIXED);
    if (machine_call(HVCALL_SET_VP_REGISTERS, state_count, &state,
                     sizeof(state.header) + state_count * sizeof(state.registers[0])) != 0)
        machine_fail("the hypervisor refuses the registers that the kernel begins with");
}
