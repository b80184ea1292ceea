; The built-in demonstration: a bootable floppy that shows what the machine is. `ferrite` without options boots it.
;
; It uses the firmware's services only (INT 10h, 11h, 12h, 13h, 15h, 16h, 1Ah; IBM PC/AT Technical Reference; Ralf Brown's Interrupt
; List), the DAC's ports, and the text screen at B800h, so it runs on any PC with a colour adapter, from the 8086 on. What it shows is also sent to
; COM1, for runs without a display.
;
; The image holds the boot sector and the program behind it; the rest of the 1440 KiB medium is zeros.

        cpu 8086
        bits 16

LOAD_SEG        equ 0x1000              ; where the program runs
SECTORS         equ (program_end - program + 511) / 512
TEXT            equ 0xb800
PROMPT_ROW      equ 24
LOG_TOP         equ 15                  ; rows of the dialogue, scrolling
PLASMA_ROW      equ 6                   ; the box with something that moves
PLASMA_COL      equ 48
PLASMA_W        equ 30
PLASMA_H        equ 7

; ---------------------------------------------------------------- boot sector
        org 0
boot:   jmp short .start
        nop
        db 'FERRITE '                   ; a BIOS parameter block, so that the medium is known as 1440 KiB
        dw 512
        db 1
        dw 1
        db 2
        dw 224, 2880
        db 0xf0
        dw 9, 18, 2
        dd 0, 0
        db 0, 0, 0x29
        dd 0x46e5c8ae
        db 'FERRITEDEMO'
        db 'FAT12   '
.start: cli
        xor ax, ax
        mov ss, ax
        mov sp, 0x7c00
        sti
        cld
        mov ds, ax
        mov [0x7c00 + drive], dl
        mov ax, LOAD_SEG
        mov es, ax
        xor bx, bx
        mov si, 1                       ; next sector of the medium
.next:  mov ax, si
        xor dx, dx
        mov cx, 18
        div cx                          ; AX track, DX sector - 1
        mov cl, dl
        inc cl
        mov dh, al
        and dh, 1
        shr ax, 1
        mov ch, al
        mov dl, [0x7c00 + drive]
        mov di, 3
.read:  mov ax, 0x0201
        int 0x13
        jnc .got
        xor ah, ah
        int 0x13
        dec di
        jnz .read
        mov si, 0x7c00 + .error
        jmp short .say
.got:   add bx, 512
        inc si
        cmp si, 1 + SECTORS
        jne .next
        mov dl, [0x7c00 + drive]
        jmp LOAD_SEG:0
.say:   lodsb
        test al, al
        jz .stop
        mov ah, 0x0e
        mov bx, 7
        int 0x10
        jmp .say
.stop:  hlt
        jmp .stop
.error: db 'The demonstration disk cannot be read.', 13, 10, 0
drive:  db 0
        times 510 - ($ - $$) db 0
        dw 0xaa55

; ---------------------------------------------------------------- the program, at LOAD_SEG:0
        section .text2 follows=.text vstart=0
program:
        mov ax, cs
        mov ds, ax
        cli
        mov ss, ax
        mov sp, 0xfffe
        sti
        cld
        mov [boot_drive], dl
        call serial_init
        mov ax, 3
        int 0x10
        call bright_backgrounds
        mov ah, 1
        mov cx, 0x2000
        int 0x10                        ; no cursor yet
        call detect_cpu
        call draw_page
        call mouse_init
        mov si, msg_welcome
        call log_line
        call new_prompt

main:   call animate
        mov ah, 1
        int 0x16
        jnz .key
        call serial_key
        jc .idle
        jmp short .char
.idle:  call mouse_show
        hlt                             ; until the timer or a device
        jmp main
.key:   xor ah, ah
        int 0x16
.char:  cmp al, 13
        je .enter
        cmp al, 10
        je .enter
        cmp al, 8
        je .back
        cmp al, 127
        je .back
        cmp al, ' '
        jb main
        mov bx, [line_len]
        cmp bx, 60
        jae main
        mov [line + bx], al
        inc word [line_len]
        call serial_char
        call show_line
        jmp main
.back:  cmp word [line_len], 0
        je main
        dec word [line_len]
        mov si, msg_back
        call serial_str
        call show_line
        jmp main
