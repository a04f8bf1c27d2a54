/* Loads the parent's kernel and makes its first address space and boot information: the contract of
 * include/boot_info.h. */
#include "hypervisor/memory.h"
#include "hypervisor/root.h"

#include "hypervisor/lp.h"
#include "hypervisor/panic.h"
#include "hypervisor/partition.h"
#include "hypervisor/reftime.h"
#include "include/boot_info.h"
#include "lib/elf.h"
#include "lib/string.h"

#define GIB (1ull << 30)
#define IDENTITY_SIZE (4 * GIB)
#define UPPER_HALF 0xffff800000000000ull

/* First page tables of the parent: 4 GiB by 2 MiB pages, tables for up to ELF_MAX_SEGMENTS
 * segments, and boot_info. */
#define BOOT_DATA_PAGES 64

static uint64_t boot_data_next, boot_data_end;

static uint64_t allocate_boot_data(void *context)
{
    uint64_t page = boot_data_next;

    (void)context;
    if (page == boot_data_end)
        return 0;
    boot_data_next += PAGE_SIZE;
    memset(spa_to_va(spa(page)), 0, PAGE_SIZE);
    return page;
}

struct parent_image {
    const uint8_t *file;
    struct elf_image elf;
    uint64_t virtual_base; /* page of the first upper-half segment */
    uint64_t physical_base;
    uint64_t size; /* bytes of the upper half part, whole pages */
};

static uint64_t page_end(const struct elf_segment *segment)
{
    return (segment->virtual_address + segment->memory_size + PAGE_SIZE - 1) & PAGE_MASK;
}

/* Claims memory for all segments: those in the upper half together where there is room, those in
 * the lower half at their address. */
static void place(struct parent_image *parent, struct memory_map *map)
{
    const struct elf_segment *first = NULL, *last = NULL;

    for (unsigned i = 0; i < parent->elf.segment_count; i++) {
        const struct elf_segment *s = &parent->elf.segments[i];
        uint64_t base = s->virtual_address & PAGE_MASK;

        if (s->virtual_address >= UPPER_HALF) {
            first = first == NULL ? s : first;
            last = s;
        } else if (page_end(s) > IDENTITY_SIZE ||
                   !memory_map_claim(map, base, page_end(s) - base, BOOT_MEMORY_KERNEL)) {
            boot_stop("the parent's kernel wants to be loaded at 0x%llx, which is not free memory "
                      "(the hypervisor, a module or a device is there).",
                      (unsigned long long)base);
        }
    }
    if (first == NULL)
        return;
    parent->virtual_base = first->virtual_address & PAGE_MASK;
    parent->size = page_end(last) - parent->virtual_base;
    /* Below 4 GiB, where the identity map shows it, too. */
    if (parent->size < GIB)
        parent->physical_base = memory_map_allocate(
            map, parent->size, LARGE_PAGE_SIZE, LARGE_PAGE_SIZE, IDENTITY_SIZE, BOOT_MEMORY_KERNEL);
    if (parent->physical_base == 0)
        boot_stop("too little memory: no free block of %llu KiB for the parent's kernel. Give the "
                  "machine more memory (at least 64 MiB).",
                  (unsigned long long)parent->size / 1024);
}

static uint64_t segment_physical(const struct parent_image *parent, uint64_t virtual_address)
{
    if (virtual_address < UPPER_HALF)
        return virtual_address;
    return virtual_address - parent->virtual_base + parent->physical_base;
}

static void copy_segments(const struct parent_image *parent)
{
    for (unsigned i = 0; i < parent->elf.segment_count; i++) {
        const struct elf_segment *s = &parent->elf.segments[i];
        uint64_t start = s->virtual_address & PAGE_MASK;
        uint8_t *memory = spa_to_va(spa(segment_physical(parent, start)));

        memset(memory, 0, page_end(s) - start);
        memcpy(memory + (s->virtual_address - start), parent->file + s->file_offset, s->file_size);
    }
}

static void map_for_parent(struct page_table *table, uint64_t va, uint64_t physical, uint64_t size,
                           uint64_t flags)
{
    if (!page_table_map(table, va, physical, size, flags | PTE_PRESENT))
        boot_stop("the parent's kernel has segments too far apart.");
}

static uint64_t make_page_tables(const struct parent_image *parent)
{
    struct page_table table = {
        .root = allocate_boot_data(NULL),
        .present_mask = PTE_PRESENT,
        .table_flags = PTE_PRESENT | PTE_WRITABLE,
        .largest_level = 1,
        .allocate = allocate_boot_data,
        .access = memory_access_table,
    };

    map_for_parent(&table, 0, 0, IDENTITY_SIZE, PTE_WRITABLE | PTE_NO_EXECUTE);
    for (unsigned i = 0; i < parent->elf.segment_count; i++) {
        const struct elf_segment *s = &parent->elf.segments[i];
        uint64_t start = s->virtual_address & PAGE_MASK;

        map_for_parent(&table, start, segment_physical(parent, start), page_end(s) - start,
                       (s->writable ? PTE_WRITABLE : 0) | (s->executable ? 0 : PTE_NO_EXECUTE));
    }
    return table.root;
}

