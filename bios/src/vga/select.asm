; INT 10h AH = 12h: alternate select; AH = 1Ah: display combination; AH = 1Bh: state information; INT 05h.

; 12h by BL.
fn12:
        cmp bl, 10h
        je .info
        cmp bl, 20h
        je .print
        sub bl, 30h
        jb .none
        cmp bl, 06h
        ja .none
        xor bh, bh
        shl bx, 1
        jmp [cs:.table + bx]
.none:  ret
.table: dw sel30, sel31, sel32, sel33, sel34, sel35, sel36
.info:                          ; what an EGA would be
        mov bh, 0
        cmp byte [V_CRTC], 0D4h
        je .colour
        inc bh
.colour:
        mov bl, [V_INFO]
        mov cl, 5
        shr bl, cl
        and bl, 03h             ; 64, 128, 192, 256 KiB
        mov [bp + F_BX], bx
        mov al, [V_SWTCH]
        mov ah, al
        and al, 0Fh
        mov cl, 4
        shr ah, cl
        mov [bp + F_CX], ax
        ret
.print:                         ; a print screen that knows the number of rows
        push ds
        xor ax, ax
        mov ds, ax
        mov word [05h * 4], print_screen
        mov [05h * 4 + 2], cs
        pop ds
        ret

; Functions that exist return 12h in AL.
sel30:                          ; AL = 0, 1, 2: the next text mode has 200, 350, 400 lines
        mov ah, V_200
        or al, al
        jz .set
        mov ah, 0
        cmp al, 1
        je .set
        mov ah, V_400
        cmp al, 2
        jne sel_none
.set:
        and byte [V_FLAGS], ~(V_200 | V_400) & 0FFh
        or [V_FLAGS], ah
        jmp sel_done
sel31:                          ; AL = 1: no default palette with a mode
        mov ah, V_NOPAL
        jmp sel_flag
sel33:                          ; AL = 0: gray-scale summing on
        mov ah, V_GRAY
        xor al, 01h
sel_flag:                       ; V_FLAGS bit AH = AL
        cmp al, 1
        ja sel_none
        jb .clear
        or [V_FLAGS], ah
        jmp sel_done
.clear:
        not ah
        and [V_FLAGS], ah
        jmp sel_done
sel32:                          ; AL = 1: display memory and registers do not answer
        cmp al, 1
        ja sel_none
        call video_enable
        jmp sel_done
sel34:                          ; AL = 1: no cursor emulation
        cmp al, 1
        ja sel_none
        and byte [V_INFO], 0FEh
        or [V_INFO], al
        jmp sel_done
sel36:                          ; AL = 1: screen off
        cmp al, 1
        ja sel_none
        call screen_off
sel_done:
        mov byte [bp + F_AL], 12h
sel_none:
        ret

; 35h: display switch. This adapter goes off (0, 2), its state to ES:DX, or on again from there (3); 1 is for one that
; was off at power on.
sel35:
        cmp al, 3
        ja sel_none
        cmp al, 1
        je sel_done
        mov di, dx
        mov si, dx
        cmp al, 3
        je .on
        call bda_save
        mov al, 1
        call video_enable
        jmp sel_done
.on:
        mov al, 0
        call video_enable
        call bda_load
        jmp sel_done

; AL = 0: display memory and I/O answer, 1: they do not.
video_enable:
        push ax
        push dx
        xor al, 01h
        mov dx, 3C3h
        out dx, al
        mov ah, al
        shl ah, 1
        mov dl, 0CCh
        in al, dx
        and al, 0FDh
        or al, ah               ; miscellaneous output bit 1, memory
        mov dl, 0C2h
        out dx, al
        pop dx
        pop ax
        ret

; AL = 0: screen on, 1: off.
screen_off:
        push ax
        push dx
        mov cl, 5
        shl al, cl
        mov ah, al
        mov dx, 3C4h
        mov al, 01h
        out dx, al
        inc dx
        in al, dx
        and al, 0DFh
        or al, ah
        out dx, al
        pop dx
        pop ax
        ret

; INT 05h: the text screen to printer 0. 50:00 = 1 while it prints, FFh after an error.
print_screen:
        push ax
        push bx
        push cx
        push dx
        push ds
        mov ax, 40h
        mov ds, ax
        cmp byte [0100h], 1
        je .out
        mov byte [0100h], 1
        sti
        mov ah, 0Fh
        int 10h                 ; BH = page
        mov ah, 03h
        int 10h
        push dx
        xor dx, dx
        call .newline
        jnz .error
.next:
        mov ah, 02h
        int 10h
        mov ah, 08h
        int 10h
        or al, al
        jnz .visible
        mov al, ' '
.visible:
        call .print
        jnz .error
        inc dl
        cmp dl, [V_COLS]
        jb .next
        mov dl, 0
        call .newline
        jnz .error
        inc dh
        cmp dh, [V_ROWS]
        jbe .next
        mov byte [0100h], 0
        jmp .cursor
.error:
        mov byte [0100h], 0FFh
.cursor:
        pop dx
        mov ah, 02h
        int 10h
.out:
        pop ds
        pop dx
        pop cx
        pop bx
        pop ax
        iret
