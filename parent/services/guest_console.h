/* The serial console of a running child: what its worker sends is shown on the administrator's
 * terminal while somebody is attached; else the last of it is kept until somebody is. Thread. */
#ifndef VENEER_PARENT_SERVICES_GUEST_CONSOLE_H
#define VENEER_PARENT_SERVICES_GUEST_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_console;
struct object;

/* Who else gets what the worker sends, from the console's thread, without a lock. */
struct guest_console_listener {
    void (*hear)(void *context, const char *bytes, size_t count); /* NULL: nobody */
    void *context;
};

/* NULL: no memory. Ends with guest_console_destroy(). */
struct guest_console *guest_console_create(const struct guest_console_listener *listener);

/* Waits until everything that the worker, which has ended, has sent is shown or kept, or @deadline
 * passes: other processes may still have its end. */
void guest_console_settle(struct guest_console *console, uint64_t deadline);

/* The worker's end, for struct process_program; call guest_console_given() when the worker has it,
 * or will not be started. */
struct object *guest_console_object(struct guest_console *console);
void guest_console_given(struct guest_console *console);

/* From now on the terminal shows what comes, after what has been kept; or does not. */
void guest_console_attach(struct guest_console *console, bool attached);

/* A key that was typed. It is lost if the guest does not take it for a while. */
void guest_console_key(struct guest_console *console, char key);

/* Waits until all that the worker has sent was taken, which has ended or will at once. */
void guest_console_destroy(struct guest_console *console);

#endif
