; INT 08h, 1Ah AH=00h-0Bh, 70h, 4Ah: the timer, the time of day and the alarm.
;
; Documents: IBM PC/AT Technical Reference, "System BIOS", "Interrupt 1AH", "Interrupt 70H"; Motorola MC146818 data sheet; Ralf
; Brown's Interrupt List, INT 1Ah AH=08h to 0Bh.

RTC_A           equ 0x0a
RTC_B           equ 0x0b
RTC_C           equ 0x0c
RTC_D           equ 0x0d
RTC_CENTURY     equ 0x32
RTC_B_SET       equ 0x80
RTC_B_PIE       equ 0x40
RTC_B_AIE       equ 0x20
RTC_B_24H       equ 0x02

; 18.2 times a second.
int08_entry:
        sti
        push ds
        push ax
        push dx
        mov ax, BDA
        mov ds, ax
        add word [BDA_TICKS], 1
        adc word [BDA_TICKS + 2], 0
        cmp word [BDA_TICKS + 2], 0x18  ; 1800B0h ticks a day
        jb .same_day
        cmp word [BDA_TICKS], 0xb0
        jb .same_day
        xor ax, ax
        mov [BDA_TICKS], ax
        mov [BDA_TICKS + 2], ax
        inc byte [BDA_ROLLOVER]
        inc word [BDA_DAYS]
.same_day:
        cmp byte [BDA_FD_TIMEOUT], 0
        je .motors
        dec byte [BDA_FD_TIMEOUT]
        jnz .motors
        and byte [BDA_FD_MOTOR], 0xf0
        mov al, 0x0c                    ; motors off, DMA and interrupt on, no reset
        mov dx, 0x3f2
        out dx, al
.motors:
        int 0x1c
        cli
        mov al, 0x20
        out 0x20, al
        pop dx
        pop ax
        pop ds
        iret

; The clock in POST: its registers, then the timer's count from it. DS: the BDA, ES: the EBDA.
clock_init:
        CMOS_READ RTC_D
        cmp al, 0xff
        je .none
        or byte [es:EBDA_FLAGS], HAVE_RTC
        mov ax, 0x2600 | RTC_A | 0x80   ; 32.768 kHz, 1024 Hz
        call cmos_write
        CMOS_READ RTC_B
        and al, 0x05                    ; binary and daylight saving as they were
        or al, RTC_B_24H
        mov ah, al
        mov al, RTC_B | 0x80
        call cmos_write
        CMOS_READ RTC_C
        call rtc_settle
        ; ticks = hours x 65543.33 + minutes x 1092.39 + seconds x 18.207
        CMOS_READ 0x00
        call rtc_binary
        mov cl, al
        mov ah, 18
        mul ah
        mov bx, ax
        mov al, cl
        mov ah, 13
        mul ah
        mov cl, 63
        div cl
        xor ah, ah
        add bx, ax                      ; seconds: BX
        CMOS_READ 0x02
        call rtc_binary
        xor ah, ah
        mov cx, ax
        mov si, 1092
        mul si
        add bx, ax
        adc dx, 0
        mov si, dx                      ; SI:BX
        mov al, 25
        mul cl
        mov cl, 6
        shr ax, cl
        add bx, ax
        adc si, 0
        CMOS_READ 0x04
        call rtc_binary
        xor ah, ah
        add si, ax                      ; x 65536
        mov cx, ax
        mov dl, 7
        mul dl
        add bx, ax
        adc si, 0
        mov ax, cx
        mov cl, 3
        div cl
        xor ah, ah
        add bx, ax
        adc si, 0
        mov [BDA_TICKS], bx
        mov [BDA_TICKS + 2], si
.none:  ret

; AL: as the clock keeps it, BCD unless register B says binary. Returns binary.
rtc_binary:
        push cx
        push ax
        CMOS_READ RTC_B
        test al, 4
        pop ax
        jnz .done
        mov ah, al
        and ah, 0x0f
        mov cl, 4
        shr al, cl
        mov cl, ah
        mov ah, 10
        mul ah
        add al, cl
.done:  pop cx
        ret

; Waits while the clock is being updated; at the longest 2.2 ms.
rtc_settle:
        push ax
        push bx
        push cx
        mov cx, 300
        mov bx, 0x1000
.look:  CMOS_READ RTC_A
        test al, 0x80
        jz .done
        call refresh_step
        jnz .look
.done:  pop cx
        pop bx
        pop ax
        ret

