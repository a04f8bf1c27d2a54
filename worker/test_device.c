#include "worker/test_device.h"

#include "include/child_start.h"
#include "include/hv/synic.h"
#include "parent/user/system.h"
#include "worker/io.h"
#include "worker/machine.h"

/* CHILD_PORT_INTERRUPT: what is written. */
#define INTERRUPT_VECTOR_MASK 0xffu
#define INTERRUPT_VP_SHIFT 8

/* Offset in veneer_vp_run.mirrored. */
#define MIRRORED_VALUE 0

/* Atomic. */
static uint32_t scratch, mmio_scratch;
static uint32_t posted_count, posted_sum;
static uint32_t message_count, event_count;

static uint32_t load(const uint32_t *value)
{
    return __atomic_load_n(value, __ATOMIC_RELAXED);
}

static void store(uint32_t *value, uint32_t new_value)
{
    __atomic_store_n(value, new_value, __ATOMIC_RELAXED);
}

static uint32_t low_bytes(uint32_t value, uint32_t size)
{
    return size == sizeof(uint32_t) ? value : value & ((1u << size * 8) - 1);
}

/* --- Printing: a line at a time, so that VPs do not mix --- */

static void flush_line(struct vp *vp)
{
    if (vp->line_length > 0)
        system_print(vp->line, vp->line_length);
    vp->line_length = 0;
}

static void print_character(struct vp *vp, char c)
{
    vp->line[vp->line_length++] = c;
    if (c == '\n' || vp->line_length == sizeof(vp->line))
        flush_line(vp);
}

static void write_print(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    (void)device, (void)offset, (void)size;
    print_character(machine.accessing, (char)value);
}

static uint32_t read_print(void *device, uint16_t offset, uint32_t size)
{
    (void)device, (void)offset;
    return low_bytes(UINT32_MAX, size);
}

static void write_exit(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    (void)device, (void)offset;
    flush_line(machine.accessing);
    system_exit((int)low_bytes(value, size));
}

/* --- What the child asks us to do to itself. If it is not ready for it, nothing happens --- */

static void signal_event(const struct vp *vp, uint32_t flag)
{
    struct hv_input_signal_event_direct input = {
        .target_vp = vp->index, .target_sint = CHILD_SINT, .flag_number = (uint16_t)flag};
    struct hv_output_signal_event_direct output;
    system_vm_call(machine.handle, HVCALL_SIGNAL_EVENT_DIRECT, 0, &input, sizeof(input), &output,
                   sizeof(output));
}

static void assert_interrupt(uint32_t value)
{
    struct hv_input_assert_virtual_interrupt input = {
        .interrupt_control = HV_X64_INTERRUPT_TYPE_FIXED,
        .destination_address = value >> INTERRUPT_VP_SHIFT,
        .requested_vector = value & INTERRUPT_VECTOR_MASK,
    };
    machine_call(HVCALL_ASSERT_VIRTUAL_INTERRUPT, 0, &input, sizeof(input));
}

static uint32_t count_exits(void)
{
    struct veneer_vp_statistics statistics[2] = {0};
    uint64_t exits = 0;
    for (uint32_t i = 0; i < machine.vp_count; i++) {
        if (system_vm_statistics(machine.handle, i, statistics) < 0)
            return 0;
        exits += statistics[0].exits;
    }
    return (uint32_t)(exits + statistics[1].exits);
}

/* --- Registers --- */

static void add_posted(uint32_t value)
{
    __atomic_fetch_add(&posted_count, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&posted_sum, value, __ATOMIC_RELAXED);
}

static void take_posted(struct vp *vp, const struct veneer_posted_write *write)
{
    (void)vp;
    add_posted(low_bytes(write->value, write->size));
}

static void write_scratch(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    (void)device;
    if (offset == 0)
        store(&scratch, low_bytes(value, size));
}

static uint32_t read_scratch(void *device, uint16_t offset, uint32_t size)
{
    (void)device;
    return low_bytes(offset == 0 ? load(&scratch) : UINT32_MAX, size);
}

/* All others, from CHILD_PORT_POSTED on. */
static void write_port(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    (void)device;
    value = low_bytes(value, size);
    switch (CHILD_PORT_POSTED + offset) {
    case CHILD_PORT_POSTED: /* the ring was full */
        add_posted(value);
        break;
    case CHILD_PORT_STRING:
        __atomic_fetch_add(&posted_sum, value, __ATOMIC_RELAXED);
        break;
    case CHILD_PORT_EVENT:
        signal_event(machine.accessing, value);
        break;
    case CHILD_PORT_INTERRUPT:
        assert_interrupt(value);
        break;
    default: /* nothing is there */
        break;
    }
}

