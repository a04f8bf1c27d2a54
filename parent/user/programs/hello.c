/* Test program: says what it got and ends with the number of words. */
#include "parent/user/program.h"
#include "parent/user/system.h"

int main(int argc, char **argv)
{
    printf("hello from process %u with %u handles:", system_process_id(), program_handle_count());
    for (int i = 0; i < argc; i++)
        printf(" %s", argv[i]);
    printf("\n");
    return argc;
}
