; The DSDT: the root bridge with its windows and interrupt routing, the links over the PIIX3's PIRQRC, the board's devices, soft
; off. The same objects as for a kernel that is booted directly.
;
; Document: ACPI Specification 1.0b, "ACPI-Specific Device Objects", "PCI Interrupt Routing".

dsdt:
        db "DSDT"
        dd dsdt_end - dsdt
        db 1, 0, "FERRIT", "FERRITE "
        dd 1
        db "FERR"
        dd 1

        ; Name (\_S5, Package () {0, 0, 0, 0}): SLP_TYP of PM1 control for soft off
        db 0x08, 0x5c, "_S5_", 0x12, 0x06, 4, 0, 0, 0, 0

        AML_SCOPE 0x5c, "_SB_"
          AML_DEVICE "PCI0"
            AML_HID "PNP", 0x0a03
            db 0x08, "_UID", 0
            AML_NAME "_CRS"
            RES_BEGIN
              RES_WORDS 2, 0, 0, 0xff
              RES_IO 0xcf8, 8                   ; the configuration ports are the bridge's own
              RES_WORDS 1, 3, 0, 0x0cf7
              RES_WORDS 1, 3, 0x0d00, 0xffff
              RES_MEMORY 0xa0000, 0xbffff
              ; from the end of memory on; POST writes the start and the length
              db 0x87
              dw 0x17
              db 0, 0x0c, 1
              dd 0
dsdt_hole:    dd 0xe0000000, PCI_MEM_LIMIT - 1, 0
dsdt_hole_len: dd PCI_MEM_LIMIT - 0xe0000000
            RES_END

            ; Each slot's pins A to D go to the links, rotated by device number
            AML_NAME "_PRT"
            db 0x12
            AML_LENGTH
            db 124
%assign dev 1
%rep 31
%assign pin 0
%rep 4
            db 0x12, 14, 4                      ; Package of four: address, pin, link, 0
            db 0x0c
            dd dev << 16 | 0xffff
            db 0x0a, pin
            db "LNK", 'A' + ((dev + pin - 1) & 3), 0
%assign pin pin + 1
%endrep
%assign dev dev + 1
%endrep
            AML_END

            AML_DEVICE "ISA_"
              db 0x08, "_ADR", 0x0c
              dd 0x00010000
              ; OperationRegion (PIRQ, PCI_Config, 0x60, 4)
              db 0x5b, 0x80, "PIRQ", 0x02, 0x0a, 0x60, 0x0a, 4

%macro ISA_DEVICE 4             ; name, maker, number, unique number
              AML_DEVICE %1
                AML_HID %2, %3
                AML_BYTE "_UID", %4
                AML_NAME "_CRS"
                RES_BEGIN
%endmacro
%macro ISA_END 0
                RES_END
              AML_END
%endmacro
; A device that may be missing: POST writes _STA.
%macro ISA_OPTION 1
                RES_END
                db 0x08, "_STA", 0x0a
%1:             db 0x0f
              AML_END
