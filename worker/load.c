#include "worker/load.h"

#include "worker/machine.h"

void load_kernel(const struct load_request *request)
{
    if (!load_linux(request) && !load_elf(request))
        machine_fail("the kernel is neither a Linux bzImage nor an ELF file");
}
