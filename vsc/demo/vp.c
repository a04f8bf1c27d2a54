#include "vsc/demo/vp.h"

#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/fpu.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"

struct vp vps[VP_MAX];

_Static_assert(offsetof(struct vp, recovery) == 8, "VP_RECOVERY in demo.inc");

/* start.asm: makes CS, DS, ES, SS those of the GDT that is loaded, FS and GS 0. */
void load_segments(void);

static void load_gdt(struct vp *vp)
{
    static const uint64_t segments[] = {
        0,
        0x00af9b000000ffff, /* KERNEL_CS */
        0x00cf93000000ffff, /* KERNEL_DS */
        0x00cff3000000ffff, /* ring 3 data */
        0x00affb000000ffff, /* ring 3 code */
    };
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(vp->gdt) - 1, (uint64_t)vp->gdt};

    memcpy(vp->gdt, segments, sizeof(segments));
    /* Ring 3 enters on the stack of faults: the main one holds what waits for its return. */
    vp->tss.rsp[0] = (uint64_t)(vp->fault_stack + sizeof(vp->fault_stack));
    vp->tss.ist[0] = vp->tss.rsp[0];
    vp->tss.io_map_base = sizeof(vp->tss);
    tss_describe(&vp->tss, &vp->gdt[GDT_TSS]);
    __asm__ volatile("lgdt %0" ::"m"(pointer) : "memory");
    load_segments();
    __asm__ volatile("ltr %w0" ::"r"(GDT_TSS * 8) : "memory");
}

void vp_init(uint32_t index)
{
    struct vp *vp = &vps[index];

    vp->self = vp;
    vp->index = index;
    load_gdt(vp);
    wrmsr(MSR_GS_BASE, (uint64_t)vp);
    interrupts_load();
    write_cr0(read_cr0() | CR0_MP | CR0_NE | CR0_WP);
    fpu_init(&vp->fpu_at_start);
    lapic_init();
    vp->apic_id = lapic_id();
}
