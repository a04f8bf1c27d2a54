; Where programs begin: RDI = address and RSI = size of the arguments, RDX = number of handles, RCX = a number that
; is hard to guess.

extern program_start
extern __stack_chk_guard

section .text

global _start
_start:
    xor ebp, ebp                        ; ends backtraces
    ; The value that stack smashing has to guess. The lowest byte stays 0: string functions stop there.
    mov rax, rcx
    xor al, al
    mov [rel __stack_chk_guard], rax
    jmp program_start                   ; the stack is as for a call

section .note.GNU-stack noalloc noexec nowrite progbits
