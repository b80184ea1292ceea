; The VGA BIOS of Ferrite: an option ROM at C0000h with INT 10h.
;
; Written from: IBM PS/2 and PC BIOS Interface Technical Reference, "Interrupt 10h - Video"; IBM PS/2 Hardware Interface
; Technical Reference, "Video Subsystem"; VESA VBE Core Functions Standard 3.0 (and 2.0), VBE/PM 1.0, VBE/DDC 1.1;
; PCI Firmware / PCI 2.1, "PCI Expansion ROMs"; Ralf Brown's Interrupt List, INT 10h.
;
; 8086 instructions only, except the protected mode interface of VBE (reached by 386 callers alone) and one VBE 3.0
; function behind a CPU test. Works at any segment, in real and virtual-8086 mode, writes nothing into itself.
;
; Not modelled: a second adapter beside this one (INT 42h is kept, but never called), light pen, stereo VBE functions.

        cpu 8086
        bits 16
        org 0

%include "vga/equ.inc"

ROM_SIZE equ 8000h
%ifndef CHECKSUM
%define CHECKSUM 0      ; assemble.sh assembles again with the byte that brings the sum of the image to zero
%endif

rom:    db 055h, 0AAh
        db ROM_SIZE / 512
        jmp near init
        times 18h - ($ - rom) db 0
        dw pcir
        times 1Eh - ($ - rom) db 0
        db 'IBM VGA compatible BIOS of Ferrite', 0      ; programs look for "IBM" here to tell an EGA or VGA

        align 4, db 0
pcir:   db 'PCIR'
        dw 1234h, 1111h         ; vendor, device
        dw 0                    ; no vital product data
        dw pcir_end - pcir
        db 0                    ; structure revision
        db 00h, 00h, 03h        ; class: VGA-compatible display controller
        dw ROM_SIZE / 512
        dw 0100h                ; revision of code
        db 0                    ; Intel x86 code
        db 80h                  ; last image
        dw 0
pcir_end:

; Called by POST: takes the interrupts, describes itself in the BIOS data area and sets the first mode.
init:
        pushf
        push ax
        push bx
        push cx
        push dx
        push si
        push di
        push bp
        push ds
        push es
        cld
        mov dx, 3C3h            ; wake the video subsystem
        mov al, 1
        out dx, al
        xor ax, ax
        mov ds, ax
        cli
        les bx, [10h * 4]
        mov ax, es
        mov cx, cs
        cmp ax, cx
        je .again               ; initialised a second time: INT 42h keeps what it has
        or ax, bx
        jz .again
        mov [42h * 4], bx
        mov [42h * 4 + 2], es
.again:
        mov word [10h * 4], int10
        mov [10h * 4 + 2], cs
        mov word [1Fh * 4], font8 + 128 * 8
        mov [1Fh * 4 + 2], cs
        mov word [43h * 4], font16
        mov [43h * 4 + 2], cs
        mov ax, 40h
        mov ds, ax
        mov byte [V_INFO], 60h          ; 256 KiB, cursor emulation on
        mov byte [V_SWTCH], 09h        ; as an EGA's switches for an enhanced colour display
        mov byte [V_FLAGS], 40h | V_400 | 01h   ; display switch, 400 lines, active
        mov byte [V_DCC], 0Bh           ; VGA with a colour display
        mov word [V_SAVEP], save_table
        mov [V_SAVEP + 2], cs
        mov word [V_CRTC], 3D4h
        mov ax, 0003h
        int 10h
        pop es
        pop ds
        pop bp
        pop di
        pop si
        pop dx
        pop cx
        pop bx
        pop ax
        popf
        retf

; INT 10h. The interrupt flag is what the caller had: a scroll of a large screen must not hold the clock up.
int10:
        push es
        push ds
        push di
        push si
        push bp
        push bx
        push dx
        push cx
        push ax
        cld
        mov bp, sp
        test word [bp + F_FLAGS], 0200h
        jz .dispatch
        sti
.dispatch:
        mov di, 40h
        mov ds, di
        cmp ah, 4Fh
        je .vbe
        cmp ah, 1Ch
        ja .out
        mov bl, ah
        xor bh, bh
        shl bx, 1
        mov di, [cs:functions + bx]
        mov bx, [bp + F_BX]
        call di
.out:
        pop ax
        pop cx
        pop dx
        pop bx
        pop bp
        pop si
        pop di
        pop ds
        pop es
        iret
.vbe:
        call vbe
        jmp .out

none:   ret

functions:
        dw fn00, fn01, fn02, fn03, fn04, fn05, fn06, fn06
        dw fn08, fn09, fn09, fn0b, fn0c, fn0d, fn0e, fn0f
        dw fn10, fn11, fn12, fn13, none, none, none, none
        dw none, none, fn1a, fn1b, fn1c

%include "vga/modeset.asm"
%include "vga/modes.asm"
%include "vga/text.asm"
%include "vga/scroll.asm"
%include "vga/draw.asm"
%include "vga/read.asm"
%include "vga/banked.asm"
%include "vga/palette.asm"
%include "vga/colours.asm"
%include "vga/chargen.asm"
%include "vga/select.asm"
%include "vga/state.asm"
%include "vga/dispi.asm"
%include "vga/vbe.asm"
%include "vga/vbescan.asm"
%include "vga/vbedac.asm"
%include "vga/vbemodes.asm"
%include "vga/ddc.asm"
%include "vga/pmi.asm"

%include "vga/font8.asm"
%include "vga/font14.asm"
%include "vga/font16.asm"
%include "vga/font9.asm"

        times ROM_SIZE - 1 - ($ - rom) db 0
        db CHECKSUM
