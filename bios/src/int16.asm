; INT 16h: the keyboard service.
;
; Documents: IBM PS/2 and PC BIOS Interface Technical Reference, "Interrupt 16H"; Ralf Brown's Interrupt List, INT 16h.

int16_entry:
        sti
        push bx
        push ds
        mov bx, BDA
        mov ds, bx
        cmp ah, 0x12
        ja .done
        mov bl, ah
        xor bh, bh
        shl bx, 1
        jmp [cs:bx + .functions]
.done:  pop ds
        pop bx
        iret
.functions:
        dw int16_00, int16_01, int16_02, int16_03, int16_none, int16_05, int16_none, int16_none
        dw int16_none, int16_09, int16_0a, int16_none, int16_none, int16_none, int16_none, int16_none
        dw int16_10, int16_11, int16_12

int16_none:
        pop ds
        pop bx
        iret

; Read, 84-key values.
int16_00:
        call key_wait
        call key_convert
        jc int16_00
        jmp int16_none

; Read, all values.
int16_10:
        call key_wait
        cmp al, 0xf0
        jne int16_none
        test ah, ah
        jz int16_none
        xor al, al                      ; F0 only marks keys that 00h does not know
        jmp int16_none

; Status, 84-key values: ZF set when there is no key.
int16_01:
        cli
        mov bx, [BDA_KB_HEAD]
        cmp bx, [BDA_KB_TAIL]
        je int16_empty
        mov ax, [bx]
        call key_convert
        jnc int16_there
        call key_take                   ; a key that this function does not know
        jmp int16_01

; Status, all values.
int16_11:
        cli
        mov bx, [BDA_KB_HEAD]
        cmp bx, [BDA_KB_TAIL]
        je int16_empty
        mov ax, [bx]
        cmp al, 0xf0
        jne int16_there
        test ah, ah
        jz int16_there
        xor al, al
int16_there:
        sti
        cmp sp, 0                       ; ZF clear: SP is not 0 here
        pop ds
        pop bx
        retf 2
int16_empty:
        sti
        cmp al, al
        pop ds
        pop bx
        retf 2

int16_02:
        mov al, [BDA_KB_FLAG]
        jmp int16_none

; Typematic rate and delay.
int16_03:
        push cx
        push dx
        push es
        mov es, [BDA_EBDA]
        mov dx, sp
        xchg bp, dx
        mov cx, [bp + 8]                ; the caller's BX: ES DX CX DS BX are on the stack
        xchg bp, dx
        cmp al, 0
        je .default
        cmp al, 5
        je .set
        cmp al, 6
        je .get
        jmp .done
.default:
        mov cx, 0x010b                  ; 500 ms, 10.9 a second
.set:   cmp ch, 3
        ja .done
        cmp cl, 31
        ja .done
        mov [es:EBDA_TYPEMATIC], cx
        push ax
        mov al, ch
        mov ch, cl
        mov cl, 5
        shl al, cl
        or ch, al
        mov al, KBC_DIS_AUX
        call kbc_begin
        jc .failed
        mov ah, al
        mov al, 0xf3
        call kbd_send
        jc .end
        mov al, ch
        call kbd_send
.end:   mov al, 0xf4
        call kbd_send
        mov al, ah
        call kbc_end
.failed:
        sti
        pop ax
        jmp .done
.get:   mov cx, [es:EBDA_TYPEMATIC]
        mov dx, sp
        xchg bp, dx
        mov [bp + 8], cx
        xchg bp, dx
.done:  pop es
        pop dx
        pop cx
        jmp int16_none

; Put a key into the buffer: CH scan code, CL character. AL = 1 when it is full.
int16_05:
        push si
        cli
        mov bx, [BDA_KB_TAIL]
        mov si, bx
        inc si
        inc si
        cmp si, [BDA_KB_END]
        jb .no_wrap
        mov si, [BDA_KB_START]
.no_wrap:
        mov al, 1
        cmp si, [BDA_KB_HEAD]
        je .full
        mov [bx], cx
        mov [BDA_KB_TAIL], si
        xor al, al
.full:  sti
        pop si
        jmp int16_none

; What there is: AX=0300h, 0305h, 0306h and 10h-12h.
int16_09:
        mov al, 0x39
        jmp int16_none

; Keyboard ID: 101 keys behind a translating controller.
int16_0a:
        pop ds
        pop bx
        mov bx, 0x41ab
        iret

; All shift states.
int16_12:
        mov al, [BDA_KB_FLAG]
        mov ah, [BDA_KB_FLAG1]
        mov bl, ah
        and ah, 0x73                    ; locks held, left Alt and Ctrl
        test bl, KB1_SYSREQ
        jz .no_sysreq
        or ah, 0x80
.no_sysreq:
        mov bl, [BDA_KB_FLAG3]
        and bl, KB3_RCTRL | KB3_RALT    ; to bits 2 and 3
        or ah, bl
        jmp int16_none

; Waits for a key and takes it: AX.
key_wait:
        cli
        mov bx, [BDA_KB_HEAD]
        cmp bx, [BDA_KB_TAIL]
        jne key_get
        sti
        push ds
        mov ax, 0x9002                  ; a program may do something else meanwhile
        int 0x15
        pop ds
.sleep: cli
        mov bx, [BDA_KB_HEAD]
        cmp bx, [BDA_KB_TAIL]
        jne key_get
        sti
        hlt
        jmp .sleep
key_get:
        mov ax, [bx]
        call key_take
        sti
        ret

; Takes the first key out. Changes BX.
key_take:
        mov bx, [BDA_KB_HEAD]
        inc bx
        inc bx
        cmp bx, [BDA_KB_END]
        jb .no_wrap
        mov bx, [BDA_KB_START]
.no_wrap:
        mov [BDA_KB_HEAD], bx
        ret

; AX to what an 84-key keyboard would give; CF set for keys that it does not have.
key_convert:
        cmp ah, 0xe0
        je .keypad
        cmp al, 0xf0
        je .unknown_f0
        cmp ah, 0x84
        ja .unknown
        cmp al, 0xe0
        jne .known
        test ah, ah
        jz .known
        xor al, al
.known: clc
        ret
.keypad:
        mov ah, 0x1c                    ; keypad Enter
        cmp al, 0x0d
        je .known
        cmp al, 0x0a
        je .known
        mov ah, 0x35                    ; keypad /
        jmp .known
.unknown_f0:
        test ah, ah
        jz .known                       ; the character F0h itself
.unknown:
        stc
        ret
