/* The devices of include/child_start.h. */
#include "parent/user/child/child.h"
#include "parent/user/system.h"

/* CHILD_PORT_INTERRUPT: what is written. */
#define INTERRUPT_VECTOR_MASK 0xffu
#define INTERRUPT_VP_SHIFT 8

static uint32_t load(const uint32_t *value)
{
    return __atomic_load_n(value, __ATOMIC_RELAXED);
}

static void store(uint32_t *value, uint32_t new_value)
{
    __atomic_store_n(value, new_value, __ATOMIC_RELAXED);
}

/* --- Printing: a line at a time, so that VPs do not mix --- */

#define RARE __attribute__((noinline)) /* so that the others save no registers for it */

static void flush_line(struct child_vp *vp)
{
    if (vp->line_length > 0)
        system_print(vp->line, vp->line_length);
    vp->line_length = 0;
}

static RARE void print_character(struct child_vp *vp, char c)
{
    vp->line[vp->line_length++] = c;
    if (c == '\n' || vp->line_length == sizeof(vp->line))
        flush_line(vp);
}

static RARE _Noreturn void leave(struct child_vp *vp, uint32_t status)
{
    flush_line(vp);
    system_exit((int)status);
}

/* --- What the child asks us to do to itself. If it is not ready for it, nothing happens --- */

static RARE void signal_event(const struct child_vp *vp, uint32_t flag)
{
    struct hv_input_signal_event_direct input = {
        .target_vp = vp->index, .target_sint = CHILD_SINT, .flag_number = (uint16_t)flag};
    struct hv_output_signal_event_direct output;
    system_vm_call(child.vm, HVCALL_SIGNAL_EVENT_DIRECT, 0, &input, sizeof(input), &output,
                   sizeof(output));
}

static RARE void assert_interrupt(uint32_t value)
{
    struct hv_input_assert_virtual_interrupt input = {
        .interrupt_control = HV_X64_INTERRUPT_TYPE_FIXED,
        .destination_address = value >> INTERRUPT_VP_SHIFT,
        .requested_vector = value & INTERRUPT_VECTOR_MASK,
    };
    system_vm_call(child.vm, HVCALL_ASSERT_VIRTUAL_INTERRUPT, 0, &input, sizeof(input), NULL, 0);
}

static RARE uint32_t count_exits(void)
{
    struct veneer_vp_statistics statistics[2];
    uint64_t exits = 0;
    for (uint32_t i = 0; i < child.vp_count; i++) {
        if (system_vm_statistics(child.vm, i, statistics) < 0)
            return 0;
        exits += statistics[0].exits;
    }
    return (uint32_t)(exits + statistics[1].exits);
}

/* --- Registers --- */

static uint32_t low_bytes(uint32_t value, uint32_t size)
{
    return size == sizeof(uint32_t) ? value : value & ((1u << size * 8) - 1);
}

static void add_posted(uint32_t value)
{
    __atomic_fetch_add(&child.posted_count, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&child.posted_sum, value, __ATOMIC_RELAXED);
}

void child_posted_write(const struct veneer_posted_write *write)
{
    add_posted(low_bytes(write->value, write->size));
}

void child_port_write(struct child_vp *vp, uint16_t port, uint32_t size, uint32_t value)
{
    value = low_bytes(value, size);
    switch (port) {
    case CHILD_PORT_SCRATCH:
        store(&child.scratch, value);
        break;
    case CHILD_PORT_PRINT:
        print_character(vp, (char)value);
        break;
    case CHILD_PORT_EXIT:
        leave(vp, value);
    case CHILD_PORT_POSTED: /* the ring was full */
        add_posted(value);
        break;
    case CHILD_PORT_STRING:
        __atomic_fetch_add(&child.posted_sum, value, __ATOMIC_RELAXED);
        break;
    case CHILD_PORT_EVENT:
        signal_event(vp, value);
        break;
    case CHILD_PORT_INTERRUPT:
        assert_interrupt(value);
        break;
    default: /* nothing is there */
        break;
    }
}

uint32_t child_port_read(struct child_vp *vp, uint16_t port, uint32_t size)
{
    switch (port) {
    case CHILD_PORT_SCRATCH:
        return low_bytes(load(&child.scratch), size);
    case CHILD_PORT_POSTED_COUNT:
        return load(&child.posted_count);
    case CHILD_PORT_POSTED_SUM:
        return load(&child.posted_sum);
    case CHILD_PORT_MIRRORED:
        return CHILD_MIRRORED_VALUE + vp->index;
    case CHILD_PORT_STRING:
        return 1;
    case CHILD_PORT_MESSAGE_COUNT:
        return load(&child.message_count);
    case CHILD_PORT_EVENT_COUNT:
        return load(&child.event_count);
    case CHILD_PORT_EXITS:
        return count_exits();
    default: /* nothing is there */
        return low_bytes(UINT32_MAX, size);
    }
}

void child_mmio_write(struct child_vp *vp, uint64_t address, uint32_t value)
{
    (void)vp;
    if (address == CHILD_MMIO_BASE + CHILD_MMIO_SCRATCH)
        store(&child.mmio_scratch, value);
    else if (address == CHILD_MMIO_BASE + CHILD_MMIO_POSTED) /* the ring was full */
        add_posted(value);
}

uint32_t child_mmio_read(struct child_vp *vp, uint64_t address)
{
    if (address == CHILD_MMIO_BASE + CHILD_MMIO_SCRATCH)
        return load(&child.mmio_scratch);
    if (address == CHILD_MMIO_BASE + CHILD_MMIO_MIRRORED)
        return CHILD_MIRRORED_VALUE + vp->index;
    return UINT32_MAX;
}

void child_receive(void *argument)
{
    struct system_vm_event event;
    (void)argument;
    while (system_vm_receive(child.vm, &event, SYSTEM_FOREVER) == 0) {
        if (event.type == SYSTEM_PORT_EVENT)
            __atomic_fetch_add(&child.event_count, 1, __ATOMIC_RELAXED);
        else
            __atomic_fetch_add(&child.message_count, 1 + event.dropped, __ATOMIC_RELAXED);
    }
    system_thread_exit();
}
