/* This test is linked like an image (tests/host.mk), with a table of its own functions. */
#include "lib/symbols.h"

#include "tests/unit/unit.h"

__attribute__((noinline)) static uint64_t first_function(uint64_t x)
{
    return x * 3 + unit_failures;
}

__attribute__((noinline)) uint64_t second_function(uint64_t x);
uint64_t second_function(uint64_t x)
{
    return first_function(x) + 1;
}

static void test_names(void)
{
    uint64_t first = (uint64_t)(uintptr_t)first_function;
    uint64_t second = (uint64_t)(uintptr_t)second_function;
    char name[SYMBOL_NAME_SIZE];
    uint64_t offset = 99;

    CHECK_EQUAL(second_function(2), 7);
    CHECK(symbol_find(first, name, &offset));
    CHECK_TEXT(name, "first_function");
    CHECK_EQUAL(offset, 0);
    CHECK(symbol_find(first + 3, name, &offset));
    CHECK_TEXT(name, "first_function");
    CHECK_EQUAL(offset, 3);
    CHECK(symbol_find(second + 1, name, &offset));
    CHECK_TEXT(name, "second_function");
    CHECK_EQUAL(offset, 1);
}

static void test_outside(void)
{
    char name[SYMBOL_NAME_SIZE];
    uint64_t offset = 99;

    CHECK(!symbol_find(0, name, &offset));
    CHECK(!symbol_find(UINT64_MAX, name, &offset));
    CHECK(!symbol_find((uint64_t)(uintptr_t)&unit_failures, name, &offset));
    CHECK_EQUAL(offset, 99);
}

static uint64_t stack[16];

static uint64_t place(unsigned index)
{
    return (uint64_t)(uintptr_t)&stack[index];
}

static size_t trace(uint64_t rbp, uint64_t addresses[4])
{
    return backtrace(rbp, place(0), place(16), addresses, 4);
}

static void test_backtrace(void)
{
    uint64_t found[4];

    memset(stack, 0, sizeof(stack));
    stack[2] = place(6);
    stack[3] = 0x1111;
    stack[6] = place(14);
    stack[7] = 0x2222;
    stack[14] = 0;
    stack[15] = 0x3333;
    CHECK_EQUAL(trace(place(2), found), 3);
    CHECK(found[0] == 0x1110 && found[1] == 0x2221 && found[2] == 0x3332);
    CHECK_EQUAL(backtrace(place(2), place(0), place(16), found, 2), 2);
    CHECK_EQUAL(backtrace(place(2), place(0), place(15), found, 4), 2);

    /* A return address of 0 is the end: the first function of a stack has no caller. */
    stack[7] = 0;
    CHECK_EQUAL(trace(place(2), found), 1);
}

static void test_damaged_stack(void)
{
    uint64_t found[4];

    memset(stack, 0x55, sizeof(stack));
    CHECK_EQUAL(trace(0, found), 0);
    CHECK_EQUAL(trace(UINT64_MAX - 7, found), 0);
    CHECK_EQUAL(trace(place(2) + 1, found), 0);
    CHECK_EQUAL(trace(place(15), found), 0);
    CHECK_EQUAL(trace(place(16), found), 0);
    /* A frame that points to itself, and one that points down. */
    stack[2] = place(2);
    CHECK_EQUAL(trace(place(2), found), 1);
    stack[2] = place(0);
    CHECK_EQUAL(trace(place(2), found), 1);
}

int main(void)
{
    test_names();
    test_outside();
    test_backtrace();
    test_damaged_stack();
    return unit_result();
}
