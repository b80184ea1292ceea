; INT 74h and INT 15h AH=C2h: the PS/2 pointing device.
;
; Documents: IBM PS/2 and PC BIOS Interface Technical Reference, "Interrupt 15H", "(AH)=C2H - Pointing Device BIOS Interface"; Ralf
; Brown's Interrupt List, INT 15h AX=C200h to C209h. A packet of four bytes (wheel) reaches the handler with its fourth byte in
; the fourth word.

; IRQ12: collects the bytes of a packet and calls the operating system's handler with four words on the stack.
int74_entry:
        SAVE
        cld
        mov ax, BDA
        mov ds, ax
        mov ds, [BDA_EBDA]
        in al, KBC_STATUS
        and al, KBC_OBF | KBC_AUX
        cmp al, KBC_OBF | KBC_AUX
        jne .eoi
        in al, KBC_DATA
        test byte [EBDA_MOUSE_FLAG2], 0x80
        jz .eoi
        mov bl, [EBDA_MOUSE_FLAG1]
        and bx, 7
        mov [bx + EBDA_MOUSE_DATA], al
        mov cl, [EBDA_MOUSE_FLAG2]
        and cl, 7
        cmp bl, cl
        jae .whole
        inc byte [EBDA_MOUSE_FLAG1]
        jmp .eoi
.whole: and byte [EBDA_MOUSE_FLAG1], ~7
        mov si, EBDA_MOUSE_DATA
        cmp cl, 4
        jae .wide
        ; up to four bytes: a word each
        xor ax, ax
        mov cx, 4
        inc bx                          ; bytes that are there
.byte:  xor al, al
        test bx, bx
        jz .push
        dec bx
        lodsb
.push:  push ax
        loop .byte
        jmp .call
.wide:  push word [si]                  ; up to eight: two in a word
        push word [si + 2]
        push word [si + 4]
        push word [si + 6]
.call:  sti
        call far [EBDA_MOUSE_PTR]
        cli
        add sp, 8
.eoi:   mov al, 0x20
        out 0xa0, al
        out 0x20, al
        RESTORE
        iret

; INT 15h AH=C2h, in a frame of SAVE. Answers in AH and the carry flag.
mouse_service:
        mov ax, BDA
        mov ds, ax
        mov ds, [BDA_EBDA]
        test byte [EBDA_FLAGS], HAVE_MOUSE
        mov ah, 3
        jz mouse_fail
        mov al, [bp + R_AL]
        cmp al, 9
        mov ah, 1                       ; invalid function
        ja mouse_fail
        cbw
        mov bx, ax
        and bx, 0x0f
        shl bx, 1
        jmp [cs:bx + .functions]
.functions:
        dw mouse_enable, mouse_reset, mouse_rate, mouse_resolution, mouse_type, mouse_initialize, mouse_extended
        dw mouse_handler, mouse_put, mouse_get

mouse_interface:
        call mouse_end
mouse_interface_error:
        mov ah, 3
        jmp mouse_fail
mouse_input:
        mov ah, 2                       ; invalid input
mouse_fail:
        mov [bp + R_AH], ah
        FRAME_STC
        ret
mouse_ok_end:
        call mouse_end
mouse_ok:
        mov byte [bp + R_AH], 0
        FRAME_CLC
        ret

; Takes the controller; the command byte for mouse_end is in CH. Ends the function on failure.
mouse_begin:
        mov al, KBC_DIS_KBD
        call kbc_begin
        jc .failed
        mov ch, al
        and byte [EBDA_MOUSE_FLAG1], ~7
        ret
.failed:
        sti
        pop ax
        jmp mouse_interface_error

mouse_end:
        mov al, ch
        and al, ~KBC_DIS_AUX
        or al, KBC_INT_AUX
        call kbc_end
        sti
        ret

; BH = 0 off, 1 on.
mouse_enable:
        mov bh, [bp + R_BH]
        cmp bh, 1
        ja mouse_input
        je .on
        mov dl, 0xf5
        jmp mouse_simple
