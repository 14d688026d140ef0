/* sin, cos, tan. */
#ifndef ALLCORES_MATH_TRIG_H
#define ALLCORES_MATH_TRIG_H

#include "mathematics.h"
#include "math_trig_coefficients.h"

/* x = k pi/2 + (r - low), |r| <= pi/4; the low bits of `quadrant` are those of k. Relative accuracy of r - low is
 * good to some 2^-60 also beside multiples of pi/2, for |k| < 2^25. */
typedef struct {
    double r, low;
    uint64_t quadrant;
} ac_reduced;

AC_INLINE ac_reduced ac_reduce_trig(double x)
{
    ac_reduced found;
    const double shifted = AC_FMA(x, AC_2_PI, AC_ROUND), k = shifted - AC_ROUND;
    found.quadrant = ac_bits(shifted);
#if AC_HAS_FMA
    {
        /* x - k AC_PIO2_0 is exact: a multiple of 2^-53 less than 1. k AC_PIO2_1 is a float64, and so is what the next
         * subtraction loses. */
        const double r = AC_FMA(k, -AC_PIO2_0, x);
        found.r = AC_FMA(k, -AC_PIO2_1, r);
        found.low = AC_FMA(k, AC_PIO2_2, AC_FMA(k, AC_PIO2_1, found.r - r));
    }
#else
    {
        const ac_dd s = ac_two_sum(x - k * AC_PIO2_SHORT_0, -(k * AC_PIO2_SHORT_1));
        const ac_dd t = ac_two_sum(s.hi, -(k * AC_PIO2_SHORT_2));
        const double low = k * AC_PIO2_SHORT_3 - (s.lo + t.lo);
        found.r = t.hi - low;
        found.low = k == 0.0 ? 0.0 : low - (t.hi - found.r);
        found.r = k == 0.0 ? x : found.r; /* -0.0 */
    }
#endif
    return found;
}

/* sin(k pi/2 + (r - low)); as the signs are, -0.0 gives -0.0. Error 0.9 ULP. */
AC_INLINE double ac_sin_reduced(ac_reduced x)
{
    const double r = x.r, z = AC_FMA(r, r, -(r + r) * x.low);
    double s = AC_SIN_P5, c = AC_COS_P5, result;
    s = AC_FMA(s, z, AC_SIN_P4);
    c = AC_FMA(c, z, AC_COS_P4);
    s = AC_FMA(s, z, AC_SIN_P3);
    c = AC_FMA(c, z, AC_COS_P3);
    s = AC_FMA(s, z, AC_SIN_P2);
    c = AC_FMA(c, z, AC_COS_P2);
    s = AC_FMA(s, z, AC_SIN_P1);
    c = AC_FMA(c, z, AC_COS_P1);
    s = AC_FMA(s, z, AC_SIN_P0);
    c = AC_FMA(c, z, AC_COS_P0);
    s = r - AC_FMA(r * z, s, x.low);
#if AC_HAS_FMA
    c = AC_FMA(z, AC_FMA(z, c, -0.5), 1.0);
#else
    {
        const ac_dd square = ac_two_prod(r, r);
        const ac_dd sum = ac_fast_two_sum(1.0, -0.5 * square.hi);
        c = sum.hi + (sum.lo + (z * z * c - 0.5 * square.lo + r * x.low));
    }
#endif
    result = x.quadrant & 1 ? c : s;
    return ac_from_bits(ac_bits(result) ^ ((x.quadrant & 2) << 62));
}

AC_INLINE double ac_sin_fast(double x) { return ac_sin_reduced(ac_reduce_trig(x)); }
AC_INLINE double ac_cos_fast(double x)
{
    ac_reduced reduced = ac_reduce_trig(x);
    reduced.quadrant += 1;
    return ac_sin_reduced(reduced);
}

