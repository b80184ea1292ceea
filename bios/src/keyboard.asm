; INT 09h: the keyboard interrupt. Scan code set 1, as the controller translates it, becomes characters in the buffer.
;
; Documents: IBM PC/AT Technical Reference, "System BIOS", "Keyboard Encoding and Usage"; IBM PS/2 and PC BIOS Interface Technical
; Reference, "Interrupt 09H", "Interrupt 16H" (values for the 101-key keyboard); Ralf Brown's Interrupt List, INT 15h AH=4Fh, 85h, 91h.

int09_entry:
        sti
        SAVE
        cld
        mov ax, BDA
        mov ds, ax
        in al, KBC_DATA
        mov ah, 0x4f                    ; a program may change or swallow the code
        stc
        int 0x15
        mov bx, BDA                     ; whatever it did to DS
        mov ds, bx
        jnc .eoi
        call kb_code
.eoi:   cli
        mov al, 0x20
        out 0x20, al
int09_out:
        call kb_leds
        RESTORE
        iret

; AL: a byte of the keyboard. DS: the BDA. Ends in RET to the end of interrupt, or in kb_done_* after having made it itself.
kb_code:
        cmp al, 0xfa
        je .ack
        cmp al, 0xfe
        je .resend
        cmp al, 0xe0
        je .e0
        cmp al, 0xe1
        je .e1
        cmp al, 0xff
        je .overrun
        test al, al
        jz .overrun
        mov bl, [BDA_KB_FLAG3]          ; the prefix that this code has
        test bl, KB3_E1
        jnz .after_e1
        and byte [BDA_KB_FLAG3], ~(KB3_E0 | KB3_E1)
        mov ah, al
        and al, 0x7f                    ; AL the key, AH with the break bit
        jmp kb_key

.ack:   test byte [BDA_KB_LED], KBL_UPDATE
        jz .ack_other
        test byte [BDA_KB_LED], KBL_DATA
        jnz .led_done
        or byte [BDA_KB_LED], KBL_DATA
        mov al, [BDA_KB_LED]
        and al, 7
        call kbc_write
        ret
.led_done:
        and byte [BDA_KB_LED], ~(KBL_UPDATE | KBL_DATA)
        ret
.ack_other:
        or byte [BDA_KB_LED], KBL_ACK
        ret
.resend:
        test byte [BDA_KB_LED], KBL_UPDATE
        jnz .led_done                   ; the next key tries again
        or byte [BDA_KB_LED], KBL_RESEND
        ret
.e0:    or byte [BDA_KB_FLAG3], KB3_E0
        ret
.e1:    or byte [BDA_KB_FLAG3], KB3_E1
        ret
.overrun:
        jmp beep

; Pause is E1 1D 45 E1 9D C5.
.after_e1:
        mov ah, al
        and ah, 0x7f
        cmp ah, 0x1d
        je .swallow
        and byte [BDA_KB_FLAG3], ~KB3_E1
        cmp al, 0x45
        je kb_pause
.swallow:
        ret

; Holds the machine until another key is pressed.
kb_pause:
        test byte [BDA_KB_FLAG1], KB1_PAUSE
        jnz .done
        or byte [BDA_KB_FLAG1], KB1_PAUSE
        mov al, 0x20
        out 0x20, al
        pop ax                          ; the end of interrupt was made
        sti
.hold:  test byte [BDA_KB_FLAG1], KB1_PAUSE
        jz int09_out
        hlt
        jmp .hold
.done:  ret

; AL: key, AH: with break bit, BL: flags with the prefix.
kb_key:
        test bl, KB3_E0
        jz .plain
        cmp al, 0x2a                    ; shifts that the keyboard inserts around grey keys
        je .none
        cmp al, 0x36
        je .none
.plain: mov si, kb_modifiers
        mov cx, (kb_modifiers.end - kb_modifiers) / 3
.find:  cmp al, [cs:si]
        je .modifier
        add si, 3
        loop .find
        test ah, ah
        js .break
        test byte [BDA_KB_FLAG1], KB1_PAUSE
        jz .make
        and byte [BDA_KB_FLAG1], ~KB1_PAUSE
.none:  ret
.modifier:
        jmp [cs:si + 1]
.break: cmp al, 0x54
        jne .none
        and byte [BDA_KB_FLAG1], ~KB1_SYSREQ
        mov ax, 0x8501
        jmp kb_call15

.make:  cmp al, 0x54
        je .sysreq
        cmp al, 0x37
        je .print
        cmp al, 0x53
        je .delete
.lookup:
        jmp kb_lookup