.enter: call run_line
        call new_prompt
        jmp main

; ---------------------------------------------------------------- the screen
; Eight bright colours as backgrounds instead of blinking.
bright_backgrounds:
        mov ax, 0x1003
        xor bx, bx
        int 0x10
        ret

draw_page:
        mov ax, TEXT
        mov es, ax
        xor di, di
        mov ax, 0x1020                  ; blue, empty
        mov cx, 80 * LOG_TOP
        rep stosw
        mov ax, 0x0720
        mov cx, 80 * (25 - LOG_TOP)
        rep stosw
        ; The name, each row of its letters in a colour of its own.
        mov si, logo
        mov di, (1 * 80 + 3) * 2
        mov dl, 0x1f
.logo:  push di
.glyph: lodsb
        test al, al
        jz .row
        mov ah, dl
        stosw
        jmp .glyph
.row:   pop di
        add di, 160
        mov bl, [logo_row]
        xor bh, bh
        inc byte [logo_row]
        mov dl, [logo_colours + bx]
        cmp byte [si], 0xff
        jne .logo
        mov si, msg_sub
        mov di, (4 * 80 + 3) * 2
        mov ah, 0x1b
        call put_at
        ; Facts.
        mov si, msg_cpu
        call fact
        call put_cpu
        call fact_end
        mov si, msg_memory
        call fact
        call put_memory
        call fact_end
        mov si, msg_disks
        call fact
        call put_disks
        call fact_end
        mov si, msg_firmware
        call fact
        call put_firmware
        call fact_end
        mov si, msg_video
        call fact
        call put_video
        call fact_end
        mov si, msg_clock
        call fact
        call put_time
        call fact_end
        ; All sixteen colours.
        mov di, (14 * 80 + 8) * 2
        xor bl, bl
.bar:   mov ah, bl
        mov cl, 4
        shl ah, cl
        mov al, ' '
        mov cx, 4
        rep stosw
        inc bl
        cmp bl, 16
        jne .bar
        ; A frame for what moves.
        mov di, ((PLASMA_ROW - 1) * 80 + PLASMA_COL - 1) * 2
        mov ax, 0x1fda
        stosw
        mov al, 0xc4
        mov cx, PLASMA_W
        rep stosw
        mov al, 0xbf
        stosw
        mov dl, PLASMA_H
        mov di, (PLASMA_ROW * 80 + PLASMA_COL - 1) * 2
.side:  mov word [es:di], 0x1fb3
        mov word [es:di + 2 * PLASMA_W + 2], 0x1fb3
        add di, 160
        dec dl
        jnz .side
        mov ax, 0x1fc0
        stosw
        mov al, 0xc4
        mov cx, PLASMA_W
        rep stosw
        mov al, 0xd9
        stosw
        ret

; Text DS:SI with attribute AH at ES:DI.
put_at: lodsb
        test al, al
        jz .end
        stosw
        jmp put_at
.end:   ret

; Begins a row of the facts with its name DS:SI; the value goes through put_char.
fact:   mov al, [fact_row]
        inc byte [fact_row]
        mov ah, 160
        mul ah
        add ax, 6
        mov di, ax
        mov [place], ax
        push si
        mov ah, 0x1e
        call put_at
        pop si
        call serial_str
        mov ax, [place]
        add ax, 20
        mov [place], ax
        ret
fact_end:
        mov si, msg_crlf
        jmp serial_str

; AL, in `colour`, at the place that `place` holds, and to COM1. Keeps all registers.
put_char:
        push ax
        push bx
        push es
        mov bx, TEXT
        mov es, bx
        mov bx, [place]
        mov ah, [colour]
        mov [es:bx], ax
        add word [place], 2
        call serial_char
        pop es
        pop bx
        pop ax
        ret
put_str:
        push ax
.next:  lodsb
        test al, al
        jz .end
        call put_char
        jmp .next
.end:   pop ax
        ret

; DX:AX in decimal.
put_dec:
        push bx
        push cx
        push si
        mov cx, 10
        xor si, si
.digit: mov bx, ax
        mov ax, dx
        xor dx, dx
        div cx
        xchg ax, bx                     ; BX: high part of the quotient
        div cx
        push dx
        inc si
        mov dx, bx
        mov bx, ax
        or bx, dx
        jnz .digit
