; INT 15h AH=87h block move and AH=89h switch to protected mode, for the 80286 and later.
;
; Documents: IBM PC/AT Technical Reference, "System BIOS", "Interrupt 15H"; Ralf Brown's Interrupt List, INT 15h AH=87h, 89h; Intel
; 80286 Programmer's Reference Manual, "Protected Mode".
;
; The caller's table of descriptors is at ES:SI: 08h itself, 10h source, 18h destination, 20h code, 28h stack. The 80386's
; descriptors reach all 4 GiB with their last byte. An 80286 comes back by a reset with shutdown status 09h.

        cpu 286
move_block:
        mov es, [BDA_EBDA]
        cmp byte [es:EBDA_CPU], 2
        jb system_unknown
        smsw ax
        test al, 1
        jnz .no_mode                    ; virtual-8086 mode: its monitor has to do this
        mov cx, [bp + R_CX]
        cmp cx, 0x8000
        ja .too_long
        test cx, cx
        jz system_ok
        pushf
        cli
        call a20_state
        push ax                         ; put back at the end
        mov al, 1
        call a20_set
        mov [es:EBDA_MOVE], bp
        mov [es:EBDA_MOVE + 2], ss
        mov cl, [es:EBDA_CPU]

        mov es, [bp + R_ES]
        mov si, [bp + R_SI]
        mov ax, es
        call move_linear
        add ax, si
        adc dl, 0
        mov di, 0x08
        call move_descriptor
        mov word [es:si + 0x08], 0x2f
        mov ax, cs
        call move_linear
        mov di, 0x20
        call move_descriptor
        mov byte [es:si + 0x25], 0x9b
        mov ax, ss
        call move_linear
        mov di, 0x28
        call move_descriptor

        mov al, 0x80                    ; no NMI
        out 0x70, al
        mov bl, cl                      ; a fault must know the way back, too
        mov dx, ss
        lgdt [es:si + 0x08]
        lidt [cs:move_idt]
        smsw ax
        or al, 1
        lmsw ax
        jmp 0x20:.protected
.protected:
        mov ax, 0x10
        mov ds, ax
        mov ax, 0x18
        mov es, ax
        mov ax, 0x28
        mov ss, ax
        mov cx, [bp + R_CX]
        xor si, si
        xor di, di
        cld
        rep movsw
        xor bh, bh                      ; status
move_back:
        mov ax, 0x28
        mov ds, ax
        mov es, ax
        cmp bl, 3
        jb move_reset_286
        cpu 386
        mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0xf000:.real
.real:  mov ss, dx
        cpu 286
move_end:
        lidt [cs:real_idt]
        mov ax, BDA
        mov ds, ax
        lea sp, [bp - 6]                ; return address, flags, state of A20
        pop ax
        push bx
        test al, al
        jnz .open
        call a20_set
.open:  pop bx
        xor al, al
        out 0x70, al
        popf
        test bh, bh
        jz system_ok
        mov [bp + R_AH], bh
        FRAME_STC
        ret

; The way back of an 80286: a reset that POST turns into a jump to move_return_286.
move_reset_286:
        mov al, 0x8f
        out 0x70, al
        IODELAY
        mov al, 9
        out 0x71, al
        mov al, bh
        out 0x80, al                    ; the status outlives the reset here
        call kbc_wait_write
        mov al, 0xfe
        out KBC_STATUS, al
.halt:  hlt
        jmp .halt

move_return_286:
        mov ax, BDA
        mov ds, ax
        mov es, [BDA_EBDA]
        mov ss, [es:EBDA_MOVE + 2]
        mov bp, [es:EBDA_MOVE]
        in al, 0x80
        mov bh, al
        cld
        jmp move_end

; A fault in protected mode: a descriptor was wrong.
move_fault:
        mov ax, 0x28
        mov ss, ax
        lea sp, [bp - 16]
        mov bh, 2                       ; exception
        jmp move_back

move_block.no_mode:
        mov byte [bp + R_AH], 3
        FRAME_STC
        ret
move_block.too_long:
        mov byte [bp + R_AH], 2
        FRAME_STC
        ret

; AX: a segment. Returns DL:AX its linear address.
move_linear:
        push cx
        mov dx, ax
        mov cl, 12
        shr dx, cl
        mov cl, 4
        shl ax, cl
        pop cx
        ret
; A 64 KiB data segment at DL:AX into the descriptor ES:SI+DI.
move_descriptor:
        push bx
        mov bx, di
        mov word [es:si + bx], 0xffff
        mov [es:si + bx + 2], ax
        mov [es:si + bx + 4], dl
        mov byte [es:si + bx + 5], 0x93
        mov word [es:si + bx + 6], 0
        pop bx
        ret

move_idt:
        dw 32 * 8 - 1
        dd 0xf0000 + .gates
        align 8, db 0
.gates:
%rep 32
        dw move_fault, 0x20, 0x8600, 0
%endrep
real_idt:
        dw 0x3ff
        dd 0

; BH, BL: vectors of IRQ0 and IRQ8; descriptors as above, with 10h the interrupt table, 18h DS, 20h ES, 28h SS, 30h the caller's
; code and 38h ours.
enter_protected:
        mov es, [BDA_EBDA]
        cmp byte [es:EBDA_CPU], 2
        jb system_unknown
        smsw ax
        test al, 1
        jnz move_block.no_mode
        cli
        mov al, 1
        call a20_set
        mov al, 0x11
        out 0x20, al
        IODELAY
        mov al, [bp + R_BH]
        out 0x21, al
        IODELAY
        mov al, 4
        out 0x21, al
        IODELAY
        mov al, 1
        out 0x21, al
        mov al, 0x11
        out 0xa0, al
        IODELAY
        mov al, [bp + R_BL]
        out 0xa1, al
        IODELAY
        mov al, 2
        out 0xa1, al
        IODELAY
        mov al, 1
        out 0xa1, al
        IODELAY
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        mov es, [bp + R_ES]
        mov si, [bp + R_SI]
        mov ax, cs
        call move_linear
        mov di, 0x38
        call move_descriptor
        mov byte [es:si + 0x3d], 0x9b
        lgdt [es:si + 0x08]
        lidt [es:si + 0x10]
        smsw ax
        or al, 1
        lmsw ax
        jmp 0x38:.protected
.protected:
        mov ax, 0x28
        mov ss, ax
        mov sp, bp
        pop ax                          ; the frame without its segment registers
        pop bx
        pop cx
        pop dx
        pop bp
        pop si
        pop di
        add sp, 4                       ; DS, ES
        pop bx                          ; IP; the documentation lets BX be changed
        add sp, 4
        mov ax, 0x18
        mov ds, ax
        mov ax, 0x20
        mov es, ax
        push 0x30
        push bx
        xor ax, ax                      ; CF clear
        retf
        cpu 8086
