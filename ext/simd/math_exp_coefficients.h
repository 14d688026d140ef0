/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_EXP_COEFFICIENTS_H
#define ALLCORES_MATH_EXP_COEFFICIENTS_H

#define AC_LOG2_E 0x1.71547652b82fep+0
/* log 2: 32 bits and the rest; 53 bits and the rest */
#define AC_LN2_HI 0x1.62e42ff000000p-1
#define AC_LN2_LO -0x1.718432a1b0e26p-35
#define AC_LN2 0x1.62e42fefa39efp-1
#define AC_LN2_REST 0x1.abc9e3b39803fp-56
/* exp(r) = 1 + r + r^2 (1/2 + r p(r)), |r| <= log(2) / 2 */
/* largest error 8.9e-18 */
#define AC_EXP_P0 0x1.55555555554bfp-3
#define AC_EXP_P1 0x1.5555555552be5p-5
#define AC_EXP_P2 0x1.111111113f134p-7
#define AC_EXP_P3 0x1.6c16c17e65f6bp-10
#define AC_EXP_P4 0x1.a01a0092b27c9p-13
#define AC_EXP_P5 0x1.a019a6abd17bbp-16
#define AC_EXP_P6 0x1.71e099ca9265cp-19
#define AC_EXP_P7 0x1.28a3918df6abdp-22
#define AC_EXP_P8 0x1.ab0fcd77a7186p-26
/* the same for exp(r) - 1 */
/* largest error 5.8e-19 */
#define AC_EXPM1_P0 0x1.5555555555559p-3
#define AC_EXPM1_P1 0x1.5555555555558p-5
#define AC_EXPM1_P2 0x1.111111110f6bcp-7
#define AC_EXPM1_P3 0x1.6c16c16c14f4cp-10
#define AC_EXPM1_P4 0x1.a01a01afe0970p-13
#define AC_EXPM1_P5 0x1.a01a01ade1724p-16
#define AC_EXPM1_P6 0x1.71ddf85df57c6p-19
#define AC_EXPM1_P7 0x1.27e4caf62684fp-22
#define AC_EXPM1_P8 0x1.af5eae7e31d7bp-26
#define AC_EXPM1_P9 0x1.1f8de79640c5dp-29
/* exp(r) = 1 + r + r^2 p(r), for float32 results */
/* largest error 2.4e-10 */
#define AC_EXPF_P0 0x1.000000283b428p-1
#define AC_EXPF_P1 0x1.55555582e29fbp-3
#define AC_EXPF_P2 0x1.5554ad3fc620bp-5
#define AC_EXPF_P3 0x1.111098a2d61bap-7
#define AC_EXPF_P4 0x1.6d74f175ab4aep-10
#define AC_EXPF_P5 0x1.a194ef5d506cdp-13
/* 2^f = 1 + f p(f), |f| <= 1/2 */
/* largest error 2.7e-17 */
#define AC_EXP2_P0 0x1.62e42fefa39efp-1
#define AC_EXP2_P1 0x1.ebfbdff82c5a4p-3
#define AC_EXP2_P2 0x1.c6b08d7049fe8p-5
#define AC_EXP2_P3 0x1.3b2ab6fba0118p-7
#define AC_EXP2_P4 0x1.5d87fe78cd6e6p-10
#define AC_EXP2_P5 0x1.4309130ed90f8p-13
#define AC_EXP2_P6 0x1.ffcbfba97afd1p-17
#define AC_EXP2_P7 0x1.62bfc79cba82fp-20
#define AC_EXP2_P8 0x1.b5267ceaeaad0p-24
#define AC_EXP2_P9 0x1.e61b507939f6cp-28
#define AC_EXP2_P10 0x1.e79ba7e14b3e4p-32
/* the same in float32 arithmetic, and what that needs: log 2 in 24 bits and the rest */
#define AC_LOG2_EF 0x1.7154760000000p+0f
#define AC_LN2F_HI 0x1.62e4300000000p-1f
#define AC_LN2F_LO -0x1.05c6100000000p-29f
/* largest error 5.8e-09 */
#define AC_EXP_SINGLE_P0 0x1.ffffee0000000p-2f
#define AC_EXP_SINGLE_P1 0x1.5554940000000p-3f
#define AC_EXP_SINGLE_P2 0x1.5563a80000000p-5f
#define AC_EXP_SINGLE_P3 0x1.1238560000000p-7f
#define AC_EXP_SINGLE_P4 0x1.62736e0000000p-10f
/* the same for exp(r) - 1 */
/* largest error 4.1e-10 */
#define AC_EXPM1_SINGLE_P0 0x1.0000000000000p-1f
#define AC_EXPM1_SINGLE_P1 0x1.5555560000000p-3f
#define AC_EXPM1_SINGLE_P2 0x1.5554f60000000p-5f
#define AC_EXPM1_SINGLE_P3 0x1.1110020000000p-7f
#define AC_EXPM1_SINGLE_P4 0x1.6d3c7e0000000p-10f
#define AC_EXPM1_SINGLE_P5 0x1.a247b40000000p-13f
/* 2^f = 1 + f p(f), |f| <= 1/2 */
/* largest error 3e-09 */
#define AC_EXP2_SINGLE_P0 0x1.62e4300000000p-1f
#define AC_EXP2_SINGLE_P1 0x1.ebfbdc0000000p-3f
#define AC_EXP2_SINGLE_P2 0x1.c6af7a0000000p-5f
#define AC_EXP2_SINGLE_P3 0x1.3b2dd20000000p-7f
#define AC_EXP2_SINGLE_P4 0x1.5f09380000000p-10f
#define AC_EXP2_SINGLE_P5 0x1.417cda0000000p-13f

#endif
