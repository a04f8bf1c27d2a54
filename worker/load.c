#include "worker/load.h"

#include "worker/machine.h"

void load_kernel(const struct load_request *request)
{
    if (!load_linux(request) && !load_multiboot(request) && !load_elf(request))
        machine_fail("the kernel is no Linux bzImage, Multiboot kernel or ELF file");
}
