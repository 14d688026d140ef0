/* expit (the logistic function), logit, softplus. */
#ifndef ALLCORES_MATH_LOGISTIC_H
#define ALLCORES_MATH_LOGISTIC_H

#include "mathematics.h"
#include "math_special.h"
#include "math_logistic_coefficients.h"

/* 1 / (1 + exp(-x)), exp(-x) = 2^k (1 + z): 1 + 2^k loses little and that goes to z. */
AC_INLINE double ac_expit_fast(double x)
{
    const ac_exp_parts e = ac_exp_reduce(-x);
    const double up = ac_exp_power(e.shifted), c = 1.0 + up, lost = 1.0 - (c - up), z = ac_exp_less_one_of(e.r);
    return 1.0 / AC_FMA(AC_FMA(lost, ac_exp_inverse_power(e.shifted), z), up, c);
}

#if AC_HAS_FMA

AC_INLINE float ac_expitf_fast(float x)
{
    const ac_exp_single e = ac_exp_single_reduce(-x);
    const float up = ac_exp_single_power(e.shifted), c = 1.0f + up, lost = 1.0f - (c - up);
    const float z = AC_FMAF(e.r * e.r, ac_exp_single_series(e.r), e.r);
    return 1.0f / AC_FMAF(AC_FMAF(lost, ac_exp_single_inverse_power(e.shifted), z), up, c);
}

#else

AC_INLINE float ac_expitf_fast(float single)
{
    const double x = single, a = fabs(x), y = a > 120.0 ? 120.0 : a, e = ac_special_expf(-y);
    return (float)((x < 0.0 ? e : 1.0) / (1.0 + e));
}

#endif

/* log(p / q), q = 1 - p, = k log(2) + 2 atanh(z), z = (p - 2^k q) / (p + 2^k q): both sums are nearly exact. */
AC_INLINE double ac_logit_fast(double p)
{
    const double q = 1.0 - p, lost = (1.0 - q) - p; /* q + lost = 1 - p */
    /* exponents and mantissas of p and q as one number each: their difference is near log2(p / q) */
    const uint64_t apart = ac_bits(p) - ac_bits(q) + ((uint64_t)1023 << 52) + ((uint64_t)1 << 51);
    const uint64_t biased = apart >> 52;
    const double k = ac_from_bits(biased | (uint64_t)0x433 << 52) - (0x1p52 + 1023.0);
    const double scale = ac_from_bits(biased << 52), cq = scale * q, cl = scale * lost;
    const double above = (p - cq) - cl, below = (p + cq) + cl, z = above / below, u = z * z;
    const ac_dd whole = ac_two_sum(k * AC_LN2_HI, 2.0 * z);
    double s = AC_LOGIT_P7;
    s = AC_FMA(s, u, AC_LOGIT_P6);
    s = AC_FMA(s, u, AC_LOGIT_P5);
    s = AC_FMA(s, u, AC_LOGIT_P4);
    s = AC_FMA(s, u, AC_LOGIT_P3);
    s = AC_FMA(s, u, AC_LOGIT_P2);
    s = AC_FMA(s, u, AC_LOGIT_P1);
    s = AC_FMA(s, u, AC_LOGIT_P0);
    return whole.hi + (whole.lo + AC_FMA(k, AC_LN2_LO, z * (u * s)));
}

#if AC_HAS_FMA

AC_INLINE float ac_logitf_fast(float p)
{
    const float q = 1.0f - p, lost = (1.0f - q) - p;
    const uint32_t apart = ac_bitsf(p) - ac_bitsf(q) + ((uint32_t)127 << 23) + ((uint32_t)1 << 22);
    const float k = (float)((int32_t)(apart >> 23) - 127), scale = ac_from_bitsf(apart & 0x7f800000u), cq = scale * q;
    const float above = AC_FMAF(-scale, lost, p - cq), z = above / (p + cq), u = z * z;
    float s = AC_LOGIT_SINGLE_P2;
    s = AC_FMAF(s, u, AC_LOGIT_SINGLE_P1);
    s = AC_FMAF(s, u, AC_LOGIT_SINGLE_P0);
    return AC_FMAF(k, AC_LN2F_HI, AC_FMAF(z, 2.0f, AC_FMAF(z * u, s, k * AC_LN2F_LO)));
}
#define AC_LOGIT_SPECIAL_F(x) (!((x) >= 0x1p-126f && (x) < 1.0f))

#else

AC_INLINE float ac_logitf_fast(float single)
{
    const double p = single, q = 1.0 - p;
    const uint64_t apart = ac_bits(p) - ac_bits(q) + ((uint64_t)1023 << 52) + ((uint64_t)1 << 51);
    const uint64_t biased = apart >> 52;
    const double k = ac_from_bits(biased | (uint64_t)0x433 << 52) - (0x1p52 + 1023.0);
    const double cq = ac_from_bits(biased << 52) * q, z = (p - cq) / (p + cq), u = z * z;
    double s = AC_LOGITF_P3;
    s = AC_FMA(s, u, AC_LOGITF_P2);
    s = AC_FMA(s, u, AC_LOGITF_P1);
    s = AC_FMA(s, u, AC_LOGITF_P0);
    return (float)AC_FMA(k, AC_LN2_HI, AC_FMA(k, AC_LN2_LO, z * AC_FMA(u, s, 2.0)));
}
#define AC_LOGIT_SPECIAL_F(x) (!((x) > 0.0f && (x) < 1.0f))

