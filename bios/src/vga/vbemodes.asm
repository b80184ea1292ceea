; The modes of VBE. Numbers below 11Ch are VESA's; those from there to 192h are the ones in use with this adapter since
; the Bochs BIOS; from 1A0h on they are ours. The last column, how the BIOS data area calls the mode, counts from 20h;
; 6Ah is VESA's name for 102h there.

%assign vbe_serial 20h
%macro vbe_mode 4       ; number, width, height, bits a pixel
  %if %1 = 102h
        dw %1, %2, %3
        db %4, 6Ah
  %else
    %if vbe_serial = 6Ah
      %assign vbe_serial vbe_serial + 1
    %endif
        dw %1, %2, %3
        db %4, vbe_serial
    %assign vbe_serial vbe_serial + 1
  %endif
%endmacro

vbe_modes:
        vbe_mode 100h,  640,  400,  8
        vbe_mode 101h,  640,  480,  8
        vbe_mode 102h,  800,  600,  4
        vbe_mode 103h,  800,  600,  8
        vbe_mode 105h, 1024,  768,  8
        vbe_mode 107h, 1280, 1024,  8
        vbe_mode 108h,   80,   60,  0
        vbe_mode 109h,  132,   25,  0
        vbe_mode 10Ah,  132,   43,  0
        vbe_mode 10Bh,  132,   50,  0
        vbe_mode 10Ch,  132,   60,  0
        vbe_mode 10Dh,  320,  200, 15
        vbe_mode 10Eh,  320,  200, 16
        vbe_mode 10Fh,  320,  200, 24
        vbe_mode 110h,  640,  480, 15
        vbe_mode 111h,  640,  480, 16
        vbe_mode 112h,  640,  480, 24
        vbe_mode 113h,  800,  600, 15
        vbe_mode 114h,  800,  600, 16
        vbe_mode 115h,  800,  600, 24
        vbe_mode 116h, 1024,  768, 15
        vbe_mode 117h, 1024,  768, 16
        vbe_mode 118h, 1024,  768, 24
        vbe_mode 119h, 1280, 1024, 15
        vbe_mode 11Ah, 1280, 1024, 16
        vbe_mode 11Bh, 1280, 1024, 24
        vbe_mode 11Ch, 1600, 1200,  8
        vbe_mode 11Dh, 1600, 1200, 15
        vbe_mode 11Eh, 1600, 1200, 16
        vbe_mode 11Fh, 1600, 1200, 24
        vbe_mode 140h,  320,  200, 32
        vbe_mode 141h,  640,  400, 32
        vbe_mode 142h,  640,  480, 32
        vbe_mode 143h,  800,  600, 32
        vbe_mode 144h, 1024,  768, 32
        vbe_mode 145h, 1280, 1024, 32
        vbe_mode 146h,  320,  200,  8
        vbe_mode 147h, 1600, 1200, 32
        vbe_mode 148h, 1152,  864,  8
        vbe_mode 149h, 1152,  864, 15
        vbe_mode 14Ah, 1152,  864, 16
        vbe_mode 14Bh, 1152,  864, 24
        vbe_mode 14Ch, 1152,  864, 32
        vbe_mode 178h, 1280,  800, 16
        vbe_mode 179h, 1280,  800, 24
        vbe_mode 17Ah, 1280,  800, 32
        vbe_mode 17Eh, 1440,  900, 16
        vbe_mode 17Fh, 1440,  900, 24
        vbe_mode 180h, 1440,  900, 32
        vbe_mode 181h, 1400, 1050, 16
        vbe_mode 182h, 1400, 1050, 24
        vbe_mode 183h, 1400, 1050, 32
        vbe_mode 184h, 1680, 1050, 16
        vbe_mode 185h, 1680, 1050, 24
        vbe_mode 186h, 1680, 1050, 32
        vbe_mode 187h, 1920, 1200, 16
        vbe_mode 188h, 1920, 1200, 24
        vbe_mode 189h, 1920, 1200, 32
        vbe_mode 18Ah, 2560, 1600, 16
        vbe_mode 18Bh, 2560, 1600, 24
        vbe_mode 18Ch, 2560, 1600, 32
        vbe_mode 18Dh, 1280,  720, 16
        vbe_mode 18Eh, 1280,  720, 24
        vbe_mode 18Fh, 1280,  720, 32
        vbe_mode 190h, 1920, 1080, 16
        vbe_mode 191h, 1920, 1080, 24
        vbe_mode 192h, 1920, 1080, 32
        vbe_mode 1A0h,  640,  400, 15
        vbe_mode 1A1h,  640,  400, 16
        vbe_mode 1A2h,  640,  400, 24
        vbe_mode 1A3h, 1280,  720,  8
        vbe_mode 1A4h, 1280,  720, 15
        vbe_mode 1A5h, 1280,  800,  8
        vbe_mode 1A6h, 1280,  800, 15
        vbe_mode 1A7h, 1400, 1050,  8
        vbe_mode 1A8h, 1400, 1050, 15
        vbe_mode 1A9h, 1440,  900,  8
        vbe_mode 1AAh, 1440,  900, 15
        vbe_mode 1ABh, 1680, 1050,  8
        vbe_mode 1ACh, 1680, 1050, 15
        vbe_mode 1ADh, 1920, 1080,  8
        vbe_mode 1AEh, 1920, 1080, 15
        vbe_mode 1AFh, 1920, 1200,  8
        vbe_mode 1B0h, 1920, 1200, 15
        vbe_mode 1B1h, 2560, 1440,  8
        vbe_mode 1B2h, 2560, 1440, 15
        vbe_mode 1B3h, 2560, 1440, 16
        vbe_mode 1B4h, 2560, 1440, 24
        vbe_mode 1B5h, 2560, 1440, 32
        vbe_mode 1B6h, 2560, 1600,  8
        vbe_mode 1B7h, 2560, 1600, 15
