; INT 15h AH=E8h: how memory is laid out.
;
; Documents: ACPI Specification 2.0, "System Address Map Interfaces"; Ralf Brown's Interrupt List, INT 15h AX=E801h, E820h, E881h.

int15_e8:
        cmp al, 0x01
        je memory_e801
        push ds
        push bx
        mov bx, BDA
        mov ds, bx
        mov ds, [BDA_EBDA]
        cmp byte [EBDA_CPU], 3
        pop bx
        pop ds
        jb memory_unknown
        cpu 386
        cmp al, 0x20
        je memory_e820
        cmp al, 0x81
        je memory_e881
        cpu 8086
memory_unknown:
        mov ah, 0x86
memory_fail:
        push bp
        mov bp, sp
        or byte [bp + 6], 1
        pop bp
        iret
memory_ok:
        push bp
        mov bp, sp
        and byte [bp + 6], 0xfe
        pop bp
        iret

; AX = CX: KiB from 1 to 16 MiB; BX = DX: 64 KiB units above.
memory_e801:
        push ds
        mov bx, BDA
        mov ds, bx
        mov ds, [BDA_EBDA]
        mov ax, [EBDA_EXT_LOW]
        mov bx, [EBDA_EXT_HIGH]
        mov cx, ax
        mov dx, bx
        pop ds
        jmp memory_ok

        cpu 386
; The same in 32-bit registers.
memory_e881:
        push ds
        mov bx, BDA
        mov ds, bx
        mov ds, [BDA_EBDA]
        movzx eax, word [EBDA_EXT_LOW]
        movzx ebx, word [EBDA_EXT_HIGH]
        mov ecx, eax
        mov edx, ebx
        pop ds
        jmp memory_ok

; EBX: which range, EDX "SMAP", ECX bytes of the buffer ES:DI.
memory_e820:
        cmp edx, 'PAMS'
        jne memory_unknown
        cmp ecx, 20
        jb memory_unknown
        cmp ebx, MEMORY_RANGES
        jae memory_unknown
        push ds
        push esi
        push edx
        mov ax, BDA
        mov ds, ax
.skip:  call memory_range
        jnz .found
        inc bx                          ; an empty one that was asked for: the next
        cmp bx, MEMORY_RANGES
        jb .skip
        pop edx
        pop esi
        pop ds
        jmp memory_unknown
.found: mov [es:di], eax
        mov dword [es:di + 4], 0
        mov [es:di + 8], ecx
        mov dword [es:di + 12], 0
        mov [es:di + 16], edx
        cmp bx, MEMORY_RANGES - 1
        jne .next
        mov dword [es:di + 4], 1        ; from 4 GiB on; its length is in 64 KiB units
        mov eax, ecx
        shl ecx, 16
        shr eax, 16
        mov [es:di + 8], ecx
        mov [es:di + 12], eax
.next:  inc bx
        cmp bx, MEMORY_RANGES
        jae .last
        call memory_range
        jz .next
        jmp .done
.last:  xor ebx, ebx
.done:  pop edx
        pop esi
        pop ds
        mov eax, 'PAMS'
        mov ecx, 20
        jmp memory_ok

MEMORY_RANGES   equ 10
; BX: which. DS: the BDA. Returns EAX its start, ECX its length, EDX its type; ZF set when it is empty. Changes ESI.
memory_range:
        push ds
        mov si, bx
        shl si, 1
        movzx ecx, word [BDA_MEMORY]
        shl ecx, 10
        mov ds, [BDA_EBDA]
        xor eax, eax
        mov edx, 1
        call [cs:si + .ranges]
        pop ds
        test ecx, ecx
        ret
.ranges:
        dw .done, .ebda, .firmware, .ram, .acpi, .nvs, .ioapic, .lapic, .rom, .high
.done:  ret
.ebda:  mov eax, ecx                    ; up to 640 KiB
        movzx ecx, word [EBDA_MEM_KIB]
        shl ecx, 10
        sub ecx, eax
        inc dx
        ret
.firmware:
        mov eax, 0xe0000
        mov ecx, 0x20000
        inc dx
        ret
.ram:   mov eax, 0x100000
        mov ecx, [EBDA_RAM_TOP]
        sub ecx, eax
        jae .done
        xor ecx, ecx
        ret
.acpi:  mov eax, [EBDA_RAM_TOP]
        mov ecx, [EBDA_ACPI_TOP]
        sub ecx, eax
        jz .done
        sub ecx, 0x1000
        mov dl, 3
        ret
.nvs:   mov eax, [EBDA_ACPI_TOP]
        mov ecx, eax
        sub ecx, [EBDA_RAM_TOP]
        jz .done
        sub eax, 0x1000
        mov ecx, 0x1000
        mov dl, 4
        ret
.ioapic:
        mov eax, 0xfec00000
        jmp .apic
.lapic: mov eax, 0xfee00000
.apic:  xor ecx, ecx
        test byte [EBDA_FLAGS], HAVE_APIC
        jz .done
        mov ecx, 0x1000
        inc dx
        ret
.rom:   mov eax, 0xfffe0000
        mov ecx, 0x20000
        inc dx
        ret
.high:  xor eax, eax
        mov ecx, [EBDA_RAM_HIGH]
        ret
        cpu 8086