.out:   pop ax
        add al, '0'
        call put_char
        dec si
        jnz .out
        pop si
        pop cx
        pop bx
        ret
put_dec8:
        xor ah, ah
put_dec16:
        xor dx, dx
        jmp put_dec
put_two:                                ; AL, two digits
        aam
        add ax, 0x3030
        xchg al, ah
        call put_char
        mov al, ah
        jmp put_char

; ---------------------------------------------------------------- facts
; 8086, 80286 and 80386 are told apart by FLAGS (SDM, "Identification of Earlier IA-32 Processors").
detect_cpu:
        pushf
        pop ax
        mov cx, ax
        and ax, 0x0fff
        push ax
        popf
        pushf
        pop ax
        and ax, 0xf000
        cmp ax, 0xf000
        je .done                        ; 8086: bits 15:12 are stuck at 1
        mov byte [cpu_kind], 1
        or cx, 0xf000
        push cx
        popf
        pushf
        pop ax
        and ax, 0xf000
        jz .done                        ; 80286 in real mode: stuck at 0
        mov byte [cpu_kind], 2
        cpu 386
        pushfd
        pop eax
        mov ecx, eax
        xor eax, 1 << 18
        push eax
        popfd
        pushfd
        pop eax
        push ecx
        popfd
        xor eax, ecx
        test eax, 1 << 18
        jz .done                        ; 80386: no AC
        mov byte [cpu_kind], 3
        mov eax, ecx
        xor eax, 1 << 21
        push eax
        popfd
        pushfd
        pop eax
        push ecx
        popfd
        xor eax, ecx
        test eax, 1 << 21
        jz .done                        ; 80486 without CPUID
        mov byte [cpu_kind], 4
        cpu 586
        xor eax, eax
        cpuid
        mov [vendor], ebx
        mov [vendor + 4], edx
        mov [vendor + 8], ecx
        mov eax, 1
        cpuid
        mov [signature], eax
        mov eax, 0x80000000
        cpuid
        cmp eax, 0x80000004
        jb .done
        mov di, brand
        mov esi, 0x80000002
.brand: mov eax, esi
        cpuid
        mov [di], eax
        mov [di + 4], ebx
        mov [di + 8], ecx
        mov [di + 12], edx
        add di, 16
        inc esi
        cmp esi, 0x80000005
        jne .brand
        cpu 8086
.done:  ret

put_cpu:
        cmp byte [brand], 0
        jne .brand
        mov bl, [cpu_kind]
        xor bh, bh
        shl bx, 1
        mov si, [cpu_names + bx]
        call put_str
        cmp byte [cpu_kind], 4
        jne .end
        mov si, vendor
        call put_str
        mov si, msg_family
        call put_str
        mov al, [signature + 1]
        and al, 0x0f
        call put_dec8
.end:   ret
.brand: mov si, brand
.space: cmp byte [si], ' '
        jne .name
        inc si
        jmp .space
.name:  mov cx, 32                      ; as much as fits before the frame
.next:  lodsb
        test al, al
        jz .end
        call put_char
        loop .next
        ret

put_memory:
        int 0x12
        call put_dec16
        mov si, msg_kib
        call put_str
        ; Above 1 MiB: E801h counts further than 88h.
        mov ax, 0xe801
        xor bx, bx
        xor cx, cx
        xor dx, dx
        int 0x15
        jc .old
        test cx, cx
        jz .pair
        mov ax, cx
        mov bx, dx
; BX: 64 KiB each, AX: KiB
.pair:  add bx, 8                       ; the firmware may have kept a little
        mov cl, 4
        shr bx, cl
        mov cl, 10
        shr ax, cl
        add ax, bx
        jmp short .show
.old:   mov ah, 0x88
        int 0x15
        jc .end
        mov cl, 10
        shr ax, cl
.show:  test ax, ax
        jz .end
        push ax
        mov si, msg_plus
        call put_str
        pop ax
        call put_dec16
        mov si, msg_mib
        call put_str
.end:   ret

put_disks:
        int 0x11
        test al, 1
        jz .fixed
        mov cl, 6
        shr al, cl
        and al, 3
        inc al
        call put_dec8
        mov si, msg_floppies
        call put_str
