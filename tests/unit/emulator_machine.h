/* A small machine for the tests of the instruction emulator: RAM, a device, page faults where a
 * test wants them, and a record of what reached the device and the ports. */
#ifndef VENEER_TESTS_UNIT_EMULATOR_MACHINE_H
#define VENEER_TESTS_UNIT_EMULATOR_MACHINE_H

#include <stdlib.h>
#include <string.h>

#include "worker/emulator/emulator.h"

#define MACHINE_PAGE 4096u
#define MACHINE_PAGES 16u
#define MACHINE_BASE 0x10000u /* linear and physical */
#define MACHINE_SIZE (MACHINE_PAGES * MACHINE_PAGE)
#define MACHINE_CODE MACHINE_BASE
#define MACHINE_DATA (MACHINE_BASE + 4 * MACHINE_PAGE)
#define MACHINE_LOG 4096u

/* What a page is. */
enum machine_page { PAGE_RAM, PAGE_DEVICE, PAGE_ROM, PAGE_READ_ONLY, PAGE_ABSENT };

struct machine_access {
    uint64_t address;
    uint32_t size, count;
    uint64_t first; /* first element */
    bool write, port;
};

struct machine {
    struct emulator_cpu cpu;
    struct emulator_result result;
    _Alignas(MACHINE_PAGE) uint8_t memory[MACHINE_SIZE]; /* the device's pages, too */
    uint8_t kind[MACHINE_PAGES];                         /* enum machine_page */
    uint8_t xmm[16][16];
    uint32_t port_value; /* counts what is read */
    struct machine_access log[MACHINE_LOG];
    uint32_t log_count;
    uint32_t translations;
    bool failed; /* a contract of struct emulator_ops was broken */
};

static inline void machine_record(struct machine *m, struct machine_access access)
{
    if (m->log_count < MACHINE_LOG)
        m->log[m->log_count++] = access;
}

static inline bool machine_translate(void *context, uint64_t linear, unsigned access,
                                     struct emulator_place *place, uint32_t *error_code)
{
    struct machine *m = context;
    uint64_t page = (linear - MACHINE_BASE) / MACHINE_PAGE;
    enum machine_page kind = linear >= MACHINE_BASE && page < MACHINE_PAGES
                                 ? (enum machine_page)m->kind[page]
                                 : PAGE_ABSENT;
    bool write = access & EMULATOR_WRITE;
    m->translations++;
    *error_code = (kind != PAGE_ABSENT) | (write ? 2u : 0) | (access & EMULATOR_USER ? 4u : 0) |
                  (access & EMULATOR_EXECUTE ? 16u : 0);
    if (kind == PAGE_ABSENT || (kind == PAGE_READ_ONLY && write))
        return false;
    place->physical = linear;
    bool ram = kind == PAGE_RAM || kind == PAGE_READ_ONLY || (kind == PAGE_ROM && !write);
    place->ram = ram ? m->memory + (linear - MACHINE_BASE) : NULL;
    return true;
}

/* The device's bytes, after a check of what a device may expect. */
static inline uint8_t *machine_device(struct machine *m, uint64_t physical, unsigned size,
                                      unsigned count)
{
    uint64_t at = physical - MACHINE_BASE, bytes = (uint64_t)size * count;
    bool good = physical >= MACHINE_BASE && at + bytes <= MACHINE_SIZE && bytes > 0 &&
                at % MACHINE_PAGE + bytes <= MACHINE_PAGE && physical % size == 0 &&
                (size == 1 || size == 2 || size == 4 || size == 8);
    if (!good) {
        m->failed = true;
        return NULL;
    }
    uint8_t kind = m->kind[at / MACHINE_PAGE];
    if (kind != PAGE_DEVICE && kind != PAGE_ROM)
        m->failed = true;
    return m->memory + at;
}

static inline uint64_t machine_first(const void *data, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, data, size);
    return value;
}

static inline void machine_mmio_read(void *context, uint64_t physical, unsigned size,
                                     unsigned count, void *data)
{
    struct machine *m = context;
    const uint8_t *from = machine_device(m, physical, size, count);
    if (!from)
        return;
    memcpy(data, from, (size_t)size * count);
    machine_record(m, (struct machine_access){.address = physical,
                                              .size = size,
                                              .count = count,
                                              .first = machine_first(data, size)});
}

static inline void machine_mmio_write(void *context, uint64_t physical, unsigned size,
                                      unsigned count, const void *data)
{
    struct machine *m = context;
    uint8_t *to = machine_device(m, physical, size, count);
    if (!to)
        return;
    if (m->kind[(physical - MACHINE_BASE) / MACHINE_PAGE] == PAGE_DEVICE)
        memcpy(to, data, (size_t)size * count);
    machine_record(m, (struct machine_access){.address = physical,
                                              .size = size,
                                              .count = count,
                                              .first = machine_first(data, size),
                                              .write = true});
}

static inline void machine_port_read(void *context, uint16_t port, unsigned size, unsigned count,
                                     void *data)
{
    struct machine *m = context;
    for (unsigned i = 0; i < count; i++, m->port_value++)
        memcpy((uint8_t *)data + i * size, &m->port_value, size);
    machine_record(m, (struct machine_access){.address = port,
                                              .size = size,
                                              .count = count,
                                              .first = machine_first(data, size),
                                              .port = true});
}

static inline void machine_port_write(void *context, uint16_t port, unsigned size, unsigned count,
                                      const void *data)
{
    machine_record(context, (struct machine_access){.address = port,
                                                    .size = size,
                                                    .count = count,
                                                    .first = machine_first(data, size),
                                                    .port = true,
                                                    .write = true});
}

static inline void machine_xmm_read(void *context, unsigned number, uint8_t value[16])
{
    struct machine *m = context;
    memcpy(value, m->xmm[number], 16);
}

static inline void machine_xmm_write(void *context, unsigned number, const uint8_t value[16])
{
    struct machine *m = context;
    memcpy(m->xmm[number], value, 16);
}

static const struct emulator_ops machine_ops = {
    .translate = machine_translate,
    .mmio_read = machine_mmio_read,
    .mmio_write = machine_mmio_write,
    .port_read = machine_port_read,
    .port_write = machine_port_write,
    .xmm_read = machine_xmm_read,
    .xmm_write = machine_xmm_write,
};

/* Flat segments of @bits-bit code (16: real mode); all pages RAM. */
static inline void machine_reset(struct machine *m, unsigned bits)
{
    memset(m, 0, sizeof(*m));
    uint16_t size = bits == 64 ? 1 << 13 : bits == 32 ? 1 << 14 : 0;
    for (unsigned i = 0; i < EMULATOR_SEGMENTS; i++)
        m->cpu.segments[i] = (struct hv_x64_segment_register){
            .limit = UINT32_MAX,
            .selector = (uint16_t)(i * 8),
            .attributes = (uint16_t)((i == EMULATOR_CS ? 0x9b : 0x93) | size)};
    m->cpu.cr0 = bits == 16 ? 0 : 1u << 31 | 1;
    m->cpu.efer = bits == 64 ? 1u << 10 | 1u << 8 : 0;
    m->cpu.rip = MACHINE_CODE;
    m->cpu.rflags = 2;
    m->cpu.gpr[EMULATOR_RSP] = MACHINE_BASE + 12 * MACHINE_PAGE;
}

static inline void machine_set_page(struct machine *m, uint64_t address, enum machine_page kind)
{
    m->kind[(address - MACHINE_BASE) / MACHINE_PAGE] = (uint8_t)kind;
}

/* Executes @bytes at RIP; the emulator fetches them. */
static inline enum emulator_status machine_run(struct machine *m, const void *bytes, size_t size)
{
    memcpy(m->memory + (m->cpu.rip - MACHINE_BASE), bytes, size);
    emulator_execute(&m->cpu, &machine_ops, m, NULL, 0, &m->result);
    return m->result.status;
}

#define RUN(m, ...) machine_run(m, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

#endif