.sysreq:
        test byte [BDA_KB_FLAG1], KB1_SYSREQ
        jnz .none                       ; repeated
        or byte [BDA_KB_FLAG1], KB1_SYSREQ
        mov ax, 0x8500
        jmp kb_call15
.print: test bl, KB3_E0
        jz .lookup
        mov ax, 0x7200                  ; Ctrl-PrtSc
        test byte [BDA_KB_FLAG], KB_CTRL
        jnz kb_store
        mov al, 0x20
        out 0x20, al
        pop ax
        push ds
        int 5
        pop ds
        jmp int09_out
.delete:
        mov dl, [BDA_KB_FLAG]
        and dl, KB_CTRL | KB_ALT
        cmp dl, KB_CTRL | KB_ALT
        jne .lookup
        mov word [BDA_RESET_FLAG], 0x1234
        cli
        mov al, 0x20
        out 0x20, al
        jmp kb_reset

; Resets the processor by the controller's output line.
kb_reset:
        cli
        mov al, 0x8f                    ; shutdown status 0: not to resume anything
        out 0x70, al
        IODELAY
        xor al, al
        out 0x71, al
        mov al, 0xfe
        call kbc_command
        mov cx, 1000
        call delay_refresh
        jmp 0xf000:0xe05b               ; no controller

; INT 15h after the end of interrupt. AX: what to say.
kb_call15:
        push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        sti
        push ds
        int 0x15
        pop ds
        pop ax
        jmp int09_out

kb_modifiers:
        db 0x2a
        dw .lshift
        db 0x36
        dw .rshift
        db 0x1d
        dw .ctrl
        db 0x38
        dw .alt
        db 0x3a
        dw .caps
        db 0x45
        dw .num
        db 0x46
        dw .scroll
        db 0x52
        dw .insert
.end:

.lshift:
        mov dl, KB_LSHIFT
        jmp .shift
.rshift:
        mov dl, KB_RSHIFT
.shift: test ah, ah
        js .shift_up
        or [BDA_KB_FLAG], dl
        ret
.shift_up:
        not dl
        and [BDA_KB_FLAG], dl
        ret
.ctrl:  test bl, KB3_E0
        mov si, BDA_KB_FLAG1
        mov dl, KB1_LCTRL
        jz .ctrl_side
        mov si, BDA_KB_FLAG3
        mov dl, KB3_RCTRL
.ctrl_side:
        test ah, ah
        js .ctrl_up
        or [si], dl
        or byte [BDA_KB_FLAG], KB_CTRL
        ret
.ctrl_up:
        not dl
        and [si], dl
        test byte [BDA_KB_FLAG1], KB1_LCTRL
        jnz .return
        test byte [BDA_KB_FLAG3], KB3_RCTRL
        jnz .return
        and byte [BDA_KB_FLAG], ~KB_CTRL
.return:
        ret
.alt:   test bl, KB3_E0
        mov si, BDA_KB_FLAG1
        mov dl, KB1_LALT
        jz .alt_side
        mov si, BDA_KB_FLAG3
        mov dl, KB3_RALT
.alt_side:
        test ah, ah
        js .alt_up
        or [si], dl
        or byte [BDA_KB_FLAG], KB_ALT
        ret
.alt_up:
        not dl
        and [si], dl
        test byte [BDA_KB_FLAG1], KB1_LALT
        jnz .return
        test byte [BDA_KB_FLAG3], KB3_RALT
        jnz .return
        and byte [BDA_KB_FLAG], ~KB_ALT
        xor ax, ax
        xchg al, [BDA_ALT_INPUT]
        test al, al                     ; a character typed by its number
        jz .return
        jmp kb_store
.caps:  mov dx, KB_CAPS << 8 | KB_CAPS
        jmp .lock
.num:   test bl, KB3_E0
        jnz .return
        test byte [BDA_KB_FLAG], KB_CTRL
        jz .num_lock
        test ah, ah
        js .return
        test byte [BDA_KB_FLAG3], KB3_101
        jz .pause
        test byte [BDA_KB_FLAG], KB_ALT
        jnz .return
.pause: jmp kb_pause
.num_lock:
        mov dx, KB_NUM << 8 | KB_NUM
        jmp .lock
.scroll:
        test bl, KB3_E0
        jnz .ctrl_break
        test byte [BDA_KB_FLAG], KB_CTRL
        jnz .ctrl_break
        mov dx, KB_SCROLL << 8 | KB_SCROLL
; DL: the state to toggle, DH: the key's bit in BDA_KB_FLAG1, which tells a press from its repeats.
.lock:  test ah, ah
        js .lock_up
        test [BDA_KB_FLAG1], dh
        jnz .return
        or [BDA_KB_FLAG1], dh
        xor [BDA_KB_FLAG], dl
        ret