.fixed: push es
        mov ax, 0x40
        mov es, ax
        mov al, [es:0x75]
        pop es
        test al, al
        jz .end
        push ax
        mov si, msg_comma
        call put_str
        pop ax
        push ax
        call put_dec8
        mov si, msg_fixed
        call put_str
        pop cx
        mov ah, 0x08
        mov dl, 0x80
        push es
        push di
        int 0x13
        pop di
        pop es
        jc .end
        mov si, msg_first
        call put_str
        mov al, ch                      ; cylinders - 1: CL bits 7:6 and CH
        mov ah, cl
        rol ah, 1
        rol ah, 1
        and ah, 3
        inc ax
        mov bl, dh
        xor bh, bh
        inc bx
        and cl, 63
        xor ch, ch
        mul bx
        mov bx, dx
        mul cx                          ; the high part of the first product is 0: at most 1024 * 256
        push ax
        push dx
        mov ax, bx
        mul cx
        pop dx
        add dx, ax
        pop ax
        mov cx, 11                      ; sectors to MiB
.shift: shr dx, 1
        rcr ax, 1
        loop .shift
        call put_dec
        mov si, msg_mib
        call put_str
.end:   ret

put_firmware:
        push ds
        mov ax, 0xf000
        mov ds, ax
        mov si, 0xfff5
        mov cx, 8
.next:  lodsb
        push ds
        push cs
        pop ds
        call put_char
        pop ds
        loop .next
        pop ds
        mov si, msg_model
        call put_str
        push ds
        mov ax, 0xf000
        mov ds, ax
        mov al, [0xfffe]
        pop ds
        push ax
        mov cl, 4
        shr al, cl
        call put_hex
        pop ax
        and al, 15
put_hex:
        cmp al, 10
        jb .digit
        add al, 'A' - '0' - 10
.digit: add al, '0'
        jmp put_char

put_video:
        mov ax, 0x1a00
        int 0x10
        cmp al, 0x1a
        mov si, msg_ega
        jne .name
        mov si, msg_vga
.name:  call put_str
        push es
        push ds
        pop es
        mov di, buffer
        mov ax, 0x4f00
        int 0x10
        pop es
        cmp ax, 0x004f
        jne .end
        mov si, msg_vbe
        call put_str
        mov al, [buffer + 5]
        call put_dec8
        mov al, '.'
        call put_char
        mov al, [buffer + 4]
        call put_dec8
        mov si, msg_comma
        call put_str
        mov ax, [buffer + 18]
        mov cl, 4
        shr ax, cl
        call put_dec16
        mov si, msg_mib
        call put_str
.end:   ret

put_time:
        mov ah, 4
        int 0x1a
        jc .end
        push dx
        mov al, ch
        call put_bcd
        mov al, cl
        call put_bcd
        mov al, '-'
        call put_char
        pop dx
        push dx
        mov al, dh
        call put_bcd
        mov al, '-'
        call put_char
        pop dx
        mov al, dl
        call put_bcd
        mov al, ' '
        call put_char
        mov ah, 2
        int 0x1a
        mov al, ch
        call put_bcd
        mov al, ':'
        call put_char
        mov al, cl
        call put_bcd
        mov al, ':'
        call put_char
        mov al, dh
        call put_bcd
.end:   ret
put_bcd:
        push ax
        push cx
        mov ah, al
        mov cl, 4
        shr al, cl
        add al, '0'
        call put_char
        mov al, ah
        and al, 15
        add al, '0'
        call put_char
        pop cx
        pop ax
        ret

; ---------------------------------------------------------------- something that moves
; A plasma of half blocks, one step a timer tick: two pixels a character, each one of sixteen colours by the sum of three waves.
animate:
        push es
        xor ax, ax
        mov es, ax
        mov ax, [es:0x46c]
        pop es
        cmp ax, [last_tick]
        je .end
        mov [last_tick], ax
        mov [phase], al
        mov ax, TEXT
        mov es, ax
        mov di, (PLASMA_ROW * 80 + PLASMA_COL) * 2
        xor dh, dh                      ; row of pixels
