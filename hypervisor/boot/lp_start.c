/* The LPs: their memory, and starting all but the one that booted. */
#include "hypervisor/lp.h"
#include "hypervisor/memory.h"
#include "hypervisor/panic.h"
#include "hypervisor/pool.h"
#include "hypervisor/reftime.h"
#include "hypervisor/x86/apic.h"
#include "lib/page_table.h"
#include "lib/string.h"
#include "lib/x86/lapic.h"

/* For boot/ap_start.asm: the LP that is being started. */
extern uint64_t ap_start_cr3, ap_start_stack;
uint64_t ap_start_cr3, ap_start_stack;
extern const uint8_t ap_trampoline[], ap_trampoline_end[];
extern uint8_t ap_trampoline_page[], ap_trampoline_cr3[];
extern const char boot_pml4[];

static uint64_t map_stack(uint64_t slot, uint64_t low, uint64_t high, uint64_t memory)
{
    uint64_t pages = (high - low) / PAGE_SIZE;

    memory_map_pages(slot + low, spa(memory), pages, PTE_WRITABLE | PTE_NO_EXECUTE);
    return memory + pages * PAGE_SIZE;
}

void lp_create_all(const uint32_t *apic_ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t slot = LP_AREA_BASE + i * LP_SLOT_SIZE;
        uint64_t memory = pool_take(LP_SLOT_PAGES).value;

        memory = map_stack(slot, LP_STACK_LOW, LP_STACK_HIGH, memory);
        memory = map_stack(slot, LP_NMI_STACK_LOW, LP_NMI_STACK_HIGH, memory);
        memory = map_stack(slot, LP_FAULT_STACK_LOW, LP_FAULT_STACK_HIGH, memory);
        map_stack(slot, LP_STATE_OFFSET, LP_STATE_OFFSET + PAGE_SIZE, memory);

        struct lp *lp = lp_by_index(i);
        lp->index = i;
        lp->apic_id = apic_ids[i];
        lp->hw_page = pool_take(1);
        lp->flush_pending = true; /* whoever was here before us */
    }
    lp_count = count;
}

/* Fills the variables behind the trampoline's copy at @page. */
static void place_trampoline(spa_t page)
{
    uint8_t *copy = spa_to_va(page);
    uint32_t address = (uint32_t)page.value;
    uint32_t cr3 = (uint32_t)(memory_image_spa(boot_pml4).value);

    memcpy(copy, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    memcpy(copy + (ap_trampoline_page - ap_trampoline), &address, sizeof(address));
    memcpy(copy + (ap_trampoline_cr3 - ap_trampoline), &cr3, sizeof(cr3));
}

static bool wait_online(const struct lp *lp, uint64_t microseconds)
{
    for (uint64_t waited = 0; waited < microseconds; waited += 20) {
        if (lp->online)
            return true;
        reftime_delay(20);
    }
    return lp->online;
}

/* INIT and start-up as in the Intel SDM vol. 3, 8.4.4.1. All get INIT at first, so that its pause
 * is waited for once. */
void lp_start_others(spa_t trampoline)
{
    static uint8_t saved[PAGE_SIZE] __attribute__((section(".scratch")));
    bool x2apic = this_lp()->x2apic;
    uint32_t vector = (uint32_t)(trampoline.value / PAGE_SIZE);

    if (lp_count == 1)
        return;
    memcpy(saved, spa_to_va(trampoline), PAGE_SIZE);
    place_trampoline(trampoline);
    ap_start_cr3 = memory_root().value;
    for (uint32_t i = 1; i < lp_count; i++)
        apic_send(x2apic, lp_by_index(i)->apic_id, LAPIC_ICR_DELIVERY_INIT | LAPIC_ICR_ASSERT);
    reftime_delay(10000);
    for (uint32_t i = 1; i < lp_count; i++) {
        struct lp *lp = lp_by_index(i);
        ap_start_stack = (uint64_t)lp - LP_STATE_OFFSET + LP_STACK_HIGH;
        for (unsigned attempt = 0; attempt < 2 && !lp->online; attempt++) {
            apic_send(x2apic, lp->apic_id, LAPIC_ICR_DELIVERY_STARTUP | LAPIC_ICR_ASSERT | vector);
            wait_online(lp, attempt == 0 ? 10000 : 1000000);
        }
        if (!lp->online)
            boot_stop("processor %u (APIC id %u) does not start. Veneer must own every processor: "
                      "disable it in the firmware setup.",
                      i, lp->apic_id);
    }
    memcpy(spa_to_va(trampoline), saved, PAGE_SIZE);
}
