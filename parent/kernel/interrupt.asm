; Entry points of all interrupts and exceptions: save the context as a struct trap_frame (interrupt.h), call
; interrupt_dispatch(), restore.

%define GS_BASE_MSR 0xc0000101
%define FRAME_CS 18 * 8
%define FRAME_ADJUST 16             ; vector and error code
%define RFLAGS_AC 1 << 18

extern interrupt_dispatch

section .text

%macro SAVE_REGISTERS 0
    push rax
    push rcx
    push rdx
    push rbx
    push rbp
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
%endmacro

%macro RESTORE_REGISTERS 0
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rbp
    pop rbx
    pop rdx
    pop rcx
    pop rax
%endmacro

; Each stub is 16 bytes long, so that interrupt_init() can calculate where it is. NMI, double fault and machine check may
; hit between an entry from ring 3 and its SWAPGS.
%macro STUB 1
    align 16
    %if %1 = 8 || (%1 >= 10 && %1 <= 14) || %1 = 17 || %1 = 21 || %1 = 29 || %1 = 30
    %else
    push qword 0
    %endif
    push qword %1
    %if %1 = 2 || %1 = 8 || %1 = 18
    jmp near entry_any_gs
    %else
    jmp near entry
    %endif
%endmacro

align 16
global interrupt_stubs
interrupt_stubs:
%assign vector 0
%rep 256
    STUB vector
%assign vector vector + 1
%endrep

; The interrupted code is the kernel with its GS base, or ring 3 with another.
entry:
    cld
    SAVE_REGISTERS
    test byte [rsp + FRAME_CS], 3
    jz .from_kernel
    swapgs
    pushfq                              ; ring 3 may have set AC, which would open its pages to us
    and qword [rsp], ~(RFLAGS_AC)
    popfq
.from_kernel:
    mov rdi, rsp
    call interrupt_dispatch
    test byte [rsp + FRAME_CS], 3
    jz .to_kernel
    swapgs
.to_kernel:
    RESTORE_REGISTERS
    add rsp, FRAME_ADJUST
    iretq

; The interrupted code may have any GS base: the kernel's are the ones in the upper half.
entry_any_gs:
    cld
    SAVE_REGISTERS
    mov ecx, GS_BASE_MSR
    rdmsr
    mov ebx, edx                        ; kept by interrupt_dispatch()
    test ebx, ebx
    js .kernel_gs
    swapgs
    pushfq
    and qword [rsp], ~(RFLAGS_AC)
    popfq
.kernel_gs:
    mov rdi, rsp
    call interrupt_dispatch
    test ebx, ebx
    js .keep_gs
    swapgs
.keep_gs:
    RESTORE_REGISTERS
    add rsp, FRAME_ADJUST
    iretq

section .note.GNU-stack noalloc noexec nowrite progbits
