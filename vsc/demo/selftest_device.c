/* Tests of ports, string I/O, posted, mirrored and memory-mapped registers: include/child_start.h.
 */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "include/child_start.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/probes.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/vp.h"

#define POSTED_WRITES 300 /* more than the ring holds */

static volatile uint32_t *mmio(uint32_t offset)
{
    return (volatile uint32_t *)(CHILD_MMIO_BASE + offset);
}

void test_ports(void)
{
    uint64_t wide = ~0ull;

    for (uint32_t i = 0; i < 50; i++) {
        outl(CHILD_PORT_SCRATCH, 0x12345678 + i);
        check_equal(inl(CHILD_PORT_SCRATCH), 0x12345678 + i, "4 bytes");
        outw(CHILD_PORT_SCRATCH, (uint16_t)(0xa1b2 + i));
        check_equal(inw(CHILD_PORT_SCRATCH), (uint16_t)(0xa1b2 + i), "2 bytes");
        outb(CHILD_PORT_SCRATCH, (uint8_t)(0xc3 + i));
        check_equal(inb(CHILD_PORT_SCRATCH), (uint8_t)(0xc3 + i), "1 byte");
    }
    outb(CHILD_PORT_SCRATCH, 0x5a);
    __asm__ volatile("inb %%dx, %%al" : "+a"(wide) : "d"(CHILD_PORT_SCRATCH));
    check_equal(wide, 0xffffffffffffff5a, "RAX after INB");
    outl(CHILD_PORT_SCRATCH, 0x89abcdef);
    wide = ~0ull;
    __asm__ volatile("inl %%dx, %%eax" : "+a"(wide) : "d"(CHILD_PORT_SCRATCH));
    check_equal(wide, 0x89abcdef, "RAX after INL");
}

void test_posted(void)
{
    uint32_t count = inl(CHILD_PORT_POSTED_COUNT);
    uint32_t sum = inl(CHILD_PORT_POSTED_SUM);

    for (uint32_t i = 1; i <= POSTED_WRITES; i++) {
        outl(CHILD_PORT_POSTED, i);
        sum += i;
        if (i % 7 == 0)
            *mmio(CHILD_MMIO_POSTED) = i;
        if (i % 7 == 0)
            sum += i;
    }
    count += POSTED_WRITES + POSTED_WRITES / 7;
    check_equal(inl(CHILD_PORT_POSTED_COUNT), count, "the count");
    check_equal(inl(CHILD_PORT_POSTED_SUM), sum, "the sum");
    /* What was posted has come before the next exit to the worker is handled. */
    for (uint32_t i = 1; i <= 50; i++) {
        outl(CHILD_PORT_POSTED, 1);
        if (!check_equal(inl(CHILD_PORT_POSTED_COUNT), count + i, "the count at once"))
            return;
        outl(CHILD_PORT_SCRATCH, i);
    }
}

static void check_mirrored(void *argument)
{
    uint32_t expected = CHILD_MIRRORED_VALUE + vp_self()->index;

    (void)argument;
    check_equal(inl(CHILD_PORT_MIRRORED), expected, "the port");
    check_equal(*mmio(CHILD_MMIO_MIRRORED), expected, "the memory");
}

void test_mirrored(void)
{
    check_mirrored(NULL);
    for (uint32_t i = 1; i < smp_count(); i++)
        check(smp_call(i, check_mirrored, NULL), "VP %u does not answer", i);
}

void test_mmio(void)
{
    volatile uint32_t *scratch = mmio(CHILD_MMIO_SCRATCH);
    uint64_t value = 0x1122334455667788ull;

    for (uint32_t i = 0; i < 20; i++) {
        *scratch = 0xdead0000 + i;
        check_equal(*scratch, 0xdead0000 + i, "scratch");
    }
    /* Forms of MOV: an immediate, high registers, an index, an absolute address in RAX. */
    __asm__ volatile("movl $0x13579bdf, (%0)" ::"r"(scratch) : "memory");
    check_equal(*scratch, 0x13579bdf, "an immediate");
    __asm__ volatile("movq %1, %%r9\n\tmovl %%r9d, 8(%2, %3, 4)"
                     :
                     : "m"(*scratch), "r"(value), "r"(scratch), "r"(-2ull)
                     : "r9", "memory");
    check_equal(*scratch, 0x55667788, "R9D with an index");
    __asm__ volatile("movq $-1, %%r15\n\tmovl (%1), %%r15d\n\tmovq %%r15, %0"
                     : "=r"(value)
                     : "r"(scratch)
                     : "r15", "memory");
    check_equal(value, 0x55667788, "R15 after a load");
    probe_store_absolute(0x2468ace);
    check_equal(*scratch, 0x2468ace, "an absolute address");
}

/* The worker's interrupts come, on each VP, to a VP in HLT, too. */
void test_asserted(void)
{
    uint32_t before = vp_interrupts(VECTOR_TEST);

    outl(CHILD_PORT_INTERRUPT, VECTOR_TEST);
    check(interrupt_wait(VECTOR_TEST, before + 1, 2000000), "VP 0 has no interrupt");
    check_equal(vp_interrupts(VECTOR_TEST), before + 1, "the number of interrupts");
    for (uint32_t i = 1; i < smp_count(); i++) {
        volatile uint32_t *count = &vps[i].interrupts[VECTOR_TEST];
        uint32_t expected = *count + 1;

        outl(CHILD_PORT_INTERRUPT, VECTOR_TEST | i << 8);
        uint64_t end = clock_deadline(2000000);
        while (*count != expected && rdtsc() < end)
            inl(CHILD_PORT_SCRATCH);
        check_equal(*count, expected, "the number of another VP's interrupts");
    }
}
