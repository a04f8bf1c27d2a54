/* Unit test of walks through a guest's page tables: formats, rights, error codes, bits that are
 * set. */
#include "worker/page_walk.h"
#include "worker/emulator/emulator.h"

#include <string.h>

#include "tests/unit/unit.h"

#define MEMORY_SIZE 0x10000u
#define CR0_PG (1ull << 31)
#define CR0_WP (1ull << 16)
#define CR4_PSE (1ull << 4)
#define CR4_PAE (1ull << 5)
#define CR4_SMEP (1ull << 20)
#define CR4_SMAP (1ull << 21)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)
#define RFLAGS_AC (1ull << 18)
#define NX (1ull << 63)
#define A 0x20u
#define D 0x40u
#define PS 0x80u

static _Alignas(4096) uint8_t memory[MEMORY_SIZE];
static unsigned changes; /* of an entry while it is looked at */
static struct page_walk walk;

static void *entry(void *context, uint64_t physical, bool write)
{
    (void)context;
    if (physical >= MEMORY_SIZE)
        return NULL;
    if (write && changes > 0) {
        changes--;
        *(uint32_t *)(memory + physical) ^= 0x200; /* a bit that is the system's */
    }
    return memory + physical;
}

static void start(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    memset(memory, 0, sizeof(memory));
    walk = (struct page_walk){.cr0 = cr0 | CR0_PG,
                              .cr3 = 0x1000,
                              .cr4 = cr4,
                              .efer = efer,
                              .physical_bits = 40,
                              .entry = entry};
}

static uint64_t *entry64(uint32_t address)
{
    return (uint64_t *)(memory + address);
}

static uint32_t *entry32(uint32_t address)
{
    return (uint32_t *)(memory + address);
}

#define FAULT (1ull << 63)

/* Where @linear is, or FAULT with the error code. */
static uint64_t at(uint64_t linear, unsigned access)
{
    uint64_t physical = 0;
    uint32_t code = 0;
    return page_walk(&walk, linear, access, &physical, &code) ? physical : FAULT | code;
}

static void test_none(void)
{
    start(0, 0, 0);
    walk.cr0 = 0;
    CHECK_EQUAL(at(0x100001234, EMULATOR_WRITE), 0x1234);
}

static void test_32_bits(void)
{
    start(0, CR4_PSE, 0);
    *entry32(0x1000 + 4 * 1) = 0x2007;         /* 4 MiB on: a table */
    *entry32(0x2000 + 4 * 5) = 0x12345005;     /* read-only */
    *entry32(0x1000 + 4 * 2) = 0x00802083 | 4; /* 8 MiB on: a large page at 100800000h */
    CHECK_EQUAL(at(0x405678, EMULATOR_READ | EMULATOR_USER), 0x12345678);
    CHECK_EQUAL(*entry32(0x1004), 0x2007 | A);
    CHECK_EQUAL(*entry32(0x2014), 0x12345005 | A);
    CHECK_EQUAL(at(0x405678, EMULATOR_WRITE | EMULATOR_USER), FAULT | 7);
    CHECK_EQUAL(at(0x405678, EMULATOR_WRITE), 0x12345678); /* the system, without WP */
    CHECK_EQUAL(*entry32(0x2014), 0x12345005 | A | D);
    walk.cr0 |= CR0_WP;
    CHECK_EQUAL(at(0x405678, EMULATOR_WRITE), FAULT | 3);
    CHECK_EQUAL(at(0x406000, EMULATOR_READ), FAULT | 0);
    CHECK_EQUAL(at(0xc00000, EMULATOR_WRITE | EMULATOR_USER), FAULT | 6);
    CHECK_EQUAL(at(0x812345, EMULATOR_WRITE), 0x100812345);
    CHECK_EQUAL(*entry32(0x1008), 0x00802087 | A | D);
    *entry32(0x1008) |= 1u << 21;
    CHECK_EQUAL(at(0x812345, EMULATOR_READ), FAULT | 9);
    walk.cr4 = 0; /* then it is a table, which is not there: it reads as ones */
    walk.cr3 = 0xfffff000;
    CHECK_EQUAL(at(0, EMULATOR_READ), 0xfffff000);
}

