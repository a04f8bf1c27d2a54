#include "parent/user/program.h"

#include <stdarg.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/user/system.h"

#define MAX_WORDS 64

uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);
_Noreturn void program_start(char *arguments, uint64_t size, uint64_t handles);

static uint32_t handle_count;

uint32_t program_handle_count(void)
{
    return handle_count;
}

/* Called by _start. It must not check a guard that was set after it began: it never returns. */
_Noreturn void program_start(char *arguments, uint64_t size, uint64_t handles)
{
    static char *words[MAX_WORDS + 1];
    int count = 0;
    for (char *word = arguments; word < arguments + size && count < MAX_WORDS;
         word += strlen(word) + 1)
        words[count++] = word;
    handle_count = (uint32_t)handles;
    system_exit(main(count, words));
}

int printf(const char *format, ...)
{
    char text[PRINTF_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    system_print(text, strlen(text));
    return length;
}

/* An illegal instruction: the starter gets an account of where. */
_Noreturn void abort(void)
{
    __builtin_trap();
}

_Noreturn void __stack_chk_fail(void)
{
    static const char text[] = "stack smashed\n";
    system_print(text, sizeof(text) - 1);
    abort();
}
