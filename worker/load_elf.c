/* ELF kernels that know that they are children: include/child_start.h says how they start. */
#include "include/child_start.h"
#include "lib/elf.h"
#include "lib/string.h"
#include "worker/load.h"
#include "worker/guest_memory.h"
#include "worker/machine.h"
#include "worker/start.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10

static const uint8_t magic[] = {0x7f, 'E', 'L', 'F'};

static void write_start(const char *command_line)
{
    struct child_start *start = guest_memory_ram(START_INFORMATION, sizeof(*start));
    if (strlen(command_line) >= sizeof(start->command_line))
        machine_fail("the words for the child are longer than %d characters",
                     CHILD_COMMAND_LINE_SIZE - 1);
    *start = (struct child_start){
        .magic = CHILD_START_MAGIC, .memory_size = machine.ram.size, .vp_count = machine.vp_count};
    string_copy(start->command_line, command_line, sizeof(start->command_line));
}

bool load_elf(const struct load_request *request)
{
    struct elf_image image;
    if (request->kernel.size < sizeof(magic) ||
        memcmp(request->kernel.data, magic, sizeof(magic)) != 0)
        return false;
    const char *error = elf_parse(request->kernel.data, request->kernel.size, &image);
    if (error)
        machine_fail("the kernel: %s", error);
    if (request->initrd.size > 0)
        machine_fail("a kernel of this kind takes no initrd");
    for (unsigned i = 0; i < image.segment_count; i++) {
        const struct elf_segment *segment = &image.segments[i];
        load_place(&request->kernel, segment->file_offset, segment->file_size,
                   segment->virtual_address, segment->memory_size);
    }
    write_start(request->command_line);
    start_set(&(struct start_state){.mode = START_LONG_MODE,
                                    .rip = image.entry,
                                    .rdi = START_INFORMATION,
                                    .code = SELECTOR_CODE,
                                    .data = SELECTOR_DATA});
    return true;
}
