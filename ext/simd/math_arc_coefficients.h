/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_ARC_COEFFICIENTS_H
#define ALLCORES_MATH_ARC_COEFFICIENTS_H

#define AC_PIO2_HI 0x1.921fb54442d18p+0
#define AC_PIO2_REST 0x1.678afae35cdd1p-55
#define AC_PIO2_HI_F 0x1.921fb60000000p+0f
#define AC_PIO2_REST_F -0x1.de12ca0000000p-26f
/* arctan(t) = t - t^3 (AC_ATAN_MIDDLE + p(t^2)), |t| <= 1 */
#define AC_ATAN_MIDDLE 0x1.c000000000000p-3
#define AC_ATAN_MIDDLE_F 0x1.c000000000000p-3f
/* largest error 4.4e-17 */
#define AC_ATAN_P0 0x1.d555555555058p-4
#define AC_ATAN_P1 -0x1.999999998049ep-3
#define AC_ATAN_P2 0x1.2492491ee317dp-3
#define AC_ATAN_P3 -0x1.c71c70778f41ap-4
#define AC_ATAN_P4 0x1.745cffda20e63p-4
#define AC_ATAN_P5 -0x1.3b129aeef0211p-4
#define AC_ATAN_P6 0x1.1107f14172f8cp-4
#define AC_ATAN_P7 -0x1.e1711b94051a9p-5
#define AC_ATAN_P8 0x1.ad17a19444659p-5
#define AC_ATAN_P9 -0x1.7e94333819830p-5
#define AC_ATAN_P10 0x1.4e9134f7bbea1p-5
#define AC_ATAN_P11 -0x1.15dd93c971bd9p-5
#define AC_ATAN_P12 0x1.a3e675cc86902p-6
#define AC_ATAN_P13 -0x1.12e0bdb5762f7p-6
#define AC_ATAN_P14 0x1.27fa8c0e70059p-7
#define AC_ATAN_P15 -0x1.ee823bab8cfcfp-9
#define AC_ATAN_P16 0x1.2902b9f3b6fabp-10
#define AC_ATAN_P17 -0x1.c4da2a08f758ep-13
#define AC_ATAN_P18 0x1.47650824ada5fp-16
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
/* largest error 3.7e-09 */
#define AC_ATAN_F0 0x1.d555000000000p-4f
#define AC_ATAN_F1 -0x1.9992660000000p-3f
#define AC_ATAN_F2 0x1.2426260000000p-3f
#define AC_ATAN_F3 -0x1.c0c8580000000p-4f
#define AC_ATAN_F4 0x1.58b9460000000p-4f
#define AC_ATAN_F5 -0x1.dc80100000000p-5f
#define AC_ATAN_F6 0x1.0107620000000p-5f
#define AC_ATAN_F7 -0x1.68e7800000000p-7f
#define AC_ATAN_F8 0x1.db8b9a0000000p-10f
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
