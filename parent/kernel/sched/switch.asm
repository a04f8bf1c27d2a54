; Switching between kernel stacks (scheduler.h). Registers that C functions may change need not be
; saved.

section .text

; void context_switch(uint64_t *save, uint64_t load)
global context_switch
context_switch:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    mov [rdi], rsp
    mov rsp, rsi
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

section .note.GNU-stack noalloc noexec nowrite progbits
