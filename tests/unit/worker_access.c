/* The child's worker: decoding of MOVs to registers in memory, and string accesses to ports. */
#include "lib/instruction.h"
#include "include/child_start.h"
#include "worker/vp.h"
#include "parent/user/system.h"

#include <setjmp.h>

#include "tests/unit/unit.h"

#define MEMORY_SIZE 4096
#define PORT 0x530
#define RIP 0x1000
#define SEGMENT_64_BIT (1u << 13)

static uint8_t memory[MEMORY_SIZE];
static struct hv_vp_register_page registers;
static struct vp vp = {.registers = &registers};
static jmp_buf crashed;

static uint64_t written_address;
static uint32_t written_value;
static uint32_t port_values[1024], port_count;

_Noreturn void vp_crash(struct vp *of, const char *why)
{
    (void)of;
    (void)why;
    longjmp(crashed, 1);
}

bool linear_read(const struct vp *of, uint64_t address, void *data, size_t size)
{
    (void)of;
    if (address > MEMORY_SIZE || size > MEMORY_SIZE - address)
        return false;
    memcpy(data, memory + address, size);
    return true;
}

bool linear_write(const struct vp *of, uint64_t address, const void *data, size_t size)
{
    (void)of;
    if (address > MEMORY_SIZE || size > MEMORY_SIZE - address)
        return false;
    memcpy(memory + address, data, size);
    return true;
}

void io_write_port(struct vp *of, uint16_t port, uint32_t size, uint32_t value)
{
    (void)of;
    (void)port;
    (void)size;
    port_values[port_count++ % 1024] = value;
}

static uint32_t inputs; /* so far: a device counts them */

uint32_t io_read_port(struct vp *of, uint16_t port, uint32_t size)
{
    (void)of;
    (void)port;
    (void)size;
    return ++inputs;
}

void io_write_memory(struct vp *of, uint64_t address, uint32_t size, uint64_t value)
{
    (void)of;
    (void)size;
    written_address = address;
    written_value = (uint32_t)value;
}

uint64_t io_read_memory(struct vp *of, uint64_t address, uint32_t size)
{
    (void)of;
    (void)address;
    (void)size;
    return 0xabcd1234;
}

struct machine machine;
static uint32_t refusals;

int64_t machine_call(uint16_t code, uint16_t reps, const void *input, size_t input_size)
{
    const struct hv_register_assoc *pending =
        (const void *)((const char *)input + sizeof(struct hv_input_set_vp_registers));
    CHECK(code == HVCALL_SET_VP_REGISTERS && reps == 1);
    CHECK(input_size == sizeof(struct hv_input_set_vp_registers) + sizeof(*pending));
    CHECK(pending->name == HV_REGISTER_PENDING_INTERRUPTION);
    CHECK(pending->value[0] == 0x60007); /* #UD */
    refusals++;
    return 0;
}

/* As the hypervisor does it. */
static struct hv_veneer_mov decode(const char *bytes, size_t count)
{
    struct mov_instruction mov;
    if (!mov_decode((const uint8_t *)bytes, (unsigned)count, true, false, &mov))
        return (struct hv_veneer_mov){0};
    return (struct hv_veneer_mov){
        .flags = (uint8_t)(HV_VENEER_MOV_KNOWN | (mov.store ? HV_VENEER_MOV_STORE : 0) |
                           (mov.immediate ? HV_VENEER_MOV_IMMEDIATE : 0)),
        .size = mov.size,
        .register_size = mov.register_size,
        .gpr = mov.gpr,
        .value = mov.value,
    };
}

/* Serves an access with the instruction in @bytes. False: refused. */
static bool access(const char *bytes, size_t count)
{
    struct hv_x64_memory_intercept_message message = {
        .header.rip = RIP,
        .header.cs.attributes = SEGMENT_64_BIT,
        .guest_physical_address = CHILD_MMIO_BASE + 4,
    };
    for (unsigned i = 0; i < 16; i++)
        registers.gpr[i] = 0x1111111111111111ull * i;
    registers.dirty = 0;
    written_address = 0;
    refusals = 0;
    message.mov = decode(bytes, count);
    uint32_t flags = vp_mmio(&vp, &message);
    if (refusals > 0)
        return registers.dirty != 0 || flags != HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    CHECK_EQUAL(flags, VENEER_DISPATCH_SKIP_INSTRUCTION);
    return true;
}

#define ACCESS(text) access(text, sizeof(text) - 1)

