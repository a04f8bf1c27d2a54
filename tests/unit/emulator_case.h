/* What the emulator's tests by cases share: one machine, and checks of what happened to it. */
#ifndef VENEER_TESTS_UNIT_EMULATOR_CASE_H
#define VENEER_TESTS_UNIT_EMULATOR_CASE_H

#include "tests/unit/emulator_machine.h"
#include "tests/unit/unit.h"

static struct machine m;

/* RDI names a page of the device, RSI one of RAM. */
static inline void start(unsigned bits)
{
    machine_reset(&m, bits);
    machine_set_page(&m, MACHINE_DATA, PAGE_DEVICE);
    m.cpu.gpr[EMULATOR_RDI] = MACHINE_DATA;
    m.cpu.gpr[EMULATOR_RSI] = MACHINE_DATA + 2 * MACHINE_PAGE; /* RAM */
}

/* The access number @n of devices and ports. */
static inline void check_access(unsigned n, uint64_t address, unsigned size, unsigned count,
                                bool write)
{
    CHECK(n < m.log_count);
    CHECK_EQUAL(m.log[n].address, address);
    CHECK_EQUAL(m.log[n].size, size);
    CHECK_EQUAL(m.log[n].count, count);
    CHECK_EQUAL(m.log[n].write, write);
}

/* An exception that leaves everything as it was. */
static inline void check_exception(const struct emulator_cpu *before, unsigned vector,
                                   bool has_code, uint32_t code)
{
    CHECK_EQUAL(m.result.status, EMULATOR_EXCEPTION);
    CHECK_EQUAL(m.result.vector, vector);
    CHECK_EQUAL(m.result.has_error_code, has_code);
    CHECK_EQUAL(m.result.error_code, code);
    CHECK(!memcmp(before, &m.cpu, sizeof(*before)));
}

#endif
