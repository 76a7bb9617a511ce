//go:build amd64 && !purego

#include "textflag.h"

// tchar by nibbles: a byte is one if the words of its low and of its high nibble have a bit in common. Bytes above
// 0x7F find 0 in the low table, because VPSHUFB says so.
DATA low<>+0(SB)/8, $0x3f3f3f3f3f3e3f3a
DATA low<>+8(SB)/8, $0x1c3d1534153d3e3e
DATA low<>+16(SB)/8, $0x3f3f3f3f3f3e3f3a
DATA low<>+24(SB)/8, $0x1c3d1534153d3e3e
GLOBL low<>(SB), RODATA|NOPTR, $32

DATA high<>+0(SB)/8, $0x2010080402010000
DATA high<>+8(SB)/8, $0x0000000000000000
DATA high<>+16(SB)/8, $0x2010080402010000
DATA high<>+24(SB)/8, $0x0000000000000000
GLOBL high<>(SB), RODATA|NOPTR, $32

DATA nibble<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA nibble<>+8(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA nibble<>+16(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA nibble<>+24(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $32

DATA space<>+0(SB)/8, $0x2020202020202020
DATA space<>+8(SB)/8, $0x2020202020202020
DATA space<>+16(SB)/8, $0x2020202020202020
DATA space<>+24(SB)/8, $0x2020202020202020
GLOBL space<>(SB), RODATA|NOPTR, $32

DATA tab<>+0(SB)/8, $0x0909090909090909
DATA tab<>+8(SB)/8, $0x0909090909090909
DATA tab<>+16(SB)/8, $0x0909090909090909
DATA tab<>+24(SB)/8, $0x0909090909090909
GLOBL tab<>(SB), RODATA|NOPTR, $32

DATA del<>+0(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA del<>+8(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA del<>+16(SB)/8, $0x7f7f7f7f7f7f7f7f
DATA del<>+24(SB)/8, $0x7f7f7f7f7f7f7f7f
GLOBL del<>(SB), RODATA|NOPTR, $32

// What 0x21 to 0x7E become less 0x20 is below it.
DATA visible<>+0(SB)/8, $0x5f5f5f5f5f5f5f5f
DATA visible<>+8(SB)/8, $0x5f5f5f5f5f5f5f5f
GLOBL visible<>(SB), RODATA|NOPTR, $16

// MARK makes the masks of the 32 bytes in Y0: NotToken in AX, NotText in BX.
#define MARK \
	VPSHUFB   Y0, Y8, Y1 \
	VPSRLW    $4, Y0, Y2 \
	VPAND     Y10, Y2, Y2 \
	VPSHUFB   Y2, Y9, Y2 \
	VPAND     Y1, Y2, Y1 \
	VPCMPEQB  Y14, Y1, Y1 \
	VPCMPGTB  Y0, Y11, Y3 \
	VPCMPEQB  Y0, Y12, Y4 \
	VPANDN    Y3, Y4, Y3 \
	VPCMPEQB  Y0, Y13, Y5 \
	VPOR      Y5, Y3, Y3 \
	VPMOVMSKB Y1, AX \
	VPMOVMSKB Y3, BX

// MARK64 makes the masks of the 64 bytes at SI: NotToken in AX, NotText in BX.
#define MARK64 \
	VMOVDQU 32(SI), Y0 \
	MARK \
	MOVQ    AX, R8 \
	MOVQ    BX, R9 \
	VMOVDQU (SI), Y0 \
	MARK \
	SHLQ    $32, R8 \
	SHLQ    $32, R9 \
	ORQ     R8, AX \
	ORQ     R9, BX

// MARKFEW makes the masks of the DX bytes at SI, 32 to 64 of them: the first 32, and the last 32 over them. NotToken in AX, NotText in BX.
#define MARKFEW \
	VMOVDQU -32(SI)(DX*1), Y0 \
	MARK \
	LEAQ    -32(DX), CX \
	MOVQ    AX, R8 \
	MOVQ    BX, R9 \
	SHLQ    CX, R8 \
	SHLQ    CX, R9 \
	VMOVDQU (SI), Y0 \
	MARK \
	ORQ     R8, AX \
	ORQ     R9, BX

// func fillAVX2(m *Bitmaps, src *byte, n int)
TEXT ·fillAVX2(SB), NOSPLIT, $0-24
	MOVQ    m+0(FP), DI
	MOVQ    src+8(FP), SI
	MOVQ    n+16(FP), DX
	VMOVDQU low<>(SB), Y8
	VMOVDQU high<>(SB), Y9
	VMOVDQU nibble<>(SB), Y10
	VMOVDQU space<>(SB), Y11
	VMOVDQU tab<>(SB), Y12
	VMOVDQU del<>(SB), Y13
	VPXOR   Y14, Y14, Y14
	CMPQ    DX, $64
	JB      short

block:
	MARK64
	MOVQ AX, (DI)
	MOVQ BX, 64(DI)
	ADDQ $64, SI
	ADDQ $8, DI
	SUBQ $64, DX
	CMPQ DX, $64
	JAE  block
	TESTQ DX, DX
	JZ   done

	// The rest is marked together with bytes before it, which are then shifted out.
	LEAQ -64(SI)(DX*1), SI
	MARK64
	MOVQ $64, CX
	SUBQ DX, CX
	SHRQ CX, AX
	SHRQ CX, BX
	MOVQ AX, (DI)
	MOVQ BX, 64(DI)

done:
	VZEROUPPER
	RET

short:
	MARKFEW
	MOVQ AX, (DI)
	MOVQ BX, 64(DI)
	VZEROUPPER
	RET

// func Few(src *byte, n int) (notToken, notText uint64)
TEXT ·Few(SB), NOSPLIT, $0-32
	MOVQ    src+0(FP), SI
	MOVQ    n+8(FP), DX
	VMOVDQU low<>(SB), Y8
	VMOVDQU high<>(SB), Y9
	VMOVDQU nibble<>(SB), Y10
	VMOVDQU space<>(SB), Y11
	VMOVDQU tab<>(SB), Y12
	VMOVDQU del<>(SB), Y13
	VPXOR   Y14, Y14, Y14
	MARKFEW
	MOVQ AX, notToken+16(FP)
	MOVQ BX, notText+24(FP)
	VZEROUPPER
	RET

// func fillAVX512(m *Bitmaps, src *byte, n int)
// Only registers above Z15 are used: there is nothing for VZEROUPPER to clean.
TEXT ·fillAVX512(SB), NOSPLIT, $0-24
	MOVQ           m+0(FP), DI
	MOVQ           src+8(FP), SI
	MOVQ           n+16(FP), CX
	VBROADCASTI32X4 low<>(SB), Z24
	VBROADCASTI32X4 high<>(SB), Z25
	VBROADCASTI32X4 nibble<>(SB), Z26
	VBROADCASTI32X4 space<>(SB), Z27
	VBROADCASTI32X4 tab<>(SB), Z28
	VBROADCASTI32X4 visible<>(SB), Z29
	KXNORQ         K1, K1, K1
	SUBQ           $64, CX
	JB             rest

whole:
	VMOVDQU8 (SI), Z16

mark:
	VPSHUFB   Z16, Z24, Z17
	VPSRLW    $4, Z16, Z18
	VPANDQ    Z26, Z18, Z18
	VPSHUFB   Z18, Z25, Z18
	VPTESTNMB Z17, Z18, K1, K2
	VPSUBB    Z27, Z16, Z19
	VPCMPUB   $5, Z29, Z19, K1, K3
	VPCMPEQB  Z28, Z16, K4
	KANDNQ    K3, K4, K3
	KMOVQ     K2, (DI)
	KMOVQ     K3, 64(DI)
	ADDQ      $64, SI
	ADDQ      $8, DI
	SUBQ      $64, CX
	JAE       whole

rest:
	// CX is 64 less than what is left, which is below 64. A load under a mask touches nothing that the mask leaves out.
	ADDQ $64, CX
	JLE  end
	MOVQ $-1, AX
	SHLQ CX, AX
	NOTQ AX
	KMOVQ AX, K1
	VMOVDQU8.Z (SI), K1, Z16
	XORQ CX, CX
	JMP  mark

end:
	RET
