#include "parent/kernel/proc/program.h"

#include "lib/elf.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"

#define STACK_PAGES 32

_Static_assert(SYSTEM_MAX_ARGUMENTS <= STACK_PAGES * PAGE_SIZE / 4, "the stack has room for them");

static enum mapping_access access_of(const struct elf_segment *segment)
{
    return segment->executable ? ACCESS_EXECUTE : segment->writable ? ACCESS_WRITE : ACCESS_READ;
}

static enum system_error load_segment(struct process *process, const struct elf_segment *segment,
                                      const uint8_t *file, const char **text)
{
    uint64_t start = segment->virtual_address & PAGE_MASK;
    if (start < USER_PROGRAM_START || segment->virtual_address > USER_PROGRAM_END ||
        segment->memory_size > USER_PROGRAM_END - segment->virtual_address) {
        *text = "an ELF segment is not where programs may be";
        return SYSTEM_ERROR_EXECUTABLE;
    }
    uint64_t end = segment->virtual_address + segment->memory_size;
    uint64_t page_count = (end - start + PAGE_SIZE - 1) >> PAGE_SHIFT;
    enum system_error error;
    struct memory_object *memory = memory_object_create(process->job, page_count, &error);
    if (!memory)
        return error;
    memory_object_write(memory, segment->virtual_address - start, file + segment->file_offset,
                        segment->file_size);
    error = address_space_map(&process->space, memory, 0, page_count, access_of(segment), &start);
    object_put(&memory->object);
    return error;
}

static enum system_error load_image(struct process *process, const struct process_plan *plan,
                                    uint64_t *entry, const char **text)
{
    struct elf_image image;
    *text = elf_parse(plan->file, plan->size, &image);
    if (*text)
        return SYSTEM_ERROR_EXECUTABLE;
    *entry = image.entry;
    for (unsigned i = 0; i < image.segment_count; i++) {
        enum system_error error = load_segment(process, &image.segments[i], plan->file, text);
        if (error != SYSTEM_OK)
            return error;
    }
    return SYSTEM_OK;
}

/* Maps a stack with the arguments at its top; *@top is the address of the arguments. */
static enum system_error make_stack(struct process *process, const struct process_plan *plan,
                                    uint64_t *top)
{
    enum system_error error;
    struct memory_object *memory = memory_object_create(process->job, STACK_PAGES, &error);
    if (!memory)
        return error;
    uint64_t offset = (STACK_PAGES * PAGE_SIZE - plan->arguments_size) & ~15ull;
    memory_object_write(memory, offset, plan->arguments, plan->arguments_size);
    uint64_t address = 0;
    error = address_space_map(&process->space, memory, 0, STACK_PAGES, ACCESS_WRITE, &address);
    object_put(&memory->object);
    *top = address + offset;
    return error;
}

enum system_error program_load(struct process *process, const struct process_plan *plan,
                               struct trap_frame *entry, const char **text)
{
    uint64_t start = 0, top = 0;
    enum system_error error = load_image(process, plan, &start, text);
    if (error == SYSTEM_OK)
        error = make_stack(process, plan, &top);
    if (error != SYSTEM_OK)
        return error;
    *entry = (struct trap_frame){
        .rip = start,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_FIXED | RFLAGS_IF,
        .rsp = top - sizeof(uint64_t), /* as if called: the stack's zeros are the return address */
        .ss = SELECTOR_USER_DATA,
        .rdi = top,
        .rsi = plan->arguments_size,
        .rdx = plan->handle_count + plan->data_count,
        .rcx = rdtsc() * 0x9e3779b97f4a7c15,
    };
    return SYSTEM_OK;
}

/* The first word of a module's command line is its name. */
static bool is_called(const struct boot_module *module, const char *name)
{
    size_t length = strlen(name);
    return strncmp(module->name, name, length) == 0 &&
           (module->name[length] == '\0' || module->name[length] == ' ');
}

bool program_find(const char *name, const void **file, size_t *size)
{
    for (uint32_t i = 0; i < boot_info.module_count; i++) {
        if (is_called(&boot_info.modules[i], name)) {
            *file = physical_to_virtual(boot_info.modules[i].base);
            *size = boot_info.modules[i].size;
            return true;
        }
    }
    return false;
}
