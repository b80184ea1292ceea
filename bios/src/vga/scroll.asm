; INT 10h AH = 06h, 07h: scroll a window up or down, in every class of mode.

fn06:
        ; falls through

; AH = 06h up, 07h down; AL = lines (0: clear), BH = attribute or colour of the new lines, CH:CL and DH:DL the corners.
; Works on the active page. Preserves every register.
scroll:
        push ax
        push bx
        push cx
        push dx
        push si
        push di
        push bp
        push es
        mov si, dx              ; corner within the screen
        cmp dh, [V_ROWS]
        jbe .row
        mov dh, [V_ROWS]
.row:
        cmp dl, [V_COLS]
        jb .column
        mov dl, [V_COLS]
        dec dl
.column:
        sub dl, cl
        jb .out
        inc dl                  ; DL = width
        mov bl, dh
        sub bl, ch
        jb .out
        inc bl                  ; height
        or al, al
        jz .clear
        cmp al, bl
        jb .lines
.clear:
        mov al, bl
.lines:
        sub bl, al              ; BL = rows to move, AL = rows to fill
        push ax
        call mode_class
        xor ah, ah
        shl ax, 1
        shl ax, 1
        mov bp, ax
        pop ax
        cmp ah, 06h
        mov ah, al              ; distance of the source row
        je .up
        mov ch, dh              ; downwards: from the last row backwards
        neg ah
        mov dh, -1
        jmp .move
.up:
        mov dh, 1
.move:
        or bl, bl
        jz .fill
        push ax
        add ah, ch
        mov al, ah
        mov si, ax
        pop ax
        call [cs:.rows + bp]
        add ch, dh
        dec bl
        jmp .move
.fill:
        call [cs:.rows + 2 + bp]
        add ch, dh
        dec al
        jnz .fill
.out:
        pop es
        pop bp
        pop di
        pop si
        pop dx
        pop cx
        pop bx
        pop ax
        ret
; By class: copy row SI (low byte) to row CH; fill row CH with BH. From column CL, DL columns. All preserve AX-DX.
.rows:  dw row_copy_text, row_fill_text, row_copy_cga, row_fill_cga, row_copy_cga, row_fill_cga
        dw row_copy_planar, row_fill_planar, row_copy_byte, row_fill_byte, row_copy_banked, row_fill_banked

; AX = offset of row AL, column CL of a text screen.
text_row:
        mul byte [V_COLS]
        add al, cl
        adc ah, 0
        shl ax, 1
        add ax, [V_START]
        ret

row_copy_text:
        push ax
        push cx
        push ds
        mov al, ch
        call text_row
        mov di, ax
        mov ax, si
        call text_row
        mov si, ax
        call text_segment
        push es
        pop ds
        mov cl, dl
        xor ch, ch
        rep movsw
        pop ds
        pop cx
        pop ax
        ret

row_fill_text:
        push ax
        push cx
        mov al, ch
        call text_row
        mov di, ax
        call text_segment
        mov al, ' '
        mov ah, bh
        mov cl, dl
        xor ch, ch
        rep stosw
        pop cx
        pop ax
        ret

; AX = offset of row AL, column CL; CX = bytes of DL columns. A row is four lines of 80 bytes in each of two banks.
cga_row:
        push dx
        mov dh, 160
        mul dh
        shl ax, 1
        add ax, [V_START]
        xor dh, dh
        xor ch, ch
        cmp byte [V_MODE], 6
        je .bits
        shl cx, 1
        shl dx, 1
.bits:
        add ax, cx
        mov cx, dx
        pop dx
        ret

row_copy_cga:
        push ax
        push bx
        push cx
        push dx
        push ds
        push cx
        mov al, ch
        call cga_row
        mov di, ax
        pop cx
        mov ax, si
        call cga_row
        mov si, ax
        mov ax, 0B800h
        mov es, ax
        mov ds, ax
        mov dx, cx
        mov bl, 8
.line:
        push si
        push di
        mov cx, dx
        rep movsb
        pop di
        pop si
        call .next
        xchg si, di
        call .next
        xchg si, di
        dec bl
        jnz .line
        pop ds
        pop dx
        pop cx
        pop bx
        pop ax
        ret
.next:                          ; DI to the next scan line
        xor di, 2000h
        test di, 2000h
        jnz .same
        add di, 80
.same:  ret

