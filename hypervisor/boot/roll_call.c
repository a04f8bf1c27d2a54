#include "hypervisor/boot/roll_call.h"

#include "hypervisor/panic.h"
#include "hypervisor/reftime.h"
#include "hypervisor/x86/apic.h"
#include "lib/string.h"
#include "lib/x86/lapic.h"

#define INIT_MICROSECONDS 10000u    /* Intel SDM vol. 3, 8.4.4.1 */
#define ANSWER_MICROSECONDS 100000u /* they have a dozen instructions to execute */

/* roll_call.asm */
extern const uint8_t roll_call_code[], roll_call_code_end[];
extern const uint8_t roll_call_count[], roll_call_apic_ids[];

static void send_to_others(uint32_t command)
{
    apic_send(apic_is_x2apic(), 0, command | LAPIC_ICR_ASSERT | LAPIC_ICR_SHORTHAND_ALL_BUT_SELF);
}

/* Adds processors in the order of their ids, so that each boot gives them the same numbers. */
static void add(struct platform *platform, uint32_t id)
{
    uint32_t place = platform->processor_count++;

    for (; place > 1 && platform->apic_ids[place - 1] > id; place--)
        platform->apic_ids[place] = platform->apic_ids[place - 1];
    platform->apic_ids[place] = id;
}

static void read_answers(const uint8_t *page, struct platform *platform)
{
    uint32_t count, id;

    memcpy(&count, page + (roll_call_count - roll_call_code), sizeof(count));
    if (count >= MAX_LPS)
        boot_stop("this machine has more than %u processors, and Veneer must own every one. "
                  "Disable some, or hyper-threading, in the firmware setup.",
                  MAX_LPS);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&id, page + (roll_call_apic_ids - roll_call_code) + i * sizeof(id), sizeof(id));
        add(platform, id);
    }
}

void roll_call(struct platform *platform)
{
    static uint8_t saved[PAGE_SIZE] __attribute__((section(".scratch")));
    uint8_t *page = spa_to_va(spa(platform->trampoline));

    memcpy(saved, page, PAGE_SIZE);
    memcpy(page, roll_call_code, (size_t)(roll_call_code_end - roll_call_code));
    apic_use_boot_map(spa(platform->lapic_address));
    send_to_others(LAPIC_ICR_DELIVERY_INIT);
    reftime_delay(INIT_MICROSECONDS);
    send_to_others(LAPIC_ICR_DELIVERY_STARTUP | (uint32_t)(platform->trampoline / PAGE_SIZE));
    reftime_delay(ANSWER_MICROSECONDS);
    /* Away from the page before its content comes back. */
    send_to_others(LAPIC_ICR_DELIVERY_INIT);
    reftime_delay(INIT_MICROSECONDS);
    read_answers(page, platform);
    memcpy(page, saved, PAGE_SIZE);
}
