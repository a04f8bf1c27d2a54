/* The instruction emulator, case by case: what reaches devices, and what faults leave. Strings are
 * in emulator_string.c; that results are right is for emulator_random.c. */
#include <pthread.h>

#include "tests/unit/emulator_case.h"

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

static void test_page_crossing(void)
{
    start(64);
    /* 8 bytes, 5 of RAM and 3 of the device, both of which see the right part. */
    uint64_t address = MACHINE_DATA - 5, value = 0x1122334455667788;
    m.cpu.gpr[EMULATOR_RDI] = address;
    m.cpu.gpr[EMULATOR_RAX] = value;
    CHECK_EQUAL(RUN(&m, 0x48, 0x89, 0x07), EMULATOR_DONE); /* mov [rdi], rax */
    CHECK(!memcmp(m.memory + (address - MACHINE_BASE), &value, 8));
    CHECK_EQUAL(m.log_count, 2);
    check_access(0, MACHINE_DATA, 2, 1, true);
    check_access(1, MACHINE_DATA + 2, 1, 1, true);
    CHECK_EQUAL(RUN(&m, 0x48, 0x8b, 0x1f), EMULATOR_DONE); /* mov rbx, [rdi] */
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RBX], value);

    /* A fault of the second page: at its first byte, and the first page is not touched. */
    for (unsigned kind = PAGE_READ_ONLY; kind <= PAGE_ABSENT; kind++) {
        start(64);
        machine_set_page(&m, MACHINE_DATA + MACHINE_PAGE, (enum machine_page)kind);
        m.cpu.cpl = 3;
        m.cpu.gpr[EMULATOR_RDI] = MACHINE_DATA + MACHINE_PAGE - 4;
        struct emulator_cpu before = m.cpu;
        RUN(&m, 0x48, 0x01, 0x07); /* add [rdi], rax */
        check_exception(&before, 14, true, kind == PAGE_ABSENT ? 6 : 7);
        CHECK_EQUAL(m.result.cr2, MACHINE_DATA + MACHINE_PAGE);
        CHECK_EQUAL(m.log_count, 0);
    }
    /* Both fault: the first one's. */
    start(64);
    machine_set_page(&m, MACHINE_DATA, PAGE_ABSENT);
    machine_set_page(&m, MACHINE_DATA + MACHINE_PAGE, PAGE_ABSENT);
    m.cpu.gpr[EMULATOR_RDI] = MACHINE_DATA + MACHINE_PAGE - 4;
    RUN(&m, 0x48, 0x8b, 0x07); /* mov rax, [rdi] */
    CHECK_EQUAL(m.result.cr2, MACHINE_DATA + MACHINE_PAGE - 4);
    CHECK_EQUAL(m.result.error_code, 0);
}

static void test_fetch(void)
{
    static const uint8_t code[] = {0x48, 0xc7, 0x87, 0x10, 0, 0, 0, 0x78, 0x56, 0x34, 0x12};
    /* mov qword [rdi+16], 12345678h, with each of its bytes as the last of a page. */
    for (unsigned part = 1; part < sizeof(code); part++) {
        start(64);
        m.cpu.rip = MACHINE_CODE + MACHINE_PAGE - part;
        CHECK_EQUAL(machine_run(&m, code, sizeof(code)), EMULATOR_DONE);
        CHECK_EQUAL(m.cpu.rip, MACHINE_CODE + MACHINE_PAGE - part + sizeof(code));
        check_access(0, MACHINE_DATA + 0x10, 8, 1, true);
        /* The second page is not there. */
        start(64);
        m.cpu.rip = MACHINE_CODE + MACHINE_PAGE - part;
        machine_set_page(&m, MACHINE_CODE + MACHINE_PAGE, PAGE_ABSENT);
        struct emulator_cpu before = m.cpu;
        machine_run(&m, code, sizeof(code));
        check_exception(&before, 14, true, 16);
        CHECK_EQUAL(m.result.cr2, MACHINE_CODE + MACHINE_PAGE);
        /* Nor needed, if the caller has the bytes. */
        emulator_execute(&m.cpu, &machine_ops, &m, code, sizeof(code), &m.result);
        CHECK_EQUAL(m.result.status, EMULATOR_DONE);
    }
    /* An instruction that ends with its page does not need the next one. */
    start(64);
    machine_set_page(&m, MACHINE_CODE + MACHINE_PAGE, PAGE_ABSENT);
    m.cpu.rip = MACHINE_CODE + MACHINE_PAGE - sizeof(code);
    CHECK_EQUAL(machine_run(&m, code, sizeof(code)), EMULATOR_DONE);

    start(64); /* 16 bytes are too many */
    struct emulator_cpu before = m.cpu;
    RUN(&m, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
        0x89, 0x07);
    check_exception(&before, 13, true, 0);
    before = m.cpu; /* LOCK of what cannot be locked */
    RUN(&m, 0xf0, 0x89, 0x07);
    check_exception(&before, 6, false, 0);
    CHECK_EQUAL(RUN(&m, 0x0f, 0x01, 0x17), EMULATOR_UNSUPPORTED); /* lgdt [rdi] */
    CHECK(!memcmp(&before, &m.cpu, sizeof(before)));
    CHECK(m.result.byte_count >= 3 && m.result.bytes[1] == 0x01);
    machine_set_page(&m, MACHINE_CODE, PAGE_DEVICE);
    CHECK_EQUAL(RUN(&m, 0x89, 0x07), EMULATOR_UNSUPPORTED);
    start(16); /* behind the limit */
    m.cpu.segments[EMULATOR_CS].limit = MACHINE_CODE;
    before = m.cpu;
    RUN(&m, 0x89, 0x05);
    check_exception(&before, 13, true, 0);
}

