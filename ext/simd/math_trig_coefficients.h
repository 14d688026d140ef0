/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_TRIG_COEFFICIENTS_H
#define ALLCORES_MATH_TRIG_COEFFICIENTS_H

/* pi / 2. With FMA: the second part times an integer below 2^25 is exact. */
#define AC_2_PI 0x1.45f306dc9c883p-1
#define AC_PIO2_0 0x1.921fb54442d18p+0
#define AC_PIO2_1 0x1.1a62634000000p-54
#define AC_PIO2_2 -0x1.d747f23e32ed7p-83
/* Without: the first three times such an integer are. */
#define AC_PIO2_SHORT_0 0x1.921fb54000000p+0
#define AC_PIO2_SHORT_1 0x1.10b4612000000p-30
#define AC_PIO2_SHORT_2 -0x1.676733a000000p-60
#define AC_PIO2_SHORT_3 -0x1.d1fc8f8cbb5bfp-89
/* sin(r) = r - r^3 p(r^2), |r| <= pi / 4 */
/* largest error 6e-18 */
#define AC_SIN_P0 0x1.5555555555549p-3
#define AC_SIN_P1 -0x1.111111110f87dp-7
#define AC_SIN_P2 0x1.a01a019c12033p-13
#define AC_SIN_P3 -0x1.71de357816232p-19
#define AC_SIN_P4 0x1.ae5e6688209e3p-26
#define AC_SIN_P5 -0x1.5d93183abf335p-33
/* cos(r) = 1 - r^2 / 2 + r^4 p(r^2) */
/* largest error 9e-19 */
#define AC_COS_P0 0x1.555555555554cp-5
#define AC_COS_P1 -0x1.6c16c16c15181p-10
#define AC_COS_P2 0x1.a01a019cb217ep-16
#define AC_COS_P3 -0x1.27e4f80a349f3p-22
#define AC_COS_P4 0x1.1ee9ec1935543p-29
#define AC_COS_P5 -0x1.8faeb639298e7p-37
/* tan(r) = r + r^3 (AC_TAN_MIDDLE + p(r^2)), |r| <= pi / 4 */
#define AC_TAN_MIDDLE 0x1.c000000000000p-2
/* largest error 1.5e-17 */
#define AC_TAN_P0 -0x1.aaaaaaaaaac3ap-4
#define AC_TAN_P1 0x1.1111111118329p-3
#define AC_TAN_P2 0x1.ba1ba1b4681f4p-5
#define AC_TAN_P3 0x1.664f49a8fa374p-6
#define AC_TAN_P4 0x1.226e124c28be3p-7
#define AC_TAN_P5 0x1.d6d9359b450fdp-9
#define AC_TAN_P6 0x1.7d5b46d11b1b4p-10
#define AC_TAN_P7 0x1.37fb3a548ef7cp-11
#define AC_TAN_P8 0x1.d269017fa8bb2p-13
#define AC_TAN_P9 0x1.1e389503d32c9p-13
#define AC_TAN_P10 -0x1.b9a23daff7a59p-16
#define AC_TAN_P11 0x1.76f2f1a3b87a5p-14
#define AC_TAN_P12 -0x1.78310bbc4b3fap-15
#define AC_TAN_P13 0x1.5de6f782728adp-16
/* In float32 throughout. tan(r) = r + r^3 p(r^2) */
#define AC_2_PI_F 0x1.45f3060000000p-1f
#define AC_PIO2_F0 0x1.921fb40000000p+0f
#define AC_PIO2_F1 0x1.4442d20000000p-24f
#define AC_PIO2_F2 -0x1.ee59da0000000p-50f
/* largest error 3.7e-09 */
#define AC_SIN_F0 0x1.5555460000000p-3f
#define AC_SIN_F1 -0x1.11077c0000000p-7f
#define AC_SIN_F2 0x1.9955ae0000000p-13f
/* largest error 1.1e-10 */
#define AC_COS_F0 0x1.55554a0000000p-5f
#define AC_COS_F1 -0x1.6c0c1a0000000p-10f
#define AC_COS_F2 0x1.99e0ee0000000p-16f
/* largest error 1.5e-09 */
#define AC_TAN_F0 0x1.5555600000000p-2f
#define AC_TAN_F1 0x1.110d860000000p-3f
#define AC_TAN_F2 0x1.bae06c0000000p-5f
#define AC_TAN_F3 0x1.5c6b460000000p-6f
#define AC_TAN_F4 0x1.64c7180000000p-7f
#define AC_TAN_F5 0x1.cea6c40000000p-17f
#define AC_TAN_F6 0x1.2181600000000p-8f
/* For float32 in float64, the second 1 + r^2 p(r^2). */
/* largest error 4.9e-12 */
#define AC_SINF_P0 0x1.5555554cb9f21p-3
#define AC_SINF_P1 -0x1.11110896520a7p-7
#define AC_SINF_P2 0x1.a00f9dabf2607p-13
#define AC_SINF_P3 -0x1.6cd859b36a902p-19
/* largest error 5.4e-11 */
#define AC_COSF_P0 -0x1.ffffffd0c1547p-2
#define AC_COSF_P1 0x1.55553e0ea2b41p-5
#define AC_COSF_P2 -0x1.6c087dd039cbbp-10
#define AC_COSF_P3 0x1.9934036af9950p-16

#endif
