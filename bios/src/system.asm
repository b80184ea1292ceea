; INT 15h: the system services' dispatcher and the small ones; INT 11h, INT 12h.
;
; Documents: IBM PC/AT Technical Reference, "System BIOS", "Interrupt 15H"; IBM PS/2 and PC BIOS Interface Technical Reference,
; "Interrupt 15H"; Ralf Brown's Interrupt List, INT 15h.

int11_entry:
        push ds
        mov ax, BDA
        mov ds, ax
        mov ax, [BDA_EQUIPMENT]
        pop ds
        iret

int12_entry:
        push ds
        mov ax, BDA
        mov ds, ax
        mov ax, [BDA_MEMORY]
        pop ds
        iret

int15_entry:
        cmp ah, 0x4f                    ; comes with every key: the code goes on as it is
        je .keyboard
        cmp ah, 0xe8
        je .memory
        cmp ah, 0x53
        je .apm
        sti
        SAVE
        cld
        mov bx, BDA
        mov ds, bx
        mov si, .functions
        mov cx, (.functions_end - .functions) / 3
.find:  cmp ah, [cs:si]
        je .found
        add si, 3
        loop .find
        call system_unknown
        jmp .out
.found: call [cs:si + 1]
.out:   RESTORE
        iret
.keyboard:
        push bp
        mov bp, sp
        or byte [bp + 6], 1
        pop bp
        iret
.memory:
        jmp int15_e8
.apm:   jmp int15_apm
.functions:
        db 0x24
        dw system_a20
        db 0x52
        dw system_ok                    ; a medium may be ejected
        db 0x80
        dw system_ok                    ; device open, close, program termination: hooks for others
        db 0x81
        dw system_ok
        db 0x82
        dw system_ok
        db 0x83
        dw system_event_wait
        db 0x84
        dw system_joystick
        db 0x85
        dw system_ok                    ; SysReq
        db 0x86
        dw system_wait
        db 0x87
        dw move_block
        db 0x88
        dw system_extended
        db 0x89
        dw enter_protected
        db 0x90
        dw system_device_busy
        db 0x91
        dw system_ok
        db 0xc0
        dw system_config
        db 0xc1
        dw system_ebda
        db 0xc2
        dw mouse_service
.functions_end:

system_unknown:
        mov byte [bp + R_AH], 0x86
        FRAME_STC
        ret
system_ok:
        mov byte [bp + R_AH], 0
        FRAME_CLC
        ret
; "Device busy": nobody does anything else, the caller shall wait itself.
system_device_busy:
        mov byte [bp + R_AH], 0
        FRAME_CLC
        ret

; AL = 0 closes, 1 opens, 2 asks, 3 asks how.
system_a20:
        mov al, [bp + R_AL]
        cmp al, 3
        ja system_unknown
        je .support
        cmp al, 2
        je .query
        call a20_set
        jmp system_ok
.query: call a20_state
        mov [bp + R_AL], al
        jmp system_ok
.support:
        mov word [bp + R_BX], 3         ; keyboard controller and port 92h
        jmp system_ok

; AL = 0: address bit 20 forced to 0; 1: let through. Both gates agree afterwards. Preserves registers but AX.
a20_set:
        push cx
        push bx
        pushf
        mov bl, al
        cli
        mov cx, 2000                    ; keys that wait in the controller are not ours
.settle:
        in al, KBC_STATUS
        test al, KBC_IBF
        loopnz .settle
        mov al, 0xd1
        call kbc_command
        mov al, 0xdd
        test bl, bl
        jz .closed
        mov al, 0xdf
.closed:
        call kbc_write
        call kbc_wait_write
        in al, 0x92
        cmp al, 0xff
        je .done
        mov ah, al
        and al, 0xfc
        test bl, bl
        jz .fast
        or al, 2
.fast:  cmp al, ah
        je .done
        out 0x92, al
.done:  popf
        pop bx
        pop cx
        ret

; AL = 1 when A20 is open: a word near 0 and the one 1 MiB above it differ, also after the lower one was changed.
a20_state:
        push ds
        push es
        push bx
        pushf
        cli
        xor ax, ax
        mov ds, ax
        dec ax
        mov es, ax
        mov bx, [0x1c4]                 ; INT 71h's vector: nothing reads it meanwhile
        cmp bx, [es:0x1d4]
        jne .open
        not word [0x1c4]
        mov ax, [es:0x1d4]
        cmp ax, [0x1c4]
        mov [0x1c4], bx
        jne .open
        xor ax, ax
        jmp .done