%endmacro
              ISA_DEVICE "PIC_", "PNP", 0x0000, 0
                RES_IO 0x20, 2
                RES_IO 0xa0, 2
                RES_IO 0x4d0, 2
                RES_IRQ 2
              ISA_END
              ISA_DEVICE "DMAC", "PNP", 0x0200, 0
                RES_IO 0x00, 16
                RES_IO 0x81, 15
                RES_IO 0xc0, 32
                RES_DMA 4
              ISA_END
              ISA_DEVICE "TIMR", "PNP", 0x0100, 0
                RES_IO 0x40, 4
                RES_IRQ 0
              ISA_END
              ISA_DEVICE "RTC_", "PNP", 0x0b00, 0
                RES_IO 0x70, 2
                RES_IRQ 8
              ISA_END
              ISA_DEVICE "SPKR", "PNP", 0x0800, 0
                RES_IO 0x61, 1
              ISA_END
              ISA_DEVICE "COPR", "PNP", 0x0c04, 0
                RES_IO 0xf0, 16
                RES_IRQ 13
              ISA_END
              ISA_DEVICE "KBD_", "PNP", 0x0303, 0
                RES_IO 0x60, 1
                RES_IO 0x64, 1
                RES_IRQ 1
              ISA_END
              ISA_DEVICE "MOU_", "PNP", 0x0f13, 0
                RES_IRQ 12
              ISA_OPTION dsdt_mouse
              ISA_DEVICE "COM1", "PNP", 0x0501, 1
                RES_IO 0x3f8, 8
                RES_IRQ 4
              ISA_OPTION dsdt_com1
              ISA_DEVICE "COM2", "PNP", 0x0501, 2
                RES_IO 0x2f8, 8
                RES_IRQ 3
              ISA_OPTION dsdt_com2
              ISA_DEVICE "LPT1", "PNP", 0x0400, 1
                RES_IO 0x378, 8
                RES_IRQ 7
              ISA_OPTION dsdt_lpt
              ISA_DEVICE "FDC0", "PNP", 0x0700, 0
                RES_IO 0x3f2, 4
                RES_IO 0x3f7, 1
                RES_IRQ 6
                RES_DMA 2
              ISA_OPTION dsdt_fdc
              ; what the board decodes besides
              ISA_DEVICE "SYSR", "PNP", 0x0c02, 0
                RES_IO PM_BASE, 0x40
                RES_IO 0x92, 1
                RES_IO 0xb2, 2
                RES_IO 0x80, 1
              ISA_END
            AML_END
          AML_END
        AML_END

        AML_SCOPE 0x5c, "_SB_"
          ; Field (PCI0.ISA.PIRQ, ByteAcc, NoLock, Preserve) {PRQA, 8, PRQB, 8, PRQC, 8, PRQD, 8}
          db 0x5b, 0x81
          AML_LENGTH
          db 0x2f, 3, "PCI0", "ISA_", "PIRQ", 0x01
          db "PRQA", 8, "PRQB", 8, "PRQC", 8, "PRQD", 8
          AML_END

%macro LINK 3                   ; name, field, unique number
          AML_DEVICE %1
            AML_HID "PNP", 0x0c0f
            AML_BYTE "_UID", %3
            AML_NAME "_PRS"
            RES_BEGIN
              db 0x23                           ; level, active low, shared
              dw PIR_IRQS
              db 0x18
            RES_END
            AML_NAME "BUFF"
            RES_BEGIN
              db 0x23
              dw 0
              db 0x18
            RES_END
            db 0x8b, "BUFF", 1, "IRQW"          ; CreateWordField (BUFF, 1, IRQW)
            AML_METHOD "_STA", 0
              AML_IF                            ; bit 7: routed nowhere
                db 0x7b, %2, 0x0a, 0x80, 0
                db 0xa4, 0x0a, 0x09
              AML_END
              db 0xa4, 0x0a, 0x0b
            AML_END
            AML_METHOD "_DIS", 0
              db 0x7d, %2, 0x0a, 0x80, %2       ; Or (PRQx, 0x80, PRQx)
            AML_END
            AML_METHOD "_CRS", 0
              db 0x70, 0, "IRQW"                ; Store (0, IRQW)
              AML_IF
                db 0x92, 0x7b, %2, 0x0a, 0x80, 0
                db 0x7b, %2, 0x0a, 0x0f, 0x60   ; And (PRQx, 15, Local0)
                db 0x79, 1, 0x60, "IRQW"        ; ShiftLeft (1, Local0, IRQW)
              AML_END
              db 0xa4, "BUFF"
            AML_END
            AML_METHOD "_SRS", 1
              db 0x8b, 0x68, 1, "IRQS"          ; CreateWordField (Arg0, 1, IRQS)
              db 0x82, "IRQS", 0x60             ; FindSetRightBit (IRQS, Local0)
              db 0x76, 0x60                     ; Decrement (Local0)
              db 0x70, 0x60, %2                 ; Store (Local0, PRQx)
            AML_END
          AML_END
%endmacro
          LINK "LNKA", "PRQA", 1
          LINK "LNKB", "PRQB", 2
          LINK "LNKC", "PRQC", 3
          LINK "LNKD", "PRQD", 4
        AML_END
dsdt_end:
