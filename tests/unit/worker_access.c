/* The worker: MOVs to and from registers in memory. */
#include "lib/instruction.h"
#include "include/child_start.h"
#include "worker/vp.h"
#include "parent/user/system.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

#define RIP 0x1000
#define SEGMENT_64_BIT (1u << 13)

static struct hv_vp_register_page registers;
static struct vp vp = {.registers = &registers};
static uint64_t written_address;
static uint64_t written_value;
static uint32_t written_size;

void io_write_memory(struct vp *of, uint64_t address, uint32_t size, uint64_t value)
{
    (void)of;
    written_address = address;
    written_size = size;
    written_value = size == 8 ? value : value & ((1ull << 8 * size) - 1);
}

uint64_t io_read_memory(struct vp *of, uint64_t address, uint32_t size)
{
    (void)of;
    (void)address;
    return 0x9876543298765432 >> (64 - 8 * size);
}

struct machine machine;
static uint32_t emulated, exceptions;
static bool memory_has_come; /* where the access went, by another VP */

void lock_wait(struct lock *lock)
{
    (void)lock;
    abort(); /* there is one thread */
}

void *guest_memory_to_read(uint64_t address, uint64_t size)
{
    (void)address;
    (void)size;
    return memory_has_come ? &registers : NULL;
}

uint32_t vp_emulate(struct vp *of, const struct hv_x64_intercept_message_header *header,
                    bool registers_shown, const uint8_t *bytes, unsigned count)
{
    (void)of;
    (void)header;
    (void)registers_shown;
    (void)bytes;
    (void)count;
    emulated++;
    return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
}

void vp_inject_exception(struct vp *of, uint8_t vector, bool has_error, uint32_t error)
{
    (void)of;
    CHECK_EQUAL(vector, 6);
    CHECK(!has_error && error == 0);
    exceptions++;
}

/* As the hypervisor does it. */
static struct hv_veneer_mov decode(const char *bytes, size_t count)
{
    struct mov_instruction mov;
    if (!mov_decode((const uint8_t *)bytes, (unsigned)count, true, false, &mov))
        return (struct hv_veneer_mov){0};
    return (struct hv_veneer_mov){
        .flags = (uint8_t)(HV_VENEER_MOV_KNOWN | (mov.store ? HV_VENEER_MOV_STORE : 0) |
                           (mov.immediate ? HV_VENEER_MOV_IMMEDIATE : 0) |
                           (mov.high_byte ? HV_VENEER_MOV_HIGH_BYTE : 0)),
        .size = mov.size,
        .register_size = mov.register_size,
        .gpr = mov.gpr,
        .value = mov.value,
    };
}

/* Serves an access with the instruction in @bytes. False: it is for the emulator. */
static bool access(const char *bytes, size_t count)
{
    struct hv_x64_memory_intercept_message message = {
        .header.rip = RIP,
        .header.cs.attributes = SEGMENT_64_BIT,
        .guest_physical_address = CHILD_MMIO_BASE + 8,
    };
    for (unsigned i = 0; i < 16; i++)
        registers.gpr[i] = 0x1111111111111111ull * i;
    registers.dirty = 0;
    written_address = 0;
    emulated = 0;
    message.mov = decode(bytes, count);
    uint32_t flags = vp_mmio(&vp, &message);
    if (emulated > 0)
        return registers.dirty != 0 || flags != HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    CHECK_EQUAL(flags, VENEER_DISPATCH_SKIP_INSTRUCTION);
    return true;
}

#define ACCESS(text) access(text, sizeof(text) - 1)

static void test_stores(void)
{
    CHECK(ACCESS("\x89\x07")); /* mov [rdi], eax */
    CHECK(written_address == CHILD_MMIO_BASE + 8 && written_value == 0);
    CHECK(ACCESS("\x89\x4f\x04")); /* mov [rdi + 4], ecx */
    CHECK(written_value == 0x11111111);
    CHECK(ACCESS("\x44\x89\xbb\x00\x01\x00\x00")); /* mov [rbx + 100h], r15d */
    CHECK(written_value == 0xffffffff);
    CHECK(ACCESS("\x89\x14\x88")); /* mov [rax + rcx * 4], edx */
    CHECK(written_value == 0x22222222);
    CHECK(ACCESS("\x89\x34\x25\x00\x00\xd8\xfe")); /* mov [fed80000h], esi */
    CHECK(written_value == 0x66666666);
    CHECK(ACCESS("\x89\x35\x10\x00\x00\x00")); /* mov [rip + 10h], esi */
    CHECK(ACCESS("\xc7\x07\x78\x56\x34\x12")); /* mov dword [rdi], 12345678h */
    CHECK(written_value == 0x12345678);
    CHECK(ACCESS("\xc7\x44\x24\x08\xff\x00\x00\x80")); /* mov dword [rsp + 8], 800000ffh */
    CHECK(written_value == 0x800000ff);
}

static void test_loads(void)
{
    CHECK(ACCESS("\x8b\x07")); /* mov eax, [rdi] */
    CHECK(registers.gpr[GPR_RAX] == 0x98765432 && written_address == 0);
    CHECK(ACCESS("\x41\x8b\x1c\x24")); /* mov ebx, [r12] */
    CHECK(registers.gpr[GPR_RBX] == 0x98765432);
    CHECK(ACCESS("\x8b\x20")); /* mov esp, [rax] */
    CHECK(registers.dirty & HV_VP_REGISTER_PAGE_DIRTY_GENERAL);
}

static void test_widths(void)
{
    CHECK(ACCESS("\x48\x89\x0f")); /* mov [rdi], rcx */
    CHECK(written_value == 0x1111111111111111 && written_size == 8);
    CHECK(ACCESS("\x66\x89\x0f")); /* mov [rdi], cx */
    CHECK(written_value == 0x1111 && written_size == 2);
    CHECK(ACCESS("\x88\x17")); /* mov [rdi], dl */
    CHECK(written_value == 0x22 && written_size == 1);
    CHECK(ACCESS("\x48\x8b\x0f")); /* mov rcx, [rdi] */
    CHECK(registers.gpr[GPR_RCX] == 0x9876543298765432);
    CHECK(ACCESS("\x66\x8b\x0f")); /* mov cx, [rdi] */
    CHECK(registers.gpr[GPR_RCX] == 0x1111111111119876);
    CHECK(ACCESS("\x8a\x0f")); /* mov cl, [rdi] */
    CHECK(registers.gpr[GPR_RCX] == 0x1111111111111198);
    CHECK(ACCESS("\x8a\x2f")); /* mov ch, [rdi] */
    CHECK(registers.gpr[GPR_RCX] == 0x1111111111119811);
    CHECK(ACCESS("\x0f\xb6\x0f")); /* movzx ecx, byte [rdi] */
    CHECK(registers.gpr[GPR_RCX] == 0x98);
}

static void test_emulated(void)
{
    CHECK(!ACCESS("\x89\xc1"));     /* mov ecx, eax */
    CHECK(!ACCESS("\xf0\x01\x07")); /* lock add */
}

static void test_places(void)
{
    struct hv_x64_memory_intercept_message message = {
        .guest_physical_address = CHILD_MMIO_BASE + 2,
        .mov = {.flags = HV_VENEER_MOV_KNOWN | HV_VENEER_MOV_STORE, .size = 4, .register_size = 4},
    };
    emulated = 0;
    vp_mmio(&vp, &message);
    CHECK_EQUAL(emulated, 1); /* not aligned */
    message.header.access_type = HV_INTERCEPT_EXECUTE;
    CHECK_EQUAL(vp_mmio(&vp, &message), HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND);
    CHECK_EQUAL(exceptions, 1);
    memory_has_come = true;
    CHECK_EQUAL(vp_mmio(&vp, &message), HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND);
    CHECK_EQUAL(exceptions, 1);
    CHECK_EQUAL(emulated, 1);
}

int main(void)
{
    test_stores();
    test_loads();
    test_widths();
    test_emulated();
    test_places();
    return unit_result();
}