/* Odd quadrants have -1/tan(r), to which what tan(r) and the quotient lose is put back. Error 0.9 ULP. */
AC_INLINE double ac_tan_fast(double x)
{
    const ac_reduced reduced = ac_reduce_trig(x);
    const double r = reduced.r, z = r * r, z2 = z * z, z4 = z2 * z2, cube = r * z;
    double p = AC_FMA(AC_TAN_P13, z, AC_TAN_P12), factor, sum, left, t, tangent, rest, inverse;
    p = AC_FMA(p, z4, AC_FMA(AC_FMA(AC_TAN_P11, z, AC_TAN_P10), z2, AC_FMA(AC_TAN_P9, z, AC_TAN_P8)));
    p = AC_FMA(p, z4, AC_FMA(AC_FMA(AC_TAN_P7, z, AC_TAN_P6), z2, AC_FMA(AC_TAN_P5, z, AC_TAN_P4)));
    p = AC_FMA(p, z4, AC_FMA(AC_FMA(AC_TAN_P3, z, AC_TAN_P2), z2, AC_FMA(AC_TAN_P1, z, AC_TAN_P0)));
    factor = AC_FMA(z, 1.6, 1.0); /* near 1 + tan(r)^2 */
    sum = AC_FMA(cube, AC_TAN_MIDDLE, r);
    left = AC_FMA(reduced.low, factor, AC_FMA(-cube, AC_TAN_MIDDLE, sum - r));
    t = AC_FMA(-cube, p, left);
    tangent = sum - t; /* -0.0 gives -0.0 */
    rest = (sum - tangent) - t;
    inverse = -1.0 / tangent;
    inverse = AC_FMA(inverse, AC_FMA(inverse, rest, ac_left(1.0, -inverse, tangent)), inverse);
    return reduced.quadrant & 1 ? inverse : tangent;
}

/* By integers, as comparisons of floats raise flags for NaN. */
#define AC_TRIG_LIMIT_BITS 0x4188000000000000 /* 0x1.8p25 */
AC_INLINE int64_t ac_magnitude(double x) { return (int64_t)(ac_bits(x) & 0x7fffffffffffffff); }
/* Subnormal numbers for their underflow flag: 1 to 2^52 - 1, found with the huge ones in one comparison. */
AC_INLINE int ac_sin_special(double x)
{
    const uint64_t least = (uint64_t)1 << 52, sign = (uint64_t)1 << 63;
    return ((int64_t)((uint64_t)ac_magnitude(x) - least + sign) > (int64_t)(AC_TRIG_LIMIT_BITS - least + sign))
        & (ac_magnitude(x) != 0);
}
AC_INLINE int ac_cos_special(double x) { return ac_magnitude(x) > AC_TRIG_LIMIT_BITS; }
AC_MATH_1(ac_sin_f64, double, uint64_t, ac_sin_fast, ac_sin_special, sin)
AC_MATH_1(ac_cos_f64, double, uint64_t, ac_cos_fast, ac_cos_special, cos)
AC_MATH_1(ac_tan_f64, double, uint64_t, ac_tan_fast, ac_sin_special, tan)

AC_INLINE void ac_sincos_fast(double x, double *sine, double *cosine)
{
    ac_reduced reduced = ac_reduce_trig(x);
    *sine = ac_sin_reduced(reduced);
    reduced.quadrant += 1;
    *cosine = ac_sin_reduced(reduced);
}
AC_INLINE void ac_sincos_slow(double x, double *sine, double *cosine)
{
    *sine = sin(x);
    *cosine = cos(x);
}
AC_MATH_1_2(ac_sincos_f64, double, uint64_t, ac_sincos_fast, ac_sin_special, ac_sincos_slow)

/* --- float32 --- */

#if AC_HAS_FMA

/* In float32 throughout: x = k pi/2 + (r - low), |r| <= pi/4, for |k| < 2^17. The low bits of `quadrant` are those of
 * k + more. sin and cos have errors of 0.9 ULP. */
typedef struct {
    float r, low;
    uint32_t quadrant;
} ac_reducedf;

AC_INLINE ac_reducedf ac_reduce_trigf(float x, float more)
{
    ac_reducedf found;
    const float shifted = AC_FMAF(x, AC_2_PI_F, AC_ROUNDF + more), k = shifted - (AC_ROUNDF + more);
    const float r = AC_FMAF(k, -AC_PIO2_F0, x); /* exact: a multiple of 2^-24 less than 1 */
    found.quadrant = ac_bitsf(shifted);
    found.r = r - k * AC_PIO2_F1; /* not fused: where most of r goes, found.r - r is exact then */
    found.low = AC_FMAF(k, AC_PIO2_F2, AC_FMAF(k, AC_PIO2_F1, found.r - r));
    return found;
}