.on:    test byte [EBDA_MOUSE_FLAG2], 0x80
        mov ah, 5                       ; no handler
        jz mouse_fail
        mov dl, 0xf4
; DL: a command without data.
mouse_simple:
        call mouse_begin
        mov al, dl
        call aux_send
        jc mouse_interface
        jmp mouse_ok_end

mouse_reset:
        call mouse_begin
        mov al, 0xff
        call aux_send
        jc mouse_interface
        push cx
        mov cx, WAIT_LONG
        call kbc_read
        jc .lost
        mov [bp + R_BL], al             ; AAh
        call kbc_read
        jc .lost
        mov [bp + R_BH], al             ; identity
        pop cx
        jmp mouse_ok_end
.lost:  pop cx
        jmp mouse_interface

; BH: 10, 20, 40, 60, 80, 100, 200 a second.
mouse_rate:
        mov bl, [bp + R_BH]
        cmp bl, 6
        ja mouse_input
        xor bh, bh
        mov dh, [cs:bx + mouse_rates]
        mov dl, 0xf3
mouse_with_data:
        call mouse_begin
        mov al, dl
        call aux_send
        jc mouse_interface
        mov al, dh
        call aux_send
        jc mouse_interface
        jmp mouse_ok_end
mouse_rates: db 10, 20, 40, 60, 80, 100, 200

; BH: 1, 2, 4, 8 counts a millimetre.
mouse_resolution:
        mov dh, [bp + R_BH]
        cmp dh, 3
        ja mouse_input
        mov dl, 0xe8
        jmp mouse_with_data

mouse_type:
        call mouse_begin
        mov al, 0xf2
        call aux_send
        jc mouse_interface
        push cx
        mov cx, WAIT_SHORT
        call kbc_read
        pop cx
        jc mouse_interface
        mov [bp + R_BH], al
        jmp mouse_ok_end

; BH: bytes of a packet. Resets the device.
mouse_initialize:
        mov al, [bp + R_BH]
        dec al
        cmp al, 7
        ja mouse_input
        and byte [EBDA_MOUSE_FLAG2], ~7
        or [EBDA_MOUSE_FLAG2], al
        mov ax, [bp + R_BX]
        push ax
        call mouse_reset
        pop ax
        mov [bp + R_BX], ax
        ret

; BH = 0: status in BL, CL, DL; 1: scaling 1:1; 2: scaling 2:1.
mouse_extended:
        mov bh, [bp + R_BH]
        mov dl, 0xe6
        cmp bh, 1
        je mouse_simple
        mov dl, 0xe7
        cmp bh, 2
        je mouse_simple
        test bh, bh
        jnz mouse_input
        call mouse_begin
        mov al, 0xe9
        call aux_send
        jc mouse_interface
mouse_three:
        push cx
        mov cx, WAIT_SHORT
        call kbc_read
        jc .lost
        mov [bp + R_BL], al
        call kbc_read
        jc .lost
        mov [bp + R_CL], al
        call kbc_read
        jc .lost
        mov [bp + R_DL], al
        pop cx
        jmp mouse_ok_end
.lost:  pop cx
        jmp mouse_interface

; ES:BX: the handler, 0:0 for none.
mouse_handler:
        mov ax, [bp + R_BX]
        mov bx, [bp + R_ES]
        cli
        mov [EBDA_MOUSE_PTR], ax
        mov [EBDA_MOUSE_PTR + 2], bx
        or ax, bx
        jz .off
        or byte [EBDA_MOUSE_FLAG2], 0x80
        sti
        jmp mouse_ok
.off:   and byte [EBDA_MOUSE_FLAG2], 0x7f
        sti
        jmp mouse_ok

; BL: a byte to the device.
mouse_put:
        mov dl, [bp + R_BL]
        jmp mouse_simple

; Three bytes of the device in BL, CL, DL.
mouse_get:
        call mouse_begin
        jmp mouse_three
