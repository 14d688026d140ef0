/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_GAMMA_COEFFICIENTS_H
#define ALLCORES_MATH_GAMMA_COEFFICIENTS_H

#define AC_HALF_LOG_2_PI 0x1.d67f1c864beb5p-1
/* gammaln(2 + s) = s (slope + s p(s)), |s| <= 1/2; for float32 s p(s) */
#define AC_GAMMA_SLOPE 0x1.b0ee6072093cep-2
#define AC_GAMMA_SLOPE_LO 0x1.6cb90701fbfabp-58
/* largest error 5.2e-18 */
#define AC_GAMMA_P0 0x1.4a34cc4a60fa7p-2
#define AC_GAMMA_P1 -0x1.13e001a557589p-4
#define AC_GAMMA_P2 0x1.51322ac7d7c80p-6
#define AC_GAMMA_P3 -0x1.e404fc21cdeccp-8
#define AC_GAMMA_P4 0x1.7add6eaea4ecfp-9
#define AC_GAMMA_P5 -0x1.38ac5c012c401p-10
#define AC_GAMMA_P6 0x1.0b36af1b9a938p-11
#define AC_GAMMA_P7 -0x1.d3fd68cdf5f5cp-13
#define AC_GAMMA_P8 0x1.a127e63a15ef2p-14
#define AC_GAMMA_P9 -0x1.78d92d091b992p-15
#define AC_GAMMA_P10 0x1.5805dc3ded2c8p-16
#define AC_GAMMA_P11 -0x1.3d4964e4861fdp-17
#define AC_GAMMA_P12 0x1.2650625ada341p-18
#define AC_GAMMA_P13 -0x1.091c8f684bf20p-19
#define AC_GAMMA_P14 0x1.ece3c131abffap-21
#define AC_GAMMA_P15 -0x1.3786fc2959a61p-21
#define AC_GAMMA_P16 0x1.2d320f6bc99a4p-22
/* largest error 9.9e-10 */
#define AC_GAMMAF_P0 0x1.b0ee607054444p-2
#define AC_GAMMAF_P1 0x1.4a34cb3f650cap-2
#define AC_GAMMAF_P2 -0x1.13dffc57d1c7bp-4
#define AC_GAMMAF_P3 0x1.51359da0a0c8ep-6
#define AC_GAMMAF_P4 -0x1.e40f7f64ec3d0p-8
#define AC_GAMMAF_P5 0x1.795566dbb31d8p-9
#define AC_GAMMAF_P6 -0x1.36dc3886cf081p-10
#define AC_GAMMAF_P7 0x1.2b06aaff87877p-11
#define AC_GAMMAF_P8 -0x1.0a318540eb500p-12
/* gammaln(x) = (x - 1/2) log(x) - x + log(2 pi) / 2 + p(1 / x^2) / x, x >= 4.5 */
/* largest error 1.3e-17 */
#define AC_STIRLING_P0 0x1.5555555554a6ap-4
#define AC_STIRLING_P1 -0x1.6c16c146c100cp-9
#define AC_STIRLING_P2 0x1.a019a58a087c7p-11
#define AC_STIRLING_P3 -0x1.37f75cddfa06cp-11
#define AC_STIRLING_P4 0x1.b485e4e0a51abp-11
#define AC_STIRLING_P5 -0x1.b9c110415731dp-10
#define AC_STIRLING_P6 0x1.85c9298b76f40p-9
/* largest error 3.2e-11 */
#define AC_STIRLINGF_P0 0x1.5555510ef0af1p-4
#define AC_STIRLINGF_P1 -0x1.6bdddcc0698dep-9
#define AC_STIRLINGF_P2 0x1.8327598a711c7p-11
/* log(1 + f) = f + f^2 p(f), sqrt(1/2) <= 1 + f <= sqrt(2), for float32 */
/* largest error 1.2e-10 */
#define AC_GAMMAF_LOG0 -0x1.0000001ab4932p-1
#define AC_GAMMAF_LOG1 0x1.5555543f383b4p-2
#define AC_GAMMAF_LOG2 -0x1.ffffaad22cf9bp-3
#define AC_GAMMAF_LOG3 0x1.999a40b13d657p-3
#define AC_GAMMAF_LOG4 -0x1.5568b9aecf6a1p-3
#define AC_GAMMAF_LOG5 0x1.248d693c796d9p-3
#define AC_GAMMAF_LOG6 -0x1.fc625815cdcadp-4
#define AC_GAMMAF_LOG7 0x1.c3e9d27ed7f36p-4
#define AC_GAMMAF_LOG8 -0x1.bde37bb23e01bp-4
#define AC_GAMMAF_LOG9 0x1.b5212e48275c4p-4
#define AC_GAMMAF_LOG10 -0x1.e39006ff4f0d2p-5

#endif
