; The border to ring 3 (user.h): copying with fault recovery, entering it, and system calls.

%include "parent/kernel/interrupt.inc"

extern system_call
extern user_smap

section .text

; bool user_copy(void *to, const void *from, uint64_t size)
; An exception between user_copy_start and user_copy_end continues at user_copy_fault.
global user_copy
user_copy:
    cld
    mov rcx, rdx
    shr rcx, 3
    and edx, 7
    cmp byte [user_smap], 0
    je user_copy_start
    stac
global user_copy_start
user_copy_start:
    rep movsq
    mov ecx, edx
    rep movsb
global user_copy_end
user_copy_end:
    mov eax, 1
.close:
    cmp byte [user_smap], 0
    je .done
    clac
.done:
    ret
global user_copy_fault
user_copy_fault:
    xor eax, eax
    jmp user_copy_end.close

; void user_enter(const struct trap_frame *frame)
global user_enter
user_enter:
    mov rsp, rdi
    swapgs
    RESTORE_REGISTERS
    add rsp, FRAME_ADJUST
    iretq

; SYSCALL arrives here: RCX = RIP and R11 = RFLAGS of ring 3, whose stack we are still on. Interrupts are off
; (MSR SFMASK). The frame is that of an interrupt, so that all code that looks at ring 3's registers
; need know only one.
global system_call_entry
system_call_entry:
    swapgs
    mov [gs:CPU_USER_RSP], rsp
    mov rsp, [gs:CPU_TSS_RSP0]
    push qword SELECTOR_USER_DATA
    push qword [gs:CPU_USER_RSP]
    push r11
    push qword SELECTOR_USER_CODE
    push rcx
    push qword 0
    push qword VECTOR_SYSTEM_CALL
    SAVE_REGISTERS
    sti
    mov rdi, rsp
    call system_call                    ; returns with interrupts off
    RESTORE_REGISTERS
    ; RCX and R11 are RIP and RFLAGS again. RIP is canonical: no memory of ring 3 ends where a SYSCALL would
    ; leave the lower half. An interrupt here would find ring 3's stack: they are off.
    mov rsp, [rsp + FRAME_ADJUST + 3 * 8]
    swapgs
    o64 sysret

section .note.GNU-stack noalloc noexec nowrite progbits
