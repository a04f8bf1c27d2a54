/* The synthetic interrupt controller: messages and event flags. */
#ifndef VENEER_VSC_DEMO_SYNIC_H
#define VENEER_VSC_DEMO_SYNIC_H

#include <stdbool.h>
#include <stdint.h>

#include "include/hv/synic.h"

/* Enables the calling VP's pages and SynIC; all SINTs stay masked. */
void synic_init(void);
void synic_disable(void);

/* SINT @sint raises @vector, with HV_SINT_… @flags (HV_SINT_MASKED: none). */
void synic_set_sint(unsigned sint, uint8_t vector, uint64_t flags);

/* The calling VP's slot of @sint; frees it, and asks for the next message if one waits. */
volatile struct hv_message *synic_message(unsigned sint);
void synic_message_done(unsigned sint);

/* Clears event flag @flag of @sint; whether it was set. */
bool synic_take_event(unsigned sint, unsigned flag);

#endif
