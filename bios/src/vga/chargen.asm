; INT 10h AH = 11h: character generators.

; CS:BX = ROM characters of height AL (8, 14, else 16); AL = their height.
rom_font:
        mov bx, font8
        cmp al, 8
        je .done
        mov bx, font14
        cmp al, 14
        je .done
        mov bx, font16
        mov al, 16
.done:
        ret

; INT 43h = CS:BX.
set_int43:
        push ax
        push ds
        xor ax, ax
        mov ds, ax
        mov [43h * 4], bx
        mov [43h * 4 + 2], cs
        pop ds
        pop ax
        ret

; Register AL of the index/data pair at DX gets AH; AH = what it held.
exchange:
        push bx
        mov bx, ax
        out dx, al
        inc dx
        in al, dx
        xchg al, bh
        out dx, al
        dec dx
        mov ax, bx
        pop bx
        ret

; Loads CX characters from DX on, BH bytes each, from DS:SI into block BL of plane 2. The registers that open plane 2 to
; the processor get their values back, so that this works in every mode.
load_chars:
        jcxz .none
        cmp bh, 32
        ja .none
        or bh, bh
        jz .none
        push es
        mov di, dx
        mov dx, 3CEh
        mov ax, 0204h           ; read plane 2
        call exchange
        push ax
        mov ax, 0005h           ; no odd/even
        call exchange
        push ax
        mov ax, 0406h           ; 64 KiB at A0000h
        call exchange
        push ax
        mov dl, 0C4h
        mov ax, 0402h           ; write plane 2
        call exchange
        push ax
        mov ax, 0704h           ; sequential, extended memory
        call exchange
        push ax
        mov ax, 0A000h
        mov es, ax
        mov dx, cx
        mov cl, 5
        shl di, cl              ; a character has 32 bytes there
        mov al, bl              ; blocks 0-3 begin every 16 KiB, 4-7 between them
        and al, 03h
        mov ah, al
        shl ah, 1
        test bl, 04h
        jz .block
        inc ah
.block:
        mov cl, 5
        shl ah, cl
        mov al, 0
        add di, ax
.next:
        push di
        mov cl, bh
        xor ch, ch
        rep movsb
        pop di
        add di, 32
        dec dx
        jnz .next
        mov dx, 3C4h
        pop ax
        out dx, ax
        pop ax
        out dx, ax
        mov dl, 0CEh
        pop ax
        out dx, ax
        pop ax
        out dx, ax
        pop ax
        out dx, ax
        pop es
.none:
        ret

; Where characters are nine dots wide, the wider forms of some replace those of the ROM characters of height AL in
; block BL.
load_nine:
        push ax
        mov dx, 3C4h
        mov al, 01h
        out dx, al
        inc dx
        in al, dx
        test al, 01h
        pop ax
        jnz .none
        mov si, font9x14
        cmp al, 14
        je .table
        mov si, font9x16
        cmp al, 16
        jne .none
.table:
        mov bh, al
        push ds
        push cs
        pop ds
.next:
        lodsb
        or al, al
        jz .end
        xor ah, ah
        mov dx, ax
        mov cx, 1
        push bx
        call load_chars
        pop bx
        jmp .next
.end:
        pop ds
.none:
        ret

; 11h by AL: 00-04 load text characters, 10-14 and fit the screen to their height, 20-24 name graphics characters,
; 30 information.
fn11:
        cmp al, 30h
        je font_info
        mov ah, al
        and al, 0EFh
        cmp al, 04h
        jbe .text
        cmp ah, 20h
        jb .none
        cmp ah, 24h
        jbe graphics_font
.none:  ret
.text:
        cmp al, 03h
        je .blocks
        push ax
        cmp al, 00h
        jne .rom
        push bx
        push ds
        mov si, [bp + F_BP]
        mov di, [bp + F_ES]
        mov ds, di
        call load_chars
        pop ds
        pop ax
        mov al, ah              ; BH, the height
        jmp .loaded
.rom:
        mov ah, 16
        cmp al, 04h
        je .height
        mov ah, 8
        cmp al, 02h
        je .height
        mov ah, 14
.height:
        mov al, ah
        push bx
        call rom_font
        mov si, bx
        pop bx
        mov bh, al
        mov cx, 256
        xor dx, dx
        push ax
        push ds
        push cs
        pop ds
        push ax
        push bx
        call load_chars
        pop bx
        pop ax
        pop ds
        call load_nine
        pop ax
.loaded:
        pop bx                  ; BH = the function
        test bh, 10h
        jnz text_height
        ret
