; The 8042 keyboard controller: commands with time limits, and its start in POST.
;
; Documents: IBM PC/AT Technical Reference, "Keyboard Controller (8042)"; IBM PS/2 Hardware Interface Technical Reference,
; "Keyboard and Auxiliary Device Controller".

KBC_DATA        equ 0x60
KBC_STATUS      equ 0x64
KBC_OBF         equ 0x01
KBC_IBF         equ 0x02
KBC_AUX         equ 0x20
; The command byte: keyboard interrupt, system flag, translation.
KBC_MODE        equ 0x45
KBC_INT_KBD     equ 0x01
KBC_INT_AUX     equ 0x02
KBC_DIS_KBD     equ 0x10
KBC_DIS_AUX     equ 0x20

; Time limits in refresh toggles of 15.085 us
WAIT_SHORT      equ 1700                ; 25 ms: an answer of a device
WAIT_LONG       equ 60000               ; 0.9 s: its reset

; One look at the clock of a time limit: AH the refresh bit last seen, CX toggles left, BX against a bit that stands still.
; ZF set when the limit has passed. Changes AL.
refresh_step:
        in al, 0x61
        and al, 0x10
        cmp al, ah
        jne .toggled
        dec bx
        jz .toggled
        or al, 1                        ; not yet
        ret
.toggled:
        mov ah, al
        mov bx, 0x1000
        dec cx
        ret

; Waits until the controller takes a byte. CF set when it does not.
kbc_wait_write:
        push ax
        push bx
        push cx
        mov cx, WAIT_SHORT
        mov bx, 0x1000
.look:  in al, KBC_STATUS
        test al, KBC_IBF
        jz .done                        ; CF clear
        call refresh_step
        jnz .look
        stc
.done:  pop cx
        pop bx
        pop ax
        ret

; CX: time limit. Returns AL a byte of the output buffer, AH the status it came with; CF set when there is none.
kbc_read:
        push bx
        push cx
        mov bx, 0x1000
.look:  in al, KBC_STATUS
        test al, KBC_OBF
        jnz .there
        call refresh_step
        jnz .look
        stc
        jmp .done
.there: mov ah, al
        in al, KBC_DATA
        clc
.done:  pop cx
        pop bx
        ret

; AL: a command to the controller itself.
kbc_command:
        call kbc_wait_write
        jc .done
        out KBC_STATUS, al
.done:  ret

; AL: a byte to the keyboard.
kbc_write:
        call kbc_wait_write
        jc .done
        out KBC_DATA, al
.done:  ret

; AL: a byte to the pointing device.
kbc_write_aux:
        push ax
        mov al, 0xd4
        call kbc_command
        pop ax
        jc .done
        call kbc_write
.done:  ret

; Sends AL to the keyboard and waits for its acknowledgement. CF set when that does not come.
kbd_send:
        push ax
        push cx
        call kbc_write
        mov cx, WAIT_SHORT
        jmp kbc_ack
; The same for the pointing device.
aux_send:
        push ax
        push cx
        call kbc_write_aux
        mov cx, WAIT_SHORT
kbc_ack:
        jc .done
        call kbc_read
        jc .done
        cmp al, 0xfa
        je .done                        ; CF clear
        stc
.done:  pop cx
        pop ax
        ret

