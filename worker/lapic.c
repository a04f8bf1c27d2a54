#include "worker/lapic.h"

#include "lib/x86/cpu.h"
#include "parent/user/system.h"
#include "worker/io.h"
#include "worker/ioapic.h"
#include "worker/vp.h"

#define LAPIC_ADDRESS 0xfee00000ull
#define REGISTER_SPACING 16u

static uint32_t name_of(uint64_t offset)
{
    return VENEER_X64_REGISTER_APIC + (uint32_t)offset / REGISTER_SPACING;
}

/* Not vp_get_registers(): a guest that has turned the page off meanwhile reads ones. */
static uint64_t read_page(void *device, uint64_t offset, uint32_t size)
{
    struct {
        struct hv_input_get_vp_registers header;
        uint32_t name;
    } input = {.header = {.vp_index = machine.accessing->index}, .name = name_of(offset)};
    struct hv_register_value value;
    uint32_t shift = 8 * (offset % REGISTER_SPACING);
    (void)device, (void)size;
    int64_t result =
        system_vm_call(machine.handle, HVCALL_GET_VP_REGISTERS, 1, &input,
                       sizeof(input.header) + sizeof(input.name), &value, sizeof(value));
    if (result < 0 || result & HV_HYPERCALL_STATUS_MASK)
        return UINT64_MAX;
    return shift < 32 ? value.low >> shift : 0;
}

/* Registers are written as a whole. If that ends a level-triggered interrupt, the message page
 * says so instead of what we are here for. */
static void write_page(void *device, uint64_t offset, uint32_t size, uint64_t value)
{
    struct vp *vp = machine.accessing;
    struct {
        struct hv_input_set_vp_registers header;
        struct hv_register_assoc assoc;
    } input = {.header = {.vp_index = vp->index},
               .assoc = {.name = name_of(offset), .value = {(uint32_t)value}}};
    const struct hv_x64_apic_eoi_message *message = (const void *)vp->message->payload;
    (void)device;
    if (size != sizeof(uint32_t) || offset % REGISTER_SPACING != 0)
        return;
    machine_call(HVCALL_SET_VP_REGISTERS, 1, &input, sizeof(input));
    if (vp->message->message_type == HV_MESSAGE_TYPE_X64_APIC_EOI)
        ioapic_end((uint8_t)message->interrupt_vector);
}

static const struct device_mmio page = {
    .first = LAPIC_ADDRESS, .size = PAGE_SIZE, .read = read_page, .write = write_page};

void lapic_init(void)
{
    io_add_mmio(&page);
}