static void test_segments(void)
{
    start(64);
    struct emulator_cpu before;
    m.cpu.gpr[EMULATOR_RDI] = 0x800000000000; /* not canonical */
    m.cpu.gpr[EMULATOR_RBP] = 0x7fffffffffff;
    before = m.cpu;
    RUN(&m, 0x8b, 0x07); /* mov eax, [rdi] */
    check_exception(&before, 13, true, 0);
    RUN(&m, 0x8b, 0x45, 0x00); /* mov eax, [rbp]: its last byte is not */
    check_exception(&before, 12, true, 0);
    m.cpu.cr4 = 1u << 12; /* with 57 bits they are, but not mapped */
    RUN(&m, 0x8b, 0x07);
    CHECK_EQUAL(m.result.vector, 14);
    m.cpu.segments[EMULATOR_GS].base = MACHINE_DATA;
    CHECK_EQUAL(RUN(&m, 0x65, 0x8b, 0x04, 0x25, 4, 0, 0, 0), EMULATOR_DONE); /* mov eax, gs:[4] */
    check_access(0, MACHINE_DATA + 4, 4, 1, false);

    start(32);
    m.cpu.segments[EMULATOR_DS].limit = MACHINE_DATA + 2;
    before = m.cpu;
    RUN(&m, 0x8b, 0x07);
    check_exception(&before, 13, true, 0);
    RUN(&m, 0x36, 0x8b, 0x07); /* mov eax, ss:[edi] */
    CHECK_EQUAL(m.result.status, EMULATOR_DONE);
    m.cpu.segments[EMULATOR_DS].limit = MACHINE_DATA + 3;
    CHECK_EQUAL(RUN(&m, 0x8b, 0x07), EMULATOR_DONE);
    m.cpu.segments[EMULATOR_DS].attributes = 0x4091; /* read-only */
    CHECK_EQUAL(RUN(&m, 0x8b, 0x07), EMULATOR_DONE);
    before = m.cpu;
    RUN(&m, 0x89, 0x07);
    check_exception(&before, 13, true, 0);
    RUN(&m, 0x2e, 0x89, 0x07); /* mov cs:[edi], eax */
    check_exception(&before, 13, true, 0);
    m.cpu.segments[EMULATOR_DS].attributes = 0x4097; /* expands down */
    m.cpu.segments[EMULATOR_DS].limit = MACHINE_DATA - 1;
    CHECK_EQUAL(RUN(&m, 0x8b, 0x07), EMULATOR_DONE);
    m.cpu.segments[EMULATOR_DS].limit = MACHINE_DATA;
    before = m.cpu;
    RUN(&m, 0x8b, 0x07);
    check_exception(&before, 13, true, 0);
    m.cpu.segments[EMULATOR_DS].attributes = 0; /* a null selector */
    before = m.cpu;
    RUN(&m, 0x8b, 0x07);
    check_exception(&before, 13, true, 0);

    start(16); /* the limit of real mode, and without it ("unreal") */
    m.cpu.segments[EMULATOR_DS].base = MACHINE_DATA - 0xffff;
    m.cpu.segments[EMULATOR_DS].limit = 0xffff;
    m.cpu.gpr[EMULATOR_RDI] = 0xffff;
    before = m.cpu;
    RUN(&m, 0x8b, 0x05); /* mov ax, [di] */
    check_exception(&before, 13, true, 0);
    m.cpu.segments[EMULATOR_DS].limit = UINT32_MAX;
    CHECK_EQUAL(RUN(&m, 0x8b, 0x05), EMULATOR_DONE);
}

