#include "worker/pc_interrupt.h"

#include "include/hv/vp_registers.h"
#include "worker/devices/i8259.h"
#include "worker/io.h"
#include "worker/ioapic.h"
#include "worker/vp.h"

#define IRQS 16u
#define TIMER_IRQ 0u
#define TIMER_PIN 2u /* of the I/O APIC; those of the others have the same number */

/* Inputs of irq_set(): the request, and who asserts it. */
#define SOURCE_SHIFT 8
enum source { SOURCE_ISA, SOURCE_PCI };

/* All by the machine's lock. */
static struct i8259 pic;
static uint8_t asserted_by[IRQS]; /* a bit for each source */
static bool notice_wanted;        /* the hypervisor has been asked for it, and has not given it */

static void irq_set(void *controller, uint32_t input, bool asserted)
{
    uint32_t irq = input % (1u << SOURCE_SHIFT), bit = 1u << (input >> SOURCE_SHIFT);
    bool before = asserted_by[irq] != 0;
    (void)controller;
    asserted_by[irq] = (uint8_t)(asserted ? asserted_by[irq] | bit : asserted_by[irq] & ~bit);
    bool now = asserted_by[irq] != 0;
    if (now == before)
        return;
    struct device_line pin = ioapic_line(irq == TIMER_IRQ ? TIMER_PIN : irq);
    i8259_set_irq(&pic, irq, now);
    device_line_set(&pin, now);
}

struct device_line pc_irq(uint32_t irq)
{
    return (struct device_line){.set = irq_set, .input = irq | SOURCE_ISA << SOURCE_SHIFT};
}

struct device_line pc_irq_of_pci(uint32_t irq)
{
    return (struct device_line){.set = irq_set, .input = irq | SOURCE_PCI << SOURCE_SHIFT};
}

static const struct hv_register_assoc notice = {.name = HV_REGISTER_DELIVERABILITY_NOTIFICATIONS,
                                                .value = {HV_DELIVERABILITY_INTERRUPT}};

/* The output of the 8259. If it falls again before the notice comes, that finds nothing to do. */
static void intr_set(void *controller, uint32_t input, bool asserted)
{
    (void)controller, (void)input;
    if (!asserted || notice_wanted)
        return;
    notice_wanted = true;
    vp_set_registers(&machine.vps[0], &notice, 1);
}

void pc_interrupt_deliver(void)
{
    struct hv_register_assoc registers[3];
    uint16_t count = 0;
    lock_take(&machine.lock);
    notice_wanted = false;
    if (pic.state.intr) {
        uint64_t vector = i8259_acknowledge(&pic);
        registers[count++] = (struct hv_register_assoc){
            .name = HV_REGISTER_PENDING_INTERRUPTION,
            .value = {HV_PENDING_INTERRUPTION_VALID |
                      (uint64_t)HV_INTERRUPTION_EXTERNAL << HV_PENDING_INTERRUPTION_TYPE_SHIFT |
                      vector << HV_PENDING_INTERRUPTION_VECTOR_SHIFT}};
        registers[count++] = (struct hv_register_assoc){
            .name = HV_REGISTER_INTERNAL_ACTIVITY_STATE}; /* a HLT ends */
    }
    if (pic.state.intr && !notice_wanted) { /* and another one behind it */
        notice_wanted = true;
        registers[count++] = notice;
    }
    if (count > 0)
        vp_set_registers(&machine.vps[0], registers, count);
    lock_release(&machine.lock);
}

void pc_interrupt_init(void)
{
    ioapic_init();
    i8259_init(&pic, (struct device_line){.set = intr_set});
    for (unsigned i = 0; i < sizeof(pic.ports) / sizeof(pic.ports[0]); i++)
        io_add_ports(&pic.ports[i].ports);
}

/* The VP's reset has taken back what was asked for. */
void pc_interrupt_reset(void)
{
    notice_wanted = false;
    i8259_reset(&pic);
    ioapic_reset();
}
