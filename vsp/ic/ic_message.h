/* The messages of integration services: made, and taken apart. Pure logic. */
#ifndef VENEER_VSP_IC_MESSAGE_H
#define VENEER_VSP_IC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/vmbus/ic.h"

/* Framework versions that are offered, and most services' versions. */
#define IC_FRAMEWORK_VERSIONS 2u
#define IC_SERVICE_VERSIONS_MAX 3u

struct ic_negotiation {
    struct vmbus_ic_header header;
    struct vmbus_ic_negotiate negotiate;
    struct vmbus_ic_version versions[IC_FRAMEWORK_VERSIONS + IC_SERVICE_VERSIONS_MAX];
};

/* What both sides have agreed on. */
struct ic_versions {
    struct vmbus_ic_version framework, service;
};

/* Fills in the header of a request with @data_size bytes behind it. */
void ic_message_header(struct vmbus_ic_header *header, const struct ic_versions *versions,
                       enum vmbus_ic_type type, size_t data_size, uint8_t transaction);

/* Fills in the offer of @count <= IC_SERVICE_VERSIONS_MAX versions of a service, best first; its
 * size in bytes. */
size_t ic_message_negotiation(struct ic_negotiation *message,
                              const struct vmbus_ic_version *service_versions, uint32_t count);

/* An answer of @size bytes. NULL: it is none, or too short for what its header says. @data_size:
 * bytes behind the header. */
const struct vmbus_ic_header *ic_message_response(const void *message, size_t size,
                                                  size_t *data_size);

/* What the guest has chosen. False: nothing, or what was not offered. */
bool ic_message_chosen(const struct vmbus_ic_header *header, size_t data_size,
                       const struct vmbus_ic_version *service_versions, uint32_t count,
                       struct ic_versions *chosen);

#endif
