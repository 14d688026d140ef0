/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_POWER_COEFFICIENTS_H
#define ALLCORES_MATH_POWER_COEFFICIENTS_H

/* 2 atanh(s / 2) = s (1 + s^2 / 12 + s^4 / 80 + s^6 p(s^2)), |s| <= 0.3432 */
/* largest error 7.6e-23 */
#define AC_POWER_P0 0x1.2492492492489p-9
#define AC_POWER_P1 0x1.c71c71c71f2a7p-12
#define AC_POWER_P2 0x1.745d174344df9p-14
#define AC_POWER_P3 0x1.3b13b282abf29p-16
#define AC_POWER_P4 0x1.1110afadd2a3cp-18
#define AC_POWER_P5 0x1.e2053e32198c2p-21
#define AC_POWER_P6 0x1.ab50b57c99fbcp-23
#define AC_POWER_P7 0x1.c06c7fe915228p-25
#define AC_POWER_80TH 0x1.999999999999ap-7
#define AC_POWER_12TH_HI 0x1.5555555555555p-4
#define AC_POWER_12TH_LO 0x1.5555555555555p-58

#endif
