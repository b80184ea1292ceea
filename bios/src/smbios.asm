; The SMBIOS structure table.
;
; Document: DMTF DSP0134, System Management BIOS Reference Specification 2.4, "Accessing SMBIOS Information", "Structure Definitions".

%assign smbios_handle 0
; A structure: type, length of its formatted area (counted to SMB_STRINGS). Strings end with SMB_END.
%macro SMB 2
%push smb
%$start:
        db %1, %$strings - %$start
        dw %2
%endmacro
%macro SMB_STRINGS 0
%$strings:
%endmacro
%macro SMB_END 0
        db 0
%pop
%endmacro
%macro SMB_NO_STRINGS 0
%$strings:
        db 0, 0
%pop
%endmacro

smbios_table:
        SMB 0, 0x0000                           ; BIOS information
        db 1, 2
        dw 0xe000
        db 3, 1                                 ; 128 KiB
        dq 1 << 4 | 1 << 7 | 1 << 9 | 1 << 11 | 1 << 12 | 1 << 15 | 1 << 16 | 1 << 19 | 1 << 27 | 1 << 28 | 1 << 29 | 1 << 30
        db 0x01, 0x04                           ; ACPI; target content distribution
        db 0, 1, 0xff, 0xff
        SMB_STRINGS
        db "Ferrite", 0, "0.1", 0, "11/21/2026", 0
        SMB_END
        SMB 1, 0x0100                           ; system
        db 1, 2, 3, 4
        times 16 db 0                           ; UUID: not present
        db 6                                    ; wake-up: power switch
        db 0, 0
        SMB_STRINGS
        db "Ferrite", 0, "PC", 0, "i440FX", 0, "0", 0
        SMB_END
        SMB 3, 0x0300                           ; enclosure
        db 1, 0x03, 0, 0, 0                     ; desktop
        db 3, 3, 3, 3                           ; safe; security: none
        dd 0
        db 0, 1, 0, 0
        SMB_STRINGS
        db "Ferrite", 0
        SMB_END
        SMB 16, 0x1000                          ; physical memory array
        db 3, 3, 3                              ; mainboard, system memory, no error correction
smbios_capacity:
        dd 0
        dw 0xfffe, 1
        SMB_NO_STRINGS
        SMB 17, 0x1100                          ; memory device
        dw 0x1000, 0xfffe, 64, 64
smbios_size:
        dw 0
        db 9, 0, 1, 0, 7                        ; DIMM, no set, locator, bank, RAM
        dw 0
        dw 0
        db 0, 0, 0, 0
        SMB_STRINGS
        db "DIMM 0", 0
        SMB_END
        SMB 19, 0x1300                          ; mapped address: below the hole
        dd 0
smbios_low:
        dd 0
        dw 0x1000
        db 1
        SMB_NO_STRINGS
        SMB 32, 0x2000                          ; boot status
        times 6 db 0
        db 0
        SMB_NO_STRINGS
smbios_high:
        SMB 19, 0x1301                          ; mapped address: above 4 GiB; left out when there is none
        dd 0x00400000
smbios_high_end:
        dd 0
        dw 0x1000
        db 1
        SMB_NO_STRINGS
smbios_cpu:
        SMB 4, 0x0400                           ; processor; its last string and what follows are made by POST
        db 1, 3, 1, 2                           ; socket, central processor, family other, maker
smbios_cpuid:
        dd 0, 0
        db 3, 0x80                              ; version; voltage: legacy
        dw 0, 0, 0                              ; clocks: unknown
        db 0x41, 1                              ; enabled, other upgrade
        dw 0xffff, 0xffff, 0xffff               ; caches
        db 0, 0, 0
        db 1, 1, 1
        dw 4
        dw 1
        SMB_STRINGS
        db "CPU 0", 0, "Ferrite", 0
%pop
smbios_brand:
        times 49 + 16 db 0

SMBIOS_COUNT    equ 10                          ; all types, the end, and the second 19

smbios_setup:
        mov ebp, [S_EBDA]
        ; memory
        mov eax, [ebp + EBDA_RAM_HIGH]
        shl eax, 6                              ; KiB
        lea ecx, [eax + (4 << 20) - 1]
        mov [smbios_high_end], ecx
        mov ebx, [ebp + EBDA_ACPI_TOP]
        shr ebx, 10
        add eax, ebx
        mov [smbios_capacity], eax
        dec ebx
        mov [smbios_low], ebx
        shr eax, 10
        cmp eax, 0x7fff
        jb .size
        mov eax, 0xffff                         ; unknown to version 2.4
.size:  mov [smbios_size], ax
        mov eax, [ebp + EBDA_CPUID_SIG]
        mov [smbios_cpuid], eax
        mov eax, [ebp + EBDA_CPUID_EDX]
        mov [smbios_cpuid + 4], eax
        mov edx, SMBIOS_COUNT
        ; the processor's name, and the end behind it
        lea esi, [ebp + EBDA_BRAND]
        mov edi, smbios_brand
.brand: lodsb
        stosb
        test al, al
        jnz .brand
        cmp edi, smbios_brand + 1
        jne .named
        mov dword [edi - 1], 'CPU'
        add edi, 3
.named: mov byte [edi], 0
        mov dword [edi + 1], 0x7f00047f         ; type 127, handle 7F00h
        mov word [edi + 5], 0
        add edi, 7
        cmp dword [ebp + EBDA_RAM_HIGH], 0
        jne .both
        dec edx
        mov esi, smbios_cpu                     ; no memory above 4 GiB: its structure goes
        mov ecx, edi
        sub ecx, esi
        mov edi, smbios_high
        rep movsb
.both:  sub edi, smbios_table
        mov ebx, edi                            ; length

        mov edi, FSEG + smbios_entry
        mov dword [edi], '_SM_'
        mov byte [edi + 5], 0x1f
        mov word [edi + 6], 0x0402              ; 2.4
        mov word [edi + 8], 0x80                ; the largest structure
        mov dword [edi + 16], '_DMI'
        mov byte [edi + 20], '_'
        mov [edi + 22], bx
        mov dword [edi + 24], smbios_table
        mov [edi + 28], dx
        mov byte [edi + 30], 0x24
        lea esi, [edi + 16]
        mov ecx, 15
        push edi
        add edi, 21
        call sum_bytes
        pop edi
        mov esi, edi
        mov ecx, 31
        add edi, 4
        jmp sum_bytes
