; what: INT 09h and INT 16h: every kind of key, the shift states, both forms of reading, Alt and numbers, pause, break, hooks
; cpu: 80386 80486 pentium3 max
; Keys are put in by the controller's command D2h, which presents a byte as if the keyboard had sent it.
%include "test.inc"

; AL: a scan code.
key:    push ax
        push cx
        push ax
        cli
.busy:  in al, 0x64
        test al, 3
        jz .free
        sti
        nop
        nop
        cli
        jmp .busy
.free:  mov al, 0xd2
        out 0x64, al
.taken: in al, 0x64
        test al, 2
        jnz .taken
        pop ax
        out 0x60, al
        sti
        mov cx, 2000
.seen:  in al, 0x64
        test al, 1
        loopnz .seen
        mov cx, 200
.rest:  in al, 0x61
        loop .rest
        pop cx
        pop ax
        ret
%macro KEYS 1-*
%rep %0
        mov al, %1
        call key
%rotate 1
%endrep
%endmacro
; Nothing in the buffer: AX = FFFFh, else the key.
read10: mov ah, 0x11
        int 0x16
        mov ax, 0xffff
        jz .none
        mov ah, 0x10
        int 0x16
.none:  ret
read00: mov ah, 0x01
        int 0x16
        mov ax, 0xffff
        jz .none
        mov ah, 0x00
        int 0x16
.none:  ret
%macro EXPECT10 2
        call read10
        CHECK_EQ ax, %1, %2
%endmacro
%macro EXPECT00 2
        call read00
        CHECK_EQ ax, %1, %2
%endmacro

start:  mov ah, 0x01
        int 0x16
        CHECK z, "the buffer is empty at first"
        KEYS 0x1e, 0x9e
        EXPECT10 0x1e61, "a"
        KEYS 0x2a, 0x1e, 0x9e, 0xaa
        EXPECT10 0x1e41, "Shift-A"
        KEYS 0x36, 0x02, 0x82, 0xb6
        EXPECT10 0x0221, "right Shift-1"
        KEYS 0x1d, 0x2e, 0xae, 0x9d
        EXPECT10 0x2e03, "Ctrl-C"
        KEYS 0x38, 0x2e, 0xae, 0xb8
        EXPECT10 0x2e00, "Alt-C"
        KEYS 0x3a, 0xba, 0x1e, 0x9e, 0x02, 0x82
        EXPECT10 0x1e41, "Caps Lock: A"
        EXPECT10 0x0231, "Caps Lock: 1 stays"
        KEYS 0x2a, 0x1e, 0x9e, 0xaa, 0x3a, 0xba
        EXPECT10 0x1e61, "Caps Lock and Shift: a"
        KEYS 0x3b, 0xbb, 0x57, 0xd7
        EXPECT00 0x3b00, "F1 by 00h"
        EXPECT00 0xffff, "F11 is not for 00h"
        KEYS 0x57, 0xd7, 0x2a, 0x58, 0xd8, 0xaa
        EXPECT10 0x8500, "F11 by 10h"
        EXPECT10 0x8800, "Shift-F12"
        KEYS 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x48, 0xe0, 0xc8
        EXPECT10 0x48e0, "grey up by 10h"
        EXPECT00 0x4800, "grey up by 00h"
        KEYS 0xe0, 0x2a, 0xe0, 0x53, 0xe0, 0xd3, 0xe0, 0xaa
        EXPECT10 0x53e0, "grey Delete with the keyboard's own shifts"
        KEYS 0xe0, 0x1c, 0xe0, 0x9c, 0xe0, 0x1c, 0xe0, 0x9c
        EXPECT10 0xe00d, "keypad Enter by 10h"
        EXPECT00 0x1c0d, "keypad Enter by 00h"
        KEYS 0xe0, 0x35, 0xe0, 0xb5, 0xe0, 0x35, 0xe0, 0xb5
        EXPECT10 0xe02f, "keypad / by 10h"
        EXPECT00 0x352f, "keypad / by 00h"
        KEYS 0x47, 0xc7
        EXPECT10 0x4700, "keypad Home"
        KEYS 0x45, 0xc5, 0x47, 0xc7, 0x2a, 0x47, 0xc7, 0xaa
        EXPECT10 0x4737, "Num Lock: 7"
        EXPECT10 0x4700, "Num Lock and Shift: Home"
        KEYS 0x45, 0xc5
        KEYS 0x1d, 0xe0, 0x4b, 0xe0, 0xcb, 0x9d
        EXPECT10 0x73e0, "Ctrl-Left"
        KEYS 0x38, 0x4f, 0xcf, 0x50, 0xd0, 0x51, 0xd1, 0xb8
        EXPECT10 0x007b, "Alt and 1, 2, 3"
        KEYS 0x38, 0x01, 0x81, 0xb8
        EXPECT10 0x0100, "Alt-Esc by 10h"
        KEYS 0x38, 0x01, 0x81, 0xb8
        EXPECT00 0xffff, "Alt-Esc is not for 00h"
        KEYS 0x0f, 0x8f, 0x2a, 0x0f, 0x8f, 0xaa, 0x1d, 0x0f, 0x8f, 0x9d
        EXPECT10 0x0f09, "Tab"
        EXPECT10 0x0f00, "Shift-Tab"
        EXPECT10 0x9400, "Ctrl-Tab"
        KEYS 0x56, 0xd6
        EXPECT10 0x565c, "the 102nd key"

        ; shift states
        KEYS 0x2a, 0xe0, 0x1d, 0xe0, 0x38
        mov ah, 0x02
        int 0x16
        CHECK_EQ al, 0x0e, "states: left Shift, Ctrl, Alt"
        mov ah, 0x12
        int 0x16
        CHECK_EQ ah, 0x0c, "extended states: right Ctrl and Alt"
        KEYS 0xe0, 0xb8, 0xe0, 0x9d, 0xaa
        mov ah, 0x12
        int 0x16
        CHECK_EQ ax, 0, "all released"
        KEYS 0xe0, 0x52, 0xe0, 0xd2
        EXPECT10 0x52e0, "Insert"
        mov ah, 2
        int 0x16
        CHECK_EQ al, 0x80, "Insert state"
        KEYS 0xe0, 0x52, 0xe0, 0xd2
        EXPECT10 0x52e0, "Insert again"

        ; put keys in
        mov ah, 0x05
        mov cx, 0x1234
        int 0x16
        CHECK_EQ al, 0, "05h has room"
        EXPECT10 0x1234, "05h came back"
        mov bx, 15