int1a_entry:
        cmp ah, 0xb1
        je .pci
        sti
        SAVE
        cld
        mov bx, BDA
        mov ds, bx
        cmp ah, 0x0b
        ja .invalid
        mov bl, ah
        xor bh, bh
        shl bx, 1
        call [cs:bx + .functions]
        RESTORE
        iret
.invalid:
        FRAME_STC
        RESTORE
        iret
.pci:   jmp int1a_pci
.functions:
        dw clock_ticks, clock_set_ticks, clock_time, clock_set_time, clock_date, clock_set_date
        dw clock_alarm, clock_no_alarm, clock_invalid, clock_alarm_state, clock_days, clock_set_days

clock_invalid:
clock_fail:
        FRAME_STC
        ret

; CX:DX ticks since midnight, AL midnights since the last call.
clock_ticks:
        cli
        mov ax, [BDA_TICKS]
        mov [bp + R_DX], ax
        mov ax, [BDA_TICKS + 2]
        mov [bp + R_CX], ax
        xor ax, ax
        xchg al, [BDA_ROLLOVER]
        sti
        mov [bp + R_AX], ax
        FRAME_CLC
        ret

clock_set_ticks:
        cli
        mov ax, [bp + R_DX]
        mov [BDA_TICKS], ax
        mov ax, [bp + R_CX]
        mov [BDA_TICKS + 2], ax
        mov byte [BDA_ROLLOVER], 0
        sti
        mov byte [bp + R_AH], 0
        FRAME_CLC
        ret

; Ends the caller's function with the carry flag where there is no running clock.
clock_need:
        CMOS_READ RTC_D
        cmp al, 0xff
        je .none
        jmp rtc_settle
.none:  pop ax
        jmp clock_fail

; CH hours, CL minutes, DH seconds in BCD, DL daylight saving.
clock_time:
        call clock_need
        cli
        CMOS_READ 0x04
        mov [bp + R_CH], al
        CMOS_READ 0x02
        mov [bp + R_CL], al
        CMOS_READ 0x00
        mov [bp + R_DH], al
        CMOS_READ RTC_B
        and al, 1
        mov [bp + R_DL], al
        mov al, [bp + R_CH]
        mov [bp + R_AL], al
        mov byte [bp + R_AH], 0
        sti
        FRAME_CLC
        ret

; Stops the clock for setting it. Returns BL register B.
rtc_stop:
        CMOS_READ RTC_B
        mov bl, al
        and bl, 0x7f
        mov ah, al
        or ah, RTC_B_SET
        mov al, RTC_B | 0x80
        jmp cmos_write
rtc_go: mov ah, bl
        mov al, RTC_B | 0x80
        call cmos_write
        xor al, al
        out 0x70, al                    ; NMI on again
        ret

clock_set_time:
        call clock_need
        call rtc_stop
        mov al, 0x80
        mov ah, [bp + R_DH]
        call cmos_write
        mov al, 0x82
        mov ah, [bp + R_CL]
        call cmos_write
        mov al, 0x84
        mov ah, [bp + R_CH]
        call cmos_write
        and bl, 0x62                    ; periodic and alarm interrupts, 24 hours
        or bl, RTC_B_24H
        mov al, [bp + R_DL]
        and al, 1
        or bl, al
        call rtc_go
        mov byte [bp + R_AH], 0
        mov [bp + R_AL], bl
        FRAME_CLC
        ret

; CH century, CL year, DH month, DL day.
clock_date:
        call clock_need
        cli
        CMOS_READ RTC_CENTURY
        mov [bp + R_CH], al
        CMOS_READ 0x09
        mov [bp + R_CL], al
        CMOS_READ 0x08
        mov [bp + R_DH], al
        CMOS_READ 0x07
        mov [bp + R_DL], al
        mov al, [bp + R_CH]
        mov [bp + R_AL], al
        mov byte [bp + R_AH], 0
        sti
        FRAME_CLC
        ret

clock_set_date:
        call clock_need
        call rtc_stop
        mov al, 0x87
        mov ah, [bp + R_DL]
        call cmos_write
        mov al, 0x88
        mov ah, [bp + R_DH]
        call cmos_write
        mov al, 0x89
        mov ah, [bp + R_CL]
        call cmos_write
        mov al, RTC_CENTURY | 0x80
        mov ah, [bp + R_CH]
        call cmos_write
        call rtc_go
        mov byte [bp + R_AH], 0
        mov [bp + R_AL], bl
        FRAME_CLC
        ret

