/* Guest memory: segments, pages, RAM and devices. */
#include "lib/string.h"
#include "worker/emulator/emulation.h"

/* Guest memory at any address, of any type. */
typedef uint16_t __attribute__((aligned(1), may_alias)) ram16;
typedef uint32_t __attribute__((aligned(1), may_alias)) ram32;
typedef uint64_t __attribute__((aligned(1), may_alias)) ram64;

bool emulation_raise(struct emulation *e, enum exception_vector vector)
{
    e->result->status = EMULATOR_EXCEPTION;
    e->result->vector = (uint8_t)vector;
    return false;
}

bool emulation_raise_with_code(struct emulation *e, enum exception_vector vector, uint32_t code)
{
    e->result->has_error_code = true;
    e->result->error_code = code;
    return emulation_raise(e, vector);
}

bool emulation_again(struct emulation *e)
{
    e->result->status = EMULATOR_AGAIN;
    return false;
}

bool emulation_unsupported(struct emulation *e)
{
    e->result->status = EMULATOR_UNSUPPORTED;
    return false;
}

bool is_canonical(const struct emulation *e, uint64_t linear)
{
    unsigned unused = e->cpu->cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;
    return (uint64_t)((int64_t)(linear << unused) >> unused) == linear;
}

uint64_t address_mask(unsigned size)
{
    return size == 8 ? UINT64_MAX : (1ull << 8 * size) - 1;
}

/* Type and rights (Intel SDM vol. 3, 5.3 to 5.5). Segments of real and virtual-8086 mode have
 * none. */
static bool rights_allow(const struct emulation *e, uint16_t attributes, unsigned access)
{
    if (!(e->cpu->cr0 & CR0_PE) || (e->rflags & RFLAGS_VM))
        return true;
    if (!(attributes & SEGMENT_PRESENT)) /* loaded with a null selector */
        return false;
    if (attributes & SEGMENT_CODE)
        return access & EMULATOR_EXECUTE ||
               (!(access & EMULATOR_WRITE) && attributes & SEGMENT_WRITABLE);
    return !(access & EMULATOR_WRITE) || attributes & SEGMENT_WRITABLE;
}

static bool in_limit(const struct emulation *e, const struct hv_x64_segment_register *segment,
                     uint64_t first, uint64_t last)
{
    bool expands_down =
        (e->cpu->cr0 & CR0_PE) && !(e->rflags & RFLAGS_VM) &&
        (segment->attributes & (SEGMENT_CODE | SEGMENT_EXPAND_DOWN)) == SEGMENT_EXPAND_DOWN;
    if (!expands_down)
        return last <= segment->limit;
    return first > segment->limit &&
           last <= (segment->attributes & SEGMENT_DEFAULT_32 ? UINT32_MAX : UINT16_MAX);
}

bool segment_allows(const struct emulation *e, unsigned segment, uint64_t offset, unsigned size,
                    unsigned access, uint64_t *linear)
{
    const struct hv_x64_segment_register *s = &e->cpu->segments[segment];
    if (e->mode == EMULATOR_MODE_64) {
        *linear = offset + (segment >= EMULATOR_FS ? s->base : 0);
        return is_canonical(e, *linear) && is_canonical(e, *linear + size - 1);
    }
    *linear = (uint32_t)(s->base + offset);
    return rights_allow(e, s->attributes, access) && in_limit(e, s, offset, offset + size - 1);
}

/* The place of one linear address, from this instruction's translations if it is there. */
static bool translate(struct emulation *e, uint64_t linear, unsigned access,
                      struct emulator_place *place)
{
    uint64_t page = linear & ~(uint64_t)(PAGE - 1);
    unsigned offset = linear % PAGE;
    if (e->cpu->cpl == 3)
        access |= EMULATOR_USER;
    for (unsigned i = 0; i < TRANSLATIONS; i++) {
        const struct translation *known = &e->translations[i];
        if (known->valid && known->page == page && known->access == access) {
            place->physical = known->place.physical + offset;
            place->ram = known->place.ram ? known->place.ram + offset : NULL;
            return true;
        }
    }
    uint32_t code = 0;
    if (!e->ops->translate(e->context, linear, access, place, &code)) {
        e->result->cr2 = linear;
        return emulation_raise_with_code(e, VECTOR_PF, code);
    }
    struct translation *new = &e->translations[e->next_translation++ % TRANSLATIONS];
    *new = (struct translation){.valid = true, .access = access, .page = page};
    new->place.physical = place->physical - offset;
    new->place.ram = place->ram ? place->ram - offset : NULL;
    return true;
}

bool span_open_linear(struct emulation *e, uint64_t linear, unsigned size, unsigned access,
                      struct span *span)
{
    unsigned room = PAGE - linear % PAGE;
    span->size = size;
    span->first = size < room ? size : room;
    if (!translate(e, linear, access, &span->place[0]))
        return false;
    uint64_t second = linear + room;
    if (e->mode != EMULATOR_MODE_64)
        second = (uint32_t)second;
    return span->first == size || translate(e, second, access, &span->place[1]);
}

