; Running a child VP from ring 3 (dispatch.h).

section .text

; uint64_t vp_dispatch(uint64_t partition_id, uint32_t vp_index, uint32_t flags)
global vp_dispatch
vp_dispatch:
    mov r8d, esi
    shl rdx, 32
    or r8, rdx
    mov rdx, rdi
    mov ecx, 0x18801                    ; HVCALL_VENEER_DISPATCH_VP | HV_HYPERCALL_FAST
    cmp byte [rel vp_dispatch_by_vmmcall], 0
    je .vmcall
    vmmcall
    ret
.vmcall:
    vmcall
    ret

section .bss

global vp_dispatch_by_vmmcall
vp_dispatch_by_vmmcall: resb 1

section .note.GNU-stack noalloc noexec nowrite progbits