static void test_alignment(void)
{
    start(64);
    m.cpu.gpr[EMULATOR_RDI] += 8;
    struct emulator_cpu before = m.cpu;
    RUN(&m, 0x66, 0x0f, 0x6f, 0x07); /* movdqa xmm0, [rdi] */
    check_exception(&before, 13, true, 0);
    RUN(&m, 0x48, 0x0f, 0xc7, 0x0f); /* cmpxchg16b [rdi] */
    check_exception(&before, 13, true, 0);
    CHECK_EQUAL(RUN(&m, 0xf3, 0x0f, 0x6f, 0x07), EMULATOR_DONE); /* movdqu */
    check_access(0, MACHINE_DATA + 8, 8, 1, false);
    check_access(1, MACHINE_DATA + 16, 8, 1, false);
    m.cpu.gpr[EMULATOR_RDI] += 1;
    m.cpu.cr0 |= 1u << 18;
    m.cpu.rflags |= 1u << 18;
    CHECK_EQUAL(RUN(&m, 0x8b, 0x07), EMULATOR_DONE);
    m.cpu.cpl = 3;
    before = m.cpu;
    RUN(&m, 0x8b, 0x07);
    check_exception(&before, 17, true, 0);
}

static void test_stack(void)
{
    start(64); /* push [rdi]: both places are known before the device is read */
    uint64_t rsp = m.cpu.gpr[EMULATOR_RSP];
    machine_set_page(&m, rsp - 8, PAGE_ABSENT);
    struct emulator_cpu before = m.cpu;
    RUN(&m, 0xff, 0x37);
    check_exception(&before, 14, true, 2);
    CHECK_EQUAL(m.log_count, 0);
    machine_set_page(&m, rsp - 8, PAGE_RAM);
    m.memory[MACHINE_DATA - MACHINE_BASE] = 0x77;
    CHECK_EQUAL(RUN(&m, 0xff, 0x37), EMULATOR_DONE);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RSP], rsp - 8);
    CHECK_EQUAL(m.memory[rsp - 8 - MACHINE_BASE], 0x77);
    CHECK_EQUAL(RUN(&m, 0x8f, 0x47, 0x20), EMULATOR_DONE); /* pop [rdi+32] */
    CHECK_EQUAL(m.memory[MACHINE_DATA + 0x20 - MACHINE_BASE], 0x77);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RSP], rsp);
    m.cpu.gpr[EMULATOR_RSP] = MACHINE_DATA + 64; /* pop [rsp+8]: with the new RSP */
    m.memory[MACHINE_DATA + 64 - MACHINE_BASE] = 0x55;
    CHECK_EQUAL(RUN(&m, 0x8f, 0x44, 0x24, 0x08), EMULATOR_DONE);
    CHECK_EQUAL(m.memory[MACHINE_DATA + 80 - MACHINE_BASE], 0x55);

    start(64); /* call [rdi] through a bad pointer pushes nothing */
    m.memory[MACHINE_DATA + 7 - MACHINE_BASE] = 0x80;
    before = m.cpu;
    RUN(&m, 0xff, 0x17);
    check_exception(&before, 13, true, 0);
    CHECK_EQUAL(m.memory[rsp - 8 - MACHINE_BASE], 0);
}

