/* The instruction emulator's strings: blocks, order, ends in the middle, and ports. */
#include "tests/unit/emulator_case.h"

static void test_blocks(void)
{
    start(64); /* rep movsd, RAM to device: in blocks, in order, all bytes */
    uint8_t *ram = m.memory + (m.cpu.gpr[EMULATOR_RSI] - MACHINE_BASE);
    for (unsigned i = 0; i < MACHINE_PAGE; i++)
        ram[i] = (uint8_t)(i * 7 + i / 256);
    m.cpu.gpr[EMULATOR_RCX] = 512;
    CHECK_EQUAL(RUN(&m, 0xf3, 0xa5), EMULATOR_DONE);
    CHECK(!memcmp(ram, m.memory + (MACHINE_DATA - MACHINE_BASE), 2048));
    CHECK(m.log_count <= 4);
    check_access(0, MACHINE_DATA, 4, 128, true);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RCX], 0);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RDI], MACHINE_DATA + 2048);
    CHECK_EQUAL(m.cpu.rip, MACHINE_CODE + 2);

    start(64); /* device to device: element by element */
    m.cpu.gpr[EMULATOR_RSI] = MACHINE_DATA + 1024;
    m.cpu.gpr[EMULATOR_RCX] = 3;
    CHECK_EQUAL(RUN(&m, 0xf3, 0xa4), EMULATOR_DONE);
    CHECK_EQUAL(m.log_count, 6);
    check_access(2, MACHINE_DATA + 1025, 1, 1, false);
    check_access(3, MACHINE_DATA + 1, 1, 1, true);

    start(64); /* overlapping RAM: each element sees what was written before */
    ram = m.memory + (m.cpu.gpr[EMULATOR_RSI] - MACHINE_BASE);
    ram[0] = 1, ram[1] = 2, ram[2] = 3;
    m.cpu.gpr[EMULATOR_RDI] = m.cpu.gpr[EMULATOR_RSI] + 3;
    m.cpu.gpr[EMULATOR_RCX] = 600;
    CHECK_EQUAL(RUN(&m, 0xf3, 0xa4), EMULATOR_DONE);
    for (unsigned i = 0; i < 603; i++)
        CHECK_EQUAL(ram[i], i % 3 + 1);
}

static void test_repetition(void)
{
    start(64); /* more than one call may do */
    m.cpu.gpr[EMULATOR_RCX] = 3000;
    CHECK_EQUAL(RUN(&m, 0xf3, 0xaa), EMULATOR_AGAIN); /* rep stosb */
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RCX], 3000 - EMULATOR_STRING_MAX);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RDI], MACHINE_DATA + EMULATOR_STRING_MAX);
    CHECK_EQUAL(m.cpu.rip, MACHINE_CODE);
    CHECK(m.cpu.rflags & 1u << 16); /* RF */
    CHECK_EQUAL(RUN(&m, 0xf3, 0xaa), EMULATOR_AGAIN);
    CHECK_EQUAL(RUN(&m, 0xf3, 0xaa), EMULATOR_DONE);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RDI], MACHINE_DATA + 3000);
    CHECK(!(m.cpu.rflags & 1u << 16));

    start(64); /* nothing to do: nothing is touched, however bad */
    m.cpu.gpr[EMULATOR_RDI] = m.cpu.gpr[EMULATOR_RSI] = 0x8000000000000000;
    CHECK_EQUAL(RUN(&m, 0xf3, 0xa4), EMULATOR_DONE);
    CHECK_EQUAL(m.cpu.rip, MACHINE_CODE + 2);

    start(64); /* downwards, with addresses of 32 bits */
    m.cpu.rflags |= 1u << 10;
    m.cpu.gpr[EMULATOR_RDI] = 0x1200000000 | (MACHINE_DATA + 8);
    m.cpu.gpr[EMULATOR_RCX] = 0x3400000002;
    CHECK_EQUAL(RUN(&m, 0x67, 0xf3, 0xab), EMULATOR_DONE);
    check_access(0, MACHINE_DATA + 8, 4, 1, true);
    check_access(1, MACHINE_DATA + 4, 4, 1, true);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RDI], MACHINE_DATA);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RCX], 0);

    start(64); /* single step: after each element */
    m.cpu.rflags |= 1u << 8;
    m.cpu.gpr[EMULATOR_RCX] = 2;
    CHECK_EQUAL(RUN(&m, 0xf3, 0xaa), EMULATOR_AGAIN);
    CHECK(m.result.single_step);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RCX], 1);
    CHECK_EQUAL(RUN(&m, 0xf3, 0xaa), EMULATOR_DONE);
    CHECK(m.result.single_step);
}