.lock_up:
        not dh
        and [BDA_KB_FLAG1], dh
        ret
.ctrl_break:
        test ah, ah
        js .return
        mov ax, [BDA_KB_START]
        mov [BDA_KB_HEAD], ax
        mov [BDA_KB_TAIL], ax
        mov byte [BDA_BREAK], 0x80
        mov al, 0x20
        out 0x20, al
        pop ax
        push ds
        int 0x1b
        pop ds
        xor ax, ax
        call kb_store
        jmp int09_out
.insert:
        test ah, ah
        js .insert_up
        test byte [BDA_KB_FLAG], KB_ALT | KB_CTRL
        jnz .insert_key
        test bl, KB3_E0
        jnz .insert_state
        ; on the keypad: a digit under Num Lock or Shift, not under both
        mov dl, [BDA_KB_FLAG]
        test dl, KB_NUM
        jz .insert_plain
        test dl, KB_LSHIFT | KB_RSHIFT
        jz .insert_key
        jmp .insert_state
.insert_plain:
        test dl, KB_LSHIFT | KB_RSHIFT
        jnz .insert_key
.insert_state:
        test byte [BDA_KB_FLAG1], KB_INS
        jnz .insert_key
        or byte [BDA_KB_FLAG1], KB_INS
        xor byte [BDA_KB_FLAG], KB_INS
.insert_key:
        jmp kb_lookup
.insert_up:
        and byte [BDA_KB_FLAG1], ~KB_INS
        ret

; AL: a key that makes a character, BL: flags with the prefix.
kb_lookup:
        mov dl, [BDA_KB_FLAG]
        xor bh, bh
        test bl, KB3_E0
        jnz .grey
        cmp al, KB_KEYS
        jae .none
        cmp al, 0x47
        jb .main
        cmp al, 0x53
        jbe .keypad
.main:  mov bl, al
        shl bx, 1
        shl bx, 1
        shl bx, 1
        test dl, KB_ALT
        jnz .alt
        test dl, KB_CTRL
        jnz .ctrl
        mov ax, [cs:bx + kb_table]
        ; Caps Lock changes letters only: those whose two forms differ in bit 5 alone
        test dl, KB_CAPS
        jz .no_caps
        mov cx, [cs:bx + kb_table + 2]
        cmp al, 'a'
        jb .no_caps
        cmp al, 'z'
        ja .no_caps
        test dl, KB_LSHIFT | KB_RSHIFT
        jnz kb_store
        mov ax, cx
        jmp kb_store
.no_caps:
        test dl, KB_LSHIFT | KB_RSHIFT
        jz kb_store
        mov ax, [cs:bx + kb_table + 2]
        jmp kb_store
.ctrl:  mov ax, [cs:bx + kb_table + 4]
        jmp kb_store
.alt:   mov ax, [cs:bx + kb_table + 6]
        jmp kb_store
.none:  ret

.keypad:
        test dl, KB_ALT
        jz .not_alt
        ; Alt and digits: the number of a character
        mov bl, al
        mov ch, [cs:bx + kb_digits - 0x47]
        cmp ch, 0xff
        je .keypad_main
        mov al, [BDA_ALT_INPUT]
        mov ah, 10
        mul ah
        add al, ch
        mov [BDA_ALT_INPUT], al
        ret
.keypad_main:
        jmp .main
.not_alt:
        test dl, KB_CTRL
        jnz .main
        ; Num Lock and Shift undo each other
        xor cl, cl
        test dl, KB_NUM
        jz .no_num
        inc cx
.no_num:
        test dl, KB_LSHIFT | KB_RSHIFT
        jz .no_shift
        xor cl, 1
.no_shift:
        mov bl, al
        shl bx, 1
        shl bx, 1
        shl bx, 1
        mov ax, [cs:bx + kb_table]
        test cl, cl
        jz kb_store
        mov ax, [cs:bx + kb_table + 2]
        jmp kb_store

.grey:  mov si, kb_grey
        mov cx, KB_GREY
.grey_find:
        cmp al, [cs:si]
        je .grey_found
        add si, 7
        loop .grey_find
        ret
.grey_found:
        mov ax, [cs:si + 5]
        test dl, KB_ALT
        jnz kb_store
        mov ax, [cs:si + 3]
        test dl, KB_CTRL
        jnz kb_store
        mov ax, [cs:si + 1]
        ; falls through

; AX: to put into the buffer; 0 is nothing, but for Ctrl-Break.
kb_store:
        test ax, ax
        jnz .put
        test byte [BDA_BREAK], 0x80
        jz .done
