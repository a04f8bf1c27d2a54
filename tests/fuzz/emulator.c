/* Any bytes as an instruction, in any state of a VP: the emulator ends, stays within the memory
 * that it is given, asks devices and ports only for what there is, and leaves the state as it was
 * when it says so. */
#include "tests/fuzz/fuzz.h"
#include "worker/emulator/emulator.h"

#define PAGE 4096u

struct vp {
    struct fuzz_input input;
    uint8_t *pages[2]; /* of a heap block each, so that the sanitizer sees what leaves them */
    unsigned moved;    /* elements that were read or written */
};

/* Decided by the address, so that a page stays what it is. */
static bool translate(void *context, uint64_t linear, unsigned access, struct emulator_place *place,
                      uint32_t *error_code)
{
    struct vp *vp = context;
    uint64_t page = linear / PAGE;
    unsigned kind = (unsigned)(page ^ page >> 4 ^ page >> 20) % 5;
    FUZZ_CHECK((access & ~15u) == 0 && access != 0);
    *error_code = access;
    if (kind == 0)
        return false;
    place->physical = (page & 0xff) * PAGE + linear % PAGE;
    place->ram = kind < 4 ? vp->pages[kind & 1] + linear % PAGE : NULL;
    return true;
}

static void check_elements(struct vp *vp, uint64_t address, unsigned size, unsigned count,
                           bool memory)
{
    FUZZ_CHECK(size == 1 || size == 2 || size == 4 || (size == 8 && memory));
    FUZZ_CHECK(count > 0 && count <= EMULATOR_STRING_MAX);
    if (memory)
        FUZZ_CHECK(address % size == 0 && address % PAGE + (uint64_t)size * count <= PAGE);
    vp->moved += count;
    /* Both sides of a move, and four pieces of an element that is not aligned. */
    FUZZ_CHECK(vp->moved <= 8 * EMULATOR_STRING_MAX);
}

static void fill(struct vp *vp, void *data, size_t size)
{
    memset(data, fuzz_byte(&vp->input), size);
}

static void mmio_read(void *context, uint64_t physical, unsigned size, unsigned count, void *data)
{
    check_elements(context, physical, size, count, true);
    fill(context, data, (size_t)size * count);
}

static uint8_t sum;

/* Reads all of it, for the sanitizer. */
static void consume(const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum ^= ((const uint8_t *)data)[i];
}

static void mmio_write(void *context, uint64_t physical, unsigned size, unsigned count,
                       const void *data)
{
    check_elements(context, physical, size, count, true);
    consume(data, (size_t)size * count);
}

static void port_read(void *context, uint16_t port, unsigned size, unsigned count, void *data)
{
    check_elements(context, port, size, count, false);
    fill(context, data, (size_t)size * count);
}

static void port_write(void *context, uint16_t port, unsigned size, unsigned count,
                       const void *data)
{
    check_elements(context, port, size, count, false);
    consume(data, (size_t)size * count);
}

static void xmm_read(void *context, unsigned number, uint8_t value[16])
{
    FUZZ_CHECK(number < 16);
    fill(context, value, 16);
}

static void xmm_write(void *context, unsigned number, const uint8_t value[16])
{
    (void)context;
    FUZZ_CHECK(number < 16);
    consume(value, 16);
}

static const struct emulator_ops ops = {.translate = translate,
                                        .mmio_read = mmio_read,
                                        .mmio_write = mmio_write,
                                        .port_read = port_read,
                                        .port_write = port_write,
                                        .xmm_read = xmm_read,
                                        .xmm_write = xmm_write};

/* What decides the mode is likely to make sense, all else is anything. */
static void read_state(struct fuzz_input *input, struct emulator_cpu *cpu)
{
    static const uint16_t code[] = {0x9b, 0x409b, 0x209b, 0x609b};
    uint8_t choice = fuzz_byte(input);
    memset(cpu, 0, sizeof(*cpu));
    cpu->cr0 = (choice & 1) | (choice & 2 ? 1u << 18 : 0);
    cpu->efer = choice & 4 ? 1u << 10 : 0;
    cpu->cr4 = choice & 8 ? 1u << 12 : 0;
    cpu->cpl = choice & 16 ? 3 : 0;
    cpu->rip = fuzz_number(input, choice & 32 ? 8 : 2);
    cpu->rflags = fuzz_number(input, 3) | 2;
    for (unsigned i = 0; i < 16; i++)
        cpu->gpr[i] = fuzz_number(input, choice & 64 ? 2 : i % 8 + 1);
    for (unsigned i = 0; i < EMULATOR_SEGMENTS; i++) {
        uint8_t kind = fuzz_byte(input);
        cpu->segments[i].base = kind & 1 ? fuzz_number(input, 4) : 0;
        cpu->segments[i].limit = kind & 2 ? (uint32_t)fuzz_number(input, 4) : UINT32_MAX;
        cpu->segments[i].attributes = kind & 4 ? (uint16_t)fuzz_number(input, 2) : 0x4093;
    }
    cpu->segments[EMULATOR_CS].attributes = code[fuzz_byte(input) % 4];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vp vp = {.input = {data, size}};
    struct emulator_cpu cpu, before;
    struct emulator_result result;
    unsigned count = fuzz_byte(&vp.input) % 20;
    uint8_t *bytes = malloc(count > 0 ? count : 1);
    FUZZ_CHECK(bytes != NULL);
    for (unsigned i = 0; i < count; i++)
        bytes[i] = fuzz_byte(&vp.input);
    read_state(&vp.input, &cpu);
    for (unsigned i = 0; i < 2; i++) {
        vp.pages[i] = aligned_alloc(PAGE, PAGE);
        FUZZ_CHECK(vp.pages[i] != NULL);
        memset(vp.pages[i], fuzz_byte(&vp.input), PAGE);
    }
    before = cpu;
    emulator_execute(&cpu, &ops, &vp, bytes, count, &result);
    FUZZ_CHECK(result.byte_count <= EMULATOR_INSTRUCTION_MAX);
    if (result.status == EMULATOR_UNSUPPORTED)
        FUZZ_CHECK(!memcmp(&cpu, &before, sizeof(cpu)));
    if (result.status == EMULATOR_EXCEPTION)
        FUZZ_CHECK(cpu.rip == before.rip && cpu.rflags == before.rflags &&
                   cpu.gpr[EMULATOR_RSP] == before.gpr[EMULATOR_RSP] &&
                   cpu.gpr[EMULATOR_RBX] == before.gpr[EMULATOR_RBX]);
    if (result.status == EMULATOR_AGAIN)
        FUZZ_CHECK(cpu.rip == before.rip);
    for (unsigned i = EMULATOR_ES; i < EMULATOR_SEGMENTS; i++)
        FUZZ_CHECK(!memcmp(&cpu.segments[i], &before.segments[i], sizeof(before.segments[i])));
    free(vp.pages[0]);
    free(vp.pages[1]);
    free(bytes);
    return 0;
}
