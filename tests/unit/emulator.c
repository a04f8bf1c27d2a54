/* The instruction emulator, case by case: what reaches devices, and what faults leave. That results
 * are right is for emulator_random.c. */
#include "tests/unit/emulator_machine.h"
#include "tests/unit/unit.h"

static struct machine m;

static void check_access(unsigned n, uint64_t address, unsigned size, unsigned count, bool write)
{
    CHECK(n < m.log_count);
    CHECK_EQUAL(m.log[n].address, address);
    CHECK_EQUAL(m.log[n].size, size);
    CHECK_EQUAL(m.log[n].count, count);
    CHECK_EQUAL(m.log[n].write, write);
}

static void start(unsigned bits)
{
    machine_reset(&m, bits);
    machine_set_page(&m, MACHINE_DATA, PAGE_DEVICE);
    m.cpu.gpr[EMULATOR_RDI] = MACHINE_DATA;
    m.cpu.gpr[EMULATOR_RSI] = MACHINE_DATA + 2 * MACHINE_PAGE; /* RAM */
}

static void test_single_accesses(void)
{
    start(64);
    m.cpu.gpr[EMULATOR_RAX] = 0x1122334455667788;
    CHECK_EQUAL(RUN(&m, 0x89, 0x47, 0x10), EMULATOR_DONE); /* mov [rdi+16], eax */
    CHECK_EQUAL(m.cpu.rip, MACHINE_CODE + 3);
    CHECK_EQUAL(m.log_count, 1);
    check_access(0, MACHINE_DATA + 0x10, 4, 1, true);
    CHECK_EQUAL(m.log[0].first, 0x55667788);
    CHECK_EQUAL(RUN(&m, 0x48, 0x8b, 0x5f, 0x10), EMULATOR_DONE); /* mov rbx, [rdi+16] */
    check_access(1, MACHINE_DATA + 0x10, 8, 1, false);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RBX], 0x55667788);
    CHECK_EQUAL(RUN(&m, 0xf0, 0x83, 0x4f, 0x10, 0x77), EMULATOR_DONE); /* lock or [rdi+16], 77h */
    CHECK_EQUAL(m.log_count, 4);
    check_access(2, MACHINE_DATA + 0x10, 4, 1, false);
    check_access(3, MACHINE_DATA + 0x10, 4, 1, true);
    CHECK_EQUAL(m.log[3].first, 0x556677ff);
}

int main(void)
{
    test_single_accesses();
    CHECK(!m.failed);
    return unit_result();
}