row_fill_cga:
        push ax
        push cx
        push dx
        mov al, ch
        call cga_row
        mov di, ax
        mov ax, 0B800h
        mov es, ax
        mov dx, cx
        mov al, bh
        mov ah, 8
.line:
        push di
        mov cx, dx
        rep stosb
        pop di
        call row_copy_cga.next
        dec ah
        jnz .line
        pop dx
        pop cx
        pop ax
        ret

; AX = offset of row AL, column CL of a planar screen.
planar_row:
        push dx
        mul byte [V_CHAR]
        mul word [V_COLS]
        pop dx
        add al, cl
        adc ah, 0
        add ax, [V_START]
        ret

; The graphics controller as the BIOS needs it: write mode 0, no set/reset, no function, all bits, all planes.
planar_reset:
        push ax
        push dx
        mov dx, 3CEh
        mov ax, 0001h
        out dx, ax
        mov ax, 0003h
        out dx, ax
        mov ax, 0005h
        out dx, ax
        mov ax, 0FF08h
        out dx, ax
        mov dl, 0C4h
        mov ax, 0F02h
        out dx, ax
        pop dx
        pop ax
        ret

row_copy_planar:
        push ax
        push bx
        push cx
        push dx
        push ds
        mov al, ch
        call planar_row
        mov di, ax
        mov ax, si
        call planar_row
        mov si, ax
        call planar_reset
        push dx
        mov dx, 3CEh
        mov ax, 0105h           ; write mode 1: the latches, four planes at once
        out dx, ax
        pop dx
        mov bx, [V_CHAR]
        mov dh, [V_COLS]
        mov ax, 0A000h
        mov es, ax
        mov ds, ax
        mov al, dh
        xor ah, ah
        xor dh, dh
.line:
        push si
        push di
        mov cx, dx
        rep movsb
        pop di
        pop si
        add si, ax
        add di, ax
        dec bl
        jnz .line
        pop ds
        call planar_reset
        pop dx
        pop cx
        pop bx
        pop ax
        ret

row_fill_planar:
        push ax
        push bx
        push cx
        push dx
        mov al, ch
        call planar_row
        mov di, ax
        call planar_reset
        push dx
        mov dx, 3CEh
        mov ah, bh
        and ah, 0Fh
        mov al, 0               ; set/reset: the colour, in all planes
        out dx, ax
        mov ax, 0F01h
        out dx, ax
        pop dx
        mov ax, 0A000h
        mov es, ax
        xor dh, dh
        mov bx, [V_CHAR]
.line:
        push di
        mov cx, dx
        rep stosb
        pop di
        add di, [V_COLS]
        dec bl
        jnz .line
        call planar_reset
        pop dx
        pop cx
        pop bx
        pop ax
        ret

; AX = offset of row AL, column CL in mode 13h; CX = bytes of DL columns.
byte_row:
        push dx
        mul byte [V_CHAR]
        mul word [V_COLS]       ; eight bytes a column, and so eight times the columns a line
        pop dx
        add al, cl
        adc ah, 0
        mov cl, 3
        shl ax, cl
        push ax
        mov al, dl
        xor ah, ah
        shl ax, cl
        mov cx, ax
        pop ax
        ret

row_copy_byte:
        push ax
        push bx
        push cx
        push dx
        push ds
        push cx
        mov al, ch
        call byte_row
        mov di, ax
        pop cx
        mov ax, si
        call byte_row
        mov si, ax
        mov dx, [V_COLS]
        mov ax, cx
        mov cl, 3
        shl dx, cl
        mov bx, [V_CHAR]
        mov cx, 0A000h
        mov es, cx
        mov ds, cx
.line:
        push si
        push di
        mov cx, ax
        call copy_words
        pop di
        pop si
        add si, dx
        add di, dx
        dec bl
        jnz .line
        pop ds
        pop dx
        pop cx
        pop bx
        pop ax
        ret

row_fill_byte:
        push ax
        push bx
        push cx
        push dx
        mov al, ch
        call byte_row
        mov di, ax
        mov dx, cx
        mov ax, 0A000h
        mov es, ax
        mov al, bh
        mov bx, [V_CHAR]
.line:
        push di
        mov cx, dx
        rep stosb
        pop di
        mov cx, [V_COLS]
        shl cx, 1
        shl cx, 1
        shl cx, 1
        add di, cx
        dec bl
        jnz .line
        pop dx
        pop cx
        pop bx
        pop ax
        ret
