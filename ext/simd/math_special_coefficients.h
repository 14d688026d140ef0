/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_SPECIAL_COEFFICIENTS_H
#define ALLCORES_MATH_SPECIAL_COEFFICIENTS_H

#define AC_S_LOG2_E 0x1.71547652b82fep+0
#define AC_S_LN2_HI 0x1.62e42ff000000p-1
#define AC_S_LN2_LO -0x1.718432a1b0e26p-35
/* exp(r) = 1 + r + r^2 p(r), |r| <= log(2) / 2 */
/* largest error 1.1e-16 */
#define AC_S_EXP_P0 0x1.0000000000001p-1
#define AC_S_EXP_P1 0x1.5555555555557p-3
#define AC_S_EXP_P2 0x1.5555555553cd6p-5
#define AC_S_EXP_P3 0x1.1111111110050p-7
#define AC_S_EXP_P4 0x1.6c16c178acd58p-10
#define AC_S_EXP_P5 0x1.a01a01ac1e525p-13
#define AC_S_EXP_P6 0x1.a019b8b1991c9p-16
#define AC_S_EXP_P7 0x1.71de01ab8bf3fp-19
#define AC_S_EXP_P8 0x1.2891da1bd775ap-22
#define AC_S_EXP_P9 0x1.af4ecdc399ffap-26
/* the same for float32 */
/* largest error 1.4e-09 */
#define AC_S_EXPF_P0 0x1.0000000b9226ap-1
#define AC_S_EXPF_P1 0x1.555555675410cp-3
#define AC_S_EXPF_P2 0x1.5554e902187fcp-5
#define AC_S_EXPF_P3 0x1.1110c630c474cp-7
#define AC_S_EXPF_P4 0x1.6d4328b30bd1ap-10
#define AC_S_EXPF_P5 0x1.a1517cf4cbc73p-13
/* log(1 + f) = 2 s + s z p(z), z = s^2, s = f / (2 + f) */
/* largest error 3.1e-16 */
#define AC_S_LOG_P0 0x1.5555555555558p-1
#define AC_S_LOG_P1 0x1.99999999952c6p-2
#define AC_S_LOG_P2 0x1.2492492dfacb6p-2
#define AC_S_LOG_P3 0x1.c71c62d66e137p-3
#define AC_S_LOG_P4 0x1.7462b955b60ffp-3
#define AC_S_LOG_P5 0x1.39fdbf11a79edp-3
#define AC_S_LOG_P6 0x1.2b603c3544a68p-3
/* the same for float32 */
/* largest error 1.1e-09 */
#define AC_S_LOGF_P0 0x1.5555554b98ee7p-1
#define AC_S_LOGF_P1 0x1.9999ebe8e8a3ep-2
#define AC_S_LOGF_P2 0x1.245c0c792e2f8p-2
#define AC_S_LOGF_P3 0x1.ddd995aea4d52p-3

#endif
