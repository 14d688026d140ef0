/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_ERF_COEFFICIENTS_H
#define ALLCORES_MATH_ERF_COEFFICIENTS_H

#define AC_SQRT_HALF 0x1.6a09e667f3bcdp-1
#define AC_EXP_MINUS_200 0x1.6061812054cfap-289
/* erf(x) = x + x p(x^2), |x| <= 1 */
/* largest error 1.5e-17 */
#define AC_ERF_P0 0x1.06eba8214db68p-3
#define AC_ERF_P1 -0x1.812746b0379b4p-2
#define AC_ERF_P2 0x1.ce2f21a040a5ep-4
#define AC_ERF_P3 -0x1.b82ce311f49a9p-6
#define AC_ERF_P4 0x1.565bccf8bd904p-8
#define AC_ERF_P5 -0x1.c02db03556f19p-11
#define AC_ERF_P6 0x1.f9a2ba5a625c7p-14
#define AC_ERF_P7 -0x1.f4ca4de3bb23cp-17
#define AC_ERF_P8 0x1.b97ffcd212f9cp-20
#define AC_ERF_P9 -0x1.5c08c57699d1cp-23
#define AC_ERF_P10 0x1.d7298e67cc634p-27
#define AC_ERF_P11 -0x1.abe0fe7a1ccfap-31
/* largest error 1.2e-09 */
#define AC_ERFF_P0 0x1.06eba7f7972b3p-3
#define AC_ERFF_P1 -0x1.81273ea2b37c1p-2
#define AC_ERFF_P2 0x1.ce2d184de7d89p-4
#define AC_ERFF_P3 -0x1.b7fb37fbd9a71p-6
#define AC_ERFF_P4 0x1.5416351526366p-8
#define AC_ERFF_P5 -0x1.a46b3ff4de885p-11
#define AC_ERFF_P6 0x1.4a9dab12580f7p-14
/* erf(x) = 1 - exp(p(x - 1.25)), 1 <= x <= 6; for float32 p(x - 2.5) up to 4 */
/* largest error 1.4e-17 */
#define AC_ERF_Q0 -0x1.48050902770fdp+1
#define AC_ERF_Q1 -0x1.88ab2d9950132p+1
#define AC_ERF_Q2 -0x1.bddad46f504efp-1
#define AC_ERF_Q3 -0x1.0bc5a02983a67p-5
#define AC_ERF_Q4 0x1.fea76c4aff93ep-8
#define AC_ERF_Q5 -0x1.a540a71e4c0c9p-10
#define AC_ERF_Q6 0x1.02c5921b7aeaep-12
#define AC_ERF_Q7 -0x1.50f2af9c1d9abp-17
#define AC_ERF_Q8 -0x1.6b68d8e11fb89p-17
#define AC_ERF_Q9 0x1.5abae8a6624b7p-18
#define AC_ERF_Q10 -0x1.84dc5f59268ecp-20
#define AC_ERF_Q11 0x1.1494845b684b1p-22
#define AC_ERF_Q12 -0x1.62e3350cb5143p-27
#define AC_ERF_Q13 -0x1.86ea8387eecbbp-27
#define AC_ERF_Q14 0x1.32b0b21ebd2f9p-28
#define AC_ERF_Q15 -0x1.eb0d6819f3af8p-31
#define AC_ERF_Q16 0x1.b74ecc79c043ep-34
#define AC_ERF_Q17 -0x1.5b1344e7cbc22p-38
/* largest error 2.3e-11 */
#define AC_ERFF_Q0 -0x1.f3a2dca0e43e8p+2
#define AC_ERFF_Q1 -0x1.56925175377fdp+2
#define AC_ERFF_Q2 -0x1.e345c779d2f32p-1
#define AC_ERFF_Q3 -0x1.63a7df628c741p-7
#define AC_ERFF_Q4 0x1.1bda59281eb18p-9
#define AC_ERFF_Q5 -0x1.c4ed4c676654dp-12
#define AC_ERFF_Q6 0x1.0112ecfcdf488p-14
#define AC_ERFF_Q7 -0x1.6d8ad85f5901bp-16
/* exp(y^2) erfc(y) = u p(u - 0.125), u = 1 / (y + 4), 0.4 <= y <= 27.4 */
/* largest error 5.3e-17 */
#define AC_ERFC_P0 0x1.18932bf08e154p+0
#define AC_ERFC_P1 0x1.f3fe31ecb49bep+2
#define AC_ERFC_P2 0x1.8be202d26c73bp+5
#define AC_ERFC_P3 0x1.14eacb1ad03afp+8
#define AC_ERFC_P4 0x1.52cac2370f5abp+10
#define AC_ERFC_P5 0x1.645fd8a4b8e25p+12
#define AC_ERFC_P6 0x1.38dbd2c9025ebp+14
#define AC_ERFC_P7 0x1.b00c052d7b2efp+15
#define AC_ERFC_P8 0x1.908f471c75711p+16
#define AC_ERFC_P9 0x1.269b500084b90p+15
#define AC_ERFC_P10 -0x1.dd2846b00de77p+18
#define AC_ERFC_P11 -0x1.72cd97a96695cp+20
#define AC_ERFC_P12 -0x1.e7de283de6d6ep+17
#define AC_ERFC_P13 0x1.3c6dc5dd0f406p+23
#define AC_ERFC_P14 0x1.3af230ad4c7f2p+24
#define AC_ERFC_P15 -0x1.7e3d5890d0966p+25
#define AC_ERFC_P16 -0x1.c481e410c7b57p+27
#define AC_ERFC_P17 0x1.44a187ccb2a93p+27
#define AC_ERFC_P18 0x1.00c56c49b2f2dp+31
#define AC_ERFC_P19 -0x1.37654ba021c41p+27
#define AC_ERFC_P20 -0x1.a0f7d4eb73c9bp+33
/* largest error 7.5e-09 */
#define AC_ERFCF_P0 0x1.18932be877069p+0
#define AC_ERFCF_P1 0x1.f3fe2dfc3b2e2p+2
#define AC_ERFCF_P2 0x1.8be20634327a8p+5
#define AC_ERFCF_P3 0x1.14eb5369d631fp+8
#define AC_ERFCF_P4 0x1.52ca9f85f1cebp+10
#define AC_ERFCF_P5 0x1.644b832bd8a5ap+12
#define AC_ERFCF_P6 0x1.38da33ffd6ff0p+14
#define AC_ERFCF_P7 0x1.b285278a9c08ep+15
#define AC_ERFCF_P8 0x1.913ec775f20fdp+16
#define AC_ERFCF_P9 0x1.4c0a147df4543p+11
#define AC_ERFCF_P10 -0x1.ea6a12e2081dap+18
/* ndtr(x) = 1/2 + x p(x^2), |x| <= 0.6 */
/* largest error 2.5e-17 */
#define AC_NDTR_P0 0x1.9884533d43651p-2
#define AC_NDTR_P1 -0x1.1058377e2cfcep-4
#define AC_NDTR_P2 0x1.46d042977afb5p-7
#define AC_NDTR_P3 -0x1.37403f753e467p-10
#define AC_NDTR_P4 0x1.e42b12c68adbfp-14
#define AC_NDTR_P5 -0x1.3ce9d91aad0e2p-17
#define AC_NDTR_P6 0x1.65b18e5f20177p-21
#define AC_NDTR_P7 -0x1.659defcabdb8dp-25
#define AC_NDTR_P8 0x1.4f400e4716a69p-29
/* largest error 1e-10 */
#define AC_NDTRF_P0 0x1.9884533b79244p-2
#define AC_NDTRF_P1 -0x1.1058339930e79p-4
#define AC_NDTRF_P2 0x1.46cd8b84766d5p-7
#define AC_NDTRF_P3 -0x1.36962a33fd27bp-10
#define AC_NDTRF_P4 0x1.c1f487a2a6a41p-14

#endif
