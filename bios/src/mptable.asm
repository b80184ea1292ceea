; The MP configuration table, where there is an APIC: for systems that know it and not ACPI.
;
; Document: Intel MultiProcessor Specification 1.4, "MP Configuration Table".

MP_ISA          equ 1                   ; bus numbers; PCI bus 0 is 0

mp_setup:
        mov ebp, [S_EBDA]
        test byte [ebp + EBDA_FLAGS], HAVE_APIC
        jz .none
        mov edi, mp_table + 44
        call cpu_count
        xor ebx, ebx                    ; entries
        mov edx, ecx                    ; the I/O APIC's number
.cpu:   mov byte [edi], 0
        mov [edi + 1], bl
        mov byte [edi + 2], 0x14        ; version of its APIC
        mov al, 1                       ; usable
        test bl, bl
        jnz .other
        or al, 2                        ; the one that boots
.other: mov [edi + 3], al
        mov eax, [ebp + EBDA_CPUID_SIG]
        mov [edi + 4], eax
        mov eax, [ebp + EBDA_CPUID_EDX]
        mov [edi + 8], eax
        mov dword [edi + 12], 0
        mov dword [edi + 16], 0
        add edi, 20
        inc ebx
        loop .cpu
        mov esi, mp_buses
        mov ecx, 16
        rep movsb
        mov byte [edi], 2               ; I/O APIC
        mov [edi + 1], dl
        mov byte [edi + 2], 0x11
        mov byte [edi + 3], 1
        mov dword [edi + 4], 0xfec00000
        add edi, 8
        add ebx, 3
        ; PCI interrupts: every function with a line
        mov esi, FUNCTIONS
.pci:   cmp dword [esi + 4], 0
        je .isa
        movzx ecx, byte [esi + 12]
        jecxz .next
        cmp byte [esi + 2], 0           ; bus 0
        jne .next
        cmp cl, SCI_IRQ
        je .next
        push ebx
        mov ebx, [esi]
        push ecx
        mov ecx, 0x3d
        call pci_read8
        pop ecx
        dec al
        and eax, 3
        shr ebx, 11
        and ebx, 31
        lea eax, [ebx * 4 + eax]
        pop ebx
        mov dword [edi], 0x000f0003     ; level, active low
        mov byte [edi + 4], 0           ; bus 0
        mov [edi + 5], al
        mov [edi + 6], dl
        mov [edi + 7], cl
        add edi, 8
        inc ebx
.next:  add esi, 16
        cmp edi, mp_table + 0xa00
        jb .pci
.isa:   xor ecx, ecx
.irq:   cmp cl, 2
        je .skip
        mov al, cl
        test al, al
        jnz .pin
        mov al, 2                       ; the timer
.pin:   mov dword [edi], 0x00000003
        cmp cl, SCI_IRQ
        jne .edge
        mov byte [edi + 2], 0x0d
.edge:  mov byte [edi + 4], MP_ISA
        mov [edi + 5], cl
        mov [edi + 6], dl
        mov [edi + 7], al
        add edi, 8
        inc ebx
.skip:  inc ecx
        cmp ecx, 16
        jb .irq
        mov esi, mp_local
        mov ecx, 16
        rep movsb
        add ebx, 2

        mov esi, mp_table
        mov dword [esi], 'PCMP'
        sub edi, esi
        mov [esi + 4], di
        mov byte [esi + 6], 4
        mov dword [esi + 8], 'FERR'
        mov dword [esi + 12], 'ITE '
        mov dword [esi + 16], 'PC  '
        mov dword [esi + 20], '    '
        mov dword [esi + 24], '    '
        mov [esi + 34], bx
        mov dword [esi + 36], 0xfee00000
        mov ecx, edi
        lea edi, [esi + 7]
        call sum_bytes
        mov edi, FSEG + mp_pointer
        mov dword [edi], '_MP_'
        mov dword [edi + 4], mp_table
        mov word [edi + 8], 0x0401      ; 16 bytes, version 1.4
        mov esi, edi
        mov ecx, 16
        add edi, 10
        call sum_bytes
.none:  ret

mp_buses:
        db 1, 0, "PCI   "
        db 1, MP_ISA, "ISA   "
mp_local:
        db 4, 3, 0, 0, MP_ISA, 0, 0, 0          ; ExtINT at LINT0
        db 4, 1, 0, 0, MP_ISA, 0, 0xff, 1       ; NMI at LINT1
        align 16, db 0
mp_table:
        times 0xb00 + 200 * 20 db 0
