/* Self tests "child-state", "child-spin", "child-nmi", "child-access", "child-delete",
 * "child-unmap", "child-rounds": children that misbehave, and a parent that takes things away from
 * them while they run. */
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_guest.h"
#include "parent/vid/arena.h"

#define STATE_ROUNDS 2000
#define STATE_MICROSECONDS 300
#define SPIN_MICROSECONDS 20000
#define SPIN_LATENESS 10000 /* generous: emulators share their processors */
#define NMI_ROUNDS 20
#define NMI_PATIENCE 1000000 /* an emulator may not let the other CPU run for 100 ms */
#define DELETE_ROUNDS 20
#define ACCESS_ROUNDS 20
#define ACCESS_PATIENCE 4000000 /* us: as many turns of the other CPU and some more */
#define UNMAP_ROUNDS 100
#define CREATE_ROUNDS 1000
#define COUNTER_PAGE 0x8000

/* cli; jmp $ */
static const uint8_t code_spin[] = {0xfa, 0xeb, 0xfe};
/* hlt */
static const uint8_t code_halt[] = {0xf4};
/* again: inc dword [COUNTER_PAGE]; jmp again */
static const uint8_t code_count[] = {0x66, 0xff, 0x06, 0x00, 0x80, 0xeb, 0xf9};

static uint64_t deposited(void)
{
    struct arena_statistics arena;

    arena_get_statistics(&arena);
    return arena.pages_total - arena.pages_free;
}

/* --- Any register state: runs, or is refused with an intercept --- */

static const uint32_t state_registers[] = {
    HV_X64_REGISTER_RIP,
    HV_X64_REGISTER_RFLAGS,
    HV_X64_REGISTER_RAX + 4,
    HV_X64_REGISTER_CR0,
    HV_X64_REGISTER_CR3,
    HV_X64_REGISTER_CR4,
    HV_X64_REGISTER_EFER,
    HV_X64_REGISTER_DR7,
    HV_X64_REGISTER_ES,
    HV_X64_REGISTER_CS,
    HV_X64_REGISTER_SS,
    HV_X64_REGISTER_DS,
    HV_X64_REGISTER_FS,
    HV_X64_REGISTER_GS,
    HV_X64_REGISTER_LDTR,
    HV_X64_REGISTER_TR,
    HV_X64_REGISTER_IDTR,
    HV_X64_REGISTER_GDTR,
    HV_X64_REGISTER_PAT,
    HV_REGISTER_PENDING_INTERRUPTION,
    HV_REGISTER_INTERRUPT_STATE,
    HV_X64_REGISTER_XMM0,
    HV_X64_REGISTER_XMM_CONTROL_STATUS,
    HV_X64_REGISTER_CR8,
    HV_X64_REGISTER_SFMASK,
    HV_X64_REGISTER_LSTAR,
    HV_X64_REGISTER_KERNEL_GS_BASE,
};

#define STATE_REGISTER_COUNT (sizeof(state_registers) / sizeof(state_registers[0]))

static uint64_t random_value(uint64_t *random)
{
    uint64_t value = guest_random(random);

    switch (guest_random(random) % 4) {
    case 0:
        return value;
    case 1:
        return value & 0xffff;
    case 2:
        return 1ull << value % 64;
    default:
        return 0;
    }
}

/* Result: whether the processor took it. A refused setting is one answer; then nothing has changed.
 */
static bool try_state(struct guest *guest, uint64_t *random)
{
    struct hv_register_assoc registers[4] = {0};
    uint16_t count = (uint16_t)(1 + guest_random(random) % 4);

    for (uint16_t i = 0; i < count; i++) {
        registers[i].name = state_registers[guest_random(random) % STATE_REGISTER_COUNT];
        registers[i].value[0] = random_value(random);
        registers[i].value[1] = random_value(random);
    }
    guest_set_registers(guest, registers, count);
    uint32_t message = guest_run(guest, HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND, STATE_MICROSECONDS);
    return message != HV_MESSAGE_TYPE_INVALID_VP_REGISTER_VALUE;
}

