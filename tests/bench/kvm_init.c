/* The peer of what a child's operations cost: init of a Linux system that runs a guest of its own
 * (tests/bench/kvm_guest.asm) through KVM's interface, prints "bench NAME MIN MEDIAN" for each
 * operation, in TSC ticks, and switches off.
 *
 * It is the least that a virtual machine monitor can be: a port or a page of the monitor costs the
 * way to it and back, and no work there. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "tests/bench/init.h"

/* As in the guest. */
#define GUEST_BASE 0x10000
#define PORT_EVENTFD 0x510
#define PORT_END 0xf4
#define TIMER_TICKS 100000

/* The guest's memory. What it writes beyond is for the monitor. */
#define MEMORY_SIZE 0x200000
#define PML4 0x1000
#define PDPT 0x2000
#define DIRECTORY 0x3000
#define SAMPLES 0x100000
#define SAMPLE_COUNT 500

#define LARGE_PAGE 0x200000ull
#define PAGE_FLAGS 3ull /* present, writable */
#define PAGE_LARGE 0x80ull

#define POLL_TICKS 200000
#define TASK_PAGES 0xfffbd000ul /* unused addresses, of which KVM on VT-x wants three pages */
#define CPUID_ENTRIES 100
#define CPUID_X2APIC (1u << 21) /* function 1, ECX */
#define CPUID_SVM (1u << 2)     /* function 80000001h, ECX */

enum operation {
    OPERATION_CPUID,
    OPERATION_VMMCALL,
    OPERATION_VMCALL,
    OPERATION_PORT,
    OPERATION_MMIO,
    OPERATION_EVENTFD,
    OPERATION_SELF_IPI,
    OPERATION_TIMER,
};

static int kvm;

struct guest {
    int vm, vcpu, event;
    uint8_t *memory;
    struct kvm_run *run;
    size_t run_size;
};

static int control(int file, unsigned long request, void *argument, const char *what)
{
    int result = ioctl(file, request, argument);
    if (result < 0)
        stop(what);
    return result;
}

static void *map(size_t size, int flags, int file)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file, 0);
    if (memory == MAP_FAILED)
        stop("mmap");
    return memory;
}

static void load_program(uint8_t *memory)
{
    int file = open("/guest", O_RDONLY);
    if (file < 0 || read(file, memory + GUEST_BASE, SAMPLES - GUEST_BASE) <= 0)
        stop("/guest");
    close(file);
}

