#include "tests/devices/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_PAGE 4096

static void fail(const char *what)
{
    fprintf(stderr, "fake machine: %s\n", what);
    abort();
}

static uint64_t now(void *context)
{
    struct fake_machine *machine = context;

    return machine->now_ns;
}

static uint64_t wall_clock(void *context)
{
    struct fake_machine *machine = context;

    return machine->wall_start_ns + machine->now_ns;
}

static void disarm(struct fake_machine *machine, struct device_timer *timer)
{
    struct device_timer **link = &machine->timers;

    while (*link != NULL && *link != timer)
        link = &(*link)->next;
    if (*link != NULL)
        *link = timer->next;
    timer->deadline = DEVICE_NEVER;
}

static void arm(void *context, struct device_timer *timer, uint64_t deadline)
{
    struct fake_machine *machine = context;

    if (timer->expired == NULL)
        fail("a timer without a function is armed");
    disarm(machine, timer);
    if (deadline == DEVICE_NEVER)
        return;
    timer->deadline = deadline;
    timer->next = machine->timers;
    machine->timers = timer;
}

static void *memory(void *context, uint64_t address, uint64_t size)
{
    struct fake_machine *machine = context;

    if (size > FAKE_RAM_SIZE || address > FAKE_RAM_SIZE - size)
        return NULL;
    return machine->ram + address;
}

/* --- Memory of devices --- */

static void create_memory(void *context, uint64_t size, struct device_memory *created)
{
    struct fake_machine *machine = context;
    uint32_t i = 0;

    while (i < FAKE_RANGES && machine->memories[i] != NULL)
        i++;
    if (size == 0 || size % FAKE_PAGE != 0 || i == FAKE_RANGES)
        fail("memory of no pages, or too much of it");
    machine->memories[i] = calloc(1, size);
    if (machine->memories[i] == NULL)
        fail("no memory for a device");
    *created = (struct device_memory){.data = machine->memories[i], .size = size, .handle = i};
}

/* The window that has @size bytes at @address, or part of them; NULL if none has. */
static struct fake_window *find_window(struct fake_machine *machine, uint64_t address,
                                       uint64_t size)
{
    for (int i = 0; i < FAKE_RANGES; i++) {
        struct fake_window *window = &machine->windows[i];

        if (window->data != NULL && address < window->first + window->size &&
            window->first < address + size)
            return window;
    }
    return NULL;
}

static void map_memory(void *context, uint64_t first, const struct device_memory *mapped,
                       uint64_t offset, uint64_t size)
{
    struct fake_machine *machine = context;
    int i = 0;

    if (first % FAKE_PAGE != 0 || offset % FAKE_PAGE != 0 || size % FAKE_PAGE != 0 || size == 0 ||
        offset > mapped->size || size > mapped->size - offset)
        fail("a mapping of memory that is not there");
    if (find_window(machine, first, size) != NULL)
        fail("a mapping over another one");
    while (i < FAKE_RANGES && machine->windows[i].data != NULL)
        i++;
    if (i == FAKE_RANGES)
        fail("too many mappings");
    machine->windows[i] = (struct fake_window){
        .first = first,
        .size = size,
        .data = mapped->data + offset,
        .dirty = calloc(size / FAKE_PAGE, sizeof(bool)),
    };
}

static void unmap_memory(void *context, uint64_t first)
{
    struct fake_window *window = find_window(context, first, 1);

    if (window == NULL || window->first != first)
        fail("a mapping that is not there is removed");
    free(window->dirty);
    *window = (struct fake_window){0};
}

static void take_dirty(void *context, uint64_t first, uint8_t *dirty)
{
    struct fake_window *window = find_window(context, first, 1);

    if (window == NULL || window->first != first)
        fail("a mapping that is not there is asked for");
    for (uint64_t page = 0; page < window->size / FAKE_PAGE; page++) {
        if (window->dirty[page])
            dirty[page / 8] |= (uint8_t)(1 << page % 8);
        window->dirty[page] = false;
    }
}

/* Where an access reaches a device's memory; NULL if it does not. */
static uint8_t *window_access(struct fake_machine *machine, uint64_t address, uint32_t size,
                              bool write)
{
    struct fake_window *window = find_window(machine, address, size);

    if (window == NULL)
        return NULL;
    if (address < window->first || address - window->first > window->size - size)
        fail("an access across the end of a mapping");
    if (write)
        window->dirty[(address - window->first) / FAKE_PAGE] = true;
    return window->data + (address - window->first);
}

static void power_off(void *context)
{
    struct fake_machine *machine = context;

    machine->power_offs++;
}

static void reset(void *context)
{
    struct fake_machine *machine = context;

    machine->resets++;
}

void fake_create(struct fake_machine *machine)
{
    *machine = (struct fake_machine){
        .host = {.machine = machine,
                 .now = now,
                 .wall_clock = wall_clock,
                 .arm = arm,
                 .memory = memory,
                 .create_memory = create_memory,
                 .map_memory = map_memory,
                 .unmap_memory = unmap_memory,
                 .take_dirty = take_dirty,
                 .power_off = power_off,
                 .reset = reset},
        .ram = calloc(1, FAKE_RAM_SIZE),
    };
    if (machine->ram == NULL)
        fail("no memory for its RAM");
}

