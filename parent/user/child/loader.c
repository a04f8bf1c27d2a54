/* What the child finds when it starts: include/child_start.h says what that is. */
#include "lib/elf.h"
#include "lib/page_table.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/user/child/child.h"
#include "parent/user/system.h"

/* Guest physical addresses below 1 MiB, where the kernel must not be. */
#define START_ADDRESS 0x1000ull
#define TABLES_ADDRESS 0x10000ull
#define KERNEL_LOWEST 0x100000ull

#define MAPPED_GIGABYTES 4u
#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITABLE)
/* Segment attributes: present; 64-bit code, data, busy TSS, LDT. */
#define ATTRIBUTES_CODE 0xa09b
#define ATTRIBUTES_DATA 0xc093
#define ATTRIBUTES_TSS 0x008b
#define ATTRIBUTES_LDT 0x0082
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define TSS_LIMIT 0x67
#define GENERAL_REGISTERS 16u

/* A PML4, a PDPT, and a directory per GiB, behind each other. */
static void build_tables(void)
{
    uint64_t *top = (uint64_t *)(child.memory + TABLES_ADDRESS);
    uint64_t *upper = top + PAGE_TABLE_ENTRIES;
    uint64_t *directory = upper + PAGE_TABLE_ENTRIES;
    top[0] = (TABLES_ADDRESS + PAGE_SIZE) | TABLE_FLAGS;
    for (uint64_t i = 0; i < MAPPED_GIGABYTES; i++)
        upper[i] = (TABLES_ADDRESS + (2 + i) * PAGE_SIZE) | TABLE_FLAGS;
    for (uint64_t i = 0; i < MAPPED_GIGABYTES * PAGE_TABLE_ENTRIES; i++)
        directory[i] = i * LARGE_PAGE_SIZE | TABLE_FLAGS | PAGE_TABLE_LARGE;
}

static void write_start(const char *command_line)
{
    struct child_start *start = (struct child_start *)(child.memory + START_ADDRESS);
    *start = (struct child_start){
        .magic = CHILD_START_MAGIC, .memory_size = child.memory_size, .vp_count = child.vp_count};
    string_copy(start->command_line, command_line, sizeof(start->command_line));
}

void child_load(const void *file, size_t size, const char *command_line)
{
    struct elf_image image;
    const char *error = elf_parse(file, size, &image);
    if (error)
        child_fail("the child's kernel: %s", error);
    for (unsigned i = 0; i < image.segment_count; i++) {
        const struct elf_segment *segment = &image.segments[i];
        if (segment->virtual_address < KERNEL_LOWEST ||
            segment->virtual_address > child.memory_size ||
            segment->memory_size > child.memory_size - segment->virtual_address)
            child_fail("the child's kernel does not fit into its memory: %lu bytes at %lx",
                       segment->memory_size, segment->virtual_address);
        memcpy(child.memory + segment->virtual_address,
               (const uint8_t *)file + segment->file_offset, segment->file_size);
    }
    child.entry = image.entry;
    build_tables();
    write_start(command_line);
}

#define START_REGISTERS 40u

/* The input of HVCALL_SET_VP_REGISTERS. */
struct start_state {
    struct hv_input_set_vp_registers header;
    struct hv_register_assoc registers[START_REGISTERS];
};

static struct start_state state; /* for one thread, once */
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

static void set_segments(void)
{
    set_segment(HV_X64_REGISTER_CS, SELECTOR_CODE, UINT32_MAX, ATTRIBUTES_CODE);
    set_segment(HV_X64_REGISTER_SS, SELECTOR_DATA, UINT32_MAX, ATTRIBUTES_DATA);
    set_segment(HV_X64_REGISTER_DS, SELECTOR_DATA, UINT32_MAX, ATTRIBUTES_DATA);
    set_segment(HV_X64_REGISTER_ES, SELECTOR_DATA, UINT32_MAX, ATTRIBUTES_DATA);
    set_segment(HV_X64_REGISTER_FS, SELECTOR_DATA, UINT32_MAX, ATTRIBUTES_DATA);
    set_segment(HV_X64_REGISTER_GS, SELECTOR_DATA, UINT32_MAX, ATTRIBUTES_DATA);
    set_segment(HV_X64_REGISTER_TR, 0, TSS_LIMIT, ATTRIBUTES_TSS);
    set_segment(HV_X64_REGISTER_LDTR, 0, 0, ATTRIBUTES_LDT);
    set(HV_X64_REGISTER_GDTR, (struct hv_register_value){.table = {.limit = 0}});
    set(HV_X64_REGISTER_IDTR, (struct hv_register_value){.table = {.limit = 0}});
}

void child_set_start_state(void)
{
    set_number(HV_X64_REGISTER_EFER, EFER_LMA | EFER_LME | EFER_NXE);
    set_number(HV_X64_REGISTER_CR3, TABLES_ADDRESS);
    set_number(HV_X64_REGISTER_CR4, CR4_PAE);
    set_number(HV_X64_REGISTER_CR0, CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    set_segments();
    for (uint32_t i = 0; i < GENERAL_REGISTERS; i++)
        set_number(HV_X64_REGISTER_RAX + i, i == GPR_RDI ? START_ADDRESS : 0);
    set_number(HV_X64_REGISTER_RIP, child.entry);
    set_number(HV_X64_REGISTER_RFLAGS, RFLAGS_FIXED);
    int64_t result =
        system_vm_call(child.vm, HVCALL_SET_VP_REGISTERS, state_count, &state,
                       sizeof(state.header) + state_count * sizeof(state.registers[0]), NULL, 0);
    if (result < 0 || result & HV_HYPERCALL_STATUS_MASK)
        child_fail("the registers to begin with are refused: result %lx", result);
}
