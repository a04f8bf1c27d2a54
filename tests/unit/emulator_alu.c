/* The emulator's arithmetic, compared with the processor that runs the test. */
#include "tests/unit/emulator_random.h"
#include "tests/unit/unit.h"
#include "worker/emulator/alu.h"
#include "worker/emulator/instruction.h"

/* What the processor makes of an instruction of two operands, the second in a register or CL. */
#define NATIVE(name, instruction)                                                                  \
    static uint64_t name(uint64_t a, uint64_t b, uint64_t c, uint64_t *rflags)                     \
    {                                                                                              \
        __asm__("push %[flags]\n\tpopf\n\t" instruction "\n\tpushf\n\tpop %[flags]"                \
                : "+a"(a), [flags] "+S"(*rflags)                                                   \
                : "d"(b), "c"(c)                                                                   \
                : "cc", "memory");                                                                 \
        return a;                                                                                  \
    }
#define NATIVE_SIZES(name, operands_1, operands_2, operands_4, operands_8)                         \
    NATIVE(name##_1, #name " " operands_1)                                                         \
    NATIVE(name##_2, #name " " operands_2)                                                         \
    NATIVE(name##_4, #name " " operands_4)                                                         \
    NATIVE(name##_8, #name " " operands_8)
#define BINARY(name) NATIVE_SIZES(name, "%%dl, %%al", "%%dx, %%ax", "%%edx, %%eax", "%%rdx, %%rax")
#define UNARY(name) NATIVE_SIZES(name, "%%al", "%%ax", "%%eax", "%%rax")
#define SHIFT(name) NATIVE_SIZES(name, "%%cl, %%al", "%%cl, %%ax", "%%cl, %%eax", "%%cl, %%rax")
#define DOUBLE(name)                                                                               \
    NATIVE(name##_2, #name " %%cl, %%dx, %%ax")                                                    \
    NATIVE(name##_4, #name " %%cl, %%edx, %%eax")                                                  \
    NATIVE(name##_8, #name " %%cl, %%rdx, %%rax")

BINARY(add)
BINARY(or)
BINARY(adc)
BINARY(sbb)
BINARY(and)
BINARY(sub)
BINARY(xor)
UNARY(not )
UNARY(neg)
UNARY(inc)
UNARY(dec)
SHIFT(rol)
SHIFT(ror)
SHIFT(rcl)
SHIFT(rcr)
SHIFT(shl)
SHIFT(shr)
SHIFT(sar)
DOUBLE(shld)
DOUBLE(shrd)

typedef uint64_t native(uint64_t a, uint64_t b, uint64_t c, uint64_t *rflags);

#define FOUR(name)                                                                                 \
    {                                                                                              \
        name##_1, name##_2, name##_4, name##_8                                                     \
    }
static native *const natives[OPERATIONS][4] = {
    [OP_ADD] = FOUR(add),
    [OP_OR] = FOUR(or),
    [OP_ADC] = FOUR(adc),
    [OP_SBB] = FOUR(sbb),
    [OP_AND] = FOUR(and),
    [OP_SUB] = FOUR(sub),
    [OP_XOR] = FOUR(xor),
    [OP_NOT] = FOUR(not ),
    [OP_NEG] = FOUR(neg),
    [OP_INC] = FOUR(inc),
    [OP_DEC] = FOUR(dec),
    [OP_ROL] = FOUR(rol),
    [OP_ROR] = FOUR(ror),
    [OP_RCL] = FOUR(rcl),
    [OP_RCR] = FOUR(rcr),
    [OP_SHL] = FOUR(shl),
    [OP_SHR] = FOUR(shr),
    [OP_SAR] = FOUR(sar),
    [OP_SHLD] = {NULL, shld_2, shld_4, shld_8},
    [OP_SHRD] = {NULL, shrd_2, shrd_4, shrd_8},
};

static uint64_t state = 1;

static uint64_t ours(unsigned operation, uint64_t a, uint64_t b, uint8_t c, unsigned size,
                     uint64_t *rflags)
{
    if (operation <= OP_XOR)
        return alu_binary(operation, a, b, size, rflags);
    if (operation <= OP_SAR)
        return alu_shift(operation, a, c, size, rflags);
    if (operation <= OP_DEC)
        return alu_unary(operation, a, size, rflags);
    return alu_double_shift(operation, a, b, c, size, rflags);
}

/* Flags that manuals leave undefined. */
static uint64_t undefined_flags(unsigned operation, unsigned count, unsigned size)
{
    bool shift = operation >= OP_ROL && operation <= OP_SAR;
    bool twice = operation == OP_SHLD || operation == OP_SHRD;
    if (operation == OP_AND || operation == OP_OR || operation == OP_XOR)
        return RFLAGS_AF;
    if ((!shift && !twice) || count == 0)
        return 0;
    uint64_t undefined = operation >= OP_SHL ? RFLAGS_AF : 0;
    if (count > 1)
        undefined |= RFLAGS_OF;
    if (shift && operation >= OP_SHL && operation != OP_SAR && count >= 8 * size)
        undefined |= RFLAGS_CF;
    return undefined;
}

static void compare(unsigned operation, unsigned log_size)
{
    unsigned size = 1u << log_size;
    uint64_t a = alu_cut(random_next(&state) >> random_below(&state, 64), size);
    uint64_t b = alu_cut(random_next(&state) >> random_below(&state, 64), size);
    uint64_t before = 0x202 | (random_next(&state) & RFLAGS_STATUS);
    uint8_t c = (uint8_t)random_next(&state);
    unsigned count = c & (size == 8 ? 63 : 31);
    if ((operation == OP_SHLD || operation == OP_SHRD) && count > 8 * size)
        return; /* undefined */
    uint64_t our_flags = before, their_flags = before;
    uint64_t our_result = ours(operation, a, b, c, size, &our_flags);
    uint64_t their_result = alu_cut(natives[operation][log_size](a, b, c, &their_flags), size);
    uint64_t defined = RFLAGS_STATUS & ~undefined_flags(operation, count, size);
    if (our_result == their_result && ((our_flags ^ their_flags) & defined) == 0)
        return;
    unit_failures++;
    if (unit_failures < 20)
        fprintf(
            stderr,
            "operation %u, %u bytes, 0x%llx 0x%llx %u: 0x%llx not 0x%llx, flags %llx not %llx\n",
            operation, size, (unsigned long long)a, (unsigned long long)b, c,
            (unsigned long long)our_result, (unsigned long long)their_result,
            (unsigned long long)(our_flags & defined), (unsigned long long)(their_flags & defined));
}

/* Products and quotients of up to 16 bytes, against the compiler's. */
static void compare_products(void)
{
    uint64_t a = random_next(&state) >> random_below(&state, 64), b = random_next(&state), high;
    uint64_t rflags = 0, quotient, remainder;
    a = random_below(&state, 2) ? a : -a;
    b = random_below(&state, 2) ? b : b >> random_below(&state, 64);
    unsigned __int128 product = (unsigned __int128)a * b;
    CHECK_EQUAL(alu_multiply(a, b, false, 8, &high, &rflags), (uint64_t)product);
    CHECK_EQUAL(high, (uint64_t)(product >> 64));
    CHECK_EQUAL(!(rflags & RFLAGS_CF), high == 0);
    product = (unsigned __int128)((__int128)(int64_t)a * (int64_t)b);
    CHECK_EQUAL(alu_multiply(a, b, true, 8, &high, &rflags), (uint64_t)product);
    CHECK_EQUAL(high, (uint64_t)(product >> 64));
    CHECK_EQUAL(!(rflags & RFLAGS_OF), (__int128)product == (int64_t)product);
    for (unsigned size = 1; size <= 4; size *= 2) {
        int64_t divisor = (int64_t)alu_sign_extend(b, size);
        int64_t dividend = (int64_t)alu_sign_extend(a, 2 * size);
        uint64_t high_half = alu_cut((uint64_t)dividend >> 8 * size, size);
        bool good = divisor != 0 && !(dividend == INT64_MIN && divisor == -1);
        int64_t result = good ? dividend / divisor : 0;
        good = good && result == (int64_t)alu_sign_extend((uint64_t)result, size);
        CHECK_EQUAL(alu_divide(high_half, alu_cut(a, size), alu_cut(b, size), true, size, &quotient,
                               &remainder),
                    good);
        if (!good)
            continue;
        CHECK_EQUAL(quotient, alu_cut((uint64_t)result, size));
        CHECK_EQUAL(remainder, alu_cut((uint64_t)(dividend % divisor), size));
    }
}

int main(void)
{
    for (unsigned round = 0; round < 20000; round++) {
        for (unsigned operation = OP_ADD; operation < OPERATIONS; operation++)
            for (unsigned log_size = 0; log_size < 4; log_size++)
                if (natives[operation][log_size])
                    compare(operation, log_size);
        compare_products();
    }
    return unit_result();
}
