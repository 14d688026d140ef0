/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_LOG_COEFFICIENTS_H
#define ALLCORES_MATH_LOG_COEFFICIENTS_H

/* 2 atanh(s / 2) = s + s^3 p(s^2), |s| <= 0.4007 */
/* largest error 1.6e-17 */
#define AC_LOG_P0 0x1.5555555555784p-4
#define AC_LOG_P1 0x1.99999998ed1a2p-7
#define AC_LOG_P2 0x1.249249b4b0641p-9
#define AC_LOG_P3 0x1.c71bffc4267edp-12
#define AC_LOG_P4 0x1.74752529509e5p-14
#define AC_LOG_P5 0x1.384da8958b322p-16
#define AC_LOG_P6 0x1.3ae6611d21fe9p-18
/* the same for float32 results */
/* largest error 2.3e-11 */
#define AC_LOGF_P0 0x1.5555541e299d8p-4
#define AC_LOGF_P1 0x1.999be18d786d7p-7
#define AC_LOGF_P2 0x1.23e87e978adeap-9
#define AC_LOGF_P3 0x1.edae36b4b23dfp-12
#define AC_LOG2_E_REST 0x1.777d0ffda0d24p-56
#define AC_LOG10_2_HI 0x1.3441350a00000p-2
#define AC_LOG10_2_LO -0x1.0c0219dc1da99p-39
#define AC_LOG10_2 0x1.34413509f79ffp-2
#define AC_LOG10_E 0x1.bcb7b1526e50ep-2
#define AC_LOG10_E_REST 0x1.95355baaafad3p-57

#endif
