; INT 14h serial ports, INT 17h printers, INT 05h print screen.
;
; Documents: IBM PC/AT Technical Reference, "System BIOS", "Interrupt 14H", "Interrupt 17H", "Interrupt 05H"; IBM PS/2 and PC BIOS
; Interface Technical Reference, "Interrupt 14H" (AH=04h, 05h); National Semiconductor PC16550D data sheet.

int14_entry:
        sti
        SAVE
        cld
        mov ax, BDA
        mov ds, ax
        mov ax, [bp + R_AX]
        mov di, [bp + R_DX]
        cmp di, 4
        jae .done
        shl di, 1
        mov dx, [di + BDA_COM]
        shr di, 1
        test dx, dx
        jz .done
        cmp ah, 5
        ja .done
        mov bl, ah
        xor bh, bh
        shl bx, 1
        call [cs:bx + .functions]
.done:  RESTORE
        iret
.functions:
        dw serial_init, serial_send, serial_receive, serial_status, serial_extended, serial_modem

; AL: rate in bits 7:5, parity 4:3, stop bits 2, length 1:0.
serial_init:
        mov bl, al
        mov cl, 5
        shr bl, cl
        xor bh, bh
        and al, 0x1f
serial_set:                             ; BX: rate, AL: LCR
        shl bx, 1
        cmp bx, 16
        jae .fast
        mov bx, [cs:bx + baud_table]
        jmp .divisor
.fast:  mov bx, [cs:bx + serial_fast - 16]
.divisor:
        mov ah, al
        add dx, 3
        mov al, 0x80
        out dx, al
        sub dx, 3
        mov al, bl
        out dx, al
        inc dx
        mov al, bh
        out dx, al
        inc dx
        inc dx
        mov al, ah
        out dx, al
        dec dx
        dec dx
        xor al, al                      ; no interrupts
        out dx, al
        dec dx
; AH line status, AL modem status.
serial_status:
        add dx, 5
        in al, dx
        mov [bp + R_AH], al
        inc dx
        in al, dx
        mov [bp + R_AL], al
        ret

; Waits until (port DX) & AH = AH, as long as the port's time-out says. CF set when it did not happen. DI: the port's number.
serial_wait:
        push bx
        push cx
        push di
        mov bl, [di + BDA_COM_TIMEOUT]
        xor bh, bh
        test bl, bl
        jnz .counts
        inc bx
.counts:
        mov di, bx
        mov cx, 0
        mov bx, 0x1000
.look:  in al, dx
        and al, ah
        cmp al, ah
        je .done                        ; CF clear
        call serial_clock
        jnz .look
        stc
.done:  pop di
        pop cx
        pop bx
        ret

; One second a count of DI: 65536 toggles of the refresh bit are 0.99 s. Keeps AX; ZF set at the end.
serial_clock:
        push ax
        in al, 0x61                     ; bit 7 of BH holds the last state, the rest of BX counts looks
        shl al, 1
        shl al, 1
        shl al, 1                       ; bit 4 to bit 7
        xor al, bh
        js .toggled
        dec bx
        test bx, 0x7fff
        jnz .go_on
        or bx, 0x1000
.count: dec cx
        jnz .go_on
        dec di
        pop ax
        ret
.toggled:
        xor bh, 0x80
        and bx, 0x8000
        or bx, 0x1000
        jmp .count
.go_on: or sp, sp                       ; ZF clear
        pop ax
        ret

; AL to the port: DTR and RTS on, DSR and CTS awaited.
serial_send:
        push ax
        add dx, 4
        mov al, 3
        out dx, al
        inc dx
        inc dx
        mov ah, 0x30
        call serial_wait
        jc .late
        dec dx
        mov ah, 0x20
        call serial_wait
        jc .late
        in al, dx
        mov [bp + R_AH], al
        sub dx, 5
        pop ax
        out dx, al
        ret
.late:  pop bx
serial_late:
        in al, dx
        or al, 0x80
        mov [bp + R_AH], al
        ret

serial_receive:
        add dx, 4
        mov al, 1
        out dx, al
        inc dx
        inc dx
        mov ah, 0x20
        call serial_wait
        jc serial_late
        dec dx
        mov ah, 0x01
        call serial_wait
        jc serial_late
        in al, dx
        and al, 0x1e                    ; errors only
        mov [bp + R_AH], al
        sub dx, 5
        in al, dx
        mov [bp + R_AL], al
        ret

