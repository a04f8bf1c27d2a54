#include "worker/emulator/alu.h"

#include "worker/emulator/instruction.h"

typedef unsigned __int128 uint128_t;

uint64_t alu_cut(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((1ull << 8 * size) - 1);
}

uint64_t alu_sign_extend(uint64_t value, unsigned size)
{
    unsigned unused = 64 - 8 * size;
    return (uint64_t)((int64_t)(value << unused) >> unused);
}

/* Not the compiler's: that calls its runtime library, which there is none of here. */
unsigned alu_count_bits(uint64_t value)
{
    unsigned count = 0;
    for (; value != 0; value &= value - 1)
        count++;
    return count;
}

static bool top_bit(uint64_t value, unsigned size)
{
    return value >> (8 * size - 1) & 1;
}

static void set_flag(uint64_t *rflags, uint64_t flag, bool on)
{
    *rflags = on ? *rflags | flag : *rflags & ~flag;
}

/* SF, ZF, PF. */
static void set_result_flags(uint64_t *rflags, uint64_t result, unsigned size)
{
    set_flag(rflags, RFLAGS_SF, top_bit(result, size));
    set_flag(rflags, RFLAGS_ZF, result == 0);
    set_flag(rflags, RFLAGS_PF, !(alu_count_bits((uint8_t)result) & 1));
}

static uint64_t add(uint64_t a, uint64_t b, bool carry, unsigned size, uint64_t *rflags)
{
    uint64_t result = alu_cut(a + b + carry, size);
    set_result_flags(rflags, result, size);
    set_flag(rflags, RFLAGS_CF, carry ? result <= a : result < a);
    set_flag(rflags, RFLAGS_AF, (a ^ b ^ result) & 0x10);
    set_flag(rflags, RFLAGS_OF, top_bit((a ^ result) & (b ^ result), size));
    return result;
}

static uint64_t subtract(uint64_t a, uint64_t b, bool borrow, unsigned size, uint64_t *rflags)
{
    uint64_t result = alu_cut(a - b - borrow, size);
    set_result_flags(rflags, result, size);
    set_flag(rflags, RFLAGS_CF, borrow ? a <= b : a < b);
    set_flag(rflags, RFLAGS_AF, (a ^ b ^ result) & 0x10);
    set_flag(rflags, RFLAGS_OF, top_bit((a ^ b) & (a ^ result), size));
    return result;
}

static uint64_t logic(uint64_t result, unsigned size, uint64_t *rflags)
{
    *rflags &= ~(uint64_t)(RFLAGS_CF | RFLAGS_OF | RFLAGS_AF);
    set_result_flags(rflags, result, size);
    return result;
}

uint64_t alu_binary(unsigned operation, uint64_t a, uint64_t b, unsigned size, uint64_t *rflags)
{
    bool carry = *rflags & RFLAGS_CF;
    switch (operation) {
    case OP_ADD:
        return add(a, b, false, size, rflags);
    case OP_ADC:
        return add(a, b, carry, size, rflags);
    case OP_SUB:
    case OP_CMP:
        return subtract(a, b, false, size, rflags);
    case OP_SBB:
        return subtract(a, b, carry, size, rflags);
    case OP_OR:
        return logic(a | b, size, rflags);
    case OP_XOR:
        return logic(a ^ b, size, rflags);
    default: /* AND, TEST */
        return logic(a & b, size, rflags);
    }
}

uint64_t alu_unary(unsigned operation, uint64_t a, unsigned size, uint64_t *rflags)
{
    uint64_t carry = *rflags & RFLAGS_CF, result;
    switch (operation) {
    case OP_NOT:
        return alu_cut(~a, size);
    case OP_NEG:
        return subtract(0, a, false, size, rflags);
    case OP_INC:
        result = add(a, 1, false, size, rflags);
        break;
    default: /* DEC */
        result = subtract(a, 1, false, size, rflags);
        break;
    }
    set_flag(rflags, RFLAGS_CF, carry); /* these two leave it */
    return result;
}

/* OF is defined for counts of 1; processors set it by the same rule for others. */
static uint64_t rotate(bool left, uint64_t a, unsigned count, unsigned size, uint64_t *rflags)
{
    unsigned bits = 8 * size, by = count % bits;
    if (!left)
        by = (bits - by) % bits;
    uint64_t result = by ? alu_cut(a << by | a >> (bits - by), size) : a;
    bool top = top_bit(result, size);
    set_flag(rflags, RFLAGS_CF, left ? result & 1 : top);
    set_flag(rflags, RFLAGS_OF, left ? top ^ (result & 1) : top ^ (result >> (bits - 2) & 1));
    return result;
}

static uint64_t rotate_through_carry(bool left, uint64_t a, unsigned count, unsigned size,
                                     uint64_t *rflags)
{
    unsigned bits = 8 * size;
    bool carry = *rflags & RFLAGS_CF;
    count %= bits + 1;
    if (count == 0)
        return a;
    for (unsigned i = 0; i < count; i++) {
        bool out = left ? top_bit(a, size) : a & 1;
        a = left ? alu_cut(a << 1 | carry, size) : a >> 1 | (uint64_t)carry << (bits - 1);
        carry = out;
    }
    set_flag(rflags, RFLAGS_CF, carry);
    set_flag(rflags, RFLAGS_OF, top_bit(a, size) ^ (left ? carry : a >> (bits - 2) & 1));
    return a;
}

