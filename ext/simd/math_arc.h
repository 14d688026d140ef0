/* arcsin, arccos, arctan, arctan2. */
#ifndef ALLCORES_MATH_ARC_H
#define ALLCORES_MATH_ARC_H

#include "mathematics.h"
#include "math_arc_coefficients.h"

AC_INLINE double ac_atan_tail(double z)
{
    double p = AC_ATAN_P10;
    p = AC_FMA(p, z, AC_ATAN_P9);
    p = AC_FMA(p, z, AC_ATAN_P8);
    p = AC_FMA(p, z, AC_ATAN_P7);
    p = AC_FMA(p, z, AC_ATAN_P6);
    p = AC_FMA(p, z, AC_ATAN_P5);
    p = AC_FMA(p, z, AC_ATAN_P4);
    p = AC_FMA(p, z, AC_ATAN_P3);
    p = AC_FMA(p, z, AC_ATAN_P2);
    p = AC_FMA(p, z, AC_ATAN_P1);
    p = AC_FMA(p, z, AC_ATAN_P0);
    return p;
}

AC_INLINE double ac_asin_tail(double z)
{
    double p = AC_ASIN_P11;
    p = AC_FMA(p, z, AC_ASIN_P10);
    p = AC_FMA(p, z, AC_ASIN_P9);
    p = AC_FMA(p, z, AC_ASIN_P8);
    p = AC_FMA(p, z, AC_ASIN_P7);
    p = AC_FMA(p, z, AC_ASIN_P6);
    p = AC_FMA(p, z, AC_ASIN_P5);
    p = AC_FMA(p, z, AC_ASIN_P4);
    p = AC_FMA(p, z, AC_ASIN_P3);
    p = AC_FMA(p, z, AC_ASIN_P2);
    p = AC_FMA(p, z, AC_ASIN_P1);
    p = AC_FMA(p, z, AC_ASIN_P0);
    return p;
}

