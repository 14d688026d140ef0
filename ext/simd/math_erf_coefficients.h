/* Written by ext/coefficients; not by hand. */
#ifndef ALLCORES_MATH_ERF_COEFFICIENTS_H
#define ALLCORES_MATH_ERF_COEFFICIENTS_H

#define AC_SQRT_HALF 0x1.6a09e667f3bcdp-1
#define AC_SQRT_HALF_LO -0x1.bdd3413b26456p-55
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
/* exp(y^2) erfc(y) = u p(u - 0.125), u = 1 / (y + 2), 0.4 <= y <= 27.4 */
/* largest error 6.7e-17 */
#define AC_ERFC_P0 0x1.7c0348489d721p-1
#define AC_ERFC_P1 0x1.c5f07a44ccb71p+0
#define AC_ERFC_P2 0x1.9f343e53ac026p+1
#define AC_ERFC_P3 0x1.ddeff78647dc7p+1
#define AC_ERFC_P4 0x1.6cebfcee03206p-4
#define AC_ERFC_P5 -0x1.0b7cdb552ca6cp+3
#define AC_ERFC_P6 -0x1.23c5e9b9a0d30p+3
#define AC_ERFC_P7 0x1.365428f10cb26p+4
#define AC_ERFC_P8 0x1.6edea0a9590e0p+5
#define AC_ERFC_P9 -0x1.e0b9ede78cc57p+5
#define AC_ERFC_P10 -0x1.bcce85a489e0fp+7
#define AC_ERFC_P11 0x1.1a83de63a38fbp+8
#define AC_ERFC_P12 0x1.1f7fa76e9c245p+10
#define AC_ERFC_P13 -0x1.dfe212c086cfdp+10
#define AC_ERFC_P14 -0x1.80114550d211ep+12
#define AC_ERFC_P15 0x1.f172cdb7558cbp+13
#define AC_ERFC_P16 0x1.ec95c523886e7p+14
#define AC_ERFC_P17 -0x1.317bfe089f2e9p+17
#define AC_ERFC_P18 -0x1.322efcb43fed1p+15
#define AC_ERFC_P19 0x1.82133b2c36c33p+20
#define AC_ERFC_P20 -0x1.2ccbfc780f4fcp+22
#define AC_ERFC_P21 0x1.dfd95bdaea5c8p+22
#define AC_ERFC_P22 -0x1.a125863c173d7p+22
#define AC_ERFC_P23 0x1.3c1e41ad18c66p+21
/* largest error 3.3e-11 */
#define AC_ERFCF_P0 0x1.7c034848bf3ddp-1
#define AC_ERFCF_P1 0x1.c5f07a463f935p+0
#define AC_ERFCF_P2 0x1.9f343dd8c56dep+1
#define AC_ERFCF_P3 0x1.ddeff3a9fbdbcp+1
#define AC_ERFCF_P4 0x1.6d124bc3018c1p-4
#define AC_ERFCF_P5 -0x1.0b7c5c115950dp+3
#define AC_ERFCF_P6 -0x1.240e352e4a4d1p+3
#define AC_ERFCF_P7 0x1.36cb43cefb6bfp+4
#define AC_ERFCF_P8 0x1.75b9c1ebece45p+5
#define AC_ERFCF_P9 -0x1.0b79069eceb6bp+6
#define AC_ERFCF_P10 -0x1.d8e8b27fb931bp+7
#define AC_ERFCF_P11 0x1.43f920eca8bc2p+9
#define AC_ERFCF_P12 -0x1.de5e493978252p+8
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
