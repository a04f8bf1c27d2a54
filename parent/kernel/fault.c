#include "parent/kernel/fault.h"

#include <stddef.h>

#include "lib/x86/cpu.h"

int fault_try(void (*function)(void *), void *argument, struct fault *fault)
{
    if (!fault_call(function, argument))
        return FAULT_NONE;
    struct fault caught = current_thread()->fault;
    if (fault)
        *fault = caught;
    return (int)caught.vector;
}

struct access8 {
    volatile uint8_t *address;
    uint8_t value;
};

static void read8(void *argument)
{
    struct access8 *access = argument;
    access->value = *access->address;
}

static void write8(void *argument)
{
    struct access8 *access = argument;
    *access->address = access->value;
}

int try_read8(uint64_t va, uint8_t *value)
{
    struct access8 access = {(volatile uint8_t *)va, *value};
    int result = fault_try(read8, &access, NULL);
    *value = access.value;
    return result;
}

int try_write8(uint64_t va, uint8_t value)
{
    struct access8 access = {(volatile uint8_t *)va, value};
    return fault_try(write8, &access, NULL);
}

static void execute(void *argument)
{
    void (*code)(void) = (void (*)(void))argument;
    code();
}

int try_execute(uint64_t va, struct fault *fault)
{
    return fault_try(execute, (void *)va, fault);
}

struct register_access {
    uint32_t number;
    uint64_t value;
};

static void read_msr(void *argument)
{
    struct register_access *access = argument;
    access->value = rdmsr(access->number);
}

static void write_msr(void *argument)
{
    struct register_access *access = argument;
    wrmsr(access->number, access->value);
}

int try_rdmsr(uint32_t msr, uint64_t *value)
{
    struct register_access access = {msr, *value};
    int result = fault_try(read_msr, &access, NULL);
    *value = access.value;
    return result;
}

int try_wrmsr(uint32_t msr, uint64_t value)
{
    struct register_access access = {msr, value};
    return fault_try(write_msr, &access, NULL);
}

static void set_cr0(void *argument)
{
    write_cr0(*(uint64_t *)argument);
}

static void set_cr4(void *argument)
{
    write_cr4(*(uint64_t *)argument);
}

int try_write_cr0(uint64_t value)
{
    return fault_try(set_cr0, &value, NULL);
}

int try_write_cr4(uint64_t value)
{
    return fault_try(set_cr4, &value, NULL);
}