.put:   cli
        mov bx, [BDA_KB_TAIL]
        mov si, bx
        inc si
        inc si
        cmp si, [BDA_KB_END]
        jb .no_wrap
        mov si, [BDA_KB_START]
.no_wrap:
        cmp si, [BDA_KB_HEAD]
        je .full
        mov [bx], ax
        mov [BDA_KB_TAIL], si
        sti
        push ds
        mov ax, 0x9102                  ; a program that waits for a key can go on
        int 0x15
        pop ds
.done:  ret
.full:  sti
        jmp beep

; Brings the lamps in line with the shift states: sends the command, the acknowledgements carry on from there.
kb_leds:
        mov al, [BDA_KB_FLAG]
        mov cl, 4
        shr al, cl
        and al, 7
        mov ah, [BDA_KB_LED]
        test ah, KBL_UPDATE
        jnz .done
        mov bl, ah
        and bl, 7
        cmp bl, al
        je .done
        and ah, 0xf0
        or ah, al
        or ah, KBL_UPDATE
        mov [BDA_KB_LED], ah
        mov al, 0xed
        call kbc_write
.done:  ret

; What each key of the main field, the function keys and the keypad gives: alone, with Shift, with Ctrl, with Alt.
%macro KEY 4
        dw %1, %2, %3, %4
%endmacro
; A letter: scan code, character.
%macro LETTER 2
        dw %1 << 8 | (%2 | 0x20), %1 << 8 | %2, %1 << 8 | (%2 & 0x1f), %1 << 8
