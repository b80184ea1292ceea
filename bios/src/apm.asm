; INT 15h AH=53h: Advanced Power Management 1.2, with its real-mode, 16-bit and 32-bit protected-mode interfaces.
;
; Document: Intel and Microsoft, Advanced Power Management BIOS Interface Specification 1.2, "APM BIOS Interface".
;
; There is one state besides "on": off, by the PIIX4's PM1 control register. Nothing ever asks for a change, so no event comes.
; The code reads nothing but its own segment, which shadow RAM lets POST patch: it needs no data segment.

APM_VERSION     equ 0x0102

; Whether power management hardware was found; POST patches it.
apm_power_off:  db 0

; %1 the name. AX, BX, CX, DX as the interface has them; returns with CF. Functions 00h to 03h come from real mode only.
%macro APM_CORE 1
%1:
        cmp al, 0x05
        jb .old
        je .idle
        cmp al, 0x06
        je .ok                          ; CPU busy: the clock is never slowed
        cmp al, 0x07
        je .set
        cmp al, 0x0a
        jb .ok                          ; power management on or off, defaults
        je .power
        cmp al, 0x0b
        je .event
        cmp al, 0x0c
        je .state
        cmp al, 0x0d
        je .ok
        cmp al, 0x0e
        je .version
        cmp al, 0x0f
        je .ok
        cmp al, 0x10
        je .capabilities
        mov ah, 0x0c                    ; not supported
        stc
        ret
.old:   cmp al, 0x04
        je .ok                          ; disconnect
        cmp al, 0x00
        jne .connected
        mov ax, APM_VERSION
        mov bx, 0x504d                  ; "PM"
        mov cx, 0x0003                  ; 16 and 32 bits
        clc
        ret
.connected:
        mov ah, 0x02
        stc
        ret
.idle:  sti
        hlt
.ok:    mov ah, 0
        clc
        ret
.set:   cmp cx, 3
        ja .parameter
        jne .ok
        cmp bx, 1                       ; all devices
        jne .ok
        cmp byte [cs:apm_power_off], 0
        je .unable
        push dx
        mov dx, PM_BASE + 4             ; PM1 control: SLP_EN, SLP_TYP 0 is soft off
        mov ax, 0x2001
        out dx, ax
        pop dx
.unable:
        mov ah, 0x60                    ; cannot enter the requested state
        stc
        ret
.parameter:
        mov ah, 0x0a
        stc
        ret
.power: mov bx, 0x01ff                  ; on line, battery unknown
        mov cx, 0x80ff                  ; none
        mov dx, 0xffff
        jmp .ok
.event: mov ah, 0x80
        stc
        ret
.state: xor cx, cx
        jmp .ok
.version:
        mov ax, cx                      ; the driver's: the lower one holds
        cmp ax, APM_VERSION
        jbe .agreed
        mov ax, APM_VERSION
.agreed:
        clc
        ret
.capabilities:
        mov bl, 0
        xor cx, cx
        jmp .ok
%endmacro

APM_CORE apm_core16

int15_apm:
        sti
        cmp al, 0x01
        jb .core
        cmp al, 0x02
        je .connect16
        jb .connect
        cmp al, 0x03
        je .connect32
.core:  call apm_core16
        jc .fail
        jmp memory_ok
.fail:  jmp memory_fail
.connect:
        mov ah, 0
        jmp memory_ok
.connect16:
        mov ax, cs
        mov bx, apm_entry16
        mov cx, BDA                     ; the data segment: none is used
        mov si, 0xfff0
        mov di, 0x100
        jmp memory_ok
.connect32:
        push ds
        mov bx, BDA
        mov ds, bx
        mov ds, [BDA_EBDA]
        cmp byte [EBDA_CPU], 3
        pop ds
        jb .none
        cpu 386
        mov ax, cs
        mov ebx, apm_entry32
        mov cx, ax
        mov dx, BDA
        mov esi, 0xfff0fff0
        mov di, 0x100
        cpu 8086
        jmp memory_ok
.none:  mov ah, 0x08                    ; no 32-bit interface
        jmp memory_fail

; Far calls in protected mode: AX = 53xxh.
apm_entry16:
        call apm_core16
        retf
        cpu 386
        bits 32
apm_entry32:
        call apm_core32
        retf
APM_CORE apm_core32
        bits 16
        cpu 8086