#endif

AC_QUIET_1(ac_logit_slow, double, log(x) - log1p(-x))
AC_QUIET_1(ac_logitf_slow, float, (float)(log((double)x) - log1p(-(double)x)))

/* max(x, 0) + log(1 + e), e = exp(-|x|); log(1 + e) = 2 atanh(z), z = e / (2 + e), and 2 z = e - e z. */
AC_INLINE double ac_softplus_fast(double x)
{
    const double e = ac_exp_fast(-fabs(x)), z = e / (2.0 + e), u = z * z;
    double s = AC_SOFTPLUS_P9;
    s = AC_FMA(s, u, AC_SOFTPLUS_P8);
    s = AC_FMA(s, u, AC_SOFTPLUS_P7);
    s = AC_FMA(s, u, AC_SOFTPLUS_P6);
    s = AC_FMA(s, u, AC_SOFTPLUS_P5);
    s = AC_FMA(s, u, AC_SOFTPLUS_P4);
    s = AC_FMA(s, u, AC_SOFTPLUS_P3);
    s = AC_FMA(s, u, AC_SOFTPLUS_P2);
    s = AC_FMA(s, u, AC_SOFTPLUS_P1);
    s = AC_FMA(s, u, AC_SOFTPLUS_P0);
    return e + ((x > 0.0 ? x : 0.0) + AC_FMA(z * u, s, -e * z));
}

#if AC_HAS_FMA

AC_INLINE float ac_softplusf_fast(float x)
{
    const float e = ac_expf_fast(-fabsf(x)), z = e / (2.0f + e), u = z * z;
    float s = AC_SOFTPLUS_SINGLE_P3;
    s = AC_FMAF(s, u, AC_SOFTPLUS_SINGLE_P2);
    s = AC_FMAF(s, u, AC_SOFTPLUS_SINGLE_P1);
    s = AC_FMAF(s, u, AC_SOFTPLUS_SINGLE_P0);
    return e + ((x > 0.0f ? x : 0.0f) + AC_FMAF(z * u, s, -e * z));
}

#else

AC_INLINE float ac_softplusf_fast(float single)
{
    const double x = single, a = fabs(x), y = a > 120.0 ? 120.0 : a, e = ac_special_expf(-y);
    const int large = e > 0.41421356237309505;
    return (float)((x > 0.0 ? x : 0.0) + ac_special_log_partsf(large ? 1.0 : 0.0, large ? AC_FMA(e, 0.5, -0.5) : e));
}

#endif

/* Below -708 both are exp(x), above they are 1 and x. */
AC_QUIET_1(ac_expit_slow, double, x > 0.0 ? 1.0 : exp(x))
AC_QUIET_1(ac_softplus_slow, double, x > 0.0 ? x : exp(x))
AC_QUIET_1(ac_expitf_slow, float, x > 0.0f ? 1.0f : (float)exp((double)x))
AC_QUIET_1(ac_softplusf_slow, float, x > 0.0f ? x : (float)exp((double)x))

#define AC_LOGIT_SPECIAL(x) (!((x) >= 0x1p-1000 && (x) < 1.0))
AC_MATH_1_WITHIN(ac_expit_f64, double, uint64_t, ac_expit_fast, 708.0, ac_expit_slow)
AC_MATH_1_WITHIN(ac_expit_f32, float, uint32_t, ac_expitf_fast, 87.0f, ac_expitf_slow)
AC_MATH_1(ac_logit_f64, double, uint64_t, ac_logit_fast, AC_LOGIT_SPECIAL, ac_logit_slow)
AC_MATH_1(ac_logit_f32, float, uint32_t, ac_logitf_fast, AC_LOGIT_SPECIAL_F, ac_logitf_slow)
AC_MATH_1_WITHIN(ac_softplus_f64, double, uint64_t, ac_softplus_fast, 708.0, ac_softplus_slow)
AC_MATH_1_WITHIN(ac_softplus_f32, float, uint32_t, ac_softplusf_fast, 87.0f, ac_softplusf_slow)

#define AC_LIST_MATH_LOGISTIC \
    AC_MATH_ENTRY_1(expit, f, ac_expit_f32, AC_LEVEL == 4 ? 0.28 : 0.3, 1) \
    AC_MATH_ENTRY_1(expit, d, ac_expit_f64, AC_LEVEL == 4 ? 0.7 : 0.82, 1) \
    AC_MATH_ENTRY_1(logit, f, ac_logit_f32, AC_LEVEL == 4 ? 0.31 : 0.37, 1) \
    AC_MATH_ENTRY_1(logit, d, ac_logit_f64, AC_LEVEL == 4 ? 1.0 : 1.2, 1) \
    AC_MATH_ENTRY_1(softplus, f, ac_softplus_f32, AC_LEVEL == 4 ? 0.45 : 0.5, 1) \
    AC_MATH_ENTRY_1(softplus, d, ac_softplus_f64, AC_LEVEL == 4 ? 1.35 : 1.8, 1)

#endif