void fake_destroy(struct fake_machine *machine)
{
    for (int i = 0; i < FAKE_RANGES; i++) {
        free(machine->windows[i].dirty);
        free(machine->memories[i]);
    }
    free(machine->ram);
}

static void add(const void **table, const void *range)
{
    for (int i = 0; i < FAKE_RANGES; i++) {
        if (table[i] == NULL) {
            table[i] = range;
            return;
        }
    }
    fail("too many ranges");
}

static void remove_range(const void **table, const void *range)
{
    for (int i = 0; i < FAKE_RANGES; i++) {
        if (table[i] == range) {
            table[i] = NULL;
            return;
        }
    }
    fail("a range that is not there is removed");
}

void fake_add_ports(struct fake_machine *machine, const struct device_ports *ports)
{
    add((const void **)machine->ports, ports);
}

void fake_remove_ports(struct fake_machine *machine, const struct device_ports *ports)
{
    remove_range((const void **)machine->ports, ports);
}

void fake_add_mmio(struct fake_machine *machine, const struct device_mmio *mmio)
{
    add((const void **)machine->mmio, mmio);
}

void fake_remove_mmio(struct fake_machine *machine, const struct device_mmio *mmio)
{
    remove_range((const void **)machine->mmio, mmio);
}

static const struct device_ports *find_ports(const struct fake_machine *machine, uint16_t port)
{
    for (int i = 0; i < FAKE_RANGES; i++) {
        const struct device_ports *ports = machine->ports[i];

        if (ports != NULL && port >= ports->first && port - ports->first < ports->count)
            return ports;
    }
    return NULL;
}

static const struct device_mmio *find_mmio(const struct fake_machine *machine, uint64_t address,
                                           uint32_t size)
{
    for (int i = 0; i < FAKE_RANGES; i++) {
        const struct device_mmio *mmio = machine->mmio[i];

        if (mmio != NULL && address >= mmio->first && mmio->size >= size &&
            address - mmio->first <= mmio->size - size)
            return mmio;
    }
    return NULL;
}

uint32_t fake_in(struct fake_machine *machine, uint16_t port, uint32_t size)
{
    const struct device_ports *ports = find_ports(machine, port);
    uint32_t ones = UINT32_MAX >> (32 - 8 * size);

    if (ports == NULL)
        return ones;
    return ports->read(ports->device, port - ports->first, size) & ones;
}

void fake_out(struct fake_machine *machine, uint16_t port, uint32_t size, uint32_t value)
{
    const struct device_ports *ports = find_ports(machine, port);

    if (ports != NULL)
        ports->write(ports->device, port - ports->first, size, value);
}

uint64_t fake_read(struct fake_machine *machine, uint64_t address, uint32_t size)
{
    const struct device_mmio *mmio = find_mmio(machine, address, size);
    uint8_t *data = window_access(machine, address, size, false);
    uint64_t value = 0, ones = UINT64_MAX >> (64 - 8 * size);

    if (data != NULL) {
        memcpy(&value, data, size);
        return value;
    }
    if (mmio == NULL)
        return ones;
    return mmio->read(mmio->device, address - mmio->first, size) & ones;
}

void fake_write(struct fake_machine *machine, uint64_t address, uint32_t size, uint64_t value)
{
    const struct device_mmio *mmio = find_mmio(machine, address, size);
    uint8_t *data = window_access(machine, address, size, true);

    if (data != NULL) {
        memcpy(data, &value, size);
        return;
    }
    if (mmio != NULL)
        mmio->write(mmio->device, address - mmio->first, size, value);
}

static struct device_timer *first_timer(const struct fake_machine *machine)
{
    struct device_timer *first = NULL;

    for (struct device_timer *timer = machine->timers; timer != NULL; timer = timer->next) {
        if (first == NULL || timer->deadline < first->deadline)
            first = timer;
    }
    return first;
}

uint64_t fake_next_deadline(const struct fake_machine *machine)
{
    const struct device_timer *first = first_timer(machine);

    return first == NULL ? DEVICE_NEVER : first->deadline;
}

void fake_pass(struct fake_machine *machine, uint64_t ns)
{
    uint64_t end = machine->now_ns + ns;
    struct device_timer *timer;
    uint32_t expired = 0;

    while ((timer = first_timer(machine)) != NULL && timer->deadline <= end) {
        if (timer->deadline > machine->now_ns) {
            machine->now_ns = timer->deadline;
            expired = 0;
        }
        if (++expired > 1000)
            fail("a timer is armed again and again for the time that it is");
        disarm(machine, timer);
        timer->expired(timer->device);
    }
    machine->now_ns = end;
}

static void set_line(void *controller, uint32_t input, bool asserted)
{
    struct fake_line *line = controller;

    (void)input;
    line->rises += asserted && !line->asserted;
    line->asserted = asserted;
}

struct device_line fake_line(struct fake_line *line)
{
    return (struct device_line){set_line, line, 0};
}
