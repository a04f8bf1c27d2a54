; Into ring 3 (selftest_ring3.h).

%define CPU_TSS_RSP0 16 + 4             ; struct cpu, struct tss
%define SELECTOR_USER_DATA 0x1b
%define SELECTOR_USER_CODE 0x23

section .text

; RDI = where to continue. Interrupts and exceptions there use the stack below here.
global ring3_enter
ring3_enter:
    mov [gs:CPU_TSS_RSP0], rsp
    pushfq
    pop rax
    push qword SELECTOR_USER_DATA
    push qword 0
    push rax
    push qword SELECTOR_USER_CODE
    push rdi
    cli                                 ; no interrupt between SWAPGS and IRETQ
    swapgs
    iretq

section .note.GNU-stack noalloc noexec nowrite progbits
