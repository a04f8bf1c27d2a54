; Into ring 3 (selftest_ring3.h).

%define CPU_TSS_RSP0 16 + 4             ; struct cpu, struct tss
%define SELECTOR_USER_DATA 0x1b
%define SELECTOR_USER_CODE 0x23
%define RFLAGS_IF (1 << 9)

section .text

; RDI = where to continue. Exceptions there use the stack below here; interrupts are off, because a
; switch of threads would give exceptions another stack.
global ring3_enter
ring3_enter:
    cli
    mov [gs:CPU_TSS_RSP0], rsp
    pushfq
    pop rax
    and eax, ~RFLAGS_IF
    push qword SELECTOR_USER_DATA
    push qword 0
    push rax
    push qword SELECTOR_USER_CODE
    push rdi
    swapgs
    iretq

section .note.GNU-stack noalloc noexec nowrite progbits
