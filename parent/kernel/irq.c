#include "parent/kernel/irq.h"

#include <stddef.h>

#include "parent/include/interrupt.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/ioapic.h"
#include "parent/kernel/power.h"

#define VECTOR_COUNT (VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1)
#define ISA_INTERRUPTS 16
#define NO_LINE UINT32_MAX

/* A line that nobody has claimed so often in a row is stuck: it would take the CPU for ever. */
#define UNCLAIMED_LIMIT 10000

/* Where a device writes a message-signalled interrupt (Intel SDM vol. 3, 10.11). */
#define MSI_ADDRESS 0xfee00000ull
#define MSI_DESTINATION_SHIFT 12
/* The destination is eight bits, of which FFh means all. */
#define LARGEST_APIC_ID 254

/* Never freed, so that interrupt handlers need no lock to walk the list. */
struct handler {
    device_handler_t function;
    void *context;
    struct handler *next; /* atomic */
};

/* What arrives on one vector. */
struct source {
    struct handler *handlers; /* atomic */
    uint32_t line;            /* global interrupt number, or NO_LINE: messages */
    uint32_t unclaimed;       /* interrupts in a row; by the CPU that gets them */
};

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_INTERRUPT); /* changes of all below */
static struct source sources[VECTOR_COUNT];
static uint32_t source_count; /* those in use are the first */
static uint32_t next_cpu;

bool irq_serve(uint8_t vector)
{
    struct source *source = &sources[vector - VECTOR_DEVICE_FIRST];
    struct handler *handler = __atomic_load_n(&source->handlers, __ATOMIC_ACQUIRE);
    for (; handler; handler = __atomic_load_n(&handler->next, __ATOMIC_ACQUIRE)) {
        if (handler->function(handler->context)) {
            source->unclaimed = 0;
            return true;
        }
    }
    if (source->line != NO_LINE && ++source->unclaimed == UNCLAIMED_LIMIT) {
        ioapic_mask(source->line);
        log_print(LOG_ERROR, "irq: line %u is stuck and has been turned off", source->line);
    }
    return false;
}

/* The CPU whose turn it is to get an interrupt. The lock is held. */
static struct cpu *choose_cpu(void)
{
    for (uint32_t i = 0; i < cpu_count; i++) {
        struct cpu *cpu = cpus[next_cpu++ % cpu_count];
        if (cpu->apic_id <= LARGEST_APIC_ID)
            return cpu;
    }
    return NULL;
}

static struct source *find_line(uint32_t line)
{
    for (uint32_t i = 0; i < source_count; i++) {
        if (sources[i].line == line)
            return &sources[i];
    }
    return NULL;
}

static uint8_t vector_of(const struct source *source)
{
    return (uint8_t)(VECTOR_DEVICE_FIRST + (source - sources));
}

/* Behind those that are there. The lock is held. */
static void add_handler(struct source *source, struct handler *handler)
{
    struct handler **end = &source->handlers;
    while (*end)
        end = &(*end)->next;
    __atomic_store_n(end, handler, __ATOMIC_RELEASE);
}

/* Takes the next vector for @handler. NULL: there is none. The lock is held. */
static struct source *add_source(struct handler *handler, uint32_t line)
{
    if (source_count == VECTOR_COUNT)
        return NULL;
    struct source *source = &sources[source_count++];
    *source = (struct source){.handlers = handler, .line = line};
    return source;
}

static struct handler *make_handler(device_handler_t function, void *context)
{
    struct handler *handler = heap_allocate(sizeof(*handler));
    if (handler)
        *handler = (struct handler){.function = function, .context = context};
    return handler;
}

static bool connect_locked(const struct acpi_interrupt *interrupt, struct handler *handler)
{
    struct source *source = find_line(interrupt->number);
    if (source) {
        add_handler(source, handler);
        return true;
    }
    struct cpu *cpu = choose_cpu();
    source = cpu ? add_source(handler, interrupt->number) : NULL;
    if (!source)
        return false;
    if (ioapic_connect(interrupt->number, vector_of(source), cpu->apic_id, interrupt->level,
                       interrupt->active_low))
        return true;
    source_count--;
    source->handlers = NULL;
    return false;
}

static bool connect_line(const struct acpi_interrupt *interrupt, device_handler_t function,
                         void *context)
{
    struct handler *handler = make_handler(function, context);
    if (!handler)
        return false;
    uint64_t flags = spin_lock(&lock);
    bool connected = connect_locked(interrupt, handler);
    spin_unlock(&lock, flags);
    if (!connected)
        heap_free(handler);
    return connected;
}

/* False: the firmware says nothing special. */
static bool read_override(uint8_t irq, struct acpi_interrupt *interrupt)
{
    const struct acpi_header *madt = acpi_table("APIC");
    *interrupt = (struct acpi_interrupt){.number = irq};
    return madt && acpi_madt_isa_interrupt(madt, irq, interrupt);
}

bool interrupt_connect_isa(uint8_t irq, device_handler_t handler, void *context)
{
    struct acpi_interrupt interrupt;
    if (irq >= ISA_INTERRUPTS)
        return false;
    read_override(irq, &interrupt);
    return connect_line(&interrupt, handler, context);
}

bool interrupt_connect_pci_line(uint8_t line, device_handler_t handler, void *context)
{
    struct acpi_interrupt interrupt = {.number = line, .level = true, .active_low = true};
    struct acpi_interrupt override;
    if (line < ISA_INTERRUPTS && read_override(line, &override))
        interrupt = override;
    return connect_line(&interrupt, handler, context);
}

bool interrupt_connect_message(device_handler_t function, void *context,
                               struct interrupt_message *message)
{
    struct handler *handler = make_handler(function, context);
    if (!handler)
        return false;
    uint64_t flags = spin_lock(&lock);
    struct cpu *cpu = choose_cpu();
    struct source *source = cpu ? add_source(handler, NO_LINE) : NULL;
    spin_unlock(&lock, flags);
    if (!source) {
        heap_free(handler);
        return false;
    }
    *message = (struct interrupt_message){
        .address = MSI_ADDRESS | (uint64_t)cpu->apic_id << MSI_DESTINATION_SHIFT,
        .data = vector_of(source),
        .cpu = cpu->index,
    };
    return true;
}

void irq_init(void)
{
    ioapic_init();
}
