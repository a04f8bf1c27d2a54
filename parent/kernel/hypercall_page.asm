; The page over which the hypervisor lays its own: RCX = input value, RDX and R8 = input and output. Until then a call to
; it is a bug.

section .text.hypercall_page progbits alloc exec nowrite align=4096

global hypercall_page
hypercall_page:
    times 4096 db 0xcc                  ; INT3

section .note.GNU-stack noalloc noexec nowrite progbits
