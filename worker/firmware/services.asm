; What interrupt vectors of the firmware point to, and how C calls real-mode code.

%define DATA 0xe000
%define STACK_COUNT 8
%define STACK_SIZE 1536
%include "worker/firmware/entry.inc"

bits 16
section .text

ENTER_SERVICE

INTERRUPT int02, nmi_interrupt
INTERRUPT int08, timer_interrupt
INTERRUPT int09, keyboard_interrupt
INTERRUPT int0e, floppy_interrupt
INTERRUPT int11, equipment_service
INTERRUPT int12, memory_size_service
INTERRUPT int13, disk_service
INTERRUPT int14, serial_service
INTERRUPT int15, system_service
INTERRUPT int16, keyboard_service
INTERRUPT int17, printer_service
INTERRUPT int18, boot_failed_service
INTERRUPT int19, bootstrap_service
INTERRUPT int1a, time_service
INTERRUPT int40, floppy_service
INTERRUPT int70, rtc_interrupt
INTERRUPT int71, irq9_interrupt
INTERRUPT int74, mouse_interrupt
INTERRUPT int75, fpu_interrupt
INTERRUPT int76, disk_interrupt
INTERRUPT int77, disk_interrupt
INTERRUPT int_master, other_master_interrupt
INTERRUPT int_slave, other_slave_interrupt

global int02, int08, int09, int0e, int11, int12, int13, int14, int15, int16, int17, int18, int19
global int1a, int40, int70, int71, int74, int75, int76, int77, int_master, int_slave

%define FRAME_LOADED 40 ; the registers at the start of a frame, in the order in which they are pushed
%define FRAME_IP 42
%define FRAME_CS 44
%define FLAG_IF 0x200

; void call_far_interrupt(struct frame *), void call_far(struct frame *)
global call_far_interrupt, call_far
call_far_interrupt:
    push ebx
    push esi
    push edi
    push ebp
    pushf
    push ax
    mov bx, ax
    mov cx, [bx + FRAME_FLAGS]
    push cx
    and cx, ~FLAG_IF
    jmp call_with_registers
call_far:
    push ebx
    push esi
    push edi
    push ebp
    pushf
    push ax
    mov bx, ax
    mov cx, [bx + FRAME_FLAGS]
; BX is the frame, CX are the flags to begin with. On the stack are, from its top: what the called
; code returns to less CS:IP, the frame, the flags to return with, and registers.
call_with_registers:
    push cs
    push word .back
    push cx
    push word [bx + FRAME_CS]
    push word [bx + FRAME_IP]
    sub sp, FRAME_LOADED
    mov si, bx
    mov di, sp
    mov cx, FRAME_LOADED / 2
    rep movsw
    pop gs
    pop fs
    pop es
    pop ds
    popad
    iret
.back:
    pushf
    pushad
    push ds
    push es
    push fs
    push gs
    cld
    mov ax, ss
    mov ds, ax
    mov es, ax
    movzx esp, sp
    mov bp, sp
    mov si, sp
    mov di, [bp + FRAME_LOADED + 2]
    mov cx, FRAME_LOADED / 2
    rep movsw
    mov ax, [bp + FRAME_LOADED]
    mov [di + FRAME_FLAGS - FRAME_LOADED], ax
    add sp, FRAME_LOADED + 4
    popf
    pop ebp
    pop edi
    pop esi
    pop ebx
    o32 ret

; void start_boot_sector(uint16_t segment, uint16_t offset, uint8_t drive)
global start_boot_sector
start_boot_sector:
    extern pnp_header
    mov dword [stack_busy], 0
    mov dword [stack_busy + 4], 0
    xor bx, bx
    mov ss, bx
    mov esp, 0x7000
    mov ds, bx
    mov fs, bx
    mov gs, bx
    push ax
    push dx
    movzx edx, cl
    mov di, 0xf000
    mov es, di
    mov edi, pnp_header
    xor eax, eax
    xor ecx, ecx
    xor ebx, ebx
    xor esi, esi
    xor ebp, ebp
    sti
    retf

; void call_interrupt(uint8_t vector, struct frame *)
global call_interrupt
call_interrupt:
    movzx ecx, al
    mov eax, edx
    xor dx, dx
    mov fs, dx
    mov ecx, [fs:ecx * 4]
    mov [eax + FRAME_IP], ecx
    jmp call_far_interrupt

; void mouse_call_handler(uint32_t handler, const uint8_t *packet)
global mouse_call_handler
mouse_call_handler:
    push ebx
    push esi
    push edi
    push ebp
    mov bx, dx
    movzx cx, byte [bx]
    push cx
    movzx cx, byte [bx + 1]
    push cx
    movzx cx, byte [bx + 2]
    push cx
    movzx cx, byte [bx + 3]
    push cx
    push cs
    push word .back
    push eax
    sti
    retf
.back:
    cli
    cld
    mov ax, ss
    mov ds, ax
    mov es, ax
    movzx esp, sp
    add sp, 8
    pop ebp
    pop edi
    pop esi
    pop ebx
    o32 ret

; How programs call the Plug and Play BIOS: there are no devices that it knows. All arguments are
; words, the number of the function the last one pushed.
global pnp_entry
pnp_entry:
    mov ax, 0x82 ; FUNCTION_NOT_SUPPORTED
    retf

section .bss
global stacks_end, stack_busy_last
alignb 4
stacks: resb STACK_COUNT * STACK_SIZE
stacks_end:
stack_busy: resb STACK_COUNT
stack_busy_last equ stack_busy + STACK_COUNT - 1
