/* erf, erfc, ndtr (the normal distribution).
 *
 * With c = k / 64 next to x and d = x - c, exactly,
 *
 *   erf(x) = erf(c) + slope(c) D, erfc(x) = erfc(c) - slope(c) D, slope(c) = 2 / sqrt(pi) exp(-c^2)
 *
 * where D, the integral of exp(-2 c t - t^2) for t from 0 to d, is d (1 + rest), |d| <= 1/128, rest a polynomial in c d
 * and d^2. Both numbers come from tables. As D is small beside erf(c) and erfc(c), they are rounded little more than
 * twice: errors are below 1.5 ULP for erf, below 2 for erfc and ndtr. */
#ifndef ALLCORES_MATH_ERF_H
#define ALLCORES_MATH_ERF_H

#include "mathematics.h"
#include "math_special.h"
#include "math_erf_coefficients.h"

#define AC_IS_NAN(x) ((x) != (x))
#define AC_IS_NOTHING(x) ((void)(x), 0)

/* x + AC_STEPS has the bits of k in its last places, negative ones in two's complement; less AC_STEPS it is c. */
#define AC_STEPS 0x1.8p46
#define AC_STEPSF 0x1.8p17f

AC_INLINE float ac_same_float(float x) { return x; }
AC_INLINE double ac_same(double x) { return x; }

/* erf for |x| < 6, 1 from there. */
AC_INLINE double ac_erf_fast(double x)
{
    const double y = fabs(x), t = y + AC_STEPS, c = t - AC_STEPS, d = y - c, z = c * d, w = d * d;
    const uint64_t k = ac_bits(t) & 511;
    double p = AC_ERF_A4, q = AC_ERF_B3, s = AC_ERF_C2;
    p = AC_FMA(p, z, AC_ERF_A3);
    q = AC_FMA(q, z, AC_ERF_B2);
    s = AC_FMA(s, z, AC_ERF_C1);
    p = AC_FMA(p, z, AC_ERF_A2);
    q = AC_FMA(q, z, AC_ERF_B1);
    s = AC_FMA(s, z, AC_ERF_C0);
    p = AC_FMA(p, z, AC_ERF_A1);
    q = AC_FMA(q, z, AC_ERF_B0);
    s = AC_FMA(w, AC_ERF_D0, s);
    p = AC_FMA(p, z, AC_ERF_A0);
    q = AC_FMA(w, s, q);
    p = AC_FMA(z, p, w * q);
    p = AC_FMA(AC_ERFC_SLOPE[k], AC_FMA(d, p, d), AC_ERF_AT[k]);
    return copysign(y >= 5.96875 ? 1.0 : p, x);
}

AC_INLINE float ac_erff_fast(float x)
{
    const float y = fabsf(x), t = y + AC_STEPSF, c = t - AC_STEPSF, d = y - c, z = c * d, w = d * d;
    const int32_t k = (int32_t)(ac_bitsf(t) & 255);
    float p = AC_FMAF(AC_ERF_SINGLE_A1, z, AC_ERF_SINGLE_A0);
    p = AC_FMAF(z, p, AC_FMAF(w, AC_ERF_SINGLE_B0, AC_ERF_SINGLE_MORE));
    p = AC_FMAF(AC_ERFC_SINGLE_SLOPE[k], AC_FMAF(d, p, d), AC_ERF_SINGLE_AT[k]);
    return copysignf(y >= 3.96875f ? 1.0f : p, x);
}

/* erfc(c + d), t = c + AC_STEPS, -6 < c + d <= 26. */
AC_INLINE double ac_erfc_at(double t, double d)
{
    const double c = t - AC_STEPS, z = c * d, w = d * d, u = z * z;
    const uint64_t k = ac_bits(t) & 2047;
    double p = AC_ERFC_A10, q = AC_ERFC_B8, s = AC_FMA(AC_ERFC_C5, z, AC_ERFC_C4);
    const double r = AC_FMA(AC_ERFC_D1, z, AC_ERFC_D0);
    p = AC_FMA(p, u, AC_FMA(AC_ERFC_A9, z, AC_ERFC_A8));
    q = AC_FMA(q, u, AC_FMA(AC_ERFC_B7, z, AC_ERFC_B6));
    s = AC_FMA(s, u, AC_FMA(AC_ERFC_C3, z, AC_ERFC_C2));
    p = AC_FMA(p, u, AC_FMA(AC_ERFC_A7, z, AC_ERFC_A6));
    q = AC_FMA(q, u, AC_FMA(AC_ERFC_B5, z, AC_ERFC_B4));
    s = AC_FMA(s, u, AC_FMA(AC_ERFC_C1, z, AC_ERFC_C0));
    p = AC_FMA(p, u, AC_FMA(AC_ERFC_A5, z, AC_ERFC_A4));
    q = AC_FMA(q, u, AC_FMA(AC_ERFC_B3, z, AC_ERFC_B2));
    s = AC_FMA(w, r, s);
    p = AC_FMA(p, u, AC_FMA(AC_ERFC_A3, z, AC_ERFC_A2));
    q = AC_FMA(q, u, AC_FMA(AC_ERFC_B1, z, AC_ERFC_B0));
    p = AC_FMA(p, u, AC_FMA(AC_ERFC_A1, z, AC_ERFC_A0));
    q = AC_FMA(w, s, q);
    p = AC_FMA(z, p, w * q);
    return AC_FMA(-AC_ERFC_SLOPE[k], AC_FMA(d, p, d), AC_ERFC_AT[k]);
}