.row:   xor dl, dl                      ; column
.col:   call .pixel
        mov ah, al
        inc dh
        call .pixel
        dec dh
        mov cl, 4
        shl al, cl
        or ah, al                       ; the lower pixel is the background
        mov al, 0xdf                    ; upper half block
        stosw
        inc dl
        cmp dl, PLASMA_W
        jne .col
        add di, 160 - 2 * PLASMA_W
        add dh, 2
        cmp dh, 2 * PLASMA_H
        jne .row
.end:   ret
; AL: the colour of the pixel in column DL, row DH.
.pixel: push ax
        mov bx, sine
        mov al, dl
        shl al, 1
        shl al, 1
        add al, [phase]
        xlatb
        mov cl, al
        mov al, dh
        shl al, 1
        shl al, 1
        shl al, 1
        sub al, [phase]
        sub al, [phase]
        xlatb
        add cl, al
        mov al, dl
        add al, dh
        shl al, 1
        shl al, 1
        add al, [phase]
        xlatb
        add al, cl
        mov cl, 3
        shr al, cl
        and al, 15
        mov bx, plasma_colours
        xlatb
        mov bl, al
        pop ax
        mov al, bl
        ret

; ---------------------------------------------------------------- mouse
; The firmware's pointing-device services (INT 15h AH=C2h) call `mouse_event` for every packet.
mouse_init:
        mov ax, 0xc205
        mov bh, 3
        int 0x15
        jc .end
        mov ax, 0xc207
        push cs
        pop es
        mov bx, mouse_event
        int 0x15
        jc .end
        mov ax, 0xc200
        mov bh, 1
        int 0x15
        jc .end
        mov byte [mouse], 1
.end:   ret

; Far, with status, X, Y and Z as words on the stack.
mouse_event:
        push bp
        mov bp, sp
        push ax
        push ds
        push cs
        pop ds
        mov ax, [bp + 12]               ; status: buttons, signs
        mov [buttons], al
        mov al, [bp + 10]
        cbw
        add [mouse_x], ax
        mov al, [bp + 8]
        cbw
        sub [mouse_y], ax
        cmp word [mouse_x], 639
        jle .right
        mov word [mouse_x], 639
.right: cmp word [mouse_x], 0
        jge .left
        mov word [mouse_x], 0
.left:  cmp word [mouse_y], 399
        jle .down
        mov word [mouse_y], 399
.down:  cmp word [mouse_y], 0
        jge .up
        mov word [mouse_y], 0
.up:    pop ds
        pop ax
        pop bp
        retf

; Moves the pointer, a character in reverse colours, to where the mouse is.
mouse_show:
        cmp byte [mouse], 0
        je .end
        cli
        mov ax, [mouse_y]
        mov cl, [buttons]
        sti
        and cl, 7
        cmp cl, [shown_buttons]
        je .same
        mov [shown_buttons], cl
        test cl, cl
        jz .same
        mov si, msg_click
        call log_line
        mov ax, [mouse_y]
.same:  mov cl, 4
        shr ax, cl
        mov bx, 80
        mul bx
        mov bx, [mouse_x]
        mov cl, 3
        shr bx, cl
        add bx, ax
        shl bx, 1
        cmp bx, [pointer]
        je .end
        push es
        mov ax, TEXT
        mov es, ax
        mov di, [pointer]
        cmp di, 0xffff
        je .draw
        not byte [es:di + 1]
.draw:  not byte [es:bx + 1]
        mov [pointer], bx
        pop es
.end:   ret
; Takes the pointer off before something is drawn under it.
mouse_hide:
        push di
        push es
        mov di, [pointer]
        cmp di, 0xffff
        je .end
        mov ax, TEXT
        mov es, ax
        not byte [es:di + 1]
        mov word [pointer], 0xffff
.end:   pop es
        pop di
        ret

; ---------------------------------------------------------------- the dialogue
new_prompt:
        mov word [line_len], 0
        mov si, msg_prompt
        call serial_str
show_line:
        call mouse_hide
        mov ax, TEXT
        mov es, ax
        mov di, PROMPT_ROW * 160
        mov si, msg_prompt
        mov ah, 0x0a
        call put_at
        mov cx, [line_len]
        mov si, line
        mov ah, 0x0f
        jcxz .rest
