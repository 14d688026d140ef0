/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_ROOTS_COEFFICIENTS_H
#define ALLCORES_MATH_ROOTS_COEFFICIENTS_H

#define AC_CBRT_HALF 0x1.965fea53d6e3dp-1
#define AC_CBRT_QUARTER 0x1.428a2f98d728bp-1
/* 1 / cbrt(m), 1 <= m <= 2 */
/* largest error 5.2e-06 */
#define AC_CBRT_P0 0x1.c875e62a67fabp+0
#define AC_CBRT_P1 -0x1.92b4d84b258e7p+0
#define AC_CBRT_P2 0x1.40ebe1c501b75p+0
#define AC_CBRT_P3 -0x1.358f2409e3149p-1
#define AC_CBRT_P4 0x1.444c831d6a50ep-3
#define AC_CBRT_P5 -0x1.1bd1286001761p-6

#endif
