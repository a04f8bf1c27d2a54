/* Tests of several VPs: their start, interrupts and translations by hypercall, the EOI assist. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "include/child_start.h"
#include "include/hv/cpuid.h"
#include "include/hv/msr.h"
#include "include/hv/synic_calls.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/paging.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/vp.h"

#define VECTOR VECTOR_TEST
#define WAIT_US 3000000
#define CALLS 50
#define ASSISTS 100
#define BAD_VECTOR 15

static volatile uint32_t call_count;

static void count_call(void *argument)
{
    (void)argument;
    __atomic_fetch_add(&call_count, 1, __ATOMIC_RELAXED);
}

void test_smp(void)
{
    check_equal(smp_count(), selftest_vp_count, "the number of VPs that run");
    call_count = 0;
    for (uint32_t round = 0; round < CALLS; round++) {
        for (uint32_t i = 1; i < smp_count(); i++)
            smp_call_begin(i, count_call, NULL);
        for (uint32_t i = 1; i < smp_count(); i++) {
            if (!check(smp_call_wait(i), "VP %u does not answer", i))
                return;
        }
    }
    check_equal(call_count, CALLS * (smp_count() - 1), "the calls");
    for (uint32_t i = 0; i < smp_count(); i++)
        check_equal(vps[i].apic_id, i, "a VP's APIC id");
}

/* What VPs read in real and in protected mode on their way (ap_start.asm). */
void test_modes(void)
{
    if (smp_started_by_hypercall()) {
        note("VPs start in long mode");
        return;
    }
    for (uint32_t i = 1; i < smp_count(); i++) {
        const struct ap_seen *seen = &vps[i].seen;
        uint8_t bytes[4];

        memcpy(bytes, &seen->real_string, sizeof(bytes));
        for (unsigned byte = 1; byte < sizeof(bytes); byte++)
            check_equal(bytes[byte], (uint8_t)(bytes[0] + byte), "INSB, real mode,");

        check_equal(seen->real_mirrored, CHILD_MIRRORED_VALUE + i, "mirrored, real mode,");
        check_equal(seen->real_cpuid, cpuid(0, 0).ebx, "CPUID, real mode,");
        check_equal(seen->protected_mirrored, CHILD_MIRRORED_VALUE + i,
                    "mirrored, protected mode,");
        check_equal(seen->protected_mmio, CHILD_MIRRORED_VALUE + i, "memory, protected mode,");
        check_equal(seen->protected_scratch, 0x50524f54, "scratch, protected mode,");
    }
}

static uint32_t others_interrupts(uint32_t index)
{
    return __atomic_load_n(&vps[index].interrupts[VECTOR], __ATOMIC_ACQUIRE);
}

static void check_delivered(const uint32_t *before, const char *what)
{
    uint64_t end = clock_deadline(WAIT_US);

    for (uint32_t i = 0; i < smp_count(); i++) {
        while (others_interrupts(i) != before[i] + 1 && rdtsc() < end)
            cpu_pause();
        check(others_interrupts(i) == before[i] + 1, "%s: VP %u has %u interrupts", what, i,
              others_interrupts(i) - before[i]);
    }
}

static void note_interrupts(uint32_t *before)
{
    for (uint32_t i = 0; i < smp_count(); i++)
        before[i] = others_interrupts(i);
}

static enum hv_status send_ex(uint64_t format, uint64_t mask)
{
    struct {
        struct hv_input_send_synthetic_cluster_ipi_ex head;
        uint64_t bank;
    } input = {.head = {.vector = VECTOR, .vpset = {.format = format}}};
    uint64_t call = HVCALL_SEND_SYNTHETIC_CLUSTER_IPI_EX;
    size_t size = sizeof(input.head);

    if (format == HV_GENERIC_SET_SPARSE_4K) {
        input.head.vpset.valid_bank_mask = 1;
        input.bank = mask;
        size = sizeof(input);
        call |= 1ull << HV_HYPERCALL_VARHEAD_SHIFT;
    }
    return hyperv_slow(call, &input, size, NULL, 0);
}

void test_cluster_ipi(void)
{
    uint64_t mask = smp_count() == 64 ? ~0ull : (1ull << smp_count()) - 1;
    struct hv_input_send_synthetic_cluster_ipi input = {.vector = VECTOR, .processor_mask = mask};
    uint32_t before[VP_MAX] = {0};

    note_interrupts(before);
    check_equal(hyperv_fast(HVCALL_SEND_SYNTHETIC_CLUSTER_IPI, VECTOR, mask), HV_STATUS_SUCCESS,
                "the fast call");
    check_delivered(before, "the fast call");
    note_interrupts(before);
    check_equal(hyperv_slow(HVCALL_SEND_SYNTHETIC_CLUSTER_IPI, &input, sizeof(input), NULL, 0),
                HV_STATUS_SUCCESS, "the slow call");
    check_delivered(before, "the slow call");
    check_equal(hyperv_fast(HVCALL_SEND_SYNTHETIC_CLUSTER_IPI, BAD_VECTOR, mask),
                HV_STATUS_INVALID_PARAMETER, "vector 15");
    if (!(cpuid(HV_CPUID_ENLIGHTENMENT_INFO, 0).eax & HV_RECOMMEND_EX_PROCESSOR_MASKS)) {
        note("there are no processor sets");
        return;
    }
    note_interrupts(before);
    check_equal(send_ex(HV_GENERIC_SET_SPARSE_4K, mask), HV_STATUS_SUCCESS, "a sparse set");
    check_delivered(before, "a sparse set");
    note_interrupts(before);
    check_equal(send_ex(HV_GENERIC_SET_ALL, 0), HV_STATUS_SUCCESS, "the set of all");
    check_delivered(before, "the set of all");
}