static void test_faults_in_strings(void)
{
    start(64); /* 10 elements until the page that is not there */
    machine_set_page(&m, MACHINE_DATA + MACHINE_PAGE, PAGE_ABSENT);
    m.cpu.gpr[EMULATOR_RDI] = MACHINE_DATA + MACHINE_PAGE - 40;
    m.cpu.gpr[EMULATOR_RCX] = 100;
    m.cpu.gpr[EMULATOR_RAX] = 0xabcd;
    RUN(&m, 0xf3, 0xab); /* rep stosd */
    CHECK_EQUAL(m.result.status, EMULATOR_EXCEPTION);
    CHECK_EQUAL(m.result.cr2, MACHINE_DATA + MACHINE_PAGE);
    CHECK_EQUAL(m.result.error_code, 2);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RCX], 90);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RDI], MACHINE_DATA + MACHINE_PAGE);
    CHECK_EQUAL(m.cpu.rip, MACHINE_CODE);
    check_access(0, MACHINE_DATA + MACHINE_PAGE - 40, 4, 10, true);

    start(64); /* the element that crosses into it is not begun */
    machine_set_page(&m, MACHINE_DATA + MACHINE_PAGE, PAGE_ABSENT);
    m.cpu.gpr[EMULATOR_RDI] = MACHINE_DATA + MACHINE_PAGE - 6;
    m.cpu.gpr[EMULATOR_RCX] = 100;
    RUN(&m, 0xf3, 0xab);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RCX], 99);
    CHECK_EQUAL(m.result.cr2, MACHINE_DATA + MACHINE_PAGE);

    start(64); /* a port is not read if there is no place for what it gives */
    machine_set_page(&m, MACHINE_DATA, PAGE_READ_ONLY);
    m.cpu.gpr[EMULATOR_RCX] = 4;
    struct emulator_cpu before = m.cpu;
    RUN(&m, 0xf3, 0x6c); /* rep insb */
    check_exception(&before, 14, true, 3);
    CHECK_EQUAL(m.log_count, 0);

    start(64); /* flags of a comparison that faults are those before it */
    m.cpu.gpr[EMULATOR_RDI] = MACHINE_DATA + MACHINE_PAGE - 2;
    machine_set_page(&m, MACHINE_DATA + MACHINE_PAGE, PAGE_ABSENT);
    m.cpu.gpr[EMULATOR_RCX] = 100;
    m.cpu.rflags = 0x8d7;
    RUN(&m, 0xf3, 0xae); /* repe scasb: equal as long as there is memory */
    CHECK_EQUAL(m.result.status, EMULATOR_EXCEPTION);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RCX], 98);
    CHECK_EQUAL(m.cpu.rflags, 0x8d7);

    start(32); /* the segment's limit, in the middle of a block */
    m.cpu.segments[EMULATOR_ES].limit = MACHINE_DATA + 9;
    m.cpu.gpr[EMULATOR_RCX] = 16;
    RUN(&m, 0xf3, 0xaa);
    CHECK_EQUAL(m.result.vector, 13);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RCX], 6);
}

static void test_ports(void)
{
    start(64);
    m.cpu.gpr[EMULATOR_RDX] = 0x1f0;
    m.cpu.gpr[EMULATOR_RCX] = 1000;
    m.cpu.gpr[EMULATOR_RDI] = MACHINE_DATA + 2 * MACHINE_PAGE; /* RAM */
    CHECK_EQUAL(RUN(&m, 0xf3, 0x66, 0x6d), EMULATOR_DONE);     /* rep insw */
    CHECK_EQUAL(m.log_count, 4);
    check_access(0, 0x1f0, 2, 256, false);
    const uint8_t *words = m.memory + (MACHINE_DATA + 2 * MACHINE_PAGE - MACHINE_BASE);
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQUAL(words[2 * i] | words[2 * i + 1] << 8, i);
    m.log_count = 0;
    m.cpu.gpr[EMULATOR_RCX] = 1000;
    m.cpu.gpr[EMULATOR_RSI] = MACHINE_DATA + 2 * MACHINE_PAGE + 2;
    CHECK_EQUAL(RUN(&m, 0xf3, 0x66, 0x6f), EMULATOR_DONE); /* rep outsw */
    check_access(0, 0x1f0, 2, 256, true);
    CHECK_EQUAL(m.log[0].first, 1);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RSI], MACHINE_DATA + 2 * MACHINE_PAGE + 2002);
    m.cpu.gpr[EMULATOR_RAX] = UINT64_MAX;
    m.port_value = 0x12345678;
    CHECK_EQUAL(RUN(&m, 0xe4, 0x80), EMULATOR_DONE); /* in al, 80h */
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RAX], 0xffffffffffffff78);
    check_access(m.log_count - 1, 0x80, 1, 1, false);
    CHECK_EQUAL(RUN(&m, 0x48, 0xed), EMULATOR_DONE); /* in eax, dx; REX.W says nothing */
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RAX], 0x12345679);
    CHECK_EQUAL(RUN(&m, 0x66, 0xef), EMULATOR_DONE); /* out dx, ax */
    check_access(m.log_count - 1, 0x1f0, 2, 1, true);
    CHECK_EQUAL(m.log[m.log_count - 1].first, 0x5679);
}

int main(void)
{
    test_blocks();
    test_repetition();
    test_faults_in_strings();
    test_ports();
    CHECK(!m.failed);
    return unit_result();
}
