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
/* bits of y near 1 / cbrt(x) plus bits(x) / 3: |1 - x y^3| <= 0.102; 1 / cbrt(1 - h) for such h */
#define AC_CBRT_SINGLE_START 0x1.5287d60000000p+30f
/* largest error 2e-06 */
#define AC_CBRT_SINGLE_P0 0x1.ffffbe0000000p-1f
#define AC_CBRT_SINGLE_P1 0x1.55538a0000000p-2f
#define AC_CBRT_SINGLE_P2 0x1.ca343e0000000p-3f
#define AC_CBRT_SINGLE_P3 0x1.6605140000000p-3f

#endif
