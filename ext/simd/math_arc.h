/* arcsin, arccos, arctan, arctan2. */
#ifndef ALLCORES_MATH_ARC_H
#define ALLCORES_MATH_ARC_H

#include "mathematics.h"
#include "math_arc_coefficients.h"

/* --- float64 --- */

AC_INLINE double ac_atan_tail(double z)
{
    const double z2 = z * z, z4 = z2 * z2;
    double p = AC_FMA(AC_ATAN_P18, z2, AC_FMA(AC_ATAN_P17, z, AC_ATAN_P16));
    p = AC_FMA(p, z4, AC_FMA(AC_FMA(AC_ATAN_P15, z, AC_ATAN_P14), z2, AC_FMA(AC_ATAN_P13, z, AC_ATAN_P12)));
    p = AC_FMA(p, z4, AC_FMA(AC_FMA(AC_ATAN_P11, z, AC_ATAN_P10), z2, AC_FMA(AC_ATAN_P9, z, AC_ATAN_P8)));
    p = AC_FMA(p, z4, AC_FMA(AC_FMA(AC_ATAN_P7, z, AC_ATAN_P6), z2, AC_FMA(AC_ATAN_P5, z, AC_ATAN_P4)));
    p = AC_FMA(p, z4, AC_FMA(AC_FMA(AC_ATAN_P3, z, AC_ATAN_P2), z2, AC_FMA(AC_ATAN_P1, z, AC_ATAN_P0)));
    return p;
}

AC_INLINE double ac_asin_tail(double z)
{
    const double z2 = z * z, z4 = z2 * z2;
    double p = AC_FMA(AC_FMA(AC_ASIN_P11, z, AC_ASIN_P10), z2, AC_FMA(AC_ASIN_P9, z, AC_ASIN_P8));
    p = AC_FMA(p, z4, AC_FMA(AC_FMA(AC_ASIN_P7, z, AC_ASIN_P6), z2, AC_FMA(AC_ASIN_P5, z, AC_ASIN_P4)));
    p = AC_FMA(p, z4, AC_FMA(AC_FMA(AC_ASIN_P3, z, AC_ASIN_P2), z2, AC_FMA(AC_ASIN_P1, z, AC_ASIN_P0)));
    return p;
}

AC_INLINE double ac_with_sign(double x, double of)
{
    return ac_from_bits(ac_bits(x) ^ (ac_bits(of) & 0x8000000000000000));
}

/* base (1 + AC_PIO2_REST) + v + lost factor: base is 0, pi/2 or pi as a float64, lost factor far less than v. */
AC_INLINE ac_dd ac_beside(double base, double v, double lost, double factor)
{
    ac_dd found;
    found.hi = base + v;
    found.lo = AC_FMA(base, AC_PIO2_REST, AC_FMA(lost, factor, (base - found.hi) + v));
    return found;
}

/* The same and the rest of arctan(v); what is left of the sum of the greatest three is exact. */
AC_INLINE double ac_arctan_of(double base, double v, double z, double lost, double factor)
{
    const double cube = -(v * z), sum = AC_FMA(cube, AC_ATAN_MIDDLE, base + v);
    const double left = AC_FMA(cube, AC_ATAN_MIDDLE, (base - sum) + v);
    return sum + AC_FMA(cube, ac_atan_tail(z), AC_FMA(base, AC_PIO2_REST, AC_FMA(lost, factor, left)));
}

/* The smaller over the larger of |x| and 1 is at most 1: beyond, arctan(x) = pi/2 - arctan(1 / x). What the quotient
 * loses is found. Error 0.9 ULP. */