AC_INLINE double ac_atanf_tail(double z)
{
    double p = AC_ATANF_P5;
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

AC_INLINE double ac_with_sign(double x, double of)
{
    return ac_from_bits(ac_bits(x) ^ (ac_bits(of) & 0x8000000000000000));
}

/* n pi/4 + (v + rest), |rest| much less than |v|; n is 0 to 4, for which n AC_PIO4_HI is exact. */
AC_INLINE double ac_beside_pi(double n, double v, double rest)
{
    const double base = n * AC_PIO4_HI, sum = base + v;
    return sum + (((base - sum) + v) + AC_FMA(n, AC_PIO4_LO, rest));
}

/* The angle of (b, a), a and b not negative; negative: of (-b, a). The smaller over the larger is at most 1; above
 * tan(pi/8) it is (a - b) / (a + b) that is taken, and pi/4 added. What the quotient loses is found. */
AC_INLINE double ac_angle(double a, double b, int negative)
{
    const int swapped = a > b;
    const double small = swapped ? b : a, large = swapped ? a : b;
    const int near = small > AC_TAN_PIO8 * large;
    const ac_dd difference = ac_fast_two_sum(large, -small), sum = ac_fast_two_sum(large, small);
    const double above = near ? -difference.hi : small, above_low = near ? -difference.lo : 0.0;
    const double below = near ? sum.hi : large, below_low = near ? sum.lo : 0.0;
    const double inverse = 1.0 / below, t = above * inverse, z = t * t;
    const ac_dd back = ac_two_prod(t, below);
    const double lost = (above - back.hi) - back.lo + AC_FMA(-t, below_low, above_low);
    const double rest = AC_FMA(lost, inverse, -(t * z * ac_atan_tail(z)));
    double n = near ? 1.0 : 0.0, sign = swapped ? -1.0 : 1.0;
    n = swapped ? 2.0 - n : n;
    n = negative ? 4.0 - n : n;
    sign = negative ? -sign : sign;
    return ac_beside_pi(n, sign * t, sign * rest);
}

/* Error 0.9 ULP. */
AC_INLINE double ac_arctan_fast(double x) { return ac_with_sign(ac_angle(fabs(x), 1.0, 0), x); }
AC_INLINE double ac_arctan2_fast(double y, double x)
{
    return ac_with_sign(ac_angle(fabs(y), fabs(x), (int)(ac_bits(x) >> 63)), y);
}

/* Beyond 1/2, arcsin(x) = pi/2 - 2 arcsin(sqrt((1 - x) / 2)). Error 0.8 ULP. */
typedef struct {
    double z, root, lost;
} ac_half_angle;
AC_INLINE ac_half_angle ac_halve(double magnitude)
{
    ac_half_angle found;
    ac_dd square;
    found.z = 0.5 - 0.5 * magnitude;
    found.root = sqrt(found.z);
    square = ac_two_prod(found.root, found.root);
    found.lost = ((found.z - square.hi) - square.lo) / (found.root + DBL_MIN);
    return found; /* 2 arcsin(root), of which 2 root + lost is the first term */
}
AC_INLINE double ac_arcsin_fast(double x)
{
    const double a = fabs(x);
    const ac_half_angle half = ac_halve(a);
    const int large = a > 0.5;
    const double z = large ? half.z : a * a, v = large ? -2.0 * half.root : a, low = large ? -half.lost : 0.0;
    return ac_with_sign(ac_beside_pi(large ? 2.0 : 0.0, v, AC_FMA(v * z, ac_asin_tail(z), low)), x);
}
AC_INLINE double ac_arccos_fast(double x)
{
    const double a = fabs(x);
    const ac_half_angle half = ac_halve(a);
    const int large = a > 0.5;
    const double z = large ? half.z : a * a, low = large ? half.lost : 0.0;
    const double v = large ? 2.0 * half.root : -a, rest = AC_FMA(v * z, ac_asin_tail(z), low);
    const double n = large ? 0.0 : 2.0;
    return ac_beside_pi(x < 0.0 ? 4.0 - n : n, x < 0.0 ? -v : v, x < 0.0 ? -rest : rest);
}

/* By integers, as comparisons of floats raise flags for NaN. Subnormal numbers for their underflow flag. */
AC_INLINE int64_t ac_arc_bits(double x) { return (int64_t)(ac_bits(x) & 0x7fffffffffffffff); }
AC_INLINE int ac_arctan_special(double x)
{
    const int64_t m = ac_arc_bits(x);
    return (m > 0x5f30000000000000) | ((m < 0x10000000000000) & (m != 0)); /* 2^500 */
}
AC_INLINE int ac_arcsin_special(double x)
{
    const int64_t m = ac_arc_bits(x);
    return (m > 0x3ff0000000000000) | ((m < 0x10000000000000) & (m != 0));
}
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

/* --- float32, computed in float64. Error 0.51 ULP. --- */

AC_INLINE double ac_anglef(double a, double b, int negative)
{
    const int swapped = a > b;
    const double small = swapped ? b : a, large = swapped ? a : b;
    const int near = small > AC_TAN_PIO8 * large;
    const double t = (near ? small - large : small) / (near ? small + large : large), z = t * t;
    const double v = t - t * z * ac_atanf_tail(z);
    double n = near ? 1.0 : 0.0, sign = swapped ? -1.0 : 1.0;
    n = swapped ? 2.0 - n : n;
    n = negative ? 4.0 - n : n;
    sign = negative ? -sign : sign;
    return AC_FMA(n, AC_PIO4_HI, sign * v);
}
AC_INLINE float ac_arctanf_fast(float x) { return (float)ac_with_sign(ac_anglef(fabs((double)x), 1.0, 0), x); }
AC_INLINE float ac_arctan2f_fast(float y, float x)
{
    return (float)ac_with_sign(ac_anglef(fabs((double)y), fabs((double)x), (int)(ac_bitsf(x) >> 31)), y);
}
AC_INLINE float ac_arcsinf_fast(float given)
{
    const double x = given, a = fabs(x), z_large = 0.5 - 0.5 * a, root = sqrt(z_large);
    const int large = a > 0.5;
    const double z = large ? z_large : a * a, v = large ? -2.0 * root : a;
    return (float)ac_with_sign((large ? 2.0 * AC_PIO4_HI : 0.0) + AC_FMA(v * z, ac_asinf_tail(z), v), x);
}
AC_INLINE float ac_arccosf_fast(float given)
{
    const double x = given, a = fabs(x), z_large = 0.5 - 0.5 * a, root = sqrt(z_large);
    const int large = a > 0.5;
    const double z = large ? z_large : a * a, v = large ? 2.0 * root : -a;
    const double angle = (large ? 0.0 : 2.0 * AC_PIO4_HI) + AC_FMA(v * z, ac_asinf_tail(z), v);
    return (float)(x < 0.0 ? 4.0 * AC_PIO4_HI - angle : angle);
}

AC_INLINE int32_t ac_arc_bitsf(float x) { return (int32_t)(ac_bitsf(x) & 0x7fffffff); }
AC_INLINE int ac_arctanf_special(float x)
{
    const int32_t m = ac_arc_bitsf(x);
    return (m > 0x7f7fffff) | ((m < 0x800000) & (m != 0));
}
AC_INLINE int ac_arcsinf_special(float x)
{
    const int32_t m = ac_arc_bitsf(x);
    return (m > 0x3f800000) | ((m < 0x800000) & (m != 0));
}
AC_INLINE int ac_arccosf_special(float x) { return ac_arc_bitsf(x) > 0x3f800000; }
AC_INLINE int ac_arctan2f_special(float y, float x)
{
    const int32_t p = ac_arc_bitsf(y), q = ac_arc_bitsf(x), large = p > q ? p : q;
    /* 2^-100 of x: the result may be subnormal. */
    return (large > 0x7f7fffff) | (large == 0) | ((p != 0) & (p - q < -0x32000000)) | ((p < 0x800000) & (p != 0));
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
    AC_MATH_ENTRY_1(arcsin, d, ac_arcsin_f64, AC_LEVEL >= 4 ? 1.5 : 1.9, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arccos, d, ac_arccos_f64, AC_LEVEL >= 4 ? 1.7 : 2.4, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arctan, d, ac_arctan_f64, AC_LEVEL >= 4 ? 1.5 : 3.2, AC_LEVEL == 3) \
    AC_MATH_ENTRY_2(arctan2, d, ac_arctan2_f64, AC_LEVEL >= 4 ? 1.9 : 3.8, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arcsin, f, ac_arcsin_f32, AC_LEVEL >= 4 ? 0.9 : 1.1, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arccos, f, ac_arccos_f32, AC_LEVEL >= 4 ? 0.9 : 1.1, AC_LEVEL == 3) \
    AC_MATH_ENTRY_1(arctan, f, ac_arctan_f32, AC_LEVEL >= 4 ? 1.3 : 2.0, AC_LEVEL == 3) \
    AC_MATH_ENTRY_2(arctan2, f, ac_arctan2_f32, AC_LEVEL >= 4 ? 1.5 : 2.5, AC_LEVEL == 3)

#endif