.blocks:
        mov dx, 3C4h
        mov ax, 0100h
        out dx, ax
        mov ah, bl
        mov al, 03h
        out dx, ax
        mov ax, 0300h
        out dx, ax
        ret

; Fits the text screen to characters of AL lines: maximum scan line, cursor, rows, displayed lines, page length.
text_height:
        or al, al
        jz .none
        cmp al, 32
        ja .none
        push ax
        call mode_class
        cmp al, C_TEXT
        pop ax
        jne .none
        xor ah, ah
        mov [V_CHAR], ax
        mov bl, al
        mov al, 09h
        call crtc_read
        and al, 0E0h
        mov bh, al
        mov ah, bl
        dec ah
        or ah, al
        mov al, 09h
        call crtc_write
        cmp byte [V_MODE], 7
        jne .lines
        mov al, 14h             ; the underline under the character
        mov ah, bl
        dec ah
        call crtc_write
.lines:
        mov dx, 3CCh
        in al, dx               ; the sync polarities tell the number of lines, as they tell it to the display
        mov cx, 350
        and al, 0C0h
        cmp al, 80h
        je .rows
        mov cx, 480
        cmp al, 0C0h
        je .rows
        mov cx, 400
        test bh, 80h
        jz .rows
        mov cx, 200             ; each of them scanned twice
.rows:
        mov ax, cx
        div bl
        mov cl, al              ; rows
        dec al
        mov [V_ROWS], al
        mov al, cl
        mul bl
        test bh, 80h
        jz .once
        shl ax, 1
.once:
        dec ax
        mov dx, ax              ; vertical display enable end
        mov ah, dl
        mov al, 12h
        call crtc_write
        mov al, 07h
        call crtc_read
        and al, 0BDh            ; its bits 8 and 9 stand in bits 1 and 6 there
        test dh, 01h
        jz .bit9
        or al, 02h
.bit9:
        test dh, 02h
        jz .overflow
        or al, 40h
.overflow:
        mov ah, al
        mov al, 11h             ; bit 1 is protected
        push ax
        call crtc_read
        mov bl, al
        mov ah, al
        and ah, 7Fh
        mov al, 11h
        call crtc_write
        pop ax
        mov al, 07h
        call crtc_write
        mov ah, bl
        mov al, 11h
        call crtc_write
        mov al, cl
        mul byte [V_COLS]
        shl ax, 1
        add ax, 00FFh
        xor al, al
        mov [V_PSIZE], ax
        mov cx, [V_CTYPE]
        jmp cursor_shape
.none:
        ret

; 20: INT 1Fh = ES:BP; 21: INT 43h = ES:BP, CX bytes a character; 22-24: ROM characters of 14, 8, 16 lines.
; BL = 0: DL rows, 1-3: 14, 25, 43 rows.
graphics_font:
        push ax
        push bx
        mov bx, 1Fh * 4
        mov si, [bp + F_BP]
        mov di, [bp + F_ES]
        cmp ah, 20h
        je .vector
        mov bx, 43h * 4
        cmp ah, 21h
        je .vector
        mov al, 14
        cmp ah, 22h
        je .rom
        mov al, 8
        cmp ah, 23h
        je .rom
        mov al, 16
.rom:
        call rom_font
        mov si, bx
        mov bx, 43h * 4
        mov di, cs
        xor ah, ah
        mov cx, ax
.vector:
        push ds
        xor ax, ax
        mov ds, ax
        mov [bx], si
        mov [bx + 2], di
        pop ds
        pop bx
        pop ax
        cmp ah, 20h
        je .done
        mov [V_CHAR], cx
        mov al, 13
        cmp bl, 1
        je .rows
        mov al, 24
        cmp bl, 2
        je .rows
        mov al, 42
        cmp bl, 3
        je .rows
        mov al, dl
        dec al
.rows:
        mov [V_ROWS], al
.done:
        ret

; 30: CX = bytes a character, DL = rows - 1, ES:BP = characters that BH names.
font_info:
        mov ax, [V_CHAR]
        mov [bp + F_CX], ax
        mov al, [V_ROWS]
        mov [bp + F_DL], al
        cmp bh, 7
        ja .none
        mov bl, bh
        xor bh, bh
        shl bx, 1
        mov di, cs
        mov si, [cs:.fonts + bx]
        cmp bx, 4
        jae .set
        push ds                 ; a vector: INT 1Fh, INT 43h
        xor ax, ax
        mov ds, ax
        lds si, [si]
        mov di, ds
        pop ds
.set:
        mov [bp + F_BP], si
        mov [bp + F_ES], di
.none:
        ret
.fonts: dw 1Fh * 4, 43h * 4, font14, font8, font8 + 128 * 8, font9x14, font16, font9x16
