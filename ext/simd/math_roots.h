/* cbrt, hypot. */
#ifndef ALLCORES_MATH_ROOTS_H
#define ALLCORES_MATH_ROOTS_H

#include "mathematics.h"
#include "math_roots_coefficients.h"

/* The root of the sum of squares, kept in two parts, and one Newton step. Special where a square overflows or loses
 * bits: the larger beyond 2^500 or below 2^-450. Error 0.51 ULP. */
AC_INLINE double ac_hypot_fast(double x, double y)
{
    const double p = fabs(x), q = fabs(y), large = p > q ? p : q, small = p > q ? q : p;
    const ac_dd a = ac_two_prod(large, large), b = ac_two_prod(small, small), sum = ac_fast_two_sum(a.hi, b.hi);
    const double root = sqrt(sum.hi);
    const ac_dd square = ac_two_prod(root, root);
    const double lost = ((sum.hi - square.hi) - square.lo) + (sum.lo + (a.lo + b.lo));
    return root + lost / (root + root + DBL_MIN); /* 0 where both are */
}
/* By integers, as comparisons of floats raise flags for NaN. */
AC_INLINE int ac_hypot_special(double x, double y)
{
    const int64_t p = (int64_t)(ac_bits(x) & 0x7fffffffffffffff), q = (int64_t)(ac_bits(y) & 0x7fffffffffffffff);
    const int64_t large = p > q ? p : q;
    return (large > 0x5f30000000000000) | ((large < 0x23d0000000000000) & (large != 0));
}
AC_MATH_2(ac_hypot_f64, double, uint64_t, ac_hypot_fast, ac_hypot_special, hypot)

#if AC_HAS_FMA
/* Both over the larger one's power of 2, and a Newton step: what the root's square lacks of the sum of squares, kept in
 * two parts, over twice the root, whose reciprocal is good enough by halving the exponent. Error 0.51 ULP. */
AC_INLINE float ac_hypotf_fast(float x, float y)
{
    const uint32_t p = ac_bitsf(x) & 0x7fffffffu, q = ac_bitsf(y) & 0x7fffffffu;
    const uint32_t greater = p > q ? p : q, less = p > q ? q : p, power = greater & 0x7f800000u;
    const float scale = ac_from_bitsf(0x7f000000u - power);
    const float large = ac_from_bitsf(greater) * scale, small = ac_from_bitsf(less) * scale;
    const float a = large * large, b = small * small, sum = a + b, root = sqrtf(sum);
    const float rest = ((a - sum) + b) + (AC_FMAF(large, large, -a) + AC_FMAF(small, small, -b));
    const float lost = AC_FMAF(-root, root, sum) + rest;
    const float half_inverse = ac_from_bitsf(0x5eb759dfu - (ac_bitsf(sum) >> 1));
    return AC_FMAF(lost, half_inverse, root) * ac_from_bitsf(power);
}
#else
/* Squares of float32 are exact in float64. */
AC_INLINE float ac_hypotf_fast(float x, float y)
{
    const double a = x, b = y;
    return (float)sqrt(a * a + b * b);
}
#endif
AC_INLINE int ac_hypotf_special(float x, float y)
{
    const int32_t p = (int32_t)(ac_bitsf(x) & 0x7fffffff), q = (int32_t)(ac_bitsf(y) & 0x7fffffff);
    const int32_t large = p > q ? p : q;
    return (large > 0x7e800000) | ((large < 0x800000) & (large != 0));
}
AC_MATH_2(ac_hypot_f32, float, uint32_t, ac_hypotf_fast, ac_hypotf_special, hypotf)