; Takes the controller for a dialogue with a device: keys that have come are served, then interrupts are off and the other
; device (AL: the command byte's bit that disables it) is held. Returns AL the command byte for kbc_end. CF set on failure.
kbc_begin:
        push bx
        push cx
        mov bl, al
        mov cx, 0x40
.drain: sti
        nop
        cli
        in al, KBC_STATUS
        test al, KBC_OBF
        jz .empty
        push cx
        mov cx, 20
        call delay_refresh
        pop cx
        loop .drain
        in al, KBC_DATA                 ; nobody wants it
.empty: mov al, 0xad
        call kbc_command
        mov al, 0x20
        call kbc_command
        mov cx, WAIT_SHORT
        call kbc_read
        jc .done
        push ax
        mov ah, al
        and ah, ~(KBC_INT_KBD | KBC_INT_AUX | KBC_DIS_KBD | KBC_DIS_AUX)
        or ah, bl
        mov al, 0x60
        call kbc_command
        mov al, ah
        call kbc_write
        pop ax
        and al, ~KBC_DIS_KBD            ; that was ours
        clc
.done:  pop cx
        pop bx
        ret

; AL: the command byte to put back. Keeps the flags.
kbc_end:
        pushf
        push ax
        mov ah, al
        mov al, 0x60
        call kbc_command
        mov al, ah
        call kbc_write
        pop ax
        popf
        ret

; POST waits for devices asleep: their interrupts only end HLT, and the byte is fetched afterwards.
post_wake_master:
        push ax
        mov al, 0x20
        jmp post_wake_eoi
post_wake_slave:
        push ax
        mov al, 0x20
        out 0xa0, al
post_wake_eoi:
        out 0x20, al
        pop ax
        iret

; CX: ticks of the timer to wait at most. Returns AL a byte of the output buffer; CF set when there is none. Interrupts on.
post_read:
        push cx
        push dx
        push ds
        xor dx, dx
        mov ds, dx
        mov dx, [0x400 + BDA_TICKS]
        add dx, cx
.look:  cli
        in al, KBC_STATUS
        test al, KBC_OBF
        jnz .there
        mov ax, [0x400 + BDA_TICKS]
        sub ax, dx
        jns .late
        sti
        hlt
        jmp .look
.late:  sti
        stc
        jmp .done
.there: in al, KBC_DATA
        sti
        clc
.done:  pop ds
        pop dx
        pop cx
        ret

; Sets the controller and the keyboard up. A machine without either goes on without.
kbd_init:
        push ds
        xor ax, ax
        mov ds, ax
        mov word [0x09 * 4], post_wake_master
        mov word [0x74 * 4], post_wake_slave
        cli
        mov cx, 16
.flush: in al, KBC_STATUS
        cmp al, 0xff
        je .none
        test al, KBC_OBF
        jz .empty
        in al, KBC_DATA
        loop .flush
.empty: mov al, 0xaa                    ; self test
        call kbc_command
        jc .none
        mov cx, WAIT_LONG
        call kbc_read
        jc .none
        cmp al, 0x55
        jne .none
        mov al, 0xd1                    ; output port: A20 open, no reset, interrupts
        call kbc_command
        mov al, 0xdf
        call kbc_write
        mov al, 0x60
        call kbc_command
        mov al, KBC_MODE | KBC_DIS_AUX
        call kbc_write
        mov al, 0xff                    ; reset, ACK, basic assurance test
        call kbc_write
        sti
        mov cx, 3
        call post_read
        jc .no_keyboard
        cmp al, 0xfa
        jne .no_keyboard
        mov cx, 36
        call post_read
        jc .no_keyboard
        cmp al, 0xaa
        jne .no_keyboard
        mov byte [0x400 + BDA_KB_FLAG3], KB3_101
        jmp .none
.no_keyboard:
        push cs
        pop ds
        mov si, .missing
        call print_str
.none:  sti
        xor ax, ax
        mov ds, ax
        mov word [0x09 * 4], 0xe987
        in al, 0x21
        and al, 0xfd
        out 0x21, al
        pop ds
        ret
.missing: db "No keyboard.", 13, 10, 0

; Looks for a pointing device behind the controller, resets it and leaves it off, as INT 15h AH=C2h finds it.
mouse_init:
        push ds
        push es
        xor ax, ax
        mov ds, ax
        in al, KBC_STATUS
        cmp al, 0xff
        je .none
        cli
        mov al, 0xa8                    ; auxiliary interface on, keyboard held meanwhile
        call kbc_command
        mov al, 0x60
        call kbc_command
        mov al, (KBC_MODE & ~KBC_INT_KBD) | KBC_INT_AUX | KBC_DIS_KBD
        call kbc_write
        mov al, 0xff
        call kbc_write_aux
        sti
        jc .off
        mov cx, 2
        call post_read
        jc .off
        cmp al, 0xfa
        jne .off
        mov cx, 36
        call post_read
        jc .off
        cmp al, 0xaa
        jne .off
        mov cx, 2
        call post_read                  ; its identity
        jc .off
        mov es, [0x400 + BDA_EBDA]
        or byte [es:EBDA_FLAGS], HAVE_MOUSE
        or byte [0x400 + BDA_EQUIPMENT], 4
        mov ah, KBC_MODE | KBC_INT_AUX | KBC_DIS_AUX
        jmp .set
.off:   mov ah, KBC_MODE | KBC_DIS_AUX
.set:   cli
        mov al, 0x60
        call kbc_command
        mov al, ah
        call kbc_write
        sti
.none:  mov word [0x74 * 4], int74_entry
        pop es
        pop ds
        ret