AC_INLINE double ac_arctan_fast(double x)
{
    const double a = fabs(x);
    const int beyond = a > 1.0;
    const double above = beyond ? -1.0 : a, below = beyond ? a : 1.0, v = above / below, z = v * v;
    /* Times 1 / a; nothing is lost where below is 1. And times 1 - z/2, which is near the derivative. */
    const double lost = ac_left(above, v, below), factor = AC_FMA(v * z, 0.5, -v);
    return ac_with_sign(ac_arctan_of(beyond ? AC_PIO2_HI : 0.0, v, z, lost, factor), x);
}
AC_INLINE double ac_arctan2_fast(double y, double x)
{
    const double a = fabs(y), b = fabs(x), straight = ac_with_sign(a, x);
    const int beyond = a > b;
    const double base = AC_PIO2_HI - (beyond ? 0.0 : ac_with_sign(AC_PIO2_HI, x));
    const double above = beyond ? -x : straight, below = beyond ? a : b, inverse = 1.0 / below;
    const double v = above * inverse, z = v * v, lost = ac_left(above, v, below);
    const double factor = AC_FMA(z, -0.5, 1.0) * inverse;
    return ac_with_sign(ac_arctan_of(base, v, z, lost, factor), y);
}

/* Beyond 1/2, arcsin(x) = pi/2 - 2 arcsin(sqrt(z)), z = (1 - x) / 2. What the root loses is the remainder over twice
 * the root, for which an estimate of 1 / sqrt(z) within some 4% is enough: half of its exponent, changed in sign. In
 * arcsin a line does, as what is lost counts only where the root is above 1/4. z is the smaller of two, said without
 * `large`: else compilers make two branches of all that comes after. Error 0.8 ULP. */
AC_INLINE double ac_arcsin_fast(double x)
{
    const double a = ac_from_bits(ac_bits(x) & 0x7fffffffffffffff);
    const double half_z = 0.5 - 0.5 * a, root = sqrt(half_z), square = a * a;
    const int large = a > 0.5;
    const double z = half_z < square ? half_z : square, v = large ? -2.0 * root : a;
    const double lost = large ? ac_left(half_z, root, root) : 0.0, factor = AC_FMA(root, 8.0, -5.9);
    const ac_dd sum = ac_beside(large ? AC_PIO2_HI : 0.0, v, lost, factor);
    return ac_with_sign(sum.hi + AC_FMA(v * z, ac_asin_tail(z), sum.lo), x);
}
AC_INLINE double ac_arccos_fast(double x)
{
    const double a = ac_from_bits(ac_bits(x) & 0x7fffffffffffffff);
    const double half_z = 0.5 - 0.5 * a, root = sqrt(half_z), square = a * a;
    const int large = a > 0.5;
    const double z = half_z < square ? half_z : square, v = large ? ac_with_sign(2.0 * root, x) : -x;
    const double base = AC_PIO2_HI - (large ? ac_with_sign(AC_PIO2_HI, x) : 0.0); /* 0, pi/2 or pi */
    const double lost = large ? ac_left(half_z, root, root) : 0.0;
    const double inverse = ac_from_bits((uint64_t)0x5fe6eb50c7b537a9 - (ac_bits(half_z) >> 1)); /* of the root */
    const ac_dd sum = ac_beside(base, v, lost, ac_with_sign(inverse, x));
    return sum.hi + AC_FMA(v * z, ac_asin_tail(z), sum.lo);
}

/* By integers, as comparisons of floats raise flags for NaN. Subnormal numbers, 1 to 2^52 - 1, for their underflow
 * flag, found with those beyond `most` in one comparison. */
AC_INLINE int64_t ac_arc_bits(double x) { return (int64_t)(ac_bits(x) & 0x7fffffffffffffff); }
AC_INLINE int ac_arc_special(double x, uint64_t most)
{
    const uint64_t shift = ((uint64_t)1 << 63) - ((uint64_t)1 << 52);
    return ((int64_t)((uint64_t)ac_arc_bits(x) + shift) > (int64_t)(most + shift)) & (ac_arc_bits(x) != 0);
}
AC_INLINE int ac_arctan_special(double x) { return ac_arc_special(x, 0x5f30000000000000); } /* 2^500 */
AC_INLINE int ac_arcsin_special(double x) { return ac_arc_special(x, 0x3ff0000000000000); }
AC_INLINE int ac_arccos_special(double x) { return ac_arc_bits(x) > 0x3ff0000000000000; }
AC_INLINE int ac_arctan2_special(double y, double x)
{
    const int64_t p = ac_arc_bits(y), q = ac_arc_bits(x), large = p > q ? p : q, small = p > q ? q : p;
    const int64_t least = 0x20b0000000000000, most = 0x5f30000000000000; /* 2^-500, 2^500 */
    return (large > most) | (large < least) | ((small < least) & (small != 0));
}
AC_MATH_1(ac_arctan_f64, double, uint64_t, ac_arctan_fast, ac_arctan_special, atan)
AC_MATH_1(ac_arcsin_f64, double, uint64_t, ac_arcsin_fast, ac_arcsin_special, asin)
AC_MATH_1(ac_arccos_f64, double, uint64_t, ac_arccos_fast, ac_arccos_special, acos)
AC_MATH_2(ac_arctan2_f64, double, uint64_t, ac_arctan2_fast, ac_arctan2_special, atan2)

