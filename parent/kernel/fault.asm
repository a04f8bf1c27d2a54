; A call that an exception may end (fault.h). The thread's fault_stack is where RSP was when all was
; saved.

%define CPU_THREAD 8
%define THREAD_FAULT_STACK 8

section .text

; bool fault_call(void (*function)(void *), void *argument)
global fault_call
fault_call:
    push rbp
    mov rbp, rsp
    push rbx
    push r12
    push r13
    push r14
    push r15
    pushfq                              ; interrupts may be off where the exception hits
    mov rbx, [gs:CPU_THREAD]
    push qword [rbx + THREAD_FAULT_STACK] ; of the call around this one
    mov [rbx + THREAD_FAULT_STACK], rsp
    mov rax, rdi
    mov rdi, rsi
    call rax
    xor eax, eax
.done:
    mov rbx, [gs:CPU_THREAD]
    pop qword [rbx + THREAD_FAULT_STACK]
    popfq
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

; Exceptions continue here, with RSP = fault_stack.
global fault_resume
fault_resume:
    mov eax, 1
    jmp fault_call.done

section .note.GNU-stack noalloc noexec nowrite progbits