; Divisors of the rates that AH=04h adds: 19200, 38400, 57600 and 115200 baud.
serial_fast:
        dw 6, 3, 2, 1

; AL break, BH parity, BL stop bits, CH length, CL rate.
serial_extended:
        mov bl, [bp + R_CH]
        and bl, 3
        mov bh, [bp + R_BL]
        and bh, 1
        shl bh, 1
        shl bh, 1
        or bl, bh
        mov bh, [bp + R_BH]             ; none, odd, even, stick odd, stick even
        cmp bh, 4
        ja .done
        mov cl, 3
        mov ah, 0
        test bh, bh
        jz .parity
        dec bh
        shl bh, 1
        inc bh
        mov ah, bh
        shl ah, cl
.parity:
        or bl, ah
        test al, al
        jz .no_break
        or bl, 0x40
.no_break:
        mov al, bl
        mov bl, [bp + R_CL]
        xor bh, bh
        cmp bl, 11
        ja .done
        jmp serial_set
.done:  ret

; AL = 0: modem control to BL; 1: BL to it.
serial_modem:
        add dx, 4
        cmp al, 1
        ja .done
        je .set
        in al, dx
        mov [bp + R_BL], al
        jmp .status
.set:   mov al, [bp + R_BL]
        out dx, al
.status:
        sub dx, 4
        jmp serial_status
.done:  ret

int17_entry:
        sti
        SAVE
        mov ax, BDA
        mov ds, ax
        mov di, [bp + R_DX]
        cmp di, 3
        jae .done
        mov bl, [di + BDA_LPT_TIMEOUT]
        shl di, 1
        mov dx, [di + BDA_LPT]
        test dx, dx
        jz .done
        mov ah, [bp + R_AH]
        cmp ah, 1
        jb .print
        je .init
        cmp ah, 2
        je .status
.done:  RESTORE
        iret
.print: mov al, [bp + R_AL]
        out dx, al
        inc dx
        xor bh, bh
        mov di, bx                      ; as the serial time-out
        inc di
        xor cx, cx
        mov bx, 0x1000
.busy:  in al, dx
        test al, 0x80                   ; BUSY is inverted
        jnz .ready
        call serial_clock
        jnz .busy
        dec dx
        mov ah, 1                       ; time-out
        jmp .report
.ready: inc dx
        mov al, 0x0d                    ; strobe, select, no reset
        out dx, al
        IODELAY
        mov al, 0x0c
        out dx, al
        dec dx
        dec dx
.status:
        xor ah, ah
.report:
        inc dx
        in al, dx
        and al, 0xf8
        xor al, 0x48                    ; acknowledge and error are active low
        or al, ah
        mov [bp + R_AH], al
        jmp .done
.init:  inc dx
        inc dx
        mov al, 8                       ; reset
        out dx, al
        mov cx, 4
        call delay_refresh
        mov al, 0x0c
        out dx, al
        dec dx
        dec dx
        jmp .status

; Prints the text screen on the first printer.
int05_entry:
        sti
        push ax
        push bx
        push cx
        push dx
        push ds
        mov ax, BDA
        mov ds, ax
        cmp byte [BDA_PRTSC], 1
        je .out
        mov byte [BDA_PRTSC], 1
        mov ah, 0x0f
        int 0x10                        ; AH columns, BH page
        mov cl, ah
        mov ch, [BDA_VIDEO_ROWS]
        inc ch
        cmp ch, 1
        jne .rows
        mov ch, 25
.rows:  call .line_end
        push cx
        mov ah, 3
        int 0x10
        pop cx
        push dx                         ; the cursor
        xor dx, dx
.char:  mov ah, 2
        int 0x10
        mov ah, 8
        int 0x10
        test al, al
        jnz .print
        mov al, ' '
.print: push dx
        xor dx, dx
        mov ah, 0
        int 0x17
        pop dx
        test ah, 0x29                   ; time-out, error, no paper
        jnz .error
        inc dl
        cmp dl, cl
        jb .char
        xor dl, dl
        call .line_end
        inc dh
        cmp dh, ch
        jb .char
        xor ah, ah
        jmp .end
.error: mov ah, 0xff
.end:   pop dx
        push ax
        mov ah, 2
        int 0x10
        pop ax
        mov [BDA_PRTSC], ah
.out:   pop ds
        pop dx
        pop cx
        pop bx
        pop ax
        iret
.line_end:
        push dx
        xor dx, dx
        mov ax, 13
        int 0x17
        mov ax, 10
        int 0x17
        pop dx
        ret