vbe_modes_end:
%if (vbe_modes_end - vbe_modes) / 8 > 110
%error the mode list must fit the 222 reserved bytes of VbeInfoBlock
%endif
%if vbe_serial > 80h
%error the BIOS data area has seven bits for the mode
%endif

; 108-10C, as entries of the video parameter table. 132 columns scan 160 character clocks a line.
%macro vbe_text 4       ; rows - 1, height, page size, miscellaneous output
        db 132, %1, %2
        dw %3
        db 01h, 03h, 00h, 02h, %4
        db 9Bh, 83h, 84h, 9Fh, 8Ah, 16h
%endmacro
%macro vbe_text_end 0
        pal_ega
        db 0Ch, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 10h, 0Eh, 00h, 0FFh
%endmacro

vbe_text_modes:
        db 80, 59, 8                    ; 80 x 60
        dw 2600h
        db 01h, 03h, 00h, 02h, 0E3h
        db 5Fh, 4Fh, 50h, 82h, 55h, 81h, 0Bh, 3Eh, 00h, 47h, 06h, 07h, 0, 0, 0, 0
        db 0EAh, 8Ch, 0DFh, 28h, 1Fh, 0E7h, 04h, 0A3h, 0FFh
        vbe_text_end
        vbe_text 24, 16, 1A00h, 67h   ; 132 x 25
        db 0BFh, 1Fh, 00h, 4Fh, 0Dh, 0Eh, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 42h, 1Fh, 96h, 0B9h, 0A3h, 0FFh
        vbe_text_end
        vbe_text 42, 8, 2D00h, 0A7h   ; 132 x 43
        db 0BFh, 1Fh, 00h, 47h, 06h, 07h, 0, 0, 0, 0
        db 83h, 85h, 57h, 42h, 1Fh, 63h, 0BAh, 0A3h, 0FFh
        vbe_text_end
        vbe_text 49, 8, 3400h, 67h   ; 132 x 50
        db 0BFh, 1Fh, 00h, 47h, 06h, 07h, 0, 0, 0, 0
        db 9Ch, 8Eh, 8Fh, 42h, 1Fh, 96h, 0B9h, 0A3h, 0FFh
        vbe_text_end
        vbe_text 59, 8, 3E00h, 0E7h   ; 132 x 60
        db 0Bh, 3Eh, 00h, 47h, 06h, 07h, 0, 0, 0, 0
        db 0EAh, 8Ch, 0DFh, 42h, 1Fh, 0E7h, 04h, 0A3h, 0FFh
        vbe_text_end

; 102: 800 x 600 in sixteen colours is a mode of the VGA's own registers. (A clock of 36 or 40 MHz would make it 56 or
; 60 Hz; there is none but 28.)
vbe_102:
        db 100, 36, 16
        dw 0EA60h
        db 01h, 0Fh, 00h, 06h, 27h
        db 7Fh, 63h, 64h, 82h, 6Ah, 1Ah, 72h, 0F0h, 00h, 60h, 0, 0, 0, 0, 0, 0
        db 59h, 8Dh, 57h, 32h, 00h, 58h, 72h, 0E3h, 0FFh
        pal_ega
        db 01h, 00h, 0Fh, 00h
        db 00h, 00h, 00h, 00h, 00h, 00h, 05h, 0Fh, 0FFh