static void test_stores(void)
{
    CHECK(ACCESS("\x89\x07")); /* mov [rdi], eax */
    CHECK(written_address == CHILD_MMIO_BASE + 4 && written_value == 0);
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
    CHECK(registers.gpr[GPR_RAX] == 0xabcd1234 && written_address == 0);
    CHECK(ACCESS("\x41\x8b\x1c\x24")); /* mov ebx, [r12] */
    CHECK(registers.gpr[GPR_RBX] == 0xabcd1234);
    CHECK(ACCESS("\x8b\x20")); /* mov esp, [rax] */
    CHECK(registers.dirty & HV_VP_REGISTER_PAGE_DIRTY_GENERAL);
}

static void test_refused(void)
{
    CHECK(!ACCESS("\x48\x89\x07")); /* 64 bits */
    CHECK(!ACCESS("\x88\x07"));     /* 8 bits */
    CHECK(!ACCESS("\x89\xc1"));     /* mov ecx, eax */
    CHECK(!ACCESS("\xf0\x01\x07")); /* lock add */
    CHECK(!ACCESS("\x66\x89\x07")); /* 16 bits */
}

static void test_other_code(void)
{
    struct hv_x64_memory_intercept_message message = {
        .guest_physical_address = CHILD_MMIO_BASE,
        .mov = {.flags = HV_VENEER_MOV_KNOWN | HV_VENEER_MOV_STORE, .size = 4},
    };
    refusals = 0;
    vp_mmio(&vp, &message);
    CHECK(refusals == 1);
}

static uint32_t string(uint32_t size, uint8_t flags, bool out, uint64_t rcx, uint64_t address)
{
    struct hv_x64_io_port_intercept_message message = {
        .header.access_type = out ? HV_INTERCEPT_WRITE : HV_INTERCEPT_READ,
        .port_number = PORT,
        .access_info = (uint8_t)(size | flags | HV_IO_PORT_ACCESS_STRING),
        .address_size = 8,
        .rcx = rcx,
        .address = address,
    };
    registers.gpr[GPR_RCX] = rcx;
    registers.gpr[GPR_RSI] = registers.gpr[GPR_RDI] = address;
    if (setjmp(crashed))
        return unit_result();
    return vp_string_io(&vp, &message);
}

static void test_output(void)
{
    for (unsigned i = 0; i < MEMORY_SIZE; i++)
        memory[i] = (uint8_t)i;
    port_count = 0;
    CHECK(string(2, HV_IO_PORT_ACCESS_REP, true, 3, 16) == VENEER_DISPATCH_SKIP_INSTRUCTION);
    CHECK(port_count == 3 && port_values[0] == 0x1110 && port_values[2] == 0x1514);
    CHECK(registers.gpr[GPR_RCX] == 0 && registers.gpr[GPR_RSI] == 22);
    CHECK(registers.gpr[GPR_RDI] == 16);
    port_count = 0;
    CHECK(string(4, HV_IO_PORT_ACCESS_REP | HV_IO_PORT_ACCESS_DOWN, true, 2, 32) ==
          VENEER_DISPATCH_SKIP_INSTRUCTION);
    CHECK(port_count == 2 && port_values[0] == 0x23222120 && port_values[1] == 0x1f1e1d1c);
    CHECK(registers.gpr[GPR_RSI] == 24);
    port_count = 0;
    CHECK(string(1, 0, true, 77, 5) == VENEER_DISPATCH_SKIP_INSTRUCTION);
    CHECK(port_count == 1 && registers.gpr[GPR_RCX] == 77 && registers.gpr[GPR_RSI] == 6);
    CHECK(string(1, HV_IO_PORT_ACCESS_REP, true, 0, 5) == VENEER_DISPATCH_SKIP_INSTRUCTION);
    CHECK(port_count == 1 && registers.gpr[GPR_RSI] == 5);
    CHECK(string(1, HV_IO_PORT_ACCESS_REP, true, 2, MEMORY_SIZE - 1) == 0);
}

/* Each element is one access, also of an instruction that is served in parts. */
static void test_input(void)
{
    CHECK(string(1, HV_IO_PORT_ACCESS_REP, false, 300, 0) ==
          HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND);
    CHECK(registers.gpr[GPR_RCX] == 44 && registers.gpr[GPR_RDI] == 256 && memory[255] == 0 &&
          memory[0] == 1);
    CHECK(string(1, HV_IO_PORT_ACCESS_REP, false, 44, 256) == VENEER_DISPATCH_SKIP_INSTRUCTION);
    CHECK(memory[256] == 1 && memory[299] == 44 && inputs == 300);
    CHECK(string(4, HV_IO_PORT_ACCESS_REP | HV_IO_PORT_ACCESS_DOWN, false, 2, 4) ==
          VENEER_DISPATCH_SKIP_INSTRUCTION);
    CHECK(memory[4] == (uint8_t)301 && memory[0] == (uint8_t)302);
}

int main(void)
{
    test_stores();
    test_loads();
    test_refused();
    test_other_code();
    test_output();
    test_input();
    return unit_result();
}