/* erfc(c + d), t = c + AC_STEPSF, -4 < c + d < 12. */
AC_INLINE float ac_erfc_atf(float t, float d)
{
    const float c = t - AC_STEPSF, z = c * d, w = d * d;
    const int32_t k = (int32_t)(ac_bitsf(t) & 1023);
    float p = AC_FMAF(AC_ERFC_SINGLE_A3, z, AC_ERFC_SINGLE_A2);
    p = AC_FMAF(p, z, AC_ERFC_SINGLE_A1);
    p = AC_FMAF(p, z, AC_ERFC_SINGLE_A0);
    p = AC_FMAF(z, p, AC_FMAF(w, AC_FMAF(AC_ERFC_SINGLE_B1, z, AC_ERFC_SINGLE_B0), AC_ERF_SINGLE_MORE));
    return AC_FMAF(-AC_ERFC_SINGLE_SLOPE[k], AC_FMAF(d, p, d), AC_ERFC_SINGLE_AT[k]);
}

/* x held between `low` < 0 and `high` > 0, their bits: beyond, the tables' indices would be those of subnormal numbers,
 * which take a hundred times as long. An integer's minimum is one instruction and no branch to a compiler. */
AC_INLINE float ac_erfc_within(float x, uint32_t low, int32_t high)
{
    const uint32_t u = ac_bitsf(x);
    const int32_t b = (int32_t)(u < low ? u : low);
    return ac_from_bitsf((uint32_t)(b < high ? b : high));
}

/* 2 below -5.95. */
AC_INLINE double ac_erfc_fast(double x)
{
    const double t = x + AC_STEPS, r = ac_erfc_at(t, x - (t - AC_STEPS));
    return x < -5.953125 ? 2.0 : r;
}

/* 2 at -3.97, 0 at 10.25. */
AC_INLINE float ac_erfcf_fast(float x)
{
    const float y = ac_erfc_within(x, 0xc07e0000u, 0x41240000), t = y + AC_STEPSF;
    const float r = ac_erfc_atf(t, y - (t - AC_STEPSF));
    return x == x ? r : x;
}

/* erfc(-x / sqrt(2)) / 2, the quotient in two parts. */
AC_INLINE double ac_ndtr_fast(double x)
{
#if AC_HAS_FMA
    const double t = AC_FMA(x, -AC_SQRT_HALF, AC_STEPS), c = t - AC_STEPS;
    const double d = AC_FMA(x, -AC_SQRT_HALF_LO, AC_FMA(x, -AC_SQRT_HALF, -c));
#else
    const ac_dd y = ac_two_prod(x, -AC_SQRT_HALF);
    const double t = y.hi + AC_STEPS, c = t - AC_STEPS, d = (y.hi - c) + (y.lo - x * AC_SQRT_HALF_LO);
#endif
    const double r = ac_erfc_at(t, d);
    return x > 8.40625 ? 1.0 : 0.5 * r;
}

/* 0 at -14.5, 1 at 5.5. */
AC_INLINE float ac_ndtrf_fast(float x)
{
    const float y = ac_erfc_within(x, 0xc1680000u, 0x40b00000);
#if AC_HAS_FMA
    const float t = AC_FMAF(y, -AC_SQRT_HALF_SINGLE, AC_STEPSF), c = t - AC_STEPSF;
    const float d = AC_FMAF(y, -AC_SQRT_HALF_SINGLE_LO, AC_FMAF(y, -AC_SQRT_HALF_SINGLE, -c));
#else
    const double scaled = -AC_SQRT_HALF * y;
    const float t = (float)scaled + AC_STEPSF, d = (float)(scaled - (t - AC_STEPSF));
#endif
    const float r = 0.5f * ac_erfc_atf(t, d);
    return x == x ? r : x;
}

