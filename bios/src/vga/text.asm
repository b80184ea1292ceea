; INT 10h AH = 01h-05h, 0Eh, 0Fh, 13h: cursor, pages, teletype, strings; and where a text cell is.

; AX = offset of page BH in display memory.
page_offset:
        push dx
        mov al, bh
        and ax, 0007h
        mul word [V_PSIZE]
        pop dx
        ret

; ES = segment of the text screen.
text_segment:
        push ax
        mov ax, 0B800h
        cmp byte [V_CRTC], 0D4h
        je .set
        mov ah, 0B0h
.set:
        mov es, ax
        pop ax
        ret

; ES:DI = cell at row DH, column DL of page BH.
cell_address:
        push ax
        call page_offset
        mov di, ax
        mov al, dh
        mul byte [V_COLS]
        add al, dl
        adc ah, 0
        shl ax, 1
        add di, ax
        call text_segment
        pop ax
        ret

; CRTC register AL = AH.
crtc_write:
        push dx
        mov dx, [V_CRTC]
        out dx, ax
        pop dx
        ret

; AL = CRTC register AL.
crtc_read:
        push dx
        mov dx, [V_CRTC]
        out dx, al
        inc dx
        in al, dx
        pop dx
        ret

; 01h: CH, CL = first and last line of the cursor.
fn01:
        mov [V_CTYPE], cx
        ; falls through

; Programs the cursor CX, scaling what was meant for eight lines to the height of the character (cursor emulation).
cursor_shape:
        push ax
        push cx
        push dx
        test ch, 20h
        jnz .write              ; off
        test byte [V_INFO], 01h
        jnz .write
        mov dh, [V_CHAR]
        mov al, dh
        dec al                  ; the last line
        cmp cl, ch
        jae .ordered
        or cl, cl
        jz .write
        mov ch, cl              ; end before start: from the end line to the bottom
        mov cl, al
        jmp .write
.ordered:
        cmp cl, dh
        jae .scale
        cmp cl, al
        je .write               ; fits this height already
        mov ah, al
        dec ah
        cmp ch, ah
        je .write
.scale:
        cmp cl, 3
        jbe .write              ; at the top: as it is
        mov ah, ch
        add ah, 2
        cmp ah, cl
        jae .underline
        cmp ch, 2
        mov cl, al
        jbe .write              ; a full block
        mov ch, dh
        inc ch
        shr ch, 1               ; the lower half
        jmp .write
.underline:
        sub ch, cl
        add ch, al
        mov cl, al
        cmp dh, 13
        jb .write
        dec ch
        dec cl
.write:
        mov ah, ch
        mov al, 0Ah
        call crtc_write
        mov ah, cl
        mov al, 0Bh
        call crtc_write
        pop dx
        pop cx
        pop ax
        ret

; 02h: cursor of page BH to row DH, column DL.
fn02:
        ; falls through
set_cursor:
        push ax
        push bx
        mov bl, bh
        and bx, 0007h
        cmp bl, [V_PAGE]
        pushf
        shl bx, 1
        mov [V_CURS + bx], dx
        popf
        jne .done
        call cursor_place
.done:
        pop bx
        pop ax
        ret

; Cursor registers for row DH, column DL of the active page.
cursor_place:
        push ax
        push bx
        mov al, dh
        mul byte [V_COLS]
        add al, dl
        adc ah, 0
        mov bx, [V_START]
        shr bx, 1
        add bx, ax
        mov ah, bh
        mov al, 0Eh
        call crtc_write
        mov ah, bl
        mov al, 0Fh
        call crtc_write
        pop bx
        pop ax
        ret

; DX = cursor of page BH.
get_cursor:
        push bx
        mov bl, bh
        and bx, 0007h
        shl bx, 1
        mov dx, [V_CURS + bx]
        pop bx
        ret

; 03h: cursor of page BH and its lines.
fn03:
        call get_cursor
        mov [bp + F_DX], dx
        mov ax, [V_CTYPE]
        mov [bp + F_CX], ax
        ret

; 04h: no light pen.
fn04:
        mov byte [bp + F_AH], 0
        ret

; 05h: page AL becomes the active page.
fn05:
        mov bh, al
        and bh, 07h
        mov [V_PAGE], bh
        call page_offset
        mov [V_START], ax
        mov bx, ax
        call mode_class
        cmp al, C_CGA2
        je .bytes
        cmp al, C_PLANAR
        je .bytes
        shr bx, 1               ; the CRTC counts words
        cmp al, C_BYTE
        jb .bytes
        shr bx, 1               ; or doublewords
.bytes:
        mov ah, bh
        mov al, 0Ch
        call crtc_write
        mov ah, bl
        mov al, 0Dh
        call crtc_write
        mov bh, [V_PAGE]
        call get_cursor
        jmp cursor_place

