#include "worker/devices/i440bx.h"

/* Configuration. 82443BX data sheet, 3.3. */
#define CONFIG_PAM0 0x59 /* to 5Fh: a nibble for each region; the low one of the first is none */
#define PAM_REGISTERS 7
#define PAM_RE 0x1 /* reads go to RAM */
#define PAM_WE 0x2
#define CONFIG_SMRAM 0x72
#define SMRAM_FIXED 0x02
#define SMRAM_ENABLE 0x08
#define SMRAM_LOCK 0x10
#define SMRAM_CLOSED 0x20
#define CONFIG_DRB0 0x60  /* to 67h: row boundaries, of no effect */
#define CONFIG_BSPAD 0xd0 /* to D7h: for firmware to keep things */

/* Region 0 is F0000h to FFFFFh, the others have 16 KiB each from C0000h. */
#define BIOS_FIRST 0xf0000
#define BIOS_SIZE 0x10000
#define REGION_FIRST 0xc0000
#define REGION_SIZE 0x4000

/* What the nibble of @region allows. */
static uint8_t access_of(const struct i440bx *bridge, uint32_t region)
{
    uint8_t nibbles = bridge->function.config[CONFIG_PAM0 + (region + 1) / 2];

    return (region % 2 == 0 ? nibbles >> 4 : nibbles) & (PAM_RE | PAM_WE);
}

static void update_shadow(struct i440bx *bridge)
{
    for (uint32_t region = 0; region < I440BX_PAM_REGIONS; region++) {
        uint8_t access = access_of(bridge, region);
        uint32_t first = region == 0 ? BIOS_FIRST : REGION_FIRST + (region - 1) * REGION_SIZE;

        if (access == bridge->access[region])
            continue;
        bridge->access[region] = access;
        bridge->set_shadow(bridge->machine, first, region == 0 ? BIOS_SIZE : REGION_SIZE,
                           access & PAM_RE, access & PAM_WE);
    }
}

static void config_written(void *device, uint32_t offset, uint32_t size)
{
    struct i440bx *bridge = device;
    uint8_t writable = SMRAM_ENABLE | SMRAM_LOCK | SMRAM_CLOSED;

    (void)offset;
    (void)size;
    /* Once it is locked only a reset unlocks it. */
    if (bridge->function.config[CONFIG_SMRAM] & SMRAM_LOCK)
        writable = 0;
    bridge->function.writable[CONFIG_SMRAM] = writable;
    update_shadow(bridge);
}

void i440bx_init(struct i440bx *bridge, void *machine,
                 void (*set_shadow)(void *machine, uint32_t first, uint32_t size, bool read,
                                    bool write))
{
    struct pci_function *function = &bridge->function;

    *bridge = (struct i440bx){.set_shadow = set_shadow, .machine = machine};
    pci_function_init(function, 0x8086, 0x7192, 0x060000, 3);
    pci_set16(function->reset, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    pci_set16(function->writable, PCI_COMMAND, 0);
    function->writable[PCI_INTERRUPT_LINE] = 0;
    function->writable[CONFIG_PAM0] = (PAM_RE | PAM_WE) << 4;
    for (uint32_t i = 1; i < PAM_REGISTERS; i++)
        function->writable[CONFIG_PAM0 + i] = (PAM_RE | PAM_WE) << 4 | PAM_RE | PAM_WE;
    for (uint32_t i = 0; i < 8; i++) {
        function->writable[CONFIG_DRB0 + i] = 0xff;
        function->reset[CONFIG_DRB0 + i] = 1;
        function->writable[CONFIG_BSPAD + i] = 0xff;
    }
    function->reset[CONFIG_SMRAM] = SMRAM_FIXED;
    function->written = config_written;
    function->device = bridge;
}