/* root exp(-square) / y (1 - v + 3 v^2 - 15 v^3 + ...), root and square in two parts, square from 670 to 780. With root
 * 1 / sqrt(pi), v = 1 / (2 y^2) this is erfc(y); with 1 / sqrt(2 pi), v = 1 / y^2 it is ndtr(-y). Powers of 2 come
 * last: a subnormal result is rounded by the last of them. */
AC_NOINLINE double ac_normal_far(double y, double v, ac_dd square, double root, double root_lo)
{
    const ac_scaled e = ac_special_exp(-(square.hi - 200.0), -square.lo);
    const double u = root / y, u_lo = (ac_residual(root, u, y) + root_lo) / y;
    double less = 0.0, hi, lo;
    int n;
    for (n = 17; n > 0; n -= 2) {
        less = n * v * (1.0 - less);
    }
    lo = u_lo + u * (e.rest - less - e.rest * less);
    hi = u + lo;
    lo -= hi - u;
    hi = AC_FMA(hi, AC_EXP_MINUS_200, AC_FMA(hi, AC_EXP_MINUS_200_LO, lo * AC_EXP_MINUS_200));
    return hi * e.scale * 0x1p-300;
}

/* Where results are nearly subnormal, less, or NaN. scipy.special tells of no underflow. */
AC_NOINLINE double ac_erfc_slow(double x)
{
    const ac_flags flags = ac_take_flags();
    const double y = x > 27.5 ? 27.5 : x;
    const volatile double r = ac_normal_far(y, 0.5 / (y * y), ac_two_prod(y, y), AC_ERFC_FAR, AC_ERFC_FAR_LO);
    ac_put_flags(flags);
    return AC_IS_NAN(x) ? x : r;
}

AC_NOINLINE double ac_ndtr_slow(double x)
{
    const ac_flags flags = ac_take_flags();
    const double y = x < -39.0 ? 39.0 : -x;
    const volatile double r = ac_normal_far(y, 1.0 / (y * y), ac_two_prod(y, 0.5 * y), AC_NDTR_FAR, AC_NDTR_FAR_LO);
    ac_put_flags(flags);
    return AC_IS_NAN(x) ? x : r;
}

#define AC_ERFC_SPECIAL(x) (!((x) <= 26.0))
#define AC_NDTR_SPECIAL(x) (!((x) >= -36.765625))
AC_MATH_1(ac_erf_f64, double, uint64_t, ac_erf_fast, AC_IS_NOTHING, ac_same)
AC_MATH_1(ac_erf_f32, float, uint32_t, ac_erff_fast, AC_IS_NOTHING, ac_same_float)
AC_MATH_1(ac_erfc_f64, double, uint64_t, ac_erfc_fast, AC_ERFC_SPECIAL, ac_erfc_slow)
AC_MATH_1(ac_erfc_f32, float, uint32_t, ac_erfcf_fast, AC_IS_NOTHING, ac_same_float)
AC_MATH_1(ac_ndtr_f64, double, uint64_t, ac_ndtr_fast, AC_NDTR_SPECIAL, ac_ndtr_slow)
AC_MATH_1(ac_ndtr_f32, float, uint32_t, ac_ndtrf_fast, AC_IS_NOTHING, ac_same_float)

#define AC_LIST_MATH_ERF \
    AC_MATH_ENTRY_1(erf, f, ac_erf_f32, AC_LEVEL == 4 ? 0.4 : 0.42, 1) \
    AC_MATH_ENTRY_1(erf, d, ac_erf_f64, AC_LEVEL == 4 ? 0.68 : 1.05, 1) \
    AC_MATH_ENTRY_1(erfc, f, ac_erfc_f32, AC_LEVEL == 4 ? 0.39 : 0.46, 1) \
    AC_MATH_ENTRY_1(erfc, d, ac_erfc_f64, AC_LEVEL == 4 ? 1.07 : 1.5, 1) \
    AC_MATH_ENTRY_1(ndtr, f, ac_ndtr_f32, AC_LEVEL == 4 ? 0.41 : 0.51, 1) \
    AC_MATH_ENTRY_1(ndtr, d, ac_ndtr_f64, AC_LEVEL == 4 ? 1.11 : 1.75, 1)

#endif