.fill:  mov ah, 0x05
        mov cx, bx
        int 0x16
        CHECK_EQ al, 0, "fifteen keys fit"
        dec bx
        jnz .fill
        mov ah, 0x05
        int 0x16
        CHECK_EQ al, 1, "a sixteenth does not"
        mov bx, 15
.drain: call read10
        CHECK_EQ ax, bx, "and they come in order"
        dec bx
        jnz .drain

        ; Ctrl-Break
        mov word [0x1b * 4], .break
        mov word [0x1b * 4 + 2], 0
        KEYS 0x1e, 0x9e, 0x1d, 0xe0, 0x46, 0xe0, 0xc6, 0x9d
        CHECK_EQ byte [.broken], 1, "Ctrl-Break calls INT 1Bh"
        CHECK_EQ byte [0x471], 0x80, "and is noted"
        mov byte [0x471], 0
        EXPECT10 0x0000, "the buffer holds 0 then"
        EXPECT10 0xffff, "and nothing else"

        ; INT 15h AH=4Fh and 85h
        mov ax, [0x15 * 4]
        mov [.old], ax
        mov ax, [0x15 * 4 + 2]
        mov [.old + 2], ax
        mov word [0x15 * 4], .hook
        mov word [0x15 * 4 + 2], 0
        KEYS 0x10, 0x90, 0x11, 0x91
        EXPECT10 0x1e61, "4Fh turns Q into A"
        EXPECT10 0xffff, "and swallows W"
        KEYS 0x54
        CHECK_EQ word [.sysreq], 0x8500, "SysReq pressed"
        KEYS 0xd4
        CHECK_EQ word [.sysreq], 0x8501, "SysReq released"

        ; Pause: the next key goes on
        mov word [0x1c * 4], .tick
        mov word [0x1c * 4 + 2], 0
        mov byte [.count], 6
        KEYS 0xe1, 0x1d, 0x45
        CHECK_EQ byte [.count], 0, "Pause waits for a key"
        test byte [0x418], 8
        CHECK z, "and is over"
        EXPECT10 0xffff, "which it swallows"

        mov ah, 0x09
        int 0x16
        test al, 0x20
        CHECK nz, "09h: 10h-12h exist"
        mov ah, 0x0a
        int 0x16
        CHECK_EQ bx, 0x41ab, "0Ah: keyboard ID"
        mov ax, 0x0305
        mov bx, 0x0000
        int 0x16
        mov ax, 0x0306
        mov bx, 0xffff
        int 0x16
        CHECK_EQ bx, 0x0000, "typematic rate"
        KEYS 0x1e, 0x9e
        EXPECT10 0x1e61, "the keyboard lives on"
        jmp finish
.break: inc byte [cs:.broken]
        iret
.broken: db 0
.old:   dd 0
.hook:  cmp ah, 0x4f
        jne .other
        cmp al, 0x10
        je .q
        cmp al, 0x90
        je .q
        cmp al, 0x11
        je .w
        cmp al, 0x91
        je .w
.chain: jmp far [cs:.old]
.q:     and al, 0x80
        or al, 0x1e
        stc
        retf 2
.w:     clc
        retf 2
.other: cmp ah, 0x85
        jne .chain
        mov [cs:.sysreq], ax
        jmp .chain
.sysreq: dw 0
.count: db 0
; After six ticks a key: the byte goes straight to the handler of INT 09h by the controller.
.tick:  cmp byte [cs:.count], 0
        je .idle
        dec byte [cs:.count]
        jnz .idle
        push ax
        mov al, 0xd2
        out 0x64, al
.wait:  in al, 0x64
        test al, 2
        jnz .wait
        mov al, 0x39
        out 0x60, al
        pop ax
.idle:  iret
        TEST_END