static uint64_t shift_left(uint64_t a, unsigned count, unsigned size, uint64_t *rflags)
{
    uint128_t wide = (uint128_t)a << count;
    uint64_t result = alu_cut((uint64_t)wide, size);
    bool carry = wide >> 8 * size & 1;
    set_result_flags(rflags, result, size);
    set_flag(rflags, RFLAGS_CF, carry);
    set_flag(rflags, RFLAGS_OF, carry ^ top_bit(result, size));
    set_flag(rflags, RFLAGS_AF, false);
    return result;
}

/* @extended: @a with what is shifted in above its size. */
static uint64_t shift_right(uint64_t a, int64_t extended, bool keeps_sign, unsigned count,
                            unsigned size, uint64_t *rflags)
{
    int64_t before = extended >> (count - 1);
    uint64_t result = keeps_sign ? (uint64_t)(before >> 1) : a >> count;
    bool carry = keeps_sign ? before & 1 : a >> (count - 1) & 1;
    result = alu_cut(result, size);
    set_result_flags(rflags, result, size);
    set_flag(rflags, RFLAGS_CF, carry);
    set_flag(rflags, RFLAGS_OF, !keeps_sign && top_bit(a, size));
    set_flag(rflags, RFLAGS_AF, false);
    return result;
}

uint64_t alu_shift(unsigned operation, uint64_t a, uint8_t count, unsigned size, uint64_t *rflags)
{
    unsigned by = count & (size == 8 ? 63 : 31);
    if (by == 0)
        return a;
    switch (operation) {
    case OP_ROL:
    case OP_ROR:
        return rotate(operation == OP_ROL, a, by, size, rflags);
    case OP_RCL:
    case OP_RCR:
        return rotate_through_carry(operation == OP_RCL, a, by, size, rflags);
    case OP_SHR:
    case OP_SAR:
        return shift_right(a, (int64_t)alu_sign_extend(a, size), operation == OP_SAR, by, size,
                           rflags);
    default: /* SHL, SAL */
        return shift_left(a, by, size, rflags);
    }
}

/* Counts above 16 of 2-byte operands are undefined: here the operand follows itself. */
uint64_t alu_double_shift(unsigned operation, uint64_t a, uint64_t b, uint8_t count, unsigned size,
                          uint64_t *rflags)
{
    unsigned bits = 8 * size, by = count & (size == 8 ? 63 : 31);
    if (by == 0)
        return a;
    bool left = operation == OP_SHLD, carry;
    uint64_t result;
    if (left) {
        uint128_t all = (uint128_t)a << bits | b;
        if (size == 2)
            all = all << bits | a;
        unsigned width = size == 2 ? 3 * bits : 2 * bits;
        carry = all >> (width - by) & 1;
        result = alu_cut((uint64_t)(all >> (width - bits - by)), size);
    } else {
        uint128_t all = (uint128_t)b << bits | a;
        if (size == 2)
            all |= (uint128_t)a << 2 * bits;
        carry = all >> (by - 1) & 1;
        result = alu_cut((uint64_t)(all >> by), size);
    }
    set_result_flags(rflags, result, size);
    set_flag(rflags, RFLAGS_CF, carry);
    set_flag(rflags, RFLAGS_OF, top_bit(a ^ result, size));
    set_flag(rflags, RFLAGS_AF, false);
    return result;
}

uint64_t alu_multiply(uint64_t a, uint64_t b, bool with_sign, unsigned size, uint64_t *high,
                      uint64_t *rflags)
{
    uint128_t product = (uint128_t)a * b;
    if (with_sign)
        product = (uint128_t)((__int128)(int64_t)alu_sign_extend(a, size) *
                              (int64_t)alu_sign_extend(b, size));
    uint64_t low = alu_cut((uint64_t)product, size);
    *high = alu_cut((uint64_t)(product >> 8 * size), size);
    /* The upper half says no more than the lower one. */
    bool fits = *high == (with_sign && top_bit(low, size) ? alu_cut(UINT64_MAX, size) : 0);
    set_result_flags(rflags, low, size);
    set_flag(rflags, RFLAGS_CF | RFLAGS_OF, !fits);
    set_flag(rflags, RFLAGS_AF, false);
    return low;
}

/* @dividend / @divisor bit by bit: there is no runtime library for 128 bits. */
static bool divide_unsigned(uint128_t dividend, uint64_t divisor, uint64_t *quotient,
                            uint64_t *remainder)
{
    uint128_t rest = dividend >> 64;
    uint64_t result = 0;
    if (rest >= divisor) /* by zero, or more than 64 bits */
        return false;
    for (int i = 63; i >= 0; i--) {
        rest = rest << 1 | (dividend >> i & 1);
        result <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            result |= 1;
        }
    }
    *quotient = result;
    *remainder = (uint64_t)rest;
    return true;
}

bool alu_divide(uint64_t high, uint64_t low, uint64_t divisor, bool with_sign, unsigned size,
                uint64_t *quotient, uint64_t *remainder)
{
    unsigned bits = 8 * size;
    uint128_t dividend = (uint128_t)high << bits | low;
    bool minus = with_sign && top_bit(high, size);
    bool divisor_minus = with_sign && top_bit(divisor, size);
    if (minus)
        dividend = (~dividend + 1) & (~(uint128_t)0 >> (128 - 2 * bits));
    if (divisor_minus)
        divisor = alu_cut(-divisor, size);
    if (!divide_unsigned(dividend, divisor, quotient, remainder))
        return false;
    bool result_minus = minus != divisor_minus;
    uint64_t most = with_sign ? (1ull << (bits - 1)) - !result_minus : alu_cut(UINT64_MAX, size);
    if (*quotient > most)
        return false;
    if (result_minus)
        *quotient = alu_cut(-*quotient, size);
    if (minus)
        *remainder = alu_cut(-*remainder, size);
    return true;
}