AC_INLINE float ac_sinef(ac_reducedf x, float z)
{
    float s = AC_SIN_F2;
    s = AC_FMAF(s, z, AC_SIN_F1);
    s = AC_FMAF(s, z, AC_SIN_F0);
    return x.r - AC_FMAF(x.r * z, s, x.low); /* -0.0 gives -0.0 */
}

AC_INLINE float ac_cosinef(float z)
{
    float c = AC_COS_F2;
    c = AC_FMAF(c, z, AC_COS_F1);
    c = AC_FMAF(c, z, AC_COS_F0);
    return AC_FMAF(z, AC_FMAF(z, c, -0.5f), 1.0f);
}

AC_INLINE float ac_sinf_reduced(ac_reducedf x)
{
    const float z = AC_FMAF(x.r, x.r, -(x.r + x.r) * x.low), s = ac_sinef(x, z), c = ac_cosinef(z);
    const float result = x.quadrant & 1 ? c : s;
    return ac_from_bitsf(ac_bitsf(result) ^ ((x.quadrant & 2) << 30));
}

AC_INLINE float ac_sinf_fast(float x) { return ac_sinf_reduced(ac_reduce_trigf(x, 0.0f)); }
AC_INLINE float ac_cosf_fast(float x) { return ac_sinf_reduced(ac_reduce_trigf(x, 1.0f)); }
AC_INLINE void ac_sincosf_fast(float x, float *sine, float *cosine)
{
    ac_reducedf reduced = ac_reduce_trigf(x, 0.0f);
    *sine = ac_sinf_reduced(reduced);
    reduced.quadrant += 1;
    *cosine = ac_sinf_reduced(reduced);
}

/* Odd quadrants have -1/tan(r), to which what tan(r) and the quotient lose is put back. Error 0.9 ULP. */
AC_INLINE float ac_tanf_fast(float x)
{
    const ac_reducedf reduced = ac_reduce_trigf(x, 0.0f);
    const float r = reduced.r, z = r * r, z_low = AC_FMAF(r, r, -z);
    float p = AC_TAN_F6, t, tangent, rest, inverse;
    p = AC_FMAF(p, z, AC_TAN_F5);
    p = AC_FMAF(p, z, AC_TAN_F4);
    p = AC_FMAF(p, z, AC_TAN_F3);
    p = AC_FMAF(p, z, AC_TAN_F2);
    p = AC_FMAF(p, z, AC_TAN_F1);
    p = AC_FMAF(p, z, AC_TAN_F0);
    /* The derivatives of what follows are 1 + tan(r)^2 and, where z_low counts, 0.6 r. */
    t = AC_FMAF(r * z_low, -0.6f, reduced.low * AC_FMAF(z, 1.6f, 1.0f));
    t = AC_FMAF(-(r * z), p, t);
    tangent = r - t; /* -0.0 gives -0.0 */
    rest = (r - tangent) - t;
    inverse = -1.0f / tangent;
    inverse = AC_FMAF(inverse, AC_FMAF(inverse, rest, AC_FMAF(inverse, tangent, 1.0f)), inverse);
    return reduced.quadrant & 1 ? inverse : tangent;
}

#define AC_TRIGF_LIMIT_BITS 0x48000000 /* 0x1p17f */

#else

/* In float64. Error 0.51 ULP. */

AC_INLINE ac_reduced ac_reduce_trigf(double x)
{
    ac_reduced found;
    const double shifted = AC_FMA(x, AC_2_PI, AC_ROUND), k = shifted - AC_ROUND;
    found.quadrant = ac_bits(shifted);
    found.low = 0.0;
    found.r = x - k * AC_PIO2_SHORT_0 - k * AC_PIO2_SHORT_1 - k * AC_PIO2_SHORT_2;
    found.r = k == 0.0 ? x : found.r;
    return found;
}

AC_INLINE double ac_sine_f32(double r, double z)
{
    double s = AC_SINF_P3;
    s = AC_FMA(s, z, AC_SINF_P2);
    s = AC_FMA(s, z, AC_SINF_P1);
    s = AC_FMA(s, z, AC_SINF_P0);
    return r - AC_FMA(r * z, s, 0.0); /* -0.0 gives -0.0 */
}