static void make_memory(struct guest *guest)
{
    guest->memory = map(MEMORY_SIZE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1);
    struct kvm_userspace_memory_region region = {
        .memory_size = MEMORY_SIZE,
        .userspace_addr = (uintptr_t)guest->memory,
    };
    control(guest->vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
    load_program(guest->memory);
    uint64_t *directory = (uint64_t *)(guest->memory + DIRECTORY);
    *(uint64_t *)(guest->memory + PML4) = PDPT | PAGE_FLAGS;
    *(uint64_t *)(guest->memory + PDPT) = DIRECTORY | PAGE_FLAGS;
    directory[0] = PAGE_LARGE | PAGE_FLAGS;
    directory[1] = LARGE_PAGE | PAGE_LARGE | PAGE_FLAGS;
}

static void make_processor(struct guest *guest)
{
    struct {
        struct kvm_cpuid2 list;
        struct kvm_cpuid_entry2 entries[CPUID_ENTRIES];
    } cpuid = {.list.nent = CPUID_ENTRIES};

    guest->vcpu = control(guest->vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");
    guest->run_size = (size_t)control(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
    guest->run = map(guest->run_size, MAP_SHARED, guest->vcpu);
    control(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid, "KVM_GET_SUPPORTED_CPUID");
    for (uint32_t i = 0; i < cpuid.list.nent; i++) {
        if (cpuid.entries[i].function == 1)
            cpuid.entries[i].ecx |= CPUID_X2APIC; /* KVM has it whatever the machine has */
    }
    control(guest->vcpu, KVM_SET_CPUID2, &cpuid, "KVM_SET_CPUID2");
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type, bool is_code)
{
    return (struct kvm_segment){
        .selector = selector,
        .limit = UINT32_MAX,
        .type = type,
        .present = 1,
        .s = 1,
        .g = 1,
        .l = is_code,
        .db = !is_code,
    };
}

static void enter_long_mode(struct guest *guest)
{
    struct kvm_sregs system;

    control(guest->vcpu, KVM_GET_SREGS, &system, "KVM_GET_SREGS");
    system.cs = flat_segment(8, 0xb, true);
    system.ds = system.es = system.fs = system.gs = system.ss = flat_segment(16, 3, false);
    system.cr0 = 0x80010033; /* PG WP NE ET MP PE */
    system.cr3 = PML4;
    system.cr4 = 0x20;   /* PAE */
    system.efer = 0x500; /* LMA LME */
    control(guest->vcpu, KVM_SET_SREGS, &system, "KVM_SET_SREGS");
}

static uint64_t nanoseconds(struct guest *guest, uint64_t ticks)
{
    int khz = control(guest->vcpu, KVM_GET_TSC_KHZ, NULL, "KVM_GET_TSC_KHZ");
    return ticks * 1000000 / (uint64_t)khz;
}

/* Before KVM lets a halted guest's thread sleep, it polls for up to 200 us: on a machine of 1 GHz
 * for so many ticks. A machine of 50 MHz would never get to profit from that. */
static void set_polling(struct guest *guest)
{
    struct kvm_enable_cap polling = {
        .cap = KVM_CAP_HALT_POLL,
        .args[0] = nanoseconds(guest, POLL_TICKS),
    };
    control(guest->vm, KVM_ENABLE_CAP, &polling, "KVM_CAP_HALT_POLL");
}

static void create(struct guest *guest, enum operation operation)
{
    guest->vm = control(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
    control(guest->vm, KVM_SET_TSS_ADDR, (void *)TASK_PAGES, "KVM_SET_TSS_ADDR");
    control(guest->vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
    make_memory(guest);
    make_processor(guest);
    guest->event = eventfd(0, EFD_NONBLOCK);
    struct kvm_ioeventfd event = {
        .addr = PORT_EVENTFD,
        .len = 4,
        .fd = guest->event,
        .flags = KVM_IOEVENTFD_FLAG_PIO,
    };
    control(guest->vm, KVM_IOEVENTFD, &event, "KVM_IOEVENTFD");
    set_polling(guest);
    enter_long_mode(guest);
    struct kvm_regs registers = {
        .rip = GUEST_BASE,
        .rflags = 2,
        .rdi = operation,
        .rsi = SAMPLES,
        .rdx = SAMPLE_COUNT,
        .rcx = nanoseconds(guest, TIMER_TICKS), /* what the APIC's timer counts */
    };
    control(guest->vcpu, KVM_SET_REGS, &registers, "KVM_SET_REGS");
}

static void destroy(struct guest *guest)
{
    munmap(guest->run, guest->run_size);
    munmap(guest->memory, MEMORY_SIZE);
    close(guest->vcpu);
    close(guest->vm);
    close(guest->event);
}

/* Until the guest has ended. Returns whether it ended as it should. */
static bool run(struct guest *guest)
{
    for (;;) {
        control(guest->vcpu, KVM_RUN, NULL, "KVM_RUN");
        switch (guest->run->exit_reason) {
        case KVM_EXIT_IO:
            if (guest->run->io.port == PORT_END)
                return true;
            break;
        case KVM_EXIT_MMIO:
            break;
        default:
            return false;
        }
    }
}

static int compare(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

static void measure(const char *name, enum operation operation)
{
    struct guest guest;

    create(&guest, operation);
    if (run(&guest)) {
        int32_t *samples = (int32_t *)(guest.memory + SAMPLES);
        qsort(samples, SAMPLE_COUNT, sizeof(samples[0]), compare);
        printf("bench %s %d %d\n", name, samples[0], samples[SAMPLE_COUNT / 2]);
    } else {
        printf("%s: the guest ended with exit %u\n", name, guest.run->exit_reason);
    }
    destroy(&guest);
}

static bool has_svm(void)
{
    uint32_t a, b, c, d;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & CPUID_SVM) != 0;
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    load_modules();
    kvm = open("/dev/kvm", O_RDWR);
    if (kvm < 0)
        stop("/dev/kvm");
    measure("exit.cpuid", OPERATION_CPUID);
    measure("exit.hypercall", has_svm() ? OPERATION_VMMCALL : OPERATION_VMCALL);
    measure("exit.io_user", OPERATION_PORT);
    measure("exit.mmio_user", OPERATION_MMIO);
    measure("exit.io_event", OPERATION_EVENTFD);
    measure("ipi.self", OPERATION_SELF_IPI);
    measure("timer.hlt", OPERATION_TIMER);
    reboot(RB_POWER_OFF);
    return 0;
}
