/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_EXP_COEFFICIENTS_H
#define ALLCORES_MATH_EXP_COEFFICIENTS_H

#define AC_LOG2_E 0x1.71547652b82fep+0
#define AC_LN2_HI 0x1.62e42ff000000p-1
#define AC_LN2_LO -0x1.718432a1b0e26p-35
/* exp(r) = 1 + r + r^2 p(r), |r| <= log(2) / 2 */
/* largest error 1.2e-16 */
#define AC_EXP_P0 0x1.0000000000001p-1
#define AC_EXP_P1 0x1.5555555555556p-3
#define AC_EXP_P2 0x1.5555555553d63p-5
#define AC_EXP_P3 0x1.11111111109b3p-7
#define AC_EXP_P4 0x1.6c16c1788bd90p-10
#define AC_EXP_P5 0x1.a01a01a7c41d5p-13
#define AC_EXP_P6 0x1.a019b90d2ae7ap-16
#define AC_EXP_P7 0x1.71de0dae63bb3p-19
#define AC_EXP_P8 0x1.289185613a3d6p-22
#define AC_EXP_P9 0x1.af38a9b0ec855p-26

#endif