static void test_pae(void)
{
    start(0, CR4_PAE, EFER_NXE);
    walk.cr3 = 0x1020;
    *entry64(0x1020 + 8 * 3) = 0x2001;
    *entry64(0x2000 + 8 * 511) = 0x3003;
    *entry64(0x3000 + 8 * 1) = 0xab00004003 | NX;
    *entry64(0x2000) = 0x00200083; /* 2 MiB */
    CHECK_EQUAL(at(0xffe01234, EMULATOR_WRITE), 0xab00004234);
    CHECK_EQUAL(*entry64(0x1038), 0x2001); /* has no such bits */
    CHECK_EQUAL(*entry64(0x2ff8), 0x3003 | A);
    CHECK_EQUAL(*entry64(0x3008), (0xab00004003 | NX | A | D));
    CHECK_EQUAL(at(0xffe01234, EMULATOR_EXECUTE), FAULT | 0x11);
    CHECK_EQUAL(at(0xffe01234, EMULATOR_READ | EMULATOR_USER), FAULT | 5);
    CHECK_EQUAL(at(0xc0123456, EMULATOR_READ), 0x323456);
    *entry64(0x2000) |= 1u << 13;
    CHECK_EQUAL(at(0xc0123456, EMULATOR_READ), FAULT | 9);
    walk.efer = 0; /* the bit is reserved then */
    CHECK_EQUAL(at(0xffe01234, EMULATOR_READ), FAULT | 9);
    *entry64(0x1038) |= 2; /* so is this */
    CHECK_EQUAL(at(0xc0000000, EMULATOR_WRITE), FAULT | 0xb);
}

static void start_64(uint64_t cr4)
{
    start(CR0_WP, CR4_PAE | cr4, EFER_LMA | EFER_NXE);
    *entry64(0x1000 + 8 * 256) = 0x2007;
    *entry64(0x2000 + 8 * 1) = 0x3007;
    *entry64(0x2000 + 8 * 2) = 0x40000087; /* 1 GiB */
    *entry64(0x3000 + 8 * 2) = 0x4007;
    *entry64(0x4000 + 8 * 3) = 0x5007;
}

static void test_64_bits(void)
{
    uint64_t address = 0xffff800040403abc;
    start_64(0);
    CHECK_EQUAL(at(address, EMULATOR_READ), 0x5abc);
    CHECK_EQUAL(*entry64(0x4018), 0x5007 | A);
    CHECK_EQUAL(at(0xffff800081234567, EMULATOR_WRITE), 0x41234567);
    CHECK_EQUAL(*entry64(0x2010), 0x40000087 | A | D);
    *entry64(0x3010) &= ~4ull; /* rights of all levels count */
    CHECK_EQUAL(at(address, EMULATOR_READ | EMULATOR_USER), FAULT | 5);
    *entry64(0x3010) |= NX;
    CHECK_EQUAL(at(address, EMULATOR_EXECUTE), FAULT | 0x11);
    CHECK_EQUAL(at(address, EMULATOR_READ), 0x5abc);
    *entry64(0x4018) |= 1ull << 40;
    CHECK_EQUAL(at(address, EMULATOR_WRITE), FAULT | 0xb);
    *entry64(0x1800) |= PS; /* reserved in the first level */
    CHECK_EQUAL(at(0xffff800081234567, EMULATOR_READ), FAULT | 9);
}

static void test_supervisor(void)
{
    uint64_t address = 0xffff800040403000; /* of the user's */
    start_64(CR4_SMEP | CR4_SMAP);
    CHECK_EQUAL(at(address, EMULATOR_EXECUTE), FAULT | 0x11);
    CHECK_EQUAL(at(address, EMULATOR_EXECUTE | EMULATOR_USER), 0x5000);
    CHECK_EQUAL(at(address, EMULATOR_READ), FAULT | 1);
    walk.rflags = RFLAGS_AC;
    CHECK_EQUAL(at(address, EMULATOR_READ), 0x5000);
    CHECK_EQUAL(at(address, EMULATOR_EXECUTE), FAULT | 0x11);
}

/* An entry that changes between the look at it and the setting of its bits is looked at again. */
static void test_changes(void)
{
    start_64(0);
    changes = 3;
    CHECK_EQUAL(at(0xffff800040403000, EMULATOR_WRITE), 0x5000);
    CHECK_EQUAL(changes, 0);
    CHECK_EQUAL(*entry64(0x1800) & (0x200 | A), 0x200 | A);
    CHECK_EQUAL(*entry64(0x4018), 0x5007 | A | D);
}

int main(void)
{
    test_none();
    test_32_bits();
    test_pae();
    test_64_bits();
    test_supervisor();
    test_changes();
    return unit_result();
}
