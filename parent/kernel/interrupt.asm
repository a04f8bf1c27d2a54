; Entry points of all interrupts and exceptions: save the context as a struct trap_frame (interrupt.h), call
; interrupt_dispatch(), restore.

%include "parent/kernel/interrupt.inc"

%define GS_BASE_MSR 0xc0000101
%define RFLAGS_AC 1 << 18

extern interrupt_dispatch

section .text

; AC would let the kernel reach ring 3's memory: ring 3 may have set it, or user_copy() was interrupted.
%macro CLEAR_AC 0
    pushfq
    and qword [rsp], ~(RFLAGS_AC)
    popfq
%endmacro

; Each stub is 16 bytes long, so that interrupt_init() can calculate where it is. Debug exceptions, NMIs, double faults and
; machine checks may hit between an entry from ring 3 and its SWAPGS.
%macro STUB 1
    align 16
    %if %1 = 8 || (%1 >= 10 && %1 <= 14) || %1 = 17 || %1 = 21 || %1 = 29 || %1 = 30
    %else
    push qword 0
    %endif
    push qword %1
    %if %1 = 1
    jmp near entry_debug
    %elif %1 = 2 || %1 = 8 || %1 = 18
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
    jz .kernel_gs
    swapgs
.kernel_gs:
    CLEAR_AC
    mov rdi, rsp
    call interrupt_dispatch
    test byte [rsp + FRAME_CS], 3
    jz .to_kernel
    swapgs
.to_kernel:
    RESTORE_REGISTERS
    add rsp, FRAME_ADJUST
    iretq

; A debug exception in ring 3 is an ordinary one, after which threads may be switched: it leaves the stack of
; the interrupt stack table, which the next one overwrites, for the thread's.
entry_debug:
    test byte [rsp + 3 * 8], 3          ; CS
    jz entry_any_gs
    swapgs
    push rsi
    push rdi
    push rcx
    cld
    mov rsi, rsp
    mov ecx, FRAME_WORDS + 3
    mov rdi, [gs:CPU_TSS_RSP0]
    sub rdi, (FRAME_WORDS + 3) * 8
    mov rsp, rdi
    rep movsq
    pop rcx
    pop rdi
    pop rsi
    SAVE_REGISTERS
    jmp entry.kernel_gs

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
.kernel_gs:
    CLEAR_AC
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
