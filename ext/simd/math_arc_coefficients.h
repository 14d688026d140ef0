/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_ARC_COEFFICIENTS_H
#define ALLCORES_MATH_ARC_COEFFICIENTS_H

#define AC_PIO4_HI 0x1.921fb54442d18p-1
#define AC_PIO4_LO 0x1.1a62633145c07p-55
#define AC_TAN_PIO8 0x1.a827999fcef32p-2
/* arctan(t) = t - t^3 p(t^2), |t| <= tan(pi / 8) */
/* largest error 2.6e-18 */
#define AC_ATAN_P0 0x1.555555555553dp-2
#define AC_ATAN_P1 -0x1.99999999958ebp-3
#define AC_ATAN_P2 0x1.24924922b11dep-3
#define AC_ATAN_P3 -0x1.c71c70e7a1423p-4
#define AC_ATAN_P4 0x1.745cf90afe12dp-4
#define AC_ATAN_P5 -0x1.3b111c6297769p-4
#define AC_ATAN_P6 0x1.10ebdd883b309p-4
#define AC_ATAN_P7 -0x1.df116637c77ccp-5
#define AC_ATAN_P8 0x1.9cdc20edd8526p-5
#define AC_ATAN_P9 -0x1.37ed30a2afee4p-5
#define AC_ATAN_P10 0x1.259d259bc0c4ap-6
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
/* The same for float32. */
/* largest error 2.2e-11 */
#define AC_ATANF_P0 0x1.555554c89999bp-2
#define AC_ATANF_P1 -0x1.99991a494c966p-3
#define AC_ATANF_P2 0x1.247f06a24a090p-3
#define AC_ATANF_P3 -0x1.c4680570ea8bbp-4
#define AC_ATANF_P4 0x1.5b457bb9babcap-4
#define AC_ATANF_P5 -0x1.84f6027ace60ep-5
/* largest error 1.7e-11 */
#define AC_ASINF_P0 0x1.55555609ae03cp-3
#define AC_ASINF_P1 0x1.3332a7a31570ep-4
#define AC_ASINF_P2 0x1.6ddb3d3cc4830p-5
#define AC_ASINF_P3 0x1.ed5145b5ee3cdp-6
#define AC_ASINF_P4 0x1.9367c2da347cfp-6
#define AC_ASINF_P5 0x1.e8c1a85b49034p-8
#define AC_ASINF_P6 0x1.1c51cc4f4e617p-5

#endif
