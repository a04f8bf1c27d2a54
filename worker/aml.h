/* Writes AML, the byte code of ACPI's definition blocks (ACPI 6.4, chapter 20). */
#ifndef VENEER_WORKER_AML_H
#define VENEER_WORKER_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What has been written so far. Begin with the buffer and its size; when something does not fit,
 * `overflow` is set and nothing more is written. */
struct aml {
    uint8_t *buffer;
    size_t size, used;
    bool overflow;
};

/* Things with a length, which end with aml_end(). The result is for that. @name: a name string such
 * as "_SB_", "\\_SB_.PCI0" or "COM1". */
size_t aml_scope(struct aml *aml, const char *name);
size_t aml_device(struct aml *aml, const char *name);
/* Serialized, with so many arguments; what it does is aml_code(). */
size_t aml_method(struct aml *aml, const char *name, unsigned arguments);
void aml_end(struct aml *aml, size_t start);

/* Name(@name, value). */
void aml_name_integer(struct aml *aml, const char *name, uint32_t value);
void aml_name_string(struct aml *aml, const char *name, const char *value);
/* @id: such as "PNP0501", as a compressed id (20.2.3, EISAID). */
void aml_name_eisa_id(struct aml *aml, const char *name, const char *id);
/* A package of @count small integers. */
void aml_name_package(struct aml *aml, const char *name, const uint8_t *values, unsigned count);
/* A package of @count elements, which are written then, and ends with aml_end(); the second one has
 * no name, but is an element. */
size_t aml_name_of_package(struct aml *aml, const char *name, uint8_t count);
size_t aml_package(struct aml *aml, uint8_t count);
/* Elements of packages. */
void aml_integer(struct aml *aml, uint32_t value);
void aml_reference(struct aml *aml, const char *name);

/* Processor(@name, @id, 0, 0) {}. */
void aml_processor(struct aml *aml, const char *name, uint8_t id);
/* @code as it is. */
void aml_code(struct aml *aml, const uint8_t *code, size_t size);
/* OperationRegion(@region, PCI_Config, @offset, @count) with a field of a byte for each name. */
void aml_pci_bytes(struct aml *aml, const char *region, uint8_t offset, const char *const *names,
                   uint8_t count);

/* Name(@name, ResourceTemplate () { … }), which ends with aml_resources_end(). */
size_t aml_resources(struct aml *aml, const char *name);
void aml_resources_end(struct aml *aml, size_t start);
/* IO(Decode16, first, first, 1, count). */
void aml_io(struct aml *aml, uint16_t first, uint8_t count);
/* Interrupt(ResourceConsumer, Edge, ActiveHigh, Exclusive) { number }. */
void aml_interrupt(struct aml *aml, uint8_t number);
/* Interrupt(ResourceConsumer, Level, ActiveHigh, Shared) { numbers }. The first number is 5 bytes
 * behind the descriptor's start. */
void aml_shared_interrupts(struct aml *aml, const uint8_t *numbers, uint8_t count);
/* IRQNoFlags() { @irq }: as on an ISA bus. */
void aml_irq(struct aml *aml, uint8_t irq);
/* DMA(Compatibility, NotBusMaster, Transfer8) { @channel }. */
void aml_dma(struct aml *aml, uint8_t channel);

/* A range that a bus hands on: the @size units from @first on, in numbers of @width bytes (2: word,
 * 4: double word, 8: quad word). The values are of the descriptor. */
enum aml_window { AML_MEMORY = 0, AML_PORTS = 1, AML_BUSES = 2 };
void aml_window(struct aml *aml, enum aml_window window, unsigned width, uint64_t first,
                uint64_t size);

#endif
