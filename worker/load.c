#include "worker/load.h"

#include "lib/string.h"
#include "worker/guest_memory.h"
#include "worker/machine.h"
#include "worker/start.h"

uint64_t load_place(const struct load_file *file, uint64_t offset, uint64_t size, uint64_t address,
                    uint64_t memory_size)
{
    if (offset > file->size || size > file->size - offset)
        machine_fail("the kernel is cut off");
    if (memory_size < size)
        memory_size = size;
    uint8_t *memory = guest_memory_ram(address, memory_size);
    if (address < START_KERNEL_LOWEST || !memory)
        machine_fail("the kernel does not fit into its memory: %lu bytes at %lx", memory_size,
                     address);
    memcpy(memory, (const uint8_t *)file->data + offset, size);
    memset(memory + size, 0, memory_size - size);
    return address + memory_size;
}

void load_kernel(const struct load_request *request)
{
    if (!load_linux(request) && !load_multiboot(request) && !load_elf(request))
        machine_fail("the kernel is no Linux bzImage, Multiboot kernel or ELF file");
}