/* --- float32 --- */

#if AC_HAS_FMA

/* In float32 throughout, and as for float64. */

AC_INLINE float ac_atanf_tail(float z)
{
    const float z2 = z * z, z4 = z2 * z2;
    float p = AC_ATAN_F8;
    p = AC_FMAF(p, z4, AC_FMAF(AC_FMAF(AC_ATAN_F7, z, AC_ATAN_F6), z2, AC_FMAF(AC_ATAN_F5, z, AC_ATAN_F4)));
    p = AC_FMAF(p, z4, AC_FMAF(AC_FMAF(AC_ATAN_F3, z, AC_ATAN_F2), z2, AC_FMAF(AC_ATAN_F1, z, AC_ATAN_F0)));
    return p;
}

AC_INLINE float ac_asinf_tail(float z)
{
    const float z2 = z * z;
    float p = AC_ASIN_F4;
    p = AC_FMAF(p, z2, AC_FMAF(AC_ASIN_F3, z, AC_ASIN_F2));
    p = AC_FMAF(p, z2, AC_FMAF(AC_ASIN_F1, z, AC_ASIN_F0));
    return p;
}

AC_INLINE float ac_with_signf(float x, float of) { return ac_from_bitsf(ac_bitsf(x) ^ (ac_bitsf(of) & 0x80000000)); }

typedef struct {
    float hi, lo;
} ac_df;
AC_INLINE ac_df ac_besidef(float base, float v, float lost, float factor)
{
    ac_df found;
    found.hi = base + v;
    found.lo = AC_FMAF(base, AC_PIO2_REST_F, AC_FMAF(lost, factor, (base - found.hi) + v));
    return found;
}

AC_INLINE float ac_arctanf_of(float base, float v, float z, float lost, float factor)
{
    const float cube = -(v * z), sum = AC_FMAF(cube, AC_ATAN_MIDDLE_F, base + v);
    const float left = AC_FMAF(cube, AC_ATAN_MIDDLE_F, (base - sum) + v);
    return sum + AC_FMAF(cube, ac_atanf_tail(z), AC_FMAF(base, AC_PIO2_REST_F, AC_FMAF(lost, factor, left)));
}

AC_INLINE float ac_arctanf_fast(float x)
{
    const float a = fabsf(x);
    const int beyond = a > 1.0f;
    const float above = beyond ? -1.0f : a, below = beyond ? a : 1.0f, v = above / below, z = v * v;
    const float lost = AC_FMAF(-v, below, above), factor = AC_FMAF(v * z, 0.5f, -v);
    return ac_with_signf(ac_arctanf_of(beyond ? AC_PIO2_HI_F : 0.0f, v, z, lost, factor), x);
}
AC_INLINE float ac_arctan2f_fast(float y, float x)
{
    const float a = fabsf(y), b = fabsf(x), straight = ac_with_signf(a, x);
    const int beyond = a > b;
    const float base = AC_PIO2_HI_F - (beyond ? 0.0f : ac_with_signf(AC_PIO2_HI_F, x));
    const float above = beyond ? -x : straight, below = beyond ? a : b, inverse = 1.0f / below;
    const float v = above * inverse, z = v * v, lost = AC_FMAF(-v, below, above);
    const float factor = AC_FMAF(z, -0.5f, 1.0f) * inverse;
    return ac_with_signf(ac_arctanf_of(base, v, z, lost, factor), y);
}

