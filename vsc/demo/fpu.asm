; Moves of all SSE and AVX registers: see fpu.c.

section .text
bits 64

; void fpu_load_xmm(const uint8_t image[16][16])
global fpu_load_xmm
fpu_load_xmm:
%assign i 0
%rep 16
    movdqu xmm%[i], [rdi + i * 16]
%assign i i + 1
%endrep
    ret

; void fpu_store_xmm(uint8_t image[16][16])
global fpu_store_xmm
fpu_store_xmm:
%assign i 0
%rep 16
    movdqu [rdi + i * 16], xmm%[i]
%assign i i + 1
%endrep
    ret

; void fpu_load_upper(const uint8_t image[16][16])
global fpu_load_upper
fpu_load_upper:
%assign i 0
%rep 16
    vinsertf128 ymm%[i], ymm%[i], [rdi + i * 16], 1
%assign i i + 1
%endrep
    ret

; void fpu_store_upper(uint8_t image[16][16])
global fpu_store_upper
fpu_store_upper:
%assign i 0
%rep 16
    vextractf128 [rdi + i * 16], ymm%[i], 1
%assign i i + 1
%endrep
    ret

; void fpu_store_all(uint8_t fxsave[512])
global fpu_store_all
fpu_store_all:
    fxsave64 [rdi]
    ret

section .note.GNU-stack noalloc noexec nowrite progbits
