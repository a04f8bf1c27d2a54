/* Decoding of MOV between memory and registers: bytes as GNU as writes them. */
#include "lib/instruction.h"
#include "tests/unit/unit.h"

enum mode { CODE_16, CODE_32, CODE_64 };

struct example {
    enum mode mode;
    const char *text;
    uint8_t bytes[16];
    struct mov_instruction mov;
};

#define LOAD(bytes, size, wide, reg)                                                               \
    {                                                                                              \
        (bytes), (size), (wide), false, false, (reg), false, 0                                     \
    }
#define STORE(bytes, size, reg)                                                                    \
    {                                                                                              \
        (bytes), (size), (size), true, false, (reg), false, 0                                      \
    }
#define HIGH(bytes, is_store, reg)                                                                 \
    {                                                                                              \
        (bytes), 1, 1, (is_store), false, (reg), true, 0                                           \
    }
#define IMMEDIATE(bytes, size, number)                                                             \
    {                                                                                              \
        (bytes), (size), (size), true, true, 0, false, (number)                                    \
    }

/* clang-format off */
static const struct example examples[] = {
    {CODE_64, "mov %eax,(%rdi)", {0x89, 0x07}, STORE(2, 4, 0)},
    {CODE_64, "mov %ecx,0xb0(%rbx)", {0x89, 0x8b, 0xb0, 0, 0, 0}, STORE(6, 4, 1)},
    {CODE_64, "mov 0x20(%rax),%eax", {0x8b, 0x40, 0x20}, LOAD(3, 4, 4, 0)},
    {CODE_64, "mov 0xffffffffff5fc0b0,%eax", {0x8b, 0x04, 0x25, 0xb0, 0xc0, 0x5f, 0xff},
     LOAD(7, 4, 4, 0)},
    {CODE_64, "mov %r15d,0x8(%r12,%r13,4)", {0x47, 0x89, 0x7c, 0xac, 0x08}, STORE(5, 4, 15)},
    {CODE_64, "mov (%r12),%r8", {0x4d, 0x8b, 0x04, 0x24}, LOAD(4, 8, 8, 8)},
    {CODE_64, "mov 0x0(%r13),%r9", {0x4d, 0x8b, 0x4d, 0x00}, LOAD(4, 8, 8, 9)},
    {CODE_64, "mov 0x1000(%rip),%edx", {0x8b, 0x15, 0x00, 0x10, 0, 0}, LOAD(6, 4, 4, 2)},
    {CODE_64, "mov 0x100(,%rcx,8),%edx", {0x8b, 0x14, 0xcd, 0x00, 0x01, 0, 0}, LOAD(7, 4, 4, 2)},
    {CODE_64, "mov %ax,(%rdi)", {0x66, 0x89, 0x07}, STORE(3, 2, 0)},
    {CODE_64, "mov %dh,(%rdi)", {0x88, 0x37}, HIGH(2, true, 2)},
    {CODE_64, "mov %sil,(%rdi)", {0x40, 0x88, 0x37}, STORE(3, 1, 6)},
    {CODE_64, "mov (%rdi),%r14b", {0x44, 0x8a, 0x37}, LOAD(3, 1, 1, 14)},
    {CODE_64, "mov (%rdi),%bh", {0x8a, 0x3f}, HIGH(2, false, 3)},
    {CODE_64, "mov %eax,(%edi)", {0x67, 0x89, 0x07}, STORE(3, 4, 0)},
    {CODE_64, "mov %eax,%gs:0x10(%rdi)", {0x65, 0x89, 0x47, 0x10}, STORE(4, 4, 0)},
    {CODE_64, "movl $0x0,-0x4a00(%rip)", {0xc7, 0x05, 0, 0xb6, 0xff, 0xff, 0, 0, 0, 0},
     IMMEDIATE(10, 4, 0)},
    {CODE_64, "movb $0x81,0x5(%rsp)", {0xc6, 0x44, 0x24, 0x05, 0x81}, IMMEDIATE(5, 1, 0x81)},
    {CODE_64, "movw $0x1234,(%rax)", {0x66, 0xc7, 0x00, 0x34, 0x12}, IMMEDIATE(5, 2, 0x1234)},
    {CODE_64, "movq $-1,(%r8)", {0x49, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff},
     IMMEDIATE(7, 8, 0xffffffff)},
    {CODE_64, "movabs 0x1122334455667788,%eax",
     {0xa1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}, LOAD(9, 4, 4, 0)},
    {CODE_64, "addr32 mov %al,0xfee00020", {0x67, 0xa2, 0x20, 0, 0xe0, 0xfe}, STORE(6, 1, 0)},
    {CODE_64, "movzbl (%rax),%r10d", {0x44, 0x0f, 0xb6, 0x10}, LOAD(4, 1, 4, 10)},
    {CODE_64, "movzbl (%rax),%esp", {0x0f, 0xb6, 0x20}, LOAD(3, 1, 4, 4)},
    {CODE_64, "movzwl 0x8(%rax),%ecx", {0x0f, 0xb7, 0x48, 0x08}, LOAD(4, 2, 4, 1)},
    {CODE_64, "movzwq (%rax),%rcx", {0x48, 0x0f, 0xb7, 0x08}, LOAD(4, 2, 8, 1)},
    {CODE_64, "movzbw (%rax),%cx", {0x66, 0x0f, 0xb6, 0x08}, LOAD(4, 1, 2, 1)},
    {CODE_64, "REX, then 66: without effect", {0x48, 0x66, 0x89, 0x07}, STORE(4, 2, 0)},
    {CODE_64, "REX.W stronger than 66", {0x66, 0x48, 0x89, 0x07}, STORE(4, 8, 0)},
    {CODE_64, "xrelease mov %eax,(%rdi)", {0xf3, 0x89, 0x07}, STORE(3, 4, 0)},
    {CODE_32, "mov %eax,0xfee000b0", {0xa3, 0xb0, 0, 0xe0, 0xfe}, STORE(5, 4, 0)},
    {CODE_32, "mov 0xfee00020,%ebx", {0x8b, 0x1d, 0x20, 0, 0xe0, 0xfe}, LOAD(6, 4, 4, 3)},
    {CODE_32, "mov %ax,0x10(%esp)", {0x66, 0x89, 0x44, 0x24, 0x10}, STORE(5, 2, 0)},
    {CODE_32, "addr16 mov (%bx,%si),%eax", {0x67, 0x8b, 0x00}, LOAD(3, 4, 4, 0)},
    {CODE_32, "movl $1,%es:(%eax)", {0x26, 0xc7, 0x00, 1, 0, 0, 0}, IMMEDIATE(7, 4, 1)},
    {CODE_16, "mov 0x1234,%ax", {0xa1, 0x34, 0x12}, LOAD(3, 2, 2, 0)},
    {CODE_16, "mov %cx,0x1234", {0x89, 0x0e, 0x34, 0x12}, STORE(4, 2, 1)},
    {CODE_16, "mov 0x12(%bp,%di),%dl", {0x8a, 0x53, 0x12}, LOAD(3, 1, 1, 2)},
    {CODE_16, "mov %esi,0x1234(%bx)", {0x66, 0x89, 0xb7, 0x34, 0x12}, STORE(5, 4, 6)},
    {CODE_16, "mov (%eax,%ebx,2),%edx", {0x67, 0x66, 0x8b, 0x14, 0x58}, LOAD(5, 4, 4, 2)},
    {CODE_16, "movw $0x55aa,(%di)", {0xc7, 0x05, 0xaa, 0x55}, IMMEDIATE(4, 2, 0x55aa)},
};
/* clang-format on */