AC_INLINE float ac_arcsinf_fast(float x)
{
    const float a = fabsf(x), half_z = 0.5f - 0.5f * a, root = sqrtf(half_z), square = a * a;
    const int large = a > 0.5f;
    const float z = half_z < square ? half_z : square, v = large ? -2.0f * root : a;
    const float lost = large ? AC_FMAF(-root, root, half_z) : 0.0f, factor = AC_FMAF(root, 8.0f, -5.9f);
    const ac_df sum = ac_besidef(large ? AC_PIO2_HI_F : 0.0f, v, lost, factor);
    return ac_with_signf(sum.hi + AC_FMAF(v * z, ac_asinf_tail(z), sum.lo), x);
}
AC_INLINE float ac_arccosf_fast(float x)
{
    const float a = fabsf(x), half_z = 0.5f - 0.5f * a, root = sqrtf(half_z), square = a * a;
    const int large = a > 0.5f;
    const float z = half_z < square ? half_z : square, v = large ? ac_with_signf(2.0f * root, x) : -x;
    const float base = AC_PIO2_HI_F - (large ? ac_with_signf(AC_PIO2_HI_F, x) : 0.0f);
    const float lost = large ? AC_FMAF(-root, root, half_z) : 0.0f;
    const float inverse = ac_from_bitsf((uint32_t)0x5f375a86 - (ac_bitsf(half_z) >> 1)); /* of the root */
    const ac_df sum = ac_besidef(base, v, lost, ac_with_signf(inverse, x));
    return sum.hi + AC_FMAF(v * z, ac_asinf_tail(z), sum.lo);
}

#else

/* In float64. Error 0.51 ULP. */

AC_INLINE double ac_atanf_tail(double z)
{
    double p = AC_ATANF_P10;
    p = AC_FMA(p, z, AC_ATANF_P9);
    p = AC_FMA(p, z, AC_ATANF_P8);
    p = AC_FMA(p, z, AC_ATANF_P7);
    p = AC_FMA(p, z, AC_ATANF_P6);
    p = AC_FMA(p, z, AC_ATANF_P5);
    p = AC_FMA(p, z, AC_ATANF_P4);
    p = AC_FMA(p, z, AC_ATANF_P3);
    p = AC_FMA(p, z, AC_ATANF_P2);
    p = AC_FMA(p, z, AC_ATANF_P1);
    p = AC_FMA(p, z, AC_ATANF_P0);
    return p;
}

AC_INLINE double ac_asinf_tail(double z)
{
    double p = AC_ASINF_P6;
    p = AC_FMA(p, z, AC_ASINF_P5);
    p = AC_FMA(p, z, AC_ASINF_P4);
    p = AC_FMA(p, z, AC_ASINF_P3);
    p = AC_FMA(p, z, AC_ASINF_P2);
    p = AC_FMA(p, z, AC_ASINF_P1);
    p = AC_FMA(p, z, AC_ASINF_P0);
    return p;
}

AC_INLINE float ac_arctanf_fast(float given)
{
    const double x = given, a = fabs(x);
    const int beyond = a > 1.0;
    const double v = beyond ? -1.0 / a : a, z = v * v;
    return (float)ac_with_sign((beyond ? AC_PIO2_HI : 0.0) + (v - v * z * ac_atanf_tail(z)), x);
}
AC_INLINE float ac_arctan2f_fast(float first, float second)
{
    const double y = first, x = second, a = fabs(y), b = fabs(x), straight = ac_with_sign(a, x);
    const int beyond = a > b;
    const double v = (beyond ? -x : straight) / (beyond ? a : b), z = v * v, side = x < 0.0 ? 2.0 * AC_PIO2_HI : 0.0;
    return (float)ac_with_sign((beyond ? AC_PIO2_HI : side) + (v - v * z * ac_atanf_tail(z)), y);
}
AC_INLINE float ac_arcsinf_fast(float given)
{
    const double x = given, a = fabs(x), z_large = 0.5 - 0.5 * a, root = sqrt(z_large);
    const int large = a > 0.5;
    const double z = large ? z_large : a * a, v = large ? -2.0 * root : a;
    return (float)ac_with_sign((large ? AC_PIO2_HI : 0.0) + AC_FMA(v * z, ac_asinf_tail(z), v), x);
}
AC_INLINE float ac_arccosf_fast(float given)
{
    const double x = given, a = fabs(x), z_large = 0.5 - 0.5 * a, root = sqrt(z_large);
    const int large = a > 0.5;
    const double z = large ? z_large : a * a, v = large ? 2.0 * root : -a;
    const double angle = (large ? 0.0 : AC_PIO2_HI) + AC_FMA(v * z, ac_asinf_tail(z), v);
    return (float)(x < 0.0 ? 2.0 * AC_PIO2_HI - angle : angle);
}