/* x = w 2^(3 (scale - 341)), 1 <= w < 8, and an estimate of 1 / cbrt(w) that is right to 2^-38. */
typedef struct {
    double w, inverse;
    uint64_t scale;
} ac_cubed;
AC_INLINE ac_cubed ac_split_cube(double x)
{
    ac_cubed found;
    const uint64_t bits = ac_bits(x) & 0x7fffffffffffffff, exponent = bits >> 52, fraction = bits & 0xfffffffffffff;
    const double e = ac_from_bits(exponent | 0x4330000000000000) - 0x1p52; /* the exponent as a float */
    const double shifted = (e - 1.0) * (1.0 / 3.0) + AC_ROUND, remainder = e - 3.0 * (shifted - AC_ROUND);
    const double m = ac_from_bits(fraction | 0x3ff0000000000000);
    double p = AC_CBRT_P5, h;
    p = AC_FMA(p, m, AC_CBRT_P4);
    p = AC_FMA(p, m, AC_CBRT_P3);
    p = AC_FMA(p, m, AC_CBRT_P2);
    p = AC_FMA(p, m, AC_CBRT_P1);
    p = AC_FMA(p, m, AC_CBRT_P0);
    p *= remainder == 0.0 ? 1.0 : remainder == 1.0 ? AC_CBRT_HALF : AC_CBRT_QUARTER;
    found.w = m * (remainder == 0.0 ? 1.0 : remainder == 1.0 ? 2.0 : 4.0);
    h = AC_FMA(-(found.w * p), p * p, 1.0);
    found.inverse = AC_FMA(p * h, AC_FMA(h, 2.0 / 9.0, 1.0 / 3.0), p);
    found.scale = ac_bits(shifted) & 0x7ff;
    return found;
}
AC_INLINE double ac_cube_root(double x, double root, uint64_t scale)
{
    const double scaled = ac_from_bits((ac_bits(root) + ((scale - 341) << 52)) | (ac_bits(x) & 0x8000000000000000));
    return x == 0.0 ? x : scaled;
}
/* A Newton step with the cube in two parts. Error 0.51 ULP. */
AC_INLINE double ac_cbrt_fast(double x)
{
    const ac_cubed cubed = ac_split_cube(x);
    const double y = cubed.w * cubed.inverse * cubed.inverse;
    const ac_dd square = ac_two_prod(y, y), cube = ac_two_prod(square.hi, y);
    const double beyond = (cube.hi - cubed.w) + (cube.lo + square.lo * y);
    return ac_cube_root(x, y - beyond * (cubed.inverse * cubed.inverse * (1.0 / 3.0)), cubed.scale);
}
AC_INLINE int ac_cbrt_special(double x)
{
    const int64_t m = (int64_t)(ac_bits(x) & 0x7fffffffffffffff);
    return (m > 0x7fefffffffffffff) | ((m < 0x10000000000000) & (m != 0));
}
/* Subnormal numbers by scaling, which is exact; infinities and NaN are their own roots. */
AC_NOINLINE double ac_cbrt_slow(double x)
{
    return (ac_bits(x) & 0x7ff0000000000000) == 0 ? ac_cbrt_fast(x * 0x1p54) * 0x1p-18 : x + x;
}
AC_MATH_1(ac_cbrt_f64, double, uint64_t, ac_cbrt_fast, ac_cbrt_special, ac_cbrt_slow)

#if AC_HAS_FMA
/* By an estimate r of 1 / cbrt(|x|) from the bits of x, times a polynomial of what r^3 |x| lacks of 1, right to 2^-18;
 * and a Newton step for y = |x| r^2. Error 0.8 ULP. */
AC_INLINE float ac_cbrtf_fast(float x)
{
    const uint32_t bits = ac_bitsf(x) & 0x7fffffffu;
    const float a = ac_from_bitsf(bits);
    const float guess = AC_FMAF((float)(int32_t)bits, -1.0f / 3.0f, AC_CBRT_SINGLE_START);
    const float first = ac_from_bitsf((uint32_t)(int32_t)guess), h = AC_FMAF(-(a * first), first * first, 1.0f);
    float p = AC_CBRT_SINGLE_P3, square, y;
    p = AC_FMAF(p, h, AC_CBRT_SINGLE_P2);
    p = AC_FMAF(p, h, AC_CBRT_SINGLE_P1);
    p = AC_FMAF(p, h, AC_CBRT_SINGLE_P0);
    p *= first;
    square = p * p;
    y = a * square;
    y = AC_FMAF(AC_FMAF(-(y * y), y, a), square * (1.0f / 3.0f), y);
    return ac_from_bitsf(ac_bitsf(y) | (ac_bitsf(x) & 0x80000000u));
}
AC_INLINE int ac_cbrtf_special(float x)
{
    const uint32_t m = ac_bitsf(x) & 0x7fffffffu;
    return (m - 0x00800000u > 0x7effffffu) & (m != 0);
}
AC_INLINE float ac_cbrtf_slow(float x)
{
    return (ac_bitsf(x) & 0x7f800000u) == 0 ? ac_cbrtf_fast(x * 0x1p24f) * 0x1p-8f : x + x;
}
#else
AC_INLINE float ac_cbrtf_fast(float x)
{
    const ac_cubed cubed = ac_split_cube(x);
    return (float)ac_cube_root(x, cubed.w * cubed.inverse * cubed.inverse, cubed.scale);
}
AC_INLINE int ac_cbrtf_special(float x) { return (int32_t)(ac_bitsf(x) & 0x7fffffff) > 0x7f7fffff; }
AC_INLINE float ac_cbrtf_slow(float x) { return x + x; }
#endif
AC_MATH_1(ac_cbrt_f32, float, uint32_t, ac_cbrtf_fast, ac_cbrtf_special, ac_cbrtf_slow)

#define AC_LIST_MATH_ROOTS \
    AC_MATH_ENTRY_1(cbrt, d, ac_cbrt_f64, AC_LEVEL >= 4 ? 1.2 : 2.4, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(cbrt, f, ac_cbrt_f32, AC_LEVEL >= 4 ? 0.25 : 0.38, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_2(hypot, d, ac_hypot_f64, 1.4, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_2(hypot, f, ac_hypot_f32, AC_LEVEL >= 4 ? 0.34 : 0.44, AC_LEVEL >= 3)

#endif