static bool decode(enum mode mode, const uint8_t *bytes, unsigned count,
                   struct mov_instruction *mov)
{
    return mov_decode(bytes, count, mode == CODE_64, mode == CODE_32, mov);
}

static void check_example(const struct example *e)
{
    struct mov_instruction mov;
    uint8_t exact[16];
    unsigned failures = unit_failures;

    CHECK(decode(e->mode, e->bytes, sizeof(e->bytes), &mov));
    CHECK_EQUAL(mov.length, e->mov.length);
    CHECK_EQUAL(mov.size, e->mov.size);
    CHECK_EQUAL(mov.register_size, e->mov.register_size);
    CHECK_EQUAL(mov.store, e->mov.store);
    CHECK_EQUAL(mov.immediate, e->mov.immediate);
    CHECK_EQUAL(mov.gpr, e->mov.gpr);
    CHECK_EQUAL(mov.high_byte, e->mov.high_byte);
    CHECK_EQUAL(mov.value, e->mov.value);
    /* It is taken as a whole, and nothing behind it is read. */
    for (unsigned count = 0; count <= e->mov.length; count++) {
        memcpy(exact + sizeof(exact) - count, e->bytes, count);
        CHECK_EQUAL(decode(e->mode, exact + sizeof(exact) - count, count, &mov),
                    count == e->mov.length);
    }
    if (unit_failures != failures)
        fprintf(stderr, "in: %s\n", e->text);
}