static uint32_t read_port(void *device, uint16_t offset, uint32_t size)
{
    struct vp *vp = machine.accessing;
    (void)device;
    switch (CHILD_PORT_POSTED + offset) {
    case CHILD_PORT_POSTED_COUNT:
        return load(&posted_count);
    case CHILD_PORT_POSTED_SUM:
        return load(&posted_sum);
    case CHILD_PORT_MIRRORED:
        return CHILD_MIRRORED_VALUE + vp->index;
    case CHILD_PORT_STRING:
        return ++vp->string_count;
    case CHILD_PORT_MESSAGE_COUNT:
        return load(&message_count);
    case CHILD_PORT_EVENT_COUNT:
        return load(&event_count);
    case CHILD_PORT_EXITS:
        return count_exits();
    default: /* nothing is there */
        return low_bytes(UINT32_MAX, size);
    }
}

static void write_mmio(void *device, uint64_t offset, uint32_t size, uint64_t value)
{
    (void)device, (void)size;
    if (offset == CHILD_MMIO_SCRATCH)
        store(&mmio_scratch, (uint32_t)value);
    else if (offset == CHILD_MMIO_POSTED) /* the ring was full */
        add_posted((uint32_t)value);
}

static uint64_t read_mmio(void *device, uint64_t offset, uint32_t size)
{
    (void)device, (void)size;
    if (offset == CHILD_MMIO_SCRATCH)
        return load(&mmio_scratch);
    if (offset == CHILD_MMIO_MIRRORED)
        return CHILD_MIRRORED_VALUE + machine.accessing->index;
    return UINT64_MAX;
}

void test_device_receive(void *argument)
{
    struct system_vm_event event;
    (void)argument;
    while (system_vm_receive(machine.handle, &event, SYSTEM_FOREVER) == 0) {
        if (event.type == SYSTEM_PORT_EVENT)
            __atomic_fetch_add(&event_count, 1, __ATOMIC_RELAXED);
        else
            __atomic_fetch_add(&message_count, 1 + event.dropped, __ATOMIC_RELAXED);
    }
    system_thread_exit();
}

/* --- Start --- */

static const struct device_ports
    print_ports = {.first = CHILD_PORT_PRINT, .count = 1, .read = read_print, .write = write_print},
    exit_ports = {.first = CHILD_PORT_EXIT, .count = 1, .read = read_print, .write = write_exit},
    scratch_ports = {.first = CHILD_PORT_SCRATCH,
                     .count = CHILD_PORT_POSTED - CHILD_PORT_SCRATCH,
                     .read = read_scratch,
                     .write = write_scratch},
    other_ports = {.first = CHILD_PORT_POSTED,
                   .count = CHILD_PORT_EXITS + sizeof(uint32_t) - CHILD_PORT_POSTED,
                   .read = read_port,
                   .write = write_port};

static const struct device_mmio registers = {
    .first = CHILD_MMIO_BASE, .size = CHILD_MMIO_SIZE, .read = read_mmio, .write = write_mmio};

static void declare(const struct vp *vp, enum veneer_register_kind kind, uint64_t address,
                    uint8_t flags)
{
    struct hv_input_veneer_set_vp_register_rule rule = {
        .vp_index = vp->index,
        .kind = kind,
        .size = sizeof(uint32_t),
        .flags = flags,
        .mirror_offset = MIRRORED_VALUE,
        .address = address,
    };
    if (machine_call(HVCALL_VENEER_SET_VP_REGISTER_RULE, 0, &rule, sizeof(rule)) != 0)
        machine_fail("the hypervisor refuses the rule for the register at %lx", address);
}

static void declare_registers(const struct vp *vp)
{
    *(uint32_t *)&vp->run->mirrored[MIRRORED_VALUE] = CHILD_MIRRORED_VALUE + vp->index;
    declare(vp, VENEER_REGISTER_PORT, CHILD_PORT_POSTED, VENEER_RULE_POSTED_WRITES);
    declare(vp, VENEER_REGISTER_PORT, CHILD_PORT_MIRRORED, VENEER_RULE_MIRRORED_READS);
    declare(vp, VENEER_REGISTER_MMIO, CHILD_MMIO_BASE + CHILD_MMIO_POSTED,
            VENEER_RULE_POSTED_WRITES);
    declare(vp, VENEER_REGISTER_MMIO, CHILD_MMIO_BASE + CHILD_MMIO_MIRRORED,
            VENEER_RULE_MIRRORED_READS);
}

void test_device_add(void)
{
    machine.posted = take_posted;
    io_add_ports(&print_ports);
    io_add_ports(&exit_ports);
    io_add_ports_unlocked(&scratch_ports);
    io_add_ports(&other_ports);
    io_add_mmio(&registers);
    for (uint32_t i = 0; i < machine.vp_count; i++)
        declare_registers(&machine.vps[i]);
    machine_must(
        system_vm_port_create(machine.handle, SYSTEM_PORT_MESSAGE, CHILD_CONNECTION_MESSAGE, 0),
        "no port for messages");
    machine_must(system_vm_port_create(machine.handle, SYSTEM_PORT_EVENT, CHILD_CONNECTION_EVENT,
                                       CHILD_EVENT_FLAGS),
                 "no port for events");
}