#endif

AC_INLINE int32_t ac_arc_bitsf(float x) { return (int32_t)(ac_bitsf(x) & 0x7fffffff); }
AC_INLINE int ac_arc_specialf(float x, uint32_t most)
{
    const uint32_t shift = ((uint32_t)1 << 31) - ((uint32_t)1 << 23);
    return ((int32_t)((uint32_t)ac_arc_bitsf(x) + shift) > (int32_t)(most + shift)) & (ac_arc_bitsf(x) != 0);
}
AC_INLINE int ac_arctanf_special(float x) { return ac_arc_specialf(x, 0x71800000); } /* 2^100 */
AC_INLINE int ac_arcsinf_special(float x) { return ac_arc_specialf(x, 0x3f800000); }
AC_INLINE int ac_arccosf_special(float x) { return ac_arc_bitsf(x) > 0x3f800000; }
AC_INLINE int ac_arctan2f_special(float y, float x)
{
    const int32_t p = ac_arc_bitsf(y), q = ac_arc_bitsf(x), large = p > q ? p : q;
    /* 2^126: its inverse would be subnormal. 2^-100: what the quotient loses too. 2^-100 of x: the result may. Of
     * subnormal numbers the inverse would be infinite. */
    return (large > 0x7e800000) | (large < 0x0d800000) | ((p != 0) & (p - q < -0x32000000)) | ((p < 0x0d800000) & (p != 0));
}
/* C libraries' atan2f is less accurate, but raises underflow. */
AC_NOINLINE float ac_arctan2f_slow(float y, float x)
{
    const double angle = atan2(y, x);
    return ac_arc_bits(angle) < 0x3810000000000000 ? atan2f(y, x) : (float)angle; /* FLT_MIN */
}
AC_MATH_1(ac_arctan_f32, float, uint32_t, ac_arctanf_fast, ac_arctanf_special, atanf)
AC_MATH_1(ac_arcsin_f32, float, uint32_t, ac_arcsinf_fast, ac_arcsinf_special, asinf)
AC_MATH_1(ac_arccos_f32, float, uint32_t, ac_arccosf_fast, ac_arccosf_special, acosf)
AC_MATH_2(ac_arctan2_f32, float, uint32_t, ac_arctan2f_fast, ac_arctan2f_special, ac_arctan2f_slow)

#define AC_LIST_MATH_ARC \
    AC_MATH_ENTRY_1(arcsin, d, ac_arcsin_f64, AC_LEVEL >= 4 ? 0.88 : 1.4, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(arccos, d, ac_arccos_f64, AC_LEVEL >= 4 ? 0.9 : 1.3, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(arctan, d, ac_arctan_f64, AC_LEVEL >= 4 ? 1.1 : 1.9, AC_LEVEL == 3) \
    AC_MATH_ENTRY_2(arctan2, d, ac_arctan2_f64, AC_LEVEL >= 4 ? 1.4 : 2.2, AC_LEVEL >= 3) \
    AC_MATH_ENTRY_1(arcsin, f, ac_arcsin_f32, AC_LEVEL >= 4 ? 0.36 : 0.55, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arccos, f, ac_arccos_f32, AC_LEVEL >= 4 ? 0.37 : 0.55, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arctan, f, ac_arctan_f32, AC_LEVEL >= 4 ? 0.43 : 0.78, AC_LEVEL == 3) \
    AC_MATH_ENTRY_2(arctan2, f, ac_arctan2_f32, AC_LEVEL >= 4 ? 0.53 : 0.85, AC_LEVEL >= 3)

#endif