; 0Fh: mode, columns, page.
fn0f:
        mov al, [V_INFO]
        and al, 80h
        or al, [V_MODE]
        mov ah, [V_COLS]
        mov [bp + F_AX], ax
        mov al, [V_PAGE]
        mov [bp + F_BH], al
        ret

; 0Eh: AL at the cursor of the active page, BL = colour in graphics modes.
fn0e:
        mov bh, [V_PAGE]
        call get_cursor
        call teletype
        jmp set_cursor

; Writes AL at DX of page BH and moves DX on, with bell, backspace, carriage return, line feed and scrolling.
; BL = colour in graphics modes; in text modes the cell keeps its attribute. The caller sets the cursor.
teletype:
        push ax
        cmp al, 0Dh
        jbe .control
.print:
        push bx
        push cx
        push si
        push ax
        call mode_class
        cmp al, C_TEXT
        pop ax
        jne .draw
        push di
        push es
        call cell_address
        mov [es:di], al
        pop es
        pop di
        jmp .advance
.draw:
        push ax
        call page_offset
        mov si, ax
        pop ax
        xor bh, bh              ; on colour 0
        call draw_char
.advance:
        pop si
        pop cx
        pop bx
        inc dl
        cmp dl, [V_COLS]
        jb .done
        xor dl, dl
.feed:
        inc dh
        cmp dh, [V_ROWS]
        jbe .done
        mov dh, [V_ROWS]
        push bx
        push cx
        push dx
        call mode_class
        mov bl, 0
        cmp al, C_TEXT
        jne .scroll
        push di
        push es
        call cell_address       ; the new line gets the attribute found at the cursor
        mov bl, [es:di + 1]
        pop es
        pop di
.scroll:
        mov bh, bl
        mov ax, 0601h
        xor cx, cx
        mov dh, [V_ROWS]
        mov dl, [V_COLS]
        dec dl
        call scroll
        pop dx
        pop cx
        pop bx
.done:
        pop ax
        ret
.control:
        je .return
        cmp al, 0Ah
        je .feed
        cmp al, 08h
        je .back
        cmp al, 07h
        jne .print
        call bell
        jmp .done
.return:
        xor dl, dl
        jmp .done
.back:
        or dl, dl
        jz .done
        dec dl
        jmp .done

; A short tone: channel 2 of the 8254 at 896 Hz through the speaker gate for twelve frames. Frames, as the display is
; the one clock that is known to run here; the polls are bounded should it not.
bell:
        push ax
        push bx
        push cx
        push dx
        mov al, 0B6h
        out 43h, al
        mov ax, 1331
        out 42h, al
        mov al, ah
        out 42h, al
        in al, 61h
        mov ah, al
        or al, 03h
        out 61h, al
        mov dx, [V_CRTC]
        add dl, 6
        mov bl, 12
.frame:
        call wait_retrace
        dec bl
        jnz .frame
        mov al, ah
        out 61h, al
        pop dx
        pop cx
        pop bx
        pop ax
        ret

; Waits for the next beginning of vertical retrace. DX = status register. Destroys AL and CX.
wait_retrace:
        xor cx, cx
.in:    in al, dx
        test al, 08h
        loopnz .in
        xor cx, cx
.out:   in al, dx
        test al, 08h
        loopz .out
        ret

; 13h: CX characters at ES:BP to row DH, column DL of page BH. AL bit 0: move the cursor, bit 1: attributes are in the
; string, else BL.
fn13:
        jcxz .none
        cmp al, 3
        ja .none
        push dx
        mov es, [bp + F_ES]
        mov si, [bp + F_BP]
        mov ah, al
.next:
        mov al, [es:si]
        inc si
        test ah, 02h
        jz .have
        mov bl, [es:si]
        inc si
.have:
        cmp al, 0Dh
        ja .print
        je .move
        cmp al, 0Ah
        je .move
        cmp al, 08h
        je .move
        cmp al, 07h
        je .move
.print:
        call put_char           ; with its attribute; then as teletype, which leaves that alone
        push ax
        inc dl
        cmp dl, [V_COLS]
        pop ax
        jb .counted
        xor dl, dl
        mov al, 0Ah
.move:
        call teletype
.counted:
        loop .next
        pop di
        test ah, 01h
        jz .none
        jmp set_cursor
.none:
        ret

; AL with attribute BL at DX of page BH, text or graphics. Preserves every register.
put_char:
        push ax
        push bx
        push si
        push di
        push es
        push ax
        call mode_class
        cmp al, C_TEXT
        pop ax
        jne .draw
        call cell_address
        mov ah, bl
        mov [es:di], ax
        jmp .done
.draw:
        push ax
        call page_offset
        mov si, ax
        pop ax
        xor bh, bh
        call draw_char
.done:
        pop es
        pop di
        pop si
        pop bx
        pop ax
        ret
