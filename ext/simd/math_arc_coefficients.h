/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_ARC_COEFFICIENTS_H
#define ALLCORES_MATH_ARC_COEFFICIENTS_H

#define AC_PIO2_HI 0x1.921fb54442d18p+0
#define AC_PIO2_REST 0x1.678afae35cdd1p-55
#define AC_PIO2_HI_F 0x1.921fb60000000p+0f
#define AC_PIO2_REST_F -0x1.de12ca0000000p-26f
/* arctan(t) = t - t^3 p(t^2), |t| <= 1 */
/* largest error 3.6e-17 */
#define AC_ATAN_P0 0x1.5555555555464p-2
#define AC_ATAN_P1 -0x1.9999999985c55p-3
#define AC_ATAN_P2 0x1.2492491ff9f9ep-3
#define AC_ATAN_P3 -0x1.c71c70b024434p-4
#define AC_ATAN_P4 0x1.745d034d7571ep-4
#define AC_ATAN_P5 -0x1.3b12be71a3c15p-4
#define AC_ATAN_P6 0x1.1108f0950bfcdp-4
#define AC_ATAN_P7 -0x1.e17b85ea2556dp-5
#define AC_ATAN_P8 0x1.ad402b65ab9e9p-5
#define AC_ATAN_P9 -0x1.7f0bdb921a8f9p-5
#define AC_ATAN_P10 0x1.4f9fceb6dbf1fp-5
#define AC_ATAN_P11 -0x1.17b44fc52f162p-5
#define AC_ATAN_P12 0x1.a8cf943b7cc40p-6
#define AC_ATAN_P13 -0x1.17dd65102c34bp-6
#define AC_ATAN_P14 0x1.2f8a9099aa071p-7
#define AC_ATAN_P15 -0x1.ff16525473a23p-9
#define AC_ATAN_P16 0x1.3569da853aa26p-10
#define AC_ATAN_P17 -0x1.db83a06461ca7p-13
#define AC_ATAN_P18 0x1.5a7681dbc7b19p-16
/* arcsin(v) = v + v^3 p(v^2), |v| <= 1/2 */
/* largest error 1.6e-17 */
#define AC_ASIN_P0 0x1.5555555555384p-3
#define AC_ASIN_P1 0x1.333333336fdd0p-4
#define AC_ASIN_P2 0x1.6db6db419c11bp-5
#define AC_ASIN_P3 0x1.f1c72c7fb3e16p-6
#define AC_ASIN_P4 0x1.6e89edb7045a0p-6
#define AC_ASIN_P5 0x1.1c6c42d9c6fa6p-6
#define AC_ASIN_P6 0x1.c6f65bdd7f2fdp-7
#define AC_ASIN_P7 0x1.8ef2e805993a5p-7
#define AC_ASIN_P8 0x1.aa363b3065ca5p-8
#define AC_ASIN_P9 0x1.41091da6d2509p-6
#define AC_ASIN_P10 -0x1.0b7fe066d5e2fp-6
#define AC_ASIN_P11 0x1.05feb93bd591ep-5
/* In float32 throughout. */
/* largest error 6.5e-09 */
#define AC_ATAN_F0 0x1.5555400000000p-2f
#define AC_ATAN_F1 -0x1.9992660000000p-3f
#define AC_ATAN_F2 0x1.2426280000000p-3f
#define AC_ATAN_F3 -0x1.c0c8b20000000p-4f
#define AC_ATAN_F4 0x1.58bbe60000000p-4f
#define AC_ATAN_F5 -0x1.dc90860000000p-5f
#define AC_ATAN_F6 0x1.01203a0000000p-5f
#define AC_ATAN_F7 -0x1.692f520000000p-7f
#define AC_ATAN_F8 0x1.dc2bb80000000p-10f
/* largest error 9.3e-09 */
#define AC_ASIN_F0 0x1.5555ca0000000p-3f
#define AC_ASIN_F1 0x1.3301400000000p-4f
#define AC_ASIN_F2 0x1.7492ea0000000p-5f
#define AC_ASIN_F3 0x1.8b22f00000000p-6f
#define AC_ASIN_F4 0x1.5a8b140000000p-5f
/* For float32 in float64. */
/* largest error 5.6e-11 */
#define AC_ATANF_P0 0x1.555554988ee37p-2
#define AC_ATANF_P1 -0x1.99993e89de2f6p-3
#define AC_ATANF_P2 0x1.248a9be30a0dfp-3
#define AC_ATANF_P3 -0x1.c6758d7141574p-4
#define AC_ATANF_P4 0x1.702de9a01fe11p-4
#define AC_ATANF_P5 -0x1.29bfba4088dedp-4
#define AC_ATANF_P6 0x1.c01e60bbdb745p-5
#define AC_ATANF_P7 -0x1.1c4626b266fb3p-5
#define AC_ATANF_P8 0x1.0dd373244238ap-6
#define AC_ATANF_P9 -0x1.478f23321dd94p-8
#define AC_ATANF_P10 0x1.74cfa20e64c02p-11
/* largest error 1.7e-11 */
#define AC_ASINF_P0 0x1.55555609ae03cp-3
#define AC_ASINF_P1 0x1.3332a7a31570ep-4
#define AC_ASINF_P2 0x1.6ddb3d3cc4830p-5
#define AC_ASINF_P3 0x1.ed5145b5ee3cdp-6
#define AC_ASINF_P4 0x1.9367c2da347cfp-6
#define AC_ASINF_P5 0x1.e8c1a85b49034p-8
#define AC_ASINF_P6 0x1.1c51cc4f4e617p-5

#endif