.open:  mov ax, 1
.done:  popf
        pop bx
        pop es
        pop ds
        ret

; AL = 0: sets bit 7 of ES:BX after CX:DX microseconds; 1: cancels.
system_event_wait:
        mov al, [bp + R_AL]
        cmp al, 1
        ja system_unknown
        je .cancel
        mov es, [bp + R_ES]
        mov bx, [bp + R_BX]
        mov cx, [bp + R_CX]
        mov dx, [bp + R_DX]
        call wait_start
        jc .busy
        jmp system_ok
.busy:  mov byte [bp + R_AH], 0
        FRAME_STC
        ret
.cancel:
        cli
        call wait_stop
        mov byte [BDA_WAIT_ACTIVE], 0
        sti
        jmp system_ok

; Waits CX:DX microseconds.
system_wait:
        push ds
        pop es
        mov bx, BDA_WAIT_ACTIVE
        mov cx, [bp + R_CX]
        mov dx, [bp + R_DX]
        call wait_start
        jc .busy
        shl cx, 1                       ; 65536 us are 1.2 ticks: a clock that does not interrupt holds nobody for ever
        jnc .limit
        mov cx, 0xfff0
.limit: add cx, 4
        mov bx, [BDA_TICKS]
.sleep: cli
        test byte [BDA_WAIT_ACTIVE], 0x80
        jnz .over
        mov ax, [BDA_TICKS]
        sub ax, bx
        cmp ax, cx
        ja .late
        sti
        hlt
        jmp .sleep
.late:  call wait_stop
.over:  mov byte [BDA_WAIT_ACTIVE], 0
        sti
        jmp system_ok
.busy:  mov byte [bp + R_AH], 0x83
        FRAME_STC
        ret

; DX = 0: buttons in bits 7:4 of AL; 1: positions in AX, BX, CX, DX.
system_joystick:
        mov ax, [bp + R_DX]
        cmp ax, 1
        ja system_unknown
        mov dx, 0x201
        je .position
        in al, dx
        and al, 0xf0
        mov [bp + R_AL], al
        mov byte [bp + R_AH], 0
        FRAME_CLC
        ret
.position:
        xor ax, ax
        mov [bp + R_AX], ax
        mov [bp + R_BX], ax
        mov [bp + R_CX], ax
        mov [bp + R_DX], ax
        mov di, R_AX
        mov bl, 1
        call .axis
        mov di, R_BX
        mov bl, 2
        call .axis
        mov di, R_CX
        mov bl, 4
        call .axis
        mov di, R_DX
        mov bl, 8
        call .axis
        FRAME_CLC
        ret
; How long the one-shot of the axis (mask BL) lasts, in units of 16 timer ticks.
.axis:  cli
        in al, dx
        test al, bl
        jnz .axis_done                  ; not there, or still running
        call .now
        mov si, ax
        out dx, al
        mov cx, 0x4000
.run:   in al, dx
        test al, bl
        jz .ended
        loop .run
        jmp .axis_done                  ; nothing plugged in
.ended: call .now
        sub si, ax
        shr si, 1                       ; counter 0 counts by two in mode 3
        mov cl, 4
        shr si, cl
        mov [bp + di], si
.axis_done:
        sti
        ret
.now:   xor al, al
        out 0x43, al
        IODELAY
        in al, 0x40
        mov ah, al
        IODELAY
        in al, 0x40
        xchg al, ah
        ret

; AX: KiB above 1 MiB.
system_extended:
        mov es, [BDA_EBDA]
        cmp byte [es:EBDA_CPU], 2
        jb system_unknown
        mov ax, [es:EBDA_EXT_KB]
        mov [bp + R_AX], ax
        FRAME_CLC
        ret

system_config:
        mov [bp + R_ES], cs
        mov word [bp + R_BX], config_table
        jmp system_ok

system_ebda:
        mov ax, [BDA_EBDA]
        mov [bp + R_ES], ax
        FRAME_CLC
        ret
