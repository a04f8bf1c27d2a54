#include "vsp/ic/ic_message.h"

#include "lib/string.h"

#define PIPE_HEADER_BYTES                                                                          \
    8u /* of struct vmbus_ic_header, which the size of a pipe's message excludes */

static const struct vmbus_ic_version framework_versions[IC_FRAMEWORK_VERSIONS] = {{3, 0}, {1, 0}};

void ic_message_header(struct vmbus_ic_header *header, const struct ic_versions *versions,
                       enum vmbus_ic_type type, size_t data_size, uint8_t transaction)
{
    *header = (struct vmbus_ic_header){
        .pipe_size = (uint32_t)(sizeof(*header) - PIPE_HEADER_BYTES + data_size),
        .framework = versions->framework,
        .type = (uint16_t)type,
        .service = versions->service,
        .size = (uint16_t)data_size,
        .transaction = transaction,
        .flags = VMBUS_IC_FLAG_TRANSACTION | VMBUS_IC_FLAG_REQUEST,
    };
}

size_t ic_message_negotiation(struct ic_negotiation *message,
                              const struct vmbus_ic_version *service_versions, uint32_t count)
{
    static const struct ic_versions none;
    size_t versions_size = (IC_FRAMEWORK_VERSIONS + count) * sizeof(message->versions[0]);
    size_t data_size = sizeof(message->negotiate) + versions_size;
    memset(message, 0, sizeof(*message));
    ic_message_header(&message->header, &none, VMBUS_IC_NEGOTIATE, data_size, 0);
    message->negotiate.framework_count = IC_FRAMEWORK_VERSIONS;
    message->negotiate.service_count = (uint16_t)count;
    memcpy(message->versions, framework_versions, sizeof(framework_versions));
    memcpy(message->versions + IC_FRAMEWORK_VERSIONS, service_versions,
           count * sizeof(*service_versions));
    return sizeof(message->header) + data_size;
}

const struct vmbus_ic_header *ic_message_response(const void *message, size_t size,
                                                  size_t *data_size)
{
    const struct vmbus_ic_header *header = message;
    if (size < sizeof(*header) || !(header->flags & VMBUS_IC_FLAG_RESPONSE))
        return NULL;
    *data_size = size - sizeof(*header);
    return header;
}

static bool contains(const struct vmbus_ic_version *versions, uint32_t count,
                     struct vmbus_ic_version wanted)
{
    for (uint32_t i = 0; i < count; i++) {
        if (versions[i].major == wanted.major && versions[i].minor == wanted.minor)
            return true;
    }
    return false;
}

bool ic_message_chosen(const struct vmbus_ic_header *header, size_t data_size,
                       const struct vmbus_ic_version *service_versions, uint32_t count,
                       struct ic_versions *chosen)
{
    struct vmbus_ic_negotiate negotiate;
    struct ic_versions answer;
    if (header->type != VMBUS_IC_NEGOTIATE || data_size < sizeof(negotiate) + sizeof(answer))
        return false;
    memcpy(&negotiate, header + 1, sizeof(negotiate));
    memcpy(&answer, (const uint8_t *)(header + 1) + sizeof(negotiate), sizeof(answer));
    if (negotiate.framework_count != 1 || negotiate.service_count != 1 ||
        !contains(framework_versions, IC_FRAMEWORK_VERSIONS, answer.framework) ||
        !contains(service_versions, count, answer.service))
        return false;
    *chosen = answer;
    return true;
}