static void fill_modules(struct boot_info *boot, const struct loader_info *info)
{
    string_copy(boot->command_line, info->modules[0].command_line, sizeof(boot->command_line));
    for (uint32_t i = 1; i < info->module_count; i++) {
        struct boot_module *module = &boot->modules[boot->module_count++];
        module->base = info->modules[i].base;
        module->size = info->modules[i].size;
        string_copy(module->name, info->modules[i].command_line, sizeof(module->name));
    }
}

static void fill_boot_info(struct boot_info *boot, const struct loader_info *info,
                           const struct parent_image *parent)
{
    boot->magic = BOOT_INFO_MAGIC;
    boot->version = BOOT_INFO_VERSION;
    boot->size = sizeof(*boot);
    boot->kernel_base = parent->physical_base;
    boot->kernel_size = parent->size;
    boot->kernel_virtual = parent->virtual_base;
    boot->tsc_frequency = reftime_tsc_frequency();
    boot->efi_system_table = info->efi_system_table;
    boot->vp_count = lp_count;
    memcpy(boot->rsdp, info->rsdp, sizeof(boot->rsdp));
    boot->framebuffer = info->framebuffer;
    fill_modules(boot, info);
    /* Half a map would hide the hypervisor's ranges, or devices. */
    for (size_t i = 0; i < info->memory.count; i++) {
        if (boot->memory_count == BOOT_INFO_MAX_MEMORY_RANGES)
            boot_stop("the firmware's memory map has more than %u ranges.",
                      BOOT_INFO_MAX_MEMORY_RANGES);
        boot->memory[boot->memory_count++] = info->memory.ranges[i];
    }
}

static void set_start_context(struct vp *vp, uint64_t entry, uint64_t cr3, uint64_t boot_info)
{
    /* Attributes: present, DPL 0, code or data, accessed; L or D/B; G (include/hv/hypercall.h). */
    static const struct hv_x64_segment_register code = {
        .limit = 0xffffffff, .selector = 0x08, .attributes = 0xa09b};
    static const struct hv_x64_segment_register data = {
        .limit = 0xffffffff, .selector = 0x10, .attributes = 0xc093};

    vp->context = (struct hv_initial_vp_context){
        .rip = entry,
        .rflags = RFLAGS_FIXED,
        .cs = code,
        .ds = data,
        .es = data,
        .fs = data,
        .gs = data,
        .ss = data,
        .tr = {.limit = 0xffff, .attributes = 0x008b},
        .ldtr = {.attributes = 0x0082},
        .efer = EFER_LMA | EFER_LME | EFER_NXE,
        .cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE,
        .cr3 = cr3,
        .cr4 = CR4_PAE,
        .msr_cr_pat = PAT_RESET_VALUE,
    };
    vp->start_rdi = boot_info;
    vp->state = VP_RUNNING;
}

void root_load(struct loader_info *info)
{
    struct parent_image parent = {0};

    if (info->module_count == 0)
        boot_stop("the boot loader gave no module, so there is no parent kernel. Add a line "
                  "\"module2 /boot/parent.elf\" to the boot menu entry.");
    parent.file = spa_to_va(spa(info->modules[0].base));
    const char *error = elf_parse(parent.file, info->modules[0].size, &parent.elf);
    if (error != NULL)
        boot_stop("the first module (%s) is not a parent kernel: %s. Install Veneer's files again.",
                  info->modules[0].command_line, error);
    place(&parent, &info->memory);

    uint64_t data = memory_map_allocate(&info->memory, BOOT_DATA_PAGES * PAGE_SIZE, PAGE_SIZE,
                                        PAGE_SIZE, IDENTITY_SIZE, BOOT_MEMORY_BOOT_DATA);
    if (data == 0)
        boot_stop("too little memory: no room for the parent's page tables. Give the machine more "
                  "memory (at least 64 MiB).");
    boot_data_next = data;
    boot_data_end = data + BOOT_DATA_PAGES * PAGE_SIZE;

    copy_segments(&parent);
    uint64_t cr3 = make_page_tables(&parent);
    uint64_t boot_info = allocate_boot_data(NULL);
    if (boot_info == 0)
        boot_stop("the parent's kernel has segments too far apart.");
    fill_boot_info(spa_to_va(spa(boot_info)), info, &parent);
    set_start_context(&root_partition.vps[0], parent.elf.entry, cr3, boot_info);
}
