#include "vsc/demo/stimer.h"

#include "include/hv/msr.h"
#include "lib/x86/cpu.h"

static uint32_t config_msr(unsigned timer)
{
    return HV_X64_MSR_STIMER0_CONFIG + 2 * timer;
}

uint64_t stimer_config(unsigned timer)
{
    return rdmsr(config_msr(timer));
}

uint64_t stimer_count(unsigned timer)
{
    return rdmsr(config_msr(timer) + 1);
}

void stimer_set_config(unsigned timer, uint64_t config)
{
    wrmsr(config_msr(timer), config);
}

void stimer_set_count(unsigned timer, uint64_t count)
{
    wrmsr(config_msr(timer) + 1, count);
}

uint64_t stimer_to_sint(unsigned sint)
{
    return (uint64_t)sint << HV_STIMER_SINT_SHIFT;
}

uint64_t stimer_to_vector(uint8_t vector)
{
    return HV_STIMER_DIRECT_MODE | (uint64_t)vector << HV_STIMER_VECTOR_SHIFT;
}

void stimer_stop(unsigned timer)
{
    stimer_set_config(timer, 0);
    stimer_set_count(timer, 0);
}