static void test_rom_and_lock(void)
{
    start(64); /* what is written to a ROM goes to whoever plays it */
    machine_set_page(&m, MACHINE_DATA, PAGE_ROM);
    m.memory[MACHINE_DATA - MACHINE_BASE] = 0x41;
    CHECK_EQUAL(RUN(&m, 0x8a, 0x07), EMULATOR_DONE); /* mov al, [rdi] */
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RAX] & 0xff, 0x41);
    CHECK_EQUAL(m.log_count, 0);
    CHECK_EQUAL(RUN(&m, 0xf0, 0xfe, 0x07), EMULATOR_DONE); /* lock inc byte [rdi] */
    CHECK_EQUAL(m.memory[MACHINE_DATA - MACHINE_BASE], 0x41);
    CHECK_EQUAL(m.log_count, 2);

    start(64); /* locked, in RAM, of every size; a second one sees the first */
    m.cpu.gpr[EMULATOR_RAX] = 0;
    m.cpu.gpr[EMULATOR_RBX] = 5;
    CHECK_EQUAL(RUN(&m, 0xf0, 0x48, 0x0f, 0xc7, 0x0e), EMULATOR_DONE); /* lock cmpxchg16b [rsi] */
    CHECK(m.cpu.rflags & 1u << 6);
    CHECK_EQUAL(RUN(&m, 0xf0, 0x48, 0x0f, 0xc7, 0x0e), EMULATOR_DONE);
    CHECK(!(m.cpu.rflags & 1u << 6));
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RAX], 5);
}

#define RACE_ROUNDS 50000u

struct racer {
    struct machine machine;
    const uint8_t *code;
};
static uint64_t contended;

/* The data page of all machines is the same word of RAM. */
static bool translate_contended(void *context, uint64_t linear, unsigned access,
                                struct emulator_place *place, uint32_t *error_code)
{
    if (!machine_translate(context, linear, access, place, error_code))
        return false;
    if (!(access & EMULATOR_EXECUTE))
        place->ram = (uint8_t *)&contended;
    return true;
}

static void *race(void *argument)
{
    struct racer *racer = argument;
    struct emulator_ops ops = machine_ops;
    ops.translate = translate_contended;
    for (unsigned i = 0; i < RACE_ROUNDS;) {
        struct emulator_result result;
        racer->machine.cpu.rip = MACHINE_CODE;
        emulator_execute(&racer->machine.cpu, &ops, &racer->machine, racer->code, 6, &result);
        i += result.status == EMULATOR_DONE;
    }
    return NULL;
}

/* Two VPs count in the same memory: none of their locked additions is lost. */
static void test_races(void)
{
    static const uint8_t codes[][6] = {
        {0xf0, 0x66, 0x83, 0x06, 0x01}, /* lock add word [rsi], 1 */
        {0xf0, 0x83, 0x06, 0x01},       /* dword */
        {0xf0, 0x48, 0xff, 0x06},       /* lock inc qword [rsi] */
    };
    static struct racer racers[2];
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        pthread_t threads[2];
        contended = 0;
        for (unsigned n = 0; n < 2; n++) {
            machine_reset(&racers[n].machine, 64);
            racers[n].machine.cpu.gpr[EMULATOR_RSI] = MACHINE_DATA;
            racers[n].code = codes[i];
        }
        for (unsigned n = 0; n < 2; n++)
            CHECK(pthread_create(&threads[n], NULL, race, &racers[n]) == 0);
        for (unsigned n = 0; n < 2; n++)
            pthread_join(threads[n], NULL);
        unsigned size = i == 0 ? 2 : 4;
        CHECK_EQUAL(contended, 2 * RACE_ROUNDS & (size == 2 ? UINT16_MAX : UINT32_MAX));
    }
}

static void test_other_moves(void)
{
    static const uint8_t pattern[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    start(64);
    memcpy(m.memory + (MACHINE_DATA - MACHINE_BASE), pattern, 16);
    CHECK_EQUAL(RUN(&m, 0x0f, 0x38, 0xf0, 0x07), EMULATOR_DONE); /* movbe eax, [rdi] */
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RAX], 0x01020304);
    CHECK_EQUAL(RUN(&m, 0x66, 0x0f, 0x38, 0xf1, 0x47, 0x20), EMULATOR_DONE); /* movbe [], ax */
    CHECK_EQUAL(m.memory[MACHINE_DATA + 0x20 - MACHINE_BASE], 3);
    CHECK_EQUAL(RUN(&m, 0xf3, 0x48, 0x0f, 0xb8, 0x07), EMULATOR_DONE); /* popcnt rax, [rdi] */
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RAX], 13);
    CHECK_EQUAL(m.cpu.rflags, 2);
    CHECK_EQUAL(RUN(&m, 0x44, 0x0f, 0x28, 0x07), EMULATOR_DONE); /* movaps xmm8, [rdi] */
    CHECK(!memcmp(m.xmm[8], pattern, 16));
    m.cpu.segments[EMULATOR_FS].selector = 0x1234;
    m.log_count = 0;
    CHECK_EQUAL(RUN(&m, 0x8c, 0x27), EMULATOR_DONE); /* mov [rdi], fs */
    check_access(0, MACHINE_DATA, 2, 1, true);
    CHECK_EQUAL(m.log[0].first, 0x1234);
    struct emulator_ops plain = machine_ops;
    plain.xmm_read = NULL;
    plain.xmm_write = NULL;
    static const uint8_t movaps[] = {0x0f, 0x28, 0x07};
    emulator_execute(&m.cpu, &plain, &m, movaps, 3, &m.result);
    CHECK_EQUAL(m.result.status, EMULATOR_UNSUPPORTED);
    struct emulator_cpu before = m.cpu;
    RUN(&m, 0xf6, 0x77, 0x40); /* div byte [rdi+64], which is 0 */
    check_exception(&before, 0, false, 0);
}

