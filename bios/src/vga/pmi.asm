; The protected mode interface of VBE 2.0: 32-bit code that a caller may copy anywhere and call with the registers of
; INT 10h. It needs no data segment but the caller's ES for the palette.

        align 4, db 0
pm_table:
        dw pm_window - pm_table
        dw pm_start - pm_table
        dw pm_palette - pm_table
        dw pm_ports - pm_table
pm_ports:                       ; ports, then memory: none beside the display's
        dw DISPI_INDEX, DISPI_INDEX + 1, 3B4h, 3B5h, 3BAh, 3C7h, 3C8h, 3C9h, 3D4h, 3D5h, 3DAh, 0FFFFh
        dw 0FFFFh

        cpu 386
        bits 32

; AL = DISPI register, BX = value.
pm_set:
        push edx
        mov dx, DISPI_INDEX
        movzx ax, al
        out dx, ax
        inc edx
        mov ax, bx
        out dx, ax
        pop edx
        ret

; AX = DISPI register AL.
pm_get:
        push edx
        mov dx, DISPI_INDEX
        movzx ax, al
        out dx, ax
        inc edx
        in ax, dx
        pop edx
        ret

; As function 05h: BH = 0 set, 1 get; DX = position.
pm_window:
        or bl, bl
        jnz pm_fail
        mov al, D_BANK
        cmp bh, 1
        je .read
        ja pm_fail
        push ebx
        mov bx, dx
        call pm_set
        pop ebx
        jmp pm_ok
.read:
        call pm_get
        mov dx, ax
pm_ok:
        mov ax, VBE_OK
        ret
pm_fail:
        mov ax, VBE_FAIL
        ret

; As function 07h, BL = 0 or 80h, but DX:CX = address of the first pixel in doublewords.
pm_start:
        test bl, 7Fh
        jnz pm_fail
        push eax
        push ebx
        push ecx
        push edx
        push esi
        test bl, 80h
        jz .now
        call pm_retrace
.now:
        shl edx, 16
        mov dx, cx
        shl edx, 2
        mov esi, edx            ; bytes
        mov al, D_BPP
        call pm_get
        movzx ecx, al
        add ecx, 7
        shr ecx, 3              ; bytes a pixel
        mov al, D_VWID
        call pm_get
        movzx ebx, ax
        imul ebx, ecx
        or ebx, ebx
        jz .done
        mov eax, esi
        xor edx, edx
        div ebx
        mov esi, eax            ; line
        mov eax, edx
        xor edx, edx
        div ecx
        mov ebx, eax
        mov al, D_XOFF
        call pm_set
        mov ebx, esi
        mov al, D_YOFF
        call pm_set
.done:
        pop esi
        pop edx
        pop ecx
        pop ebx
        pop eax
        jmp pm_ok

; As function 09h, BL = 0 or 80h: CX entries from DX on at ES:EDI.
pm_palette:
        test bl, 7Fh
        jnz pm_fail
        push eax
        push ecx
        push edx
        push edi
        test bl, 80h
        jz .now
        call pm_retrace
.now:
        movzx ecx, cx
        jecxz .done
        mov al, dl
        mov dx, 3C8h
        out dx, al
        inc edx
.next:
        mov al, [es:edi + 2]
        out dx, al
        mov al, [es:edi + 1]
        out dx, al
        mov al, [es:edi]
        out dx, al
        add edi, 4
        loop .next
.done:
        pop edi
        pop edx
        pop ecx
        pop eax
        jmp pm_ok

; The next beginning of vertical retrace, or a bounded wait.
pm_retrace:
        push eax
        push ecx
        push edx
        mov dx, 3DAh
        mov ecx, 10000h
.in:    in al, dx
        test al, 08h
        loopnz .in
        mov ecx, 10000h
.out:   in al, dx
        test al, 08h
        loopz .out
        pop edx
        pop ecx
        pop eax
        ret

        bits 16
        cpu 8086
pm_table_end:
