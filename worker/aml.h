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
 * as "_SB_", "\\_SB_" or "COM1". */
size_t aml_scope(struct aml *aml, const char *name);
size_t aml_device(struct aml *aml, const char *name);
void aml_end(struct aml *aml, size_t start);

/* Name(@name, value). */
void aml_name_integer(struct aml *aml, const char *name, uint32_t value);
void aml_name_string(struct aml *aml, const char *name, const char *value);
/* @id: such as "PNP0501", as a compressed id (20.2.3, EISAID). */
void aml_name_eisa_id(struct aml *aml, const char *name, const char *id);
/* A package of @count small integers. */
void aml_name_package(struct aml *aml, const char *name, const uint8_t *values, unsigned count);

/* Name(_CRS, ResourceTemplate () { … }), which ends with aml_resources_end(). */
size_t aml_resources(struct aml *aml);
void aml_resources_end(struct aml *aml, size_t start);
/* IO(Decode16, first, first, 1, count). */
void aml_io(struct aml *aml, uint16_t first, uint8_t count);
/* Interrupt(ResourceConsumer, Edge, ActiveHigh, Exclusive) { number }. */
void aml_interrupt(struct aml *aml, uint32_t number);
/* QWordMemory(ResourceProducer, …, ReadWrite): the @size bytes from @address on. */
void aml_memory_window(struct aml *aml, uint64_t address, uint64_t size);

#endif