static void test_modes(void)
{
    start(64); /* compatibility mode: 16 bits in a segment of its own, with a 16-bit stack */
    m.cpu.segments[EMULATOR_CS].attributes = 0x9b;
    m.cpu.segments[EMULATOR_SS].attributes = 0x93;
    m.cpu.segments[EMULATOR_SS].base = MACHINE_BASE + 8 * MACHINE_PAGE;
    m.cpu.segments[EMULATOR_DS].base = MACHINE_DATA;
    m.cpu.gpr[EMULATOR_RSP] = 0x12340002;
    m.cpu.gpr[EMULATOR_RDI] = 0x56780000;
    m.cpu.gpr[EMULATOR_RAX] = 0xabcdef;
    m.cpu.segments[EMULATOR_CS].base = MACHINE_CODE;
    m.cpu.rip = 0;
    m.memory[0] = 0xff; /* push word [di] */
    m.memory[1] = 0x35;
    memcpy(m.memory + (MACHINE_DATA - MACHINE_BASE), "\x21\x43", 2);
    emulator_execute(&m.cpu, &machine_ops, &m, NULL, 0, &m.result);
    CHECK_EQUAL(m.result.status, EMULATOR_DONE);
    CHECK_EQUAL(m.cpu.rip, 2);
    check_access(0, MACHINE_DATA, 2, 1, false);
    CHECK_EQUAL(m.cpu.gpr[EMULATOR_RSP], 0x12340000);
    CHECK(!memcmp(m.memory + 8 * MACHINE_PAGE, "\x21\x43", 2));
    /* The stack wraps at 64 KiB, where this segment has no memory. */
    struct emulator_cpu before = m.cpu;
    m.cpu.rip = before.rip = 0;
    emulator_execute(&m.cpu, &machine_ops, &m, NULL, 0, &m.result);
    check_exception(&before, 14, true, 2);
    CHECK_EQUAL(m.result.cr2, MACHINE_BASE + 8 * MACHINE_PAGE + 0xfffe);

    start(32); /* virtual-8086 mode: 16 bits, rights of segments do not count, CPL 3 */
    m.cpu.rflags |= 1u << 17;
    m.cpu.cpl = 3;
    m.cpu.segments[EMULATOR_DS].attributes = 0;
    CHECK_EQUAL(RUN(&m, 0x67, 0x88, 0x07), EMULATOR_DONE); /* mov [edi], al */
    machine_set_page(&m, MACHINE_DATA, PAGE_READ_ONLY);
    before = m.cpu;
    m.cpu.rip = before.rip = MACHINE_CODE;
    emulator_execute(&m.cpu, &machine_ops, &m, NULL, 0, &m.result);
    check_exception(&before, 14, true, 7);

    start(32); /* linear addresses wrap at 4 GiB */
    m.cpu.segments[EMULATOR_DS].base = 0xfffff000;
    m.cpu.gpr[EMULATOR_RDI] = MACHINE_DATA + 0x1000;
    CHECK_EQUAL(RUN(&m, 0x8b, 0x07), EMULATOR_DONE);
    check_access(0, MACHINE_DATA, 4, 1, false);
}

int main(void)
{
    test_single_accesses();
    test_page_crossing();
    test_fetch();
    test_segments();
    test_alignment();
    test_stack();
    test_rom_and_lock();
    test_races();
    test_other_moves();
    test_modes();
    CHECK(!m.failed);
    return unit_result();
}
