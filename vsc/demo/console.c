#include "vsc/demo/console.h"

#include <stdbool.h>
#include <stddef.h>

#include "include/child_start.h"
#include "lib/printf.h"
#include "lib/x86/cpu.h"

#define STATUS_BROKEN 2

uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

static bool busy;

static void put(const char *text, size_t length)
{
    __asm__ volatile("rep outsb" : "+S"(text), "+c"(length) : "d"(CHILD_PORT_PRINT) : "memory");
}

static void print_arguments(const char *format, va_list arguments)
{
    char text[256];
    int length = vsnprintf(text, sizeof(text), format, arguments);
    uint64_t flags = interrupts_save();

    if (length >= (int)sizeof(text))
        length = sizeof(text) - 1;
    while (__atomic_test_and_set(&busy, __ATOMIC_ACQUIRE))
        cpu_pause();
    put(text, (size_t)length);
    __atomic_clear(&busy, __ATOMIC_RELEASE);
    interrupts_restore(flags);
}

void print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_arguments(format, arguments);
    va_end(arguments);
}

void child_exit(uint32_t status)
{
    interrupts_disable();
    for (;;) {
        outl(CHILD_PORT_EXIT, status);
        __asm__ volatile("hlt");
    }
}

void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print("child: ");
    print_arguments(format, arguments);
    print("\n");
    va_end(arguments);
    child_exit(STATUS_BROKEN);
}

void __stack_chk_fail(void)
{
    die("a stack is damaged");
}