static void run_state(void)
{
    uint64_t random = 0x5354415445000001 + this_cpu()->index;
    unsigned refused = 0, taken = 0;
    struct guest guest;

    for (unsigned round = 0; round < STATE_ROUNDS / 20; round++) {
        if (!guest_create(&guest, code_halt, sizeof(code_halt)))
            return;
        for (unsigned i = 0; i < 20; i++) {
            if (try_state(&guest, &random))
                taken++;
            else
                refused++;
        }
        guest_destroy(&guest);
    }
    check(refused > 0 && taken > 0, "%u states refused, %u taken: both must occur", refused, taken);
    note("%u random states refused by the processor, %u taken", refused, taken);
}

/* --- A child that never exits --- */

static uint64_t timer_came;

static void on_timer(struct timer *timer)
{
    (void)timer;
    __atomic_store_n(&timer_came, time_now(), __ATOMIC_RELEASE);
}

static void run_spin(void)
{
    struct guest guest;
    struct timer timer;

    if (!guest_create(&guest, code_spin, sizeof(code_spin)))
        return;
    timer_setup(&timer, on_timer);
    uint64_t worst = 0;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t due = time_now() + SPIN_MICROSECONDS / 5;
        timer_came = 0;
        timer_start(&timer, due);
        check_equal(guest_run(&guest, 0, SPIN_MICROSECONDS / 4), 0,
                    "message of a child that spins");
        if (!check(timer_came != 0, "the timer did not come while a child spun"))
            break;
        if (timer_came - due > worst)
            worst = timer_came - due;
    }
    timer_cancel(&timer);
    check(worst < SPIN_LATENESS, "a timer came %lu us late while a child spun", worst);
    note("while a child spins, a timer comes %lu us late at worst", worst);
    guest_destroy(&guest);
}

/* --- A child that runs on another CPU --- */

struct runner {
    struct guest guest;
    bool stop;    /* atomic */
    bool running; /* atomic */
};

/* Until the partition has gone. */
static int run_until_gone(void *argument)
{
    struct runner *runner = argument;

    while (!__atomic_load_n(&runner->stop, __ATOMIC_ACQUIRE)) {
        uint64_t result = guest_dispatch(&runner->guest, HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND);
        if ((result & HV_HYPERCALL_STATUS_MASK) != HV_STATUS_SUCCESS)
            break;
        __atomic_store_n(&runner->running, true, __ATOMIC_RELEASE);
    }
    return 0;
}

static struct thread *start_runner(struct runner *runner, const void *code, size_t size)
{
    uint32_t other = cpu_count - 1;

    runner->stop = runner->running = false;
    if (!guest_create(&runner->guest, code, size))
        return NULL;
    struct thread *thread = thread_create("runner", run_until_gone, runner, PRIORITY_NORMAL, other);
    if (!check(thread != NULL, "no thread"))
        guest_destroy(&runner->guest);
    return thread;
}

static void wait_for(const bool *flag)
{
    for (unsigned i = 0; i < 1000 && !__atomic_load_n(flag, __ATOMIC_ACQUIRE); i++)
        thread_sleep(1000);
}

static void stop_runner(struct runner *runner, struct thread *thread)
{
    __atomic_store_n(&runner->stop, true, __ATOMIC_RELEASE);
    guest_cancel(&runner->guest);
    thread_join(thread);
    guest_destroy(&runner->guest);
}

/* A child that spins on another CPU. NULL: there is no other one, or it has failed. */
static struct thread *start_spinner(struct runner *runner)
{
    if (cpu_count == 1) {
        note("needs two processors");
        return NULL;
    }
    struct thread *thread = start_runner(runner, code_spin, sizeof(code_spin));
    if (thread != NULL)
        wait_for(&runner->running);
    return thread;
}

/* --- An NMI of the parent's, for the CPU on which a child spins --- */

/* Result: how late it came, in microseconds. */
static uint64_t send_nmi(struct cpu *target)
{
    uint64_t old = __atomic_load_n(&target->nmi_count, __ATOMIC_ACQUIRE), start = time_now();

    lapic_send_nmi(target->apic_id);
    while (__atomic_load_n(&target->nmi_count, __ATOMIC_ACQUIRE) == old &&
           time_now() - start < NMI_PATIENCE)
        cpu_pause();
    return time_now() - start;
}

