#include "worker/guest_memory.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/user/program.h"
#include "parent/user/system.h"
#include "worker/machine.h"

#define MAX_RANGES 48u

struct range {
    uint64_t first, size;
    uint8_t *data;
    enum guest_memory_kind kind;
    uint8_t *written; /* GUEST_DEVICE: a bit for each page that we have written for the guest */
};

static struct range ranges[MAX_RANGES];
static unsigned range_count;

static const uint32_t access_of[] = {
    [GUEST_RAM] = SYSTEM_VM_READ | SYSTEM_VM_WRITE | SYSTEM_VM_EXECUTE,
    [GUEST_ROM] = SYSTEM_VM_READ | SYSTEM_VM_EXECUTE,
    [GUEST_DEVICE] = SYSTEM_VM_READ | SYSTEM_VM_WRITE | SYSTEM_VM_EXECUTE,
};

void guest_memory_create(uint64_t size, struct device_memory *memory)
{
    void *data;
    memory->handle = (uint32_t)machine_must(system_memory_create(size), "memory for the child");
    machine_must(
        system_memory_map(memory->handle, 0, size, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE, &data),
        "the child's memory");
    memory->data = data;
    memory->size = size;
}

static bool overlaps(uint64_t first, uint64_t size)
{
    for (unsigned i = 0; i < range_count; i++)
        if (first < ranges[i].first + ranges[i].size && ranges[i].first < first + size)
            return true;
    return false;
}

static size_t bitmap_size(uint64_t size)
{
    return (size / PAGE_SIZE + 7) / 8;
}

bool guest_memory_map(uint64_t first, const struct device_memory *memory, uint64_t offset,
                      uint64_t size, enum guest_memory_kind kind)
{
    struct range range = {
        .first = first, .size = size, .data = memory->data + offset, .kind = kind};
    if (overlaps(first, size))
        return false;
    if (range_count == MAX_RANGES)
        machine_fail("no room for the memory at %lx", first);
    if (kind == GUEST_DEVICE) {
        range.written = calloc(1, bitmap_size(size));
        if (!range.written)
            machine_fail("no memory to map that of a device");
    }
    machine_must(
        system_vm_map(machine.handle, memory->handle, offset, size, first, access_of[kind]),
        "the child's memory");
    ranges[range_count++] = range;
    return true;
}

static struct range *find_start(uint64_t first)
{
    for (unsigned i = 0; i < range_count; i++)
        if (ranges[i].first == first)
            return &ranges[i];
    return NULL;
}

void guest_memory_unmap(uint64_t first)
{
    struct range *range = find_start(first);
    if (!range)
        return;
    machine_must(system_vm_unmap(machine.handle, first), "the child's memory");
    free(range->written);
    *range = ranges[--range_count];
}

/* The range in which all of them are; NULL: none. */
static struct range *find(uint64_t address, uint64_t size)
{
    for (unsigned i = 0; i < range_count; i++) {
        uint64_t offset = address - ranges[i].first;
        if (offset < ranges[i].size)
            return size <= ranges[i].size - offset ? &ranges[i] : NULL;
    }
    return NULL;
}

void *guest_memory_to_read(uint64_t address, uint64_t size)
{
    const struct range *range = find(address, size);
    return range ? range->data + (address - range->first) : NULL;
}

void *guest_memory_ram(uint64_t address, uint64_t size)
{
    const struct range *range = find(address, size);
    return range && range->kind == GUEST_RAM ? range->data + (address - range->first) : NULL;
}

void *guest_memory_to_write(uint64_t address, uint64_t size)
{
    const struct range *range = find(address, size);
    if (!range || range->kind == GUEST_ROM || size == 0)
        return NULL;
    uint64_t offset = address - range->first;
    if (range->kind == GUEST_DEVICE)
        for (uint64_t page = offset / PAGE_SIZE; page <= (offset + size - 1) / PAGE_SIZE; page++)
            range->written[page / 8] |= (uint8_t)(1u << page % 8);
    return range->data + offset;
}

/* --- For devices --- */

/* Page states that are asked for at once. */
#define STATES 256u

/* Adds what the VPs have written. */
static void add_dirty(const struct range *range, uint8_t *dirty)
{
    uint64_t count = range->size / PAGE_SIZE;
    for (uint64_t done = 0; done < count;) {
        uint8_t states[STATES];
        uint16_t part = (uint16_t)(count - done < STATES ? count - done : STATES);
        struct hv_input_get_gpa_pages_access_states input = {
            .flags = HV_GPA_ACCESS_STATE_CLEAR_DIRTY | HV_GPA_ACCESS_STATE_CLEAR_ACCESSED,
            .gpa_page = range->first / PAGE_SIZE + done};
        int64_t result = system_vm_call(machine.handle, HVCALL_GET_GPA_PAGES_ACCESS_STATES, part,
                                        &input, sizeof(input), states, part);
        if (result < 0 || result & HV_HYPERCALL_STATUS_MASK)
            machine_fail("the hypervisor does not say which pages are dirty: result %lx", result);
        for (uint64_t i = 0; i < part; i++)
            if (states[i] & HV_GPA_ACCESS_STATE_DIRTY)
                dirty[(done + i) / 8] |= (uint8_t)(1u << (done + i) % 8);
        done += part;
    }
}

static void take_dirty(void *context, uint64_t first, uint8_t *dirty)
{
    struct range *range = find_start(first);
    (void)context;
    if (!range || !range->written)
        return;
    for (size_t i = 0; i < bitmap_size(range->size); i++)
        dirty[i] |= range->written[i];
    memset(range->written, 0, bitmap_size(range->size));
    add_dirty(range, dirty);
}

/* From now on the hypervisor notes which pages are written. */
static void create(void *context, uint64_t size, struct device_memory *memory)
{
    const struct hv_input_set_partition_property input = {
        .property_code = HV_PARTITION_PROPERTY_GPA_ACCESS_TRACKING, .value = 1};
    (void)context;
    if (machine_call(HVCALL_SET_PARTITION_PROPERTY, 0, &input, sizeof(input)) != 0)
        machine_fail("the hypervisor cannot tell which pages are written");
    guest_memory_create(size, memory);
}

/* A range that comes to lie over another one is the guest's mistake: it does not reach it. */
static void map(void *context, uint64_t first, const struct device_memory *memory, uint64_t offset,
                uint64_t size)
{
    (void)context;
    guest_memory_map(first, memory, offset, size, GUEST_DEVICE);
}

static void unmap(void *context, uint64_t first)
{
    const struct range *range = find_start(first);
    (void)context;
    if (range && range->kind == GUEST_DEVICE)
        guest_memory_unmap(first);
}

static void *ram(void *context, uint64_t address, uint64_t size)
{
    (void)context;
    return guest_memory_ram(address, size);
}

void guest_memory_init(struct device_host *host)
{
    host->memory = ram;
    host->create_memory = create;
    host->map_memory = map;
    host->unmap_memory = unmap;
    host->take_dirty = take_dirty;
}