.newline:
        mov al, 0Dh
        call .print
        jnz .print_done
        mov al, 0Ah
.print:                         ; Z clear: the printer has an error
        push dx
        xor dx, dx
        mov ah, 0
        int 17h
        test ah, 29h
        pop dx
.print_done:
        ret

; 1Ah: AL = 0: BL = active display, BH = the other; AL = 1: set them.
fn1a:
        les si, [V_SAVEP]
        les si, [es:si + 16]    ; secondary save pointer table
        mov cx, es
        or cx, si
        jz .none
        les si, [es:si + 2]     ; display combination table
        mov cx, es
        or cx, si
        jz .none
        cmp al, 1
        je .write
        ja .none
        mov bl, [V_DCC]
        cmp bl, [es:si]
        mov ax, 0FFFFh          ; not in the table
        jae .set
        xor bh, bh
        shl bx, 1
        mov ax, [es:si + 4 + bx]
        or al, al               ; the entry has them in no order: the one that is this adapter's comes first
        jnz .ordered
        xchg al, ah
.ordered:
        cmp ah, 0
        je .set
        call .ours
        jz .set
        xchg al, ah
.set:
        mov [bp + F_BX], ax
.done:
        mov byte [bp + F_AL], 1Ah
.none:
        ret
.ours:                          ; Z: AL is a colour display when the colour ports are in use, or a mono one when not
        push ax
        test al, 01h
        mov al, 0D4h
        jz .port
        mov al, 0B4h
.port:
        cmp al, [V_CRTC]
        pop ax
        ret
.write:
        mov cl, [es:si]
        xor ch, ch
        jcxz .done
        add si, 4
        xor al, al
.find:
        cmp bx, [es:si]
        je .found
        xchg bl, bh
        cmp bx, [es:si]
        je .found
        xchg bl, bh
        add si, 2
        inc al
        loop .find
        mov al, 0FFh
.found:
        mov [V_DCC], al
        jmp .done

; 1Bh: BX = 0: 64 bytes at ES:DI.
fn1b:
        or bx, bx
        jnz .none
        mov di, [bp + F_DI]
        mov ax, static_table
        stosw
        mov ax, cs
        stosw
        mov si, V_MODE
        mov cx, 1Eh
        rep movsb               ; 49-66
        mov al, [V_ROWS]
        inc al
        stosb
        mov ax, [V_CHAR]
        stosw
        push es
        push di
        push word [bp + F_AX]
        push word [bp + F_BX]
        mov al, 0
        call fn1a
        pop ax
        xchg ax, [bp + F_BX]    ; active, alternate
        pop word [bp + F_AX]
        pop di
        pop es
        stosw
        call mode_colours
        stosw
        mov al, dl              ; pages
        stosb
        mov al, dh              ; scan lines
        stosb
        mov dx, 3C4h
        mov al, 03h
        out dx, al
        inc dx
        in al, dx
        mov ah, al              ; character map select: B bits 4,1,0; A bits 5,3,2
        and al, 13h
        test al, 10h
        jz .primary
        xor al, 14h
.primary:
        stosb
        mov al, ah
        shr al, 1
        shr al, 1
        and al, 03h
        test ah, 20h
        jz .secondary
        or al, 04h
.secondary:
        stosb
        mov al, 01h             ; all modes on all displays
        mov ah, [V_FLAGS]
        test ah, V_GRAY
        jz .mono
        or al, 02h
.mono:
        test ah, 04h
        jz .palette
        or al, 04h
.palette:
        test ah, V_NOPAL
        jz .cursor
        or al, 08h
.cursor:
        test byte [V_INFO], 01h
        jnz .blink
        or al, 10h
.blink:
        test byte [V_MSEL], 20h
        jz .flags
        or al, 20h
.flags:
        stosb
        xor ax, ax
        stosw
        stosb
        mov al, 3               ; 256 KiB
        stosb
        xor ax, ax              ; no override active
        mov cx, 14
        rep stosb
        mov byte [bp + F_AL], 1Bh
.none:
        ret

; AX = colours of the mode, DL = its pages, DH = 0-3 for 200, 350, 400, 480 lines.
mode_colours:
        mov bl, [V_MODE]
        cmp bl, 13h
        ja .vbe
        xor bh, bh
        mov al, [cs:.text_colours + bx]
        mov dl, [cs:.pages + bx]
        mov dh, [cs:.lines + bx]
        xor ah, ah
        or al, al
        jnz .text
        inc ah                  ; 256
.text:
        cmp bl, 7
        je .scan
        cmp bl, 3
        ja .done
.scan:
        mov bh, [V_FLAGS]
        test bh, V_400
        mov dh, 2
        jnz .done
        dec dh
        test bh, V_200
        jz .done
        cmp bl, 7
        je .done
        dec dh
.done:
        ret
.vbe:
        mov ax, 0100h
        mov dx, 0301h
        ret
.text_colours: db 16, 16, 16, 16, 4, 4, 2, 1, 0, 0, 0, 0, 0, 16, 16, 1, 16, 2, 16, 0
.pages: db 8, 8, 8, 8, 1, 1, 1, 8, 0, 0, 0, 0, 0, 8, 4, 2, 2, 1, 1, 1
.lines: db 2, 2, 2, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3, 3, 0