; CH, CL, DH: when INT 4Ah shall come.
clock_alarm:
        call clock_need
        CMOS_READ RTC_B
        test al, RTC_B_AIE
        jnz clock_fail                  ; one is set
        mov bl, al
        mov al, 0x81
        mov ah, [bp + R_DH]
        call cmos_write
        mov al, 0x83
        mov ah, [bp + R_CL]
        call cmos_write
        mov al, 0x85
        mov ah, [bp + R_CH]
        call cmos_write
        or bl, RTC_B_AIE
        call rtc_go
        call rtc_unmask
        mov byte [bp + R_AH], 0
        FRAME_CLC
        ret

clock_no_alarm:
        CMOS_READ RTC_B
        mov bl, al
        and bl, ~RTC_B_AIE
        call rtc_go
        mov byte [bp + R_AH], 0
        FRAME_CLC
        ret

; The alarm time, DL = 1 when it is on.
clock_alarm_state:
        call clock_need
        CMOS_READ 0x05
        mov [bp + R_CH], al
        CMOS_READ 0x03
        mov [bp + R_CL], al
        CMOS_READ 0x01
        mov [bp + R_DH], al
        CMOS_READ RTC_B
        mov cl, 5
        shr al, cl
        and al, 1
        mov [bp + R_DL], al
        mov byte [bp + R_AH], 0
        FRAME_CLC
        ret

clock_days:
        mov ax, [BDA_DAYS]
        mov [bp + R_CX], ax
        FRAME_CLC
        ret
clock_set_days:
        mov ax, [bp + R_CX]
        mov [BDA_DAYS], ax
        FRAME_CLC
        ret

; Lets IRQ8 through.
rtc_unmask:
        push ax
        pushf
        cli
        in al, 0xa1
        and al, 0xfe
        out 0xa1, al
        in al, 0x21
        and al, 0xfb
        out 0x21, al
        popf
        pop ax
        ret

; The clock's interrupt: a wait that runs out (INT 15h AH=83h, 86h), the alarm.
int70_entry:
        push ax
        push bx
        push ds
        mov ax, BDA
        mov ds, ax
        CMOS_READ RTC_C
        mov bl, al
        CMOS_READ RTC_B
        and bl, al                      ; what is enabled
        xor al, al
        out 0x70, al
        test bl, RTC_B_PIE
        jz .alarm
        test byte [BDA_WAIT_ACTIVE], 1
        jz .stop                        ; nobody waits
        sub word [BDA_WAIT_COUNT], 976
        sbb word [BDA_WAIT_COUNT + 2], 0
        jnc .alarm
        mov byte [BDA_WAIT_ACTIVE], 0
        push es
        push si
        les si, [BDA_WAIT_FLAG]
        or byte [es:si], 0x80
        pop si
        pop es
.stop:  call wait_stop
.alarm: test bl, RTC_B_AIE
        jz .eoi
        sti
        int 0x4a
        cli
.eoi:   mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop ds
        pop bx
        pop ax
        iret

; Turns the periodic interrupt off. Changes AX.
wait_stop:
        CMOS_READ RTC_B
        and al, ~RTC_B_PIE
        mov ah, al
        mov al, RTC_B | 0x80
        call cmos_write
        xor al, al
        out 0x70, al
        ret

; Begins a wait of CX:DX microseconds, after which bit 7 of the byte at ES:BX is set. CF set when one is under way. DS: the
; BDA. Changes AX.
wait_start:
        pushf
        cli
        test byte [BDA_WAIT_ACTIVE], 1
        jnz .busy
        mov [BDA_WAIT_FLAG], bx
        mov [BDA_WAIT_FLAG + 2], es
        mov [BDA_WAIT_COUNT], dx
        mov [BDA_WAIT_COUNT + 2], cx
        mov byte [BDA_WAIT_ACTIVE], 1
        call rtc_unmask
        mov ax, 0x2600 | RTC_A | 0x80
        call cmos_write
        CMOS_READ RTC_B
        or al, RTC_B_PIE
        mov ah, al
        mov al, RTC_B | 0x80
        call cmos_write
        CMOS_READ RTC_C                 ; an old request would hold the line
        xor al, al
        out 0x70, al
        popf
        clc
        ret
.busy:  popf
        stc
        ret

; IRQ9 stands for IRQ2 of the first PCs.
int71_entry:
        push ax
        mov al, 0x20
        out 0xa0, al
        pop ax
        int 0x0a
        iret

; The coprocessor's error, for programs that expect it as NMI.
int75_entry:
        push ax
        xor al, al
        out 0xf0, al
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop ax
        int 2
        iret