/* Two pages that are mapped at one address in turn. */
static uint8_t pages[2][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static volatile uint32_t flush_phase;
static volatile uint32_t flush_seen[VP_MAX]; /* phase << 8 | what the page had then */
#define FLUSH_STOP 0xff

/* Reads the page over and over, so that its translation stays in the TLB. */
static void read_page(void *argument)
{
    volatile uint8_t *page = argument;

    for (;;) {
        uint32_t phase = __atomic_load_n(&flush_phase, __ATOMIC_ACQUIRE);

        if (phase == FLUSH_STOP)
            return;
        flush_seen[vp_self()->index] = phase << 8 | *page;
        cpu_pause();
    }
}

static void check_seen(uint32_t phase, uint8_t value, const char *what)
{
    uint64_t end = clock_deadline(WAIT_US);

    for (uint32_t i = 1; i < smp_count(); i++) {
        while (flush_seen[i] >> 8 != phase && rdtsc() < end)
            cpu_pause();
        check(flush_seen[i] == (phase << 8 | value), "%s: VP %u reads %x in phase %x", what, i,
              flush_seen[i] & 0xff, flush_seen[i] >> 8);
    }
}

static enum hv_status flush_space(uint64_t address)
{
    struct hv_input_flush_virtual_address_space input = {
        .address_space = paging_root(), .processor_mask = (1ull << (smp_count() - 1) << 1) - 1};

    (void)address;
    return hyperv_slow(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE, &input, sizeof(input), NULL, 0);
}

static enum hv_status flush_list(uint64_t address)
{
    struct {
        struct hv_input_flush_virtual_address_space head;
        uint64_t range;
    } input = {{.flags = HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES}, address};

    return hyperv_slow(HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST | 1ull << HV_HYPERCALL_REP_COUNT_SHIFT,
                       &input, sizeof(input), NULL, 0);
}

static enum hv_status flush_space_ex(uint64_t address)
{
    struct {
        struct hv_input_flush_virtual_address_space_ex head;
        uint64_t bank;
    } input = {{.address_space = paging_root(),
                .vpset = {.format = HV_GENERIC_SET_SPARSE_4K, .valid_bank_mask = 1}},
               (1ull << (smp_count() - 1) << 1) - 1};

    (void)address;
    return hyperv_slow(HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX | 1ull << HV_HYPERCALL_VARHEAD_SHIFT,
                       &input, sizeof(input), NULL, 0);
}

void test_flush(void)
{
    static enum hv_status (*const flushes[])(uint64_t) = {flush_space, flush_list, flush_space_ex};
    static const char *const names[] = {"FlushVirtualAddressSpace", "FlushVirtualAddressList",
                                        "FlushVirtualAddressSpaceEx"};
    uint32_t recommended = cpuid(HV_CPUID_ENLIGHTENMENT_INFO, 0).eax;
    unsigned count = recommended & HV_RECOMMEND_EX_PROCESSOR_MASKS ? 3 : 2;
    uint64_t flags = PTE_PRESENT | PTE_WRITABLE;
    uint64_t address = paging_window(2, (uint64_t)pages[0], flags);

    check(recommended & HV_RECOMMEND_REMOTE_TLB_FLUSH, "flushes are not recommended");
    pages[0][0] = 0;
    pages[1][0] = 1;
    flush_phase = 0;
    for (uint32_t i = 1; i < smp_count(); i++)
        smp_call_begin(i, read_page, (void *)address);
    for (uint32_t phase = 1; phase <= count; phase++) {
        uint8_t value = *(volatile uint8_t *)address ^ 1;

        paging_window(2, (uint64_t)pages[value], flags);
        check_equal(flushes[phase - 1](address), HV_STATUS_SUCCESS, names[phase - 1]);
        check_equal(*(volatile uint8_t *)address, value, names[phase - 1]);
        __atomic_store_n(&flush_phase, phase, __ATOMIC_RELEASE);
        check_seen(phase, value, names[phase - 1]);
    }
    __atomic_store_n(&flush_phase, FLUSH_STOP, __ATOMIC_RELEASE);
    for (uint32_t i = 1; i < smp_count(); i++)
        check(smp_call_wait(i), "VP %u does not answer", i);
    paging_window(2, 0, 0);
    invlpg(address);
}

static union {
    uint32_t word;
    uint8_t bytes[PAGE_SIZE];
} assist __attribute__((aligned(PAGE_SIZE)));
static volatile uint32_t assisted;

static void on_assisted(struct interrupt_frame *frame)
{
    bool not_needed;

    (void)frame;
    __asm__ volatile("btrl $0, %0" : "+m"(assist.word), "=@ccc"(not_needed) : : "memory");
    if (not_needed)
        assisted++;
    else
        lapic_eoi();
}

void test_assist(void)
{
    uint32_t before = vp_interrupts(VECTOR);

    assisted = 0;
    wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, (uint64_t)&assist | HV_X64_MSR_PAGE_ENABLE);
    check_equal(rdmsr(HV_X64_MSR_VP_ASSIST_PAGE), (uint64_t)&assist | HV_X64_MSR_PAGE_ENABLE,
                "VP_ASSIST_PAGE");
    interrupt_set(VECTOR, on_assisted, EOI_OWN);
    for (uint32_t i = 1; i <= ASSISTS; i++) {
        lapic_send_self(VECTOR);
        if (!check(interrupt_wait(VECTOR, before + i, WAIT_US), "interrupt %u does not come", i))
            break;
    }
    check(!lapic_bit(LAPIC_ISR, VECTOR), "ISR has the vector in the end");
    wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, 0);
    interrupt_set(VECTOR, NULL, EOI_AFTER);
    note("%u of %u EOIs were not needed", assisted, ASSISTS);
}
