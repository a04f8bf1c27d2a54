/* From a machine's configuration to what its worker is started with. */
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/include/memory.h"
#include "parent/services/child_plan.h"
#include "parent/vmms/vm_internal.h"

#define WORD_SIZE 24
#define PAGES_PER_MIB 256

_Static_assert(VM_DISKS_MAX == SCSI_CONTROLLER_DISKS && VM_NICS_MAX == NETWORK_ADAPTERS_MAX &&
                   VM_IDE_DISKS_MAX == CHILD_IDE_POSITIONS && VM_NAME_SIZE == CHILD_NAME_SIZE,
               "a machine has what a child has");

/* A machine may have that part of the memory that a process may, and there must be so much. */
static bool has_memory(const char *command, const struct vm_config *config)
{
    struct memory_statistics memory;
    memory_get_statistics(&memory);
    uint64_t total = memory.pages_total / PAGES_PER_MIB, part = total / SYSTEM_MAX_MEMORY_PART;
    uint64_t free = memory.pages_free / PAGES_PER_MIB;
    if (config->memory > part)
        return command_failed(command, "vm edit NAME memory= changes it",
                              "it wants %u MiB of memory; a machine may have a quarter of this "
                              "system's %lu MiB, which is %lu MiB",
                              config->memory, total, part);
    if (config->memory > free)
        return command_failed(command, "Stop another machine, or give it less: vm edit",
                              "it wants %u MiB of memory, and %lu of this system's %lu MiB are "
                              "free",
                              config->memory, free, total);
    return true;
}

static const char *given(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void add_word(struct child_options *options, char *word)
{
    options->words[options->word_count++] = word;
}

/* The texts stay those of @config. */
static void fill_options(const struct vm_config *config, struct child_options *options)
{
    *options = (struct child_options){
        .kernel = given(config->kernel),
        .initrd = given(config->initrd),
        .pc = config->kind == VM_PC,
        .firmware = given(config->firmware),
        .option_rom = given(config->optionrom),
        .cd = given(config->cd),
        .floppy = given(config->floppy),
        .vmbus = config->vmbus,
        .word_count = CHILD_OWN_WORDS,
    };
    for (unsigned i = 0; i < VM_DISKS_MAX; i++)
        options->disks[i] = given(config->disks[i]);
    for (unsigned i = 0; i < VM_NICS_MAX; i++)
        options->switches[i] = given(config->nics[i]);
}

static void hear(void *context, const char *bytes, size_t count)
{
    vm_log_hear(context, bytes, count);
}

bool vm_plan_open(const char *command, struct vm *vm, const struct vm_config *config,
                  struct child_plan *plan)
{
    static struct child_options options; /* large, and one thread starts machines */
    static char separator[] = "--", cmdline[VM_CMDLINE_SIZE];
    char vps[WORD_SIZE], memory[WORD_SIZE], boot[WORD_SIZE];
    if (!has_memory(command, config))
        return false;
    fill_options(config, &options);
    options.name = vm->name;
    snprintf(vps, sizeof(vps), "vps=%u", config->processors);
    snprintf(memory, sizeof(memory), "memory=%u", config->memory);
    snprintf(boot, sizeof(boot), "boot=%s", config->boot);
    add_word(&options, vps);
    add_word(&options, memory);
    if (config->boot[0] != '\0')
        add_word(&options, boot);
    if (config->kind == VM_ENLIGHTENED) {
        string_copy(cmdline, config->cmdline, sizeof(cmdline));
        add_word(&options, separator);
        if (cmdline[0] != '\0')
            add_word(&options, cmdline);
    }
    if (!child_plan_open(command, &options, plan))
        return false;
    if (config->serial_log)
        plan->listener = (struct guest_console_listener){hear, &vm->log};
    return true;
}