bool span_open(struct emulation *e, unsigned segment, uint64_t offset, unsigned size,
               unsigned access, struct span *span)
{
    uint64_t linear;
    if (!segment_allows(e, segment, offset, size, access, &linear))
        return emulation_raise_with_code(e, segment == EMULATOR_SS ? VECTOR_SS : VECTOR_GP, 0);
    if ((e->instruction.opcode.flags & OPCODE_ALIGNED) && linear % size != 0)
        return emulation_raise_with_code(e, VECTOR_GP, 0);
    /* Only what has a natural alignment is checked (SDM vol. 3, 6.15, #AC). */
    if ((e->cpu->cr0 & CR0_AM) && (e->rflags & RFLAGS_AC) && e->cpu->cpl == 3 && size <= 8 &&
        linear % size != 0)
        return emulation_raise_with_code(e, VECTOR_AC, 0);
    return span_open_linear(e, linear, size, access, span);
}

static void ram_read(const uint8_t *ram, void *data, unsigned size)
{
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
    } value;
    if (size == 1)
        value.u8 = *(const volatile uint8_t *)ram;
    else if (size == 2)
        value.u16 = *(const volatile ram16 *)ram;
    else if (size == 4)
        value.u32 = *(const volatile ram32 *)ram;
    else
        value.u64 = *(const volatile ram64 *)ram;
    memcpy(data, &value, size);
}

static void ram_write(uint8_t *ram, const void *data, unsigned size)
{
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
    } value;
    memcpy(&value, data, size);
    if (size == 1)
        *(volatile uint8_t *)ram = value.u8;
    else if (size == 2)
        *(volatile ram16 *)ram = value.u16;
    else if (size == 4)
        *(volatile ram32 *)ram = value.u32;
    else
        *(volatile ram64 *)ram = value.u64;
}

/* Bytes of the next access of @size bytes at @physical: a whole number of 8 at most; of a device,
 * aligned. */
static unsigned piece(uint64_t physical, bool device, unsigned size)
{
    unsigned bytes = 8;
    while (bytes > size || (device && physical % bytes != 0))
        bytes /= 2;
    return bytes;
}

static void place_read(struct emulation *e, const struct emulator_place *place, uint8_t *data,
                       unsigned size)
{
    for (unsigned at = 0, bytes; at < size; at += bytes) {
        bytes = piece(place->physical + at, !place->ram, size - at);
        if (place->ram)
            ram_read(place->ram + at, data + at, bytes);
        else
            e->ops->mmio_read(e->context, place->physical + at, bytes, 1, data + at);
    }
}

static void place_write(struct emulation *e, const struct emulator_place *place,
                        const uint8_t *data, unsigned size)
{
    for (unsigned at = 0, bytes; at < size; at += bytes) {
        bytes = piece(place->physical + at, !place->ram, size - at);
        if (place->ram)
            ram_write(place->ram + at, data + at, bytes);
        else
            e->ops->mmio_write(e->context, place->physical + at, bytes, 1, data + at);
    }
}

void span_read(struct emulation *e, const struct span *span, void *data)
{
    place_read(e, &span->place[0], data, span->first);
    if (span->size > span->first)
        place_read(e, &span->place[1], (uint8_t *)data + span->first, span->size - span->first);
}

void span_write(struct emulation *e, const struct span *span, const void *data)
{
    place_write(e, &span->place[0], data, span->first);
    if (span->size > span->first)
        place_write(e, &span->place[1], (const uint8_t *)data + span->first,
                    span->size - span->first);
}

void span_read_elements(struct emulation *e, const struct span *span, unsigned size, unsigned count,
                        void *data)
{
    const struct emulator_place *place = &span->place[0];
    if (count == 1)
        span_read(e, span, data);
    else if (place->ram)
        memcpy(data, place->ram, (size_t)count * size);
    else
        e->ops->mmio_read(e->context, place->physical, size, count, data);
}

void span_write_elements(struct emulation *e, const struct span *span, unsigned size,
                         unsigned count, const void *data)
{
    const struct emulator_place *place = &span->place[0];
    if (count == 1)
        span_write(e, span, data);
    else if (place->ram)
        memcpy(place->ram, data, (size_t)count * size);
    else
        e->ops->mmio_write(e->context, place->physical, size, count, data);
}

static bool exchange_16(uint8_t *ram, const void *old, const void *data)
{
    uint64_t expected[2], wanted[2];
    bool same;
    memcpy(expected, old, sizeof(expected));
    memcpy(wanted, data, sizeof(wanted));
    __asm__ volatile("lock cmpxchg16b %0"
                     : "+m"(*(volatile unsigned __int128 *)ram), "=@ccz"(same), "+a"(expected[0]),
                       "+d"(expected[1])
                     : "b"(wanted[0]), "c"(wanted[1])
                     : "memory");
    return same;
}

#define EXCHANGE(type)                                                                             \
    do {                                                                                           \
        type expected, wanted;                                                                     \
        memcpy(&expected, old, sizeof(type));                                                      \
        memcpy(&wanted, data, sizeof(type));                                                       \
        return __atomic_compare_exchange_n((type *)ram, &expected, wanted, false,                  \
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                    \
    } while (0)

bool span_exchange(struct emulation *e, const struct span *span, const void *old, const void *data)
{
    uint8_t *ram = span->place[0].ram;
    if (!ram || (uintptr_t)ram % span->size != 0) {
        span_write(e, span, data);
        return true;
    }
    switch (span->size) {
    case 1:
        EXCHANGE(uint8_t);
    case 2:
        EXCHANGE(uint16_t);
    case 4:
        EXCHANGE(uint32_t);
    case 8:
        EXCHANGE(uint64_t);
    default:
        return exchange_16(ram, old, data);
    }
}
