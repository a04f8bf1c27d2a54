#include "worker/guest_crash.h"

#include "include/hv/msr.h"
#include "include/hv/vp_registers.h"
#include "lib/x86/cpu.h"
#include "parent/user/program.h"
#include "worker/vp.h"

#define PARAMETERS 5u /* P0 to P4 */
#define TEXT_ADDRESS 3u
#define TEXT_SIZE 4u
#define LINE_MAX 120u

/* The guest's text, which may change meanwhile and have any bytes, in lines. */
static void print_text(uint64_t address, uint64_t size)
{
    char line[LINE_MAX + 1];
    size_t used = 0;
    const char *text =
        size <= PAGE_SIZE ? machine.host.memory(machine.host.machine, address, size) : NULL;
    if (!text) {
        printf("  its message is not in its memory, or longer than a page\n");
        return;
    }
    for (uint64_t i = 0; i < size; i++) {
        char c = *(const volatile char *)(text + i);
        if (c != '\n' && c != '\0')
            line[used++] = c >= ' ' && c <= '~' ? c : '?';
        if (used == LINE_MAX || (used > 0 && (c == '\n' || i + 1 == size))) {
            line[used] = '\0';
            printf("  %s\n", line);
            used = 0;
        }
    }
}

void guest_crash_report(struct vp *vp, uint64_t control)
{
    static bool reported;
    uint32_t names[PARAMETERS];
    struct hv_register_value values[PARAMETERS];
    if (__atomic_exchange_n(&reported, true, __ATOMIC_ACQ_REL))
        return;
    for (uint32_t i = 0; i < PARAMETERS; i++)
        names[i] = HV_X64_REGISTER_CRASH_P0 + i;
    vp_get_registers(vp, names, values, PARAMETERS);
    printf(
        "child: VP %u: its system says that it has crashed, with the codes %lx %lx %lx %lx %lx\n",
        vp->index, values[0].low, values[1].low, values[2].low, values[3].low, values[4].low);
    if (control & HV_X64_MSR_CRASH_CTL_MESSAGE)
        print_text(values[TEXT_ADDRESS].low, values[TEXT_SIZE].low);
}
