/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_LOGISTIC_COEFFICIENTS_H
#define ALLCORES_MATH_LOGISTIC_COEFFICIENTS_H

/* 2 atanh(z) = 2 z + z^3 p(z^2), |z| <= 0.2005 */
/* largest error 3.7e-17 */
#define AC_LOGIT_P0 0x1.5555555555555p-1
#define AC_LOGIT_P1 0x1.999999999a013p-2
#define AC_LOGIT_P2 0x1.24924923cb4afp-2
#define AC_LOGIT_P3 0x1.c71c72f369b74p-3
#define AC_LOGIT_P4 0x1.745ca6f2281bdp-3
#define AC_LOGIT_P5 0x1.3b2a8f49b2227p-3
#define AC_LOGIT_P6 0x1.0e7ed050d95dfp-3
#define AC_LOGIT_P7 0x1.16fd7e54ea424p-3
/* largest error 4.1e-09 */
#define AC_LOGITF_P0 0x1.55555532e45bdp-1
#define AC_LOGITF_P1 0x1.999a6ec098c22p-2
#define AC_LOGITF_P2 0x1.242b8e3d9eb62p-2
#define AC_LOGITF_P3 0x1.e68b8218f2f7fp-3
/* in float32 arithmetic */
/* largest error 5.7e-09 */
#define AC_LOGIT_SINGLE_P0 0x1.5555b40000000p-1f
#define AC_LOGIT_SINGLE_P1 0x1.992a6e0000000p-2f
#define AC_LOGIT_SINGLE_P2 0x1.36f4000000000p-2f
/* |z| <= 1/3; then in float32 arithmetic */
/* largest error 9e-17 */
#define AC_SOFTPLUS_P0 0x1.5555555555555p-1
#define AC_SOFTPLUS_P1 0x1.999999999a256p-2
#define AC_SOFTPLUS_P2 0x1.24924923e2322p-2
#define AC_SOFTPLUS_P3 0x1.c71c726a03bc8p-3
#define AC_SOFTPLUS_P4 0x1.745cf1b8a3e01p-3
#define AC_SOFTPLUS_P5 0x1.3b189c6f37e5cp-3
#define AC_SOFTPLUS_P6 0x1.10ad96f0fed42p-3
#define AC_SOFTPLUS_P7 0x1.eb7ec6f9c3936p-4
#define AC_SOFTPLUS_P8 0x1.68c5a4f80fe35p-4
#define AC_SOFTPLUS_P9 0x1.4ac63bf48e08ep-3
/* largest error 9.1e-09 */
#define AC_SOFTPLUS_SINGLE_P0 0x1.5555000000000p-1f
#define AC_SOFTPLUS_SINGLE_P1 0x1.99d2940000000p-2f
#define AC_SOFTPLUS_SINGLE_P2 0x1.1eb4ae0000000p-2f
#define AC_SOFTPLUS_SINGLE_P3 0x1.1efec40000000p-2f

#endif