AC_INLINE double ac_cosine_f32(double z)
{
    double c = AC_COSF_P3;
    c = AC_FMA(c, z, AC_COSF_P2);
    c = AC_FMA(c, z, AC_COSF_P1);
    c = AC_FMA(c, z, AC_COSF_P0);
    return AC_FMA(z, c, 1.0);
}

AC_INLINE float ac_sinf_reduced(ac_reduced x)
{
    const double z = x.r * x.r, s = ac_sine_f32(x.r, z), c = ac_cosine_f32(z);
    const double result = x.quadrant & 1 ? c : s;
    return (float)ac_from_bits(ac_bits(result) ^ ((x.quadrant & 2) << 62));
}

AC_INLINE float ac_sinf_fast(float x) { return ac_sinf_reduced(ac_reduce_trigf(x)); }
AC_INLINE float ac_cosf_fast(float x)
{
    ac_reduced reduced = ac_reduce_trigf(x);
    reduced.quadrant += 1;
    return ac_sinf_reduced(reduced);
}
AC_INLINE void ac_sincosf_fast(float x, float *sine, float *cosine)
{
    ac_reduced reduced = ac_reduce_trigf(x);
    *sine = ac_sinf_reduced(reduced);
    reduced.quadrant += 1;
    *cosine = ac_sinf_reduced(reduced);
}
AC_INLINE float ac_tanf_fast(float x)
{
    const ac_reduced reduced = ac_reduce_trigf(x);
    const double z = reduced.r * reduced.r, s = ac_sine_f32(reduced.r, z), c = ac_cosine_f32(z);
    const double result = (reduced.quadrant & 1 ? c : s) / (reduced.quadrant & 1 ? s : c);
    return (float)ac_from_bits(ac_bits(result) ^ (reduced.quadrant << 63));
}

#define AC_TRIGF_LIMIT_BITS 0x4c400000 /* 0x1.8p25f */

#endif

AC_INLINE int32_t ac_magnitudef(float x) { return (int32_t)(ac_bitsf(x) & 0x7fffffff); }
AC_INLINE int ac_sinf_special(float x)
{
    const uint32_t least = (uint32_t)1 << 23, sign = (uint32_t)1 << 31;
    return ((int32_t)((uint32_t)ac_magnitudef(x) - least + sign) > (int32_t)(AC_TRIGF_LIMIT_BITS - least + sign))
        & (ac_magnitudef(x) != 0);
}
AC_INLINE int ac_cosf_special(float x) { return ac_magnitudef(x) > AC_TRIGF_LIMIT_BITS; }

AC_INLINE void ac_sincosf_slow(float x, float *sine, float *cosine)
{
    *sine = sinf(x);
    *cosine = cosf(x);
}
/* C libraries' tanf is less accurate. */
AC_INLINE float ac_tanf_slow(float x) { return (float)tan(x); }

AC_MATH_1(ac_sin_f32, float, uint32_t, ac_sinf_fast, ac_sinf_special, sinf)
AC_MATH_1(ac_cos_f32, float, uint32_t, ac_cosf_fast, ac_cosf_special, cosf)
AC_MATH_1(ac_tan_f32, float, uint32_t, ac_tanf_fast, ac_sinf_special, ac_tanf_slow)
AC_MATH_1_2(ac_sincos_f32, float, uint32_t, ac_sincosf_fast, ac_sinf_special, ac_sincosf_slow)

#define AC_LIST_MATH_TRIG \
    AC_MATH_ENTRY_1(sin, d, ac_sin_f64, AC_LEVEL >= 4 ? 0.75 : 1.2, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(cos, d, ac_cos_f64, AC_LEVEL >= 4 ? 0.75 : 1.1, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(tan, d, ac_tan_f64, AC_LEVEL >= 4 ? 1.1 : 1.7, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1_2(sincos, f, ac_sincos_f32, AC_LEVEL >= 4 ? 0.42 : 0.66, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1_2(sincos, d, ac_sincos_f64, AC_LEVEL >= 4 ? 0.9 : 1.4, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(sin, f, ac_sin_f32, AC_LEVEL >= 4 ? 0.34 : 0.52, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(cos, f, ac_cos_f32, AC_LEVEL >= 4 ? 0.32 : 0.47, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(tan, f, ac_tan_f32, AC_LEVEL >= 4 ? 0.49 : 0.67, AC_LEVEL == 3)

#endif