static void test_refused(void)
{
    static const struct {
        enum mode mode;
        uint8_t bytes[16];
    } refused[] = {
        {CODE_64, {0x89, 0xc8}},             /* mov %ecx,%eax */
        {CODE_64, {0xc7, 0xc0, 1, 0, 0, 0}}, /* mov $1,%eax */
        {CODE_64, {0xc7, 0x08}},             /* C7 /1 */
        {CODE_64, {0xc6, 0xf8, 0}},          /* xabort */
        {CODE_64, {0x0f, 0xb6, 0xc0}},       /* movzx of a register */
        {CODE_64, {0x0f, 0xbe, 0x00}},       /* movsx */
        {CODE_64, {0xf0, 0x89, 0x07}},       /* lock */
        {CODE_64, {0x8c, 0x00}},             /* of a segment register */
        {CODE_64, {0x8e, 0x00}},
        {CODE_64, {0xa4}}, /* movs */
        {CODE_64, {0x01, 0x07}},
        {CODE_32, {0x48, 0x89, 0x07}}, /* dec %eax */
        {CODE_64, {0xff, 0x07}},
        {CODE_64, {0x0f, 0x0f, 0x89, 0x07}},
        {CODE_64, {0x0f, 0x88, 0, 0, 0, 0}},
        /* 16 bytes with its prefixes. */
        {CODE_64,
         {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x8b, 0x44, 0x24,
          0x10}},
    };
    struct mov_instruction mov;

    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        CHECK(!decode(refused[i].mode, refused[i].bytes, sizeof(refused[i].bytes), &mov));
}

static void test_prefixes(void)
{
    struct instruction_prefixes p;
    static const uint8_t all[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x64, 0x2e, 0x4d, 0x90};
    static const uint8_t segments[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};

    CHECK_EQUAL(instruction_prefixes(all, sizeof(all), true, &p), 8);
    CHECK(p.operand_size && p.address_size && p.lock);
    CHECK_EQUAL(p.rep, 0xf3);
    CHECK_EQUAL(p.rex, 0x4d);
    CHECK_EQUAL(p.segment, 4); /* CS does not count in 64-bit code */
    CHECK_EQUAL(instruction_prefixes(all, sizeof(all), false, &p), 7);
    CHECK_EQUAL(p.rex, 0);
    CHECK_EQUAL(p.segment, 1);
    CHECK_EQUAL(instruction_prefixes(all, 3, true, &p), 3);
    CHECK_EQUAL(instruction_prefixes(all, 0, true, &p), 0);
    CHECK(!p.operand_size && !p.address_size && !p.lock && p.rep == 0 && p.rex == 0);
    CHECK(p.segment == -1);
    for (unsigned i = 0; i < sizeof(segments); i++) {
        CHECK_EQUAL(instruction_prefixes(&segments[i], 1, false, &p), 1);
        CHECK_EQUAL(p.segment, i);
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                           0x66, 0x67, 0xf0, 0xf2, 0xf3};
        uint8_t code = (uint8_t)byte;
        bool known = memchr(prefixes, code, sizeof(prefixes)) != NULL;
        CHECK_EQUAL(instruction_prefixes(&code, 1, false, &p), known);
        CHECK_EQUAL(instruction_prefixes(&code, 1, true, &p), known || (byte & 0xf0) == 0x40);
    }
}

int main(void)
{
    for (unsigned i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
        check_example(&examples[i]);
    test_refused();
    test_prefixes();
    return unit_result();
}
