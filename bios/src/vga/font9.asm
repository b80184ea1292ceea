; Glyphs that replace those of the 8-dot fonts in 9-dot text modes, where a letter of odd width can be one dot wider
; without touching its neighbour: code, then the rows; a zero code ends the table.
; Made from font14.asm and font16.asm (see there for origin and licence) by doubling the middle column.

font9x14:
        db 04dh, 000h,0c3h,0e7h,0ffh,0dbh,0c3h,0c3h,0c3h,0c3h,0c3h,0c3h,000h,000h,000h ; M
        db 056h, 000h,0c3h,0c3h,0c3h,0c3h,0c3h,0c3h,0c3h,066h,03ch,018h,000h,000h,000h ; V
        db 057h, 000h,0c3h,0c3h,0c3h,0c3h,0c3h,0c3h,0dbh,0ffh,0e7h,0c3h,000h,000h,000h ; W
        db 058h, 000h,0c3h,0c3h,0c3h,066h,03ch,066h,0c3h,0c3h,0c3h,0c3h,000h,000h,000h ; X
        db 059h, 000h,0c3h,0c3h,0c3h,0c3h,07fh,003h,003h,003h,003h,0feh,000h,000h,000h ; Y
        db 05ah, 000h,0ffh,003h,003h,006h,01ch,038h,060h,0c0h,0c0h,0ffh,000h,000h,000h ; Z
        db 06dh, 000h,000h,000h,000h,0e6h,0dbh,0dbh,0dbh,0dbh,0c3h,0c3h,000h,000h,000h ; m
        db 076h, 000h,000h,000h,000h,0c3h,0c3h,0c3h,0c3h,066h,03ch,018h,000h,000h,000h ; v
        db 077h, 000h,000h,000h,000h,0c3h,0c3h,0dbh,0dbh,0dbh,0dbh,067h,000h,000h,000h ; w
        db 078h, 000h,000h,000h,000h,0c3h,066h,03ch,03ch,066h,0c3h,0c3h,000h,000h,000h ; x
        db 091h, 000h,000h,000h,000h,067h,01bh,01bh,07fh,0d8h,0d8h,067h,000h,000h,000h ; æ
        db 0
font9x16:
        db 04dh, 000h,000h,0c3h,0e7h,0ffh,0dbh,0c3h,0c3h,0c3h,0c3h,0c3h,0c3h,000h,000h,000h,000h ; M
        db 056h, 000h,000h,0c3h,0c3h,0c3h,0c3h,0c3h,0c3h,0c3h,066h,03ch,018h,000h,000h,000h,000h ; V
        db 057h, 000h,000h,0c3h,0c3h,0c3h,0c3h,0c3h,0c3h,0dbh,0ffh,0e7h,0c3h,000h,000h,000h,000h ; W
        db 058h, 000h,000h,0c3h,0c3h,0c3h,066h,03ch,066h,0c3h,0c3h,0c3h,0c3h,000h,000h,000h,000h ; X
        db 059h, 000h,000h,0c3h,0c3h,0c3h,0c3h,07fh,003h,003h,003h,003h,0feh,000h,000h,000h,000h ; Y
        db 05ah, 000h,000h,0ffh,003h,003h,006h,01ch,038h,060h,0c0h,0c0h,0ffh,000h,000h,000h,000h ; Z
        db 06dh, 000h,000h,000h,000h,000h,0e6h,0dbh,0dbh,0dbh,0dbh,0c3h,0c3h,000h,000h,000h,000h ; m
        db 076h, 000h,000h,000h,000h,000h,0c3h,0c3h,0c3h,0c3h,066h,03ch,018h,000h,000h,000h,000h ; v
        db 077h, 000h,000h,000h,000h,000h,0c3h,0c3h,0dbh,0dbh,0dbh,0dbh,067h,000h,000h,000h,000h ; w
        db 078h, 000h,000h,000h,000h,000h,0c3h,066h,03ch,03ch,066h,0c3h,0c3h,000h,000h,000h,000h ; x
        db 091h, 000h,000h,000h,000h,000h,067h,01bh,01bh,07fh,0d8h,0d8h,067h,000h,000h,000h,000h ; æ
        db 0