.char:  lodsb
        stosw
        loop .char
.rest:  mov dx, di
        mov cx, (PROMPT_ROW + 1) * 160
        sub cx, di
        shr cx, 1
        mov ax, 0x0720
        rep stosw
        ; The cursor behind the text.
        mov ax, dx
        sub ax, PROMPT_ROW * 160
        shr ax, 1
        mov dl, al
        mov dh, PROMPT_ROW
        mov ah, 2
        xor bh, bh
        int 0x10
        mov ah, 1
        mov cx, 0x0d0e
        int 0x10
        ret

; A line DS:SI into the dialogue and to COM1.
log_line:
        call log_scroll
        push si
        mov di, (PROMPT_ROW - 1) * 160
        mov ah, 0x07
        call put_at
        pop si
        call serial_str
        mov si, msg_crlf
        jmp serial_str
log_scroll:
        call mouse_hide
        push si
        mov ax, 0x0601
        mov bh, 0x07
        mov cx, LOG_TOP << 8
        mov dx, (PROMPT_ROW - 1) << 8 | 79
        int 0x10
        pop si
        mov ax, TEXT
        mov es, ax
        ret

run_line:
        mov si, msg_crlf
        call serial_str
        mov bx, [line_len]
        test bx, bx
        jnz .some
        ret
.some:  mov byte [line + bx], 0
        ; What was typed goes up into the dialogue.
        call log_scroll
        mov di, (PROMPT_ROW - 1) * 160
        mov si, msg_prompt
        mov ah, 0x0a
        call put_at
        mov si, line
        mov ah, 0x0f
        call put_at
        mov bx, commands
.try:   mov si, [bx]
        test si, si
        jz .unknown
        mov di, line
.cmp:   mov al, [di]
        cmp al, 'A'
        jb .case
        cmp al, 'Z'
        ja .case
        or al, 0x20
.case:  cmp al, [si]
        jne .next
        inc si
        inc di
        test al, al
        jnz .cmp
        jmp [bx + 2]
.next:  add bx, 4
        jmp .try
.unknown:
        mov si, msg_unknown
        jmp log_line

cmd_help:
        mov si, msg_help1
        call log_line
        mov si, msg_help2
        jmp log_line
cmd_hello:
        mov si, msg_hello
        jmp log_line
cmd_cls:
        call mouse_hide
        mov ax, 0x0600
        mov bh, 0x07
        mov cx, LOG_TOP << 8
        mov dx, (PROMPT_ROW - 1) << 8 | 79
        int 0x10
        ret

; Facts again, as lines of the dialogue.
%macro SAY 2
        mov si, %1
        call say_begin
        call %2
        mov byte [colour], 0x1f
        jmp fact_end
%endmacro
say_begin:
        call log_scroll
        push si
        mov di, (PROMPT_ROW - 1) * 160
        mov ah, 0x07
        call put_at
        mov [place], di
        mov byte [colour], 0x0f
        pop si
        jmp serial_str
cmd_cpu:
        SAY msg_cpu, put_cpu
cmd_mem:
        SAY msg_memory, put_memory
cmd_disks:
        SAY msg_disks, put_disks
cmd_time:
        SAY msg_clock, put_time

; The speaker at 880 Hz for five ticks (8254 channel 2, port 61h).
cmd_beep:
        mov al, 0xb6
        out 0x43, al
        mov ax, 1193182 / 880
        out 0x42, al
        mov al, ah
        out 0x42, al
        in al, 0x61
        or al, 3
        out 0x61, al
        mov cx, 5
        call wait_ticks
        in al, 0x61
        and al, 0xfc
        out 0x61, al
        mov si, msg_beep
        jmp log_line
wait_ticks:
        push es
        xor ax, ax
        mov es, ax
.tick:  mov ax, [es:0x46c]
.same:  hlt
        cmp ax, [es:0x46c]
        je .same
        loop .tick
        pop es
        ret

; A full-screen picture in mode 13h whose palette turns, until a key.
cmd_colors:
        mov ax, 0x13
        int 0x10
        mov ax, 0xa000
        mov es, ax
        xor di, di
        xor dx, dx
