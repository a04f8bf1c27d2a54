#include "parent/user/dispatch.h"

#include <stdbool.h>

#include "include/hv/hypercall.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

#define VENDOR_SIZE 12

_Static_assert((HVCALL_VENEER_DISPATCH_VP | HV_HYPERCALL_FAST) == 0x18801, "dispatch.asm knows it");

extern bool vp_dispatch_by_vmmcall;

void vp_dispatch_init(void)
{
    struct cpuid_result result = cpuid(0, 0);
    uint32_t vendor[] = {result.ebx, result.edx, result.ecx};
    vp_dispatch_by_vmmcall = memcmp(vendor, "AuthenticAMD", VENDOR_SIZE) == 0 ||
                             memcmp(vendor, "HygonGenuine", VENDOR_SIZE) == 0;
}