static void run_nmi(void)
{
    static struct runner runner;
    uint64_t worst = 0;

    struct thread *thread = start_spinner(&runner);
    if (thread == NULL)
        return;
    for (unsigned i = 0; i < NMI_ROUNDS; i++) {
        uint64_t late = send_nmi(cpus[cpu_count - 1]);
        if (late > worst)
            worst = late;
        thread_sleep(i * 100);
    }
    check(worst < NMI_PATIENCE, "an NMI did not come while a child spun");
    note("while a child spins, an NMI comes %lu us late at worst", worst);
    stop_runner(&runner, thread);
}

/* --- Registers of a child that is dispatched again at once, whenever it has been stopped --- */

static void run_access(void)
{
    static struct runner runner;
    uint64_t start, time;

    struct thread *thread = start_spinner(&runner);
    if (thread == NULL)
        return;
    start = time_now();
    for (unsigned i = 0; i < ACCESS_ROUNDS; i++)
        guest_get_register(&runner.guest, HV_X64_REGISTER_RIP);
    time = time_now() - start;
    check(time < ACCESS_PATIENCE, "registers of a child that spins are read too late");
    note("%u registers of a child that spins are read in %lu us", ACCESS_ROUNDS, time);
    stop_runner(&runner, thread);
}

/* --- Deleting and unmapping while it runs on another CPU --- */

static void run_delete(void)
{
    static struct runner runner;
    uint64_t pages = 0;

    for (unsigned i = 0; i < DELETE_ROUNDS; i++) {
        struct thread *thread = start_runner(&runner, code_spin, sizeof(code_spin));
        if (thread == NULL)
            return;
        thread_sleep(i * 100);
        guest_destroy(&runner.guest);
        __atomic_store_n(&runner.stop, true, __ATOMIC_RELEASE);
        thread_join(thread);
        if (i == 0)
            pages = deposited();
    }
    check_equal(deposited(), pages, "number of deposited pages in the end");
}

static void unmap_once(struct runner *runner, const volatile uint32_t *counter)
{
    struct deposits *deposits = &runner->guest.deposits;
    uint64_t page = runner->guest.memory / PAGE_SIZE + COUNTER_PAGE / PAGE_SIZE;
    uint32_t start = *counter;

    for (unsigned i = 0; i < 2000 && *counter == start; i++)
        thread_sleep(50);
    check(*counter != start, "the child does not count");
    check_equal(vid_unmap_gpa(deposits, COUNTER_PAGE / PAGE_SIZE, 1), HV_STATUS_SUCCESS,
                "status of unmapping");
    uint32_t value = *counter;
    time_delay(20);
    check_equal(*counter, value, "counter in a page that was unmapped");
    check_equal(vid_map_gpa(deposits, COUNTER_PAGE / PAGE_SIZE,
                            HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE, &page, 1),
                HV_STATUS_SUCCESS, "status of mapping again");
}

static void run_unmap(void)
{
    static struct runner runner;
    struct thread *thread = start_runner(&runner, code_count, sizeof(code_count));

    if (thread == NULL)
        return;
    wait_for(&runner.running);
    for (unsigned i = 0; i < UNMAP_ROUNDS; i++)
        unmap_once(&runner, guest_memory(&runner.guest, COUNTER_PAGE));
    stop_runner(&runner, thread);
}

/* --- Again and again --- */

static void run_rounds(void)
{
    uint64_t pages = 0;
    struct guest guest;

    for (unsigned i = 0; i < CREATE_ROUNDS; i++) {
        if (!guest_create(&guest, code_halt, sizeof(code_halt)))
            return;
        check_equal(guest_run(&guest, 0, 1000000), HV_MESSAGE_TYPE_X64_HALT, "message of HLT");
        guest_destroy(&guest);
        if (i == 0)
            pages = deposited();
    }
    check_equal(deposited(), pages, "number of deposited pages in the end");
}

const struct selftest selftest_child_state = {"child-state", run_state, SELFTEST_ONCE, true};
const struct selftest selftest_child_spin = {"child-spin", run_spin, SELFTEST_ONCE, true};
const struct selftest selftest_child_nmi = {"child-nmi", run_nmi, SELFTEST_ONCE, true};
const struct selftest selftest_child_access = {"child-access", run_access, SELFTEST_ONCE, true};
const struct selftest selftest_child_delete = {"child-delete", run_delete, SELFTEST_ONCE, true};
const struct selftest selftest_child_unmap = {"child-unmap", run_unmap, SELFTEST_ONCE, true};
const struct selftest selftest_child_rounds = {"child-rounds", run_rounds, SELFTEST_ONCE, true};
