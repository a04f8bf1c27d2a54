; Prints the time-stamp counter as a decimal number and a line feed. Freestanding, so that the first
; thing that init does is not the start of a C library.
bits 64
default rel
global _start

MARK equ 9

section .bss
text_start: resb 24
text_end:

section .text
_start:
    db 0x0f, 0x1f, 0x80, MARK, "RNV"    ; a long NOP, which tests/bench/marks.c counts to
    rdtsc
    shl rdx, 32
    or rax, rdx
    lea rsi, [text_end - 1]
    mov byte [rsi], 10
    mov ecx, 10
.digit:
    xor edx, edx
    div rcx
    add dl, '0'
    dec rsi
    mov [rsi], dl
    test rax, rax
    jnz .digit
    lea rdx, [text_end]
    sub rdx, rsi
    mov edi, 1                  ; standard output
    mov eax, 1                  ; write
    syscall
    xor edi, edi
    mov eax, 60                 ; exit
    syscall