.row:   xor cx, cx
.col:   push dx
        mov ax, dx                      ; rings around the middle
        sub ax, 100
        imul ax
        mov bx, ax
        mov ax, cx
        sub ax, 160
        imul ax
        pop dx
        add ax, bx
        push cx
        mov cl, 6
        shr ax, cl
        pop cx
        stosb
        inc cx
        cmp cx, 320
        jne .col
        inc dx
        cmp dx, 200
        jne .row
.turn:  mov dx, 0x3da                   ; in the retrace
.in:    in al, dx
        test al, 8
        jnz .in
.out:   in al, dx
        test al, 8
        jz .out
        mov dx, 0x3c8
        xor al, al
        out dx, al
        inc dx
        mov cx, 256
        mov bx, sine
        mov ah, [phase]
.colour:
        mov al, ah
        xlatb
        shr al, 1
        out dx, al
        mov al, ah
        add al, 85
        xlatb
        shr al, 1
        out dx, al
        mov al, ah
        add al, 170
        xlatb
        shr al, 1
        out dx, al
        inc ah
        loop .colour
        add byte [phase], 2
        mov ah, 1
        int 0x16
        jnz .key
        call serial_key
        jc .turn
        jmp short .back
.key:   xor ah, ah
        int 0x16
.back:  mov ax, 3
        int 0x10
        call bright_backgrounds
        mov word [pointer], 0xffff
        mov byte [fact_row], 6
        mov byte [logo_row], 0
        call draw_page
        mov si, msg_colors
        jmp log_line

cmd_reboot:
        xor ax, ax
        mov es, ax
        mov word [es:0x472], 0x1234     ; warm
        jmp 0xffff:0

; APM 1.2, "Set Power State", all devices off.
cmd_off:
        mov ax, 0x5301
        xor bx, bx
        int 0x15
        mov ax, 0x530e
        xor bx, bx
        mov cx, 0x0102
        int 0x15
        mov ax, 0x5307
        mov bx, 1
        mov cx, 3
        int 0x15
        mov si, msg_no_off
        jmp log_line

; ---------------------------------------------------------------- COM1
serial_init:
        push es
        mov ax, 0x40
        mov es, ax
        mov ax, [es:0]
        mov [com], ax
        pop es
        test ax, ax
        jz .end
        mov ax, 0x00e3                  ; 9600, 8 bits, no parity
        xor dx, dx
        int 0x14
.end:   ret
; AL to COM1, in plain ASCII. Keeps all registers.
serial_char:
        push ax
        push cx
        push dx
        mov dx, [com]
        test dx, dx
        jz .end
        cmp al, 0x7f
        jb .plain
        mov al, '#'
.plain: mov ah, al
        add dx, 5
        xor cx, cx
.wait:  in al, dx
        test al, 0x20
        jnz .ready
        loop .wait
        jmp short .end                  ; nobody takes it
.ready: sub dx, 5
        mov al, ah
        out dx, al
.end:   pop dx
        pop cx
        pop ax
        ret
serial_str:
        push ax
.next:  lodsb
        test al, al
        jz .end
        call serial_char
        jmp .next
.end:   pop ax
        ret
; A character from COM1 in AL, or CF.
serial_key:
        mov dx, [com]
        test dx, dx
        jz .none
        add dx, 5
        in al, dx
        cmp al, 0xff
        je .none
        test al, 1
        jz .none
        sub dx, 5
        in al, dx
        clc
        ret
.none:  stc
        ret

; ---------------------------------------------------------------- texts
logo:   db 0xdb,0xdf,0xdf,' ',0xdb,0xdf,0xdf,' ',0xdb,0xdf,0xdb,' ',0xdb,0xdf,0xdb,' ',0xdf,0xdb,0xdf,' ',0xdf,0xdb,0xdf,' ',0xdb,0xdf,0xdf,0
        db 0xdb,0xdf,' ',' ',0xdb,0xdf,' ',' ',0xdb,0xdf,0xdc,' ',0xdb,0xdf,0xdc,' ',' ',0xdb,' ',' ',' ',0xdb,' ',' ',0xdb,0xdf,' ',0
        db 0xdf,' ',' ',' ',0xdf,0xdf,0xdf,' ',0xdf,' ',0xdf,' ',0xdf,' ',0xdf,' ',0xdf,0xdf,0xdf,' ',' ',0xdf,' ',' ',0xdf,0xdf,0xdf,0
        db 0xff