%endmacro
kb_table:
        KEY 0, 0, 0, 0
        KEY 0x011b, 0x011b, 0x011b, 0x01f0      ; Esc
        KEY 0x0231, 0x0221, 0x0000, 0x7800      ; 1 !
        KEY 0x0332, 0x0340, 0x0300, 0x7900      ; 2 @
        KEY 0x0433, 0x0423, 0x0000, 0x7a00      ; 3 #
        KEY 0x0534, 0x0524, 0x0000, 0x7b00      ; 4 $
        KEY 0x0635, 0x0625, 0x0000, 0x7c00      ; 5 %
        KEY 0x0736, 0x075e, 0x071e, 0x7d00      ; 6 ^
        KEY 0x0837, 0x0826, 0x0000, 0x7e00      ; 7 &
        KEY 0x0938, 0x092a, 0x0000, 0x7f00      ; 8 *
        KEY 0x0a39, 0x0a28, 0x0000, 0x8000      ; 9 (
        KEY 0x0b30, 0x0b29, 0x0000, 0x8100      ; 0 )
        KEY 0x0c2d, 0x0c5f, 0x0c1f, 0x8200      ; - _
        KEY 0x0d3d, 0x0d2b, 0x0000, 0x8300      ; = +
        KEY 0x0e08, 0x0e08, 0x0e7f, 0x0ef0      ; Backspace
        KEY 0x0f09, 0x0f00, 0x9400, 0xa500      ; Tab
        LETTER 0x10, 'Q'
        LETTER 0x11, 'W'
        LETTER 0x12, 'E'
        LETTER 0x13, 'R'
        LETTER 0x14, 'T'
        LETTER 0x15, 'Y'
        LETTER 0x16, 'U'
        LETTER 0x17, 'I'
        LETTER 0x18, 'O'
        LETTER 0x19, 'P'
        KEY 0x1a5b, 0x1a7b, 0x1a1b, 0x1af0      ; [ {
        KEY 0x1b5d, 0x1b7d, 0x1b1d, 0x1bf0      ; ] }
        KEY 0x1c0d, 0x1c0d, 0x1c0a, 0x1c00      ; Enter
        KEY 0, 0, 0, 0                          ; Ctrl
        LETTER 0x1e, 'A'
        LETTER 0x1f, 'S'
        LETTER 0x20, 'D'
        LETTER 0x21, 'F'
        LETTER 0x22, 'G'
        LETTER 0x23, 'H'
        LETTER 0x24, 'J'
        LETTER 0x25, 'K'
        LETTER 0x26, 'L'
        KEY 0x273b, 0x273a, 0x0000, 0x27f0      ; ; :
        KEY 0x2827, 0x2822, 0x0000, 0x28f0      ; ' "
        KEY 0x2960, 0x297e, 0x0000, 0x29f0      ; ` ~
        KEY 0, 0, 0, 0                          ; left Shift
        KEY 0x2b5c, 0x2b7c, 0x2b1c, 0x2bf0      ; \ |
        LETTER 0x2c, 'Z'
        LETTER 0x2d, 'X'
        LETTER 0x2e, 'C'
        LETTER 0x2f, 'V'
        LETTER 0x30, 'B'
        LETTER 0x31, 'N'
        LETTER 0x32, 'M'
        KEY 0x332c, 0x333c, 0x0000, 0x33f0      ; , <
        KEY 0x342e, 0x343e, 0x0000, 0x34f0      ; . >
        KEY 0x352f, 0x353f, 0x0000, 0x35f0      ; / ?
        KEY 0, 0, 0, 0                          ; right Shift
        KEY 0x372a, 0x372a, 0x9600, 0x37f0      ; keypad *
        KEY 0, 0, 0, 0                          ; Alt
        KEY 0x3920, 0x3920, 0x3920, 0x3920      ; space
        KEY 0, 0, 0, 0                          ; Caps Lock
        KEY 0x3b00, 0x5400, 0x5e00, 0x6800      ; F1
        KEY 0x3c00, 0x5500, 0x5f00, 0x6900
        KEY 0x3d00, 0x5600, 0x6000, 0x6a00
        KEY 0x3e00, 0x5700, 0x6100, 0x6b00
        KEY 0x3f00, 0x5800, 0x6200, 0x6c00
        KEY 0x4000, 0x5900, 0x6300, 0x6d00
        KEY 0x4100, 0x5a00, 0x6400, 0x6e00
        KEY 0x4200, 0x5b00, 0x6500, 0x6f00
        KEY 0x4300, 0x5c00, 0x6600, 0x7000
        KEY 0x4400, 0x5d00, 0x6700, 0x7100      ; F10
        KEY 0, 0, 0, 0                          ; Num Lock
        KEY 0, 0, 0, 0                          ; Scroll Lock
        KEY 0x4700, 0x4737, 0x7700, 0x0000      ; keypad 7
        KEY 0x4800, 0x4838, 0x8d00, 0x0000
        KEY 0x4900, 0x4939, 0x8400, 0x0000
        KEY 0x4a2d, 0x4a2d, 0x8e00, 0x4af0      ; keypad -
        KEY 0x4b00, 0x4b34, 0x7300, 0x0000
        KEY 0x4cf0, 0x4c35, 0x8f00, 0x0000
        KEY 0x4d00, 0x4d36, 0x7400, 0x0000
        KEY 0x4e2b, 0x4e2b, 0x9000, 0x4ef0      ; keypad +
        KEY 0x4f00, 0x4f31, 0x7500, 0x0000
        KEY 0x5000, 0x5032, 0x9100, 0x0000
        KEY 0x5100, 0x5133, 0x7600, 0x0000
        KEY 0x5200, 0x5230, 0x9200, 0x0000
        KEY 0x5300, 0x532e, 0x9300, 0x0000      ; keypad .
        KEY 0, 0, 0, 0                          ; SysReq
        KEY 0, 0, 0, 0
        KEY 0x565c, 0x567c, 0x0000, 0x0000      ; the 102nd key
        KEY 0x8500, 0x8700, 0x8900, 0x8b00      ; F11
        KEY 0x8600, 0x8800, 0x8a00, 0x8c00      ; F12
KB_KEYS         equ ($ - kb_table) / 8

; Digits of the keypad from scan code 47h on.
kb_digits:
        db 7, 8, 9, 0xff, 4, 5, 6, 0xff, 1, 2, 3, 0, 0xff

; Keys with the prefix E0: scan code; alone or with Shift, with Ctrl, with Alt.
%macro GREY 4
        db %1
        dw %2, %3, %4
%endmacro
kb_grey:
        GREY 0x1c, 0xe00d, 0xe00a, 0xa600       ; keypad Enter
        GREY 0x35, 0xe02f, 0x9500, 0xa400       ; keypad /
        GREY 0x47, 0x47e0, 0x77e0, 0x9700       ; Home
        GREY 0x48, 0x48e0, 0x8de0, 0x9800
        GREY 0x49, 0x49e0, 0x84e0, 0x9900
        GREY 0x4b, 0x4be0, 0x73e0, 0x9b00
        GREY 0x4d, 0x4de0, 0x74e0, 0x9d00
        GREY 0x4f, 0x4fe0, 0x75e0, 0x9f00
        GREY 0x50, 0x50e0, 0x91e0, 0xa000
        GREY 0x51, 0x51e0, 0x76e0, 0xa100
        GREY 0x52, 0x52e0, 0x92e0, 0xa200
        GREY 0x53, 0x53e0, 0x93e0, 0xa300
KB_GREY         equ ($ - kb_grey) / 7