logo_colours: db 0x1e, 0x1c, 0x1c
logo_row: db 0
msg_sub:        db 'An x86 PC in software. This is its built-in demonstration disk.', 0
msg_cpu:        db 'CPU       ', 0
msg_memory:     db 'Memory    ', 0
msg_disks:      db 'Disks     ', 0
msg_firmware:   db 'Firmware  ', 0
msg_video:      db 'Display   ', 0
msg_clock:      db 'Clock     ', 0
msg_kib:        db ' KiB', 0
msg_mib:        db ' MiB', 0
msg_plus:       db ' + ', 0
msg_comma:      db ', ', 0
msg_floppies:   db ' floppy', 0
msg_fixed:      db ' hard', 0
msg_first:      db ', first ', 0
msg_model:      db ', model ', 0
msg_vga:        db 'VGA', 0
msg_ega:        db 'not a VGA', 0
msg_vbe:        db ', VBE ', 0
msg_family:     db ', family ', 0
msg_crlf:       db 13, 10, 0
msg_back:       db 8, ' ', 8, 0
msg_prompt:     db 'ferrite> ', 0
msg_welcome:    db 'Type help and press Enter.', 0
msg_help1:      db 'help  cpu  mem  disks  time  hello  beep  cls', 0
msg_help2:      db 'colors (256 of them, moving; a key ends it)  reboot  off', 0
msg_hello:      db 'Hello from the guest.', 0
msg_unknown:    db 'That is not a command. help lists them.', 0
msg_beep:       db 'The speaker played 880 Hz.', 0
msg_colors:     db 'That was mode 13h.', 0
msg_click:      db 'A mouse button was pressed.', 0
msg_no_off:     db 'This firmware cannot switch the machine off.', 0
cpu_names:      dw name_8086, name_286, name_386, name_486, vendor_none
name_8086:      db '8086', 0
name_286:       db '80286', 0
name_386:       db '80386', 0
name_486:       db '80486', 0
vendor_none:    db 0

commands:
        dw c_help, cmd_help, c_cpu, cmd_cpu, c_mem, cmd_mem, c_disks, cmd_disks, c_time, cmd_time, c_hello, cmd_hello
        dw c_beep, cmd_beep, c_cls, cmd_cls, c_colors, cmd_colors, c_reboot, cmd_reboot, c_off, cmd_off, 0
c_help:         db 'help', 0
c_cpu:          db 'cpu', 0
c_mem:          db 'mem', 0
c_disks:        db 'disks', 0
c_time:         db 'time', 0
c_hello:        db 'hello', 0
c_beep:         db 'beep', 0
c_cls:          db 'cls', 0
c_colors:       db 'colors', 0
c_reboot:       db 'reboot', 0
c_off:          db 'off', 0

plasma_colours: db 0, 1, 1, 9, 3, 11, 11, 15, 15, 14, 14, 12, 12, 4, 5, 5
; 63.5 + 63.5 sin(2 pi n / 256), rounded.
sine:
%assign n 0
%rep 256
  ; sin by Bhaskara's rational approximation on each half wave, in units of 1/128 of a half turn: within 0.2 % of the sine
  %assign h n & 127
  %assign p h * (128 - h)
  %assign s (16 * p * 635) / (5 * 128 * 128 - 4 * p)
  %if n < 128
    db (635 + s + 5) / 10
  %else
    db (635 - s + 5) / 10
  %endif
  %assign n n + 1
%endrep

cpu_kind:       db 0
boot_drive:     db 0
fact_row:       db 6
mouse:          db 0
buttons:        db 0
shown_buttons:  db 0
phase:          db 0
colour:         db 0x1f                 ; white on blue
last_tick:      dw 0xffff
place:           dw 0
com:            dw 0
line_len:       dw 0
pointer:        dw 0xffff
mouse_x:        dw 320
mouse_y:        dw 200
signature:      dd 0
vendor:         times 13 db 0
brand:          times 49 db 0
line:           times 64 db 0
buffer:         times 512 db 0
program_end:
        times 512 - (($ - $$) & 511) db 0
