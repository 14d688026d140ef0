/* where, nan_to_num, round, isclose, allclose, array_equal: one pass over memory for what NumPy does in several.
 *
 * The steps of an element are NumPy's, each rounded as NumPy's ufunc rounds it, so the bits are the same. */
#ifndef ALLCORES_COMPOSITE_H
#define ALLCORES_COMPOSITE_H

#include <float.h>
#include <math.h>

#include "composite_table.h"
#include "loop.h"

enum { AC_COMPOSITE_BLOCK = 4096 };

/* --- where --- */

/* Steps are constants where this is inlined, but for the last. */
#define AC_CHOOSE(NAME, T) \
    AC_INLINE void NAME##_at( \
        const char *c, const char *x, const char *y, char *z, ac_intp n, ac_intp cs, ac_intp xs, ac_intp ys, ac_intp zs) \
    { \
        const T a0 = *(const T *)x, b0 = *(const T *)y; \
        ac_intp i; \
        AC_INDEPENDENT \
        for (i = 0; i < n; i++) { \
            const T take = (T)(0 - (T)(c[i * cs] != 0)); \
            const T a = xs == 0 ? a0 : *(const T *)(x + i * xs), b = ys == 0 ? b0 : *(const T *)(y + i * ys); \
            *(T *)(z + i * zs) = (T)((a & take) | (b & (T)~take)); \
        } \
    } \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_intp n = dims[0], one = (ac_intp)sizeof(T), xs = steps[1], ys = steps[2]; \
        char *c = args[0], *x = args[1], *y = args[2], *z = args[3]; \
        (void)data; \
        if (n < 1) { \
            return; \
        } \
        if (steps[0] == 1 && steps[3] == one && xs == one && ys == one) { \
            NAME##_at(c, x, y, z, n, 1, sizeof(T), sizeof(T), sizeof(T)); \
        } \
        else if (steps[0] == 1 && steps[3] == one && xs == one && ys == 0) { \
            NAME##_at(c, x, y, z, n, 1, sizeof(T), 0, sizeof(T)); \
        } \
        else if (steps[0] == 1 && steps[3] == one && xs == 0 && ys == one) { \
            NAME##_at(c, x, y, z, n, 1, 0, sizeof(T), sizeof(T)); \
        } \
        else if (steps[0] == 1 && steps[3] == one && xs == 0 && ys == 0) { \
            NAME##_at(c, x, y, z, n, 1, 0, 0, sizeof(T)); \
        } \
        else { \
            NAME##_at(c, x, y, z, n, steps[0], xs, ys, steps[3]); \
        } \
    }
AC_CHOOSE(ac_choose_1, uint8_t)
AC_CHOOSE(ac_choose_2, uint16_t)
AC_CHOOSE(ac_choose_4, uint32_t)
AC_CHOOSE(ac_choose_8, uint64_t)

static void ac_choose_16(char **args, const ac_intp *dims, const ac_intp *steps, void *data)
{
    ac_intp i;
    (void)data;
    for (i = 0; i < dims[0]; i++) {
        const char *from = args[0][i * steps[0]] ? args[1] + i * steps[1] : args[2] + i * steps[2];
        memmove(args[3] + i * steps[3], from, 16);
    }
}

/* --- nan_to_num --- */

/* On the bits: no flag can rise, and what is not replaced stays as it is. Compared as signed integers, which the
 * magnitudes are too, as vector units have no other comparison. */
#define AC_REPLACE(NAME, T, BITS, SIGNED, SIGN, INFINITE) \
    AC_INLINE void NAME##_at(const char *x, char *z, ac_intp n, ac_intp xs, ac_intp zs, BITS nan, BITS high, BITS low) \
    { \
        ac_intp i; \
        AC_INDEPENDENT \
        for (i = 0; i < n; i++) { \
            const BITS bits = *(const BITS *)(x + i * xs), magnitude = bits & ~(BITS)SIGN; \
            BITS made = (SIGNED)magnitude > (SIGNED)INFINITE ? nan : bits; \
            made = bits == (BITS)INFINITE ? high : made; \
            made = bits == ((BITS)INFINITE | (BITS)SIGN) ? low : made; \
            *(BITS *)(z + i * zs) = made; \
        } \
    } \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_composite_values *values = (const ac_composite_values *)data; \
        const T numbers[3] = {(T)values->first, (T)values->second, (T)values->third}; \
        BITS bits[3]; \
        memcpy(bits, numbers, sizeof(bits)); \
        if (steps[0] == (ac_intp)sizeof(T) && steps[1] == (ac_intp)sizeof(T)) { \
            NAME##_at(args[0], args[1], dims[0], sizeof(T), sizeof(T), bits[0], bits[1], bits[2]); \
        } \
        else { \
            NAME##_at(args[0], args[1], dims[0], steps[0], steps[1], bits[0], bits[1], bits[2]); \
        } \
    }
AC_REPLACE(ac_replace_f32, float, uint32_t, int32_t, 0x80000000u, 0x7f800000u)
AC_REPLACE(ac_replace_f64, double, uint64_t, int64_t, 0x8000000000000000u, 0x7ff0000000000000u)

/* --- round --- */

#define AC_ROUND_TO(NAME, T, RINT) \
    AC_INLINE void NAME##_at(const char *x, char *z, ac_intp n, ac_intp xs, ac_intp zs, T factor, int divide) \
    { \
        ac_intp i; \
        if (divide) { \
            AC_INDEPENDENT \
            for (i = 0; i < n; i++) { \
                *(T *)(z + i * zs) = RINT(*(const T *)(x + i * xs) / factor) * factor; \
            } \
        } \
        else { \
            AC_INDEPENDENT \
            for (i = 0; i < n; i++) { \
                *(T *)(z + i * zs) = RINT(*(const T *)(x + i * xs) * factor) / factor; \
            } \
        } \
    } \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_composite_values *values = (const ac_composite_values *)data; \
        const T factor = (T)values->first; \
        if (steps[0] == (ac_intp)sizeof(T) && steps[1] == (ac_intp)sizeof(T)) { \
            NAME##_at(args[0], args[1], dims[0], sizeof(T), sizeof(T), factor, values->flag); \
        } \
        else { \
            NAME##_at(args[0], args[1], dims[0], steps[0], steps[1], factor, values->flag); \
        } \
    }
AC_ROUND_TO(ac_round_f32, float, rintf)
AC_ROUND_TO(ac_round_f64, double, rint)

/* --- isclose, allclose, array_equal of floats --- */

#define AC_IS_CLOSE(ABS, LARGEST, a, b) \
    (((ABS(a - b) <= atol + rtol * ABS(b)) & (ABS(b) <= LARGEST)) | (a == b) | (nan & (a != a) & (b != b)))
#define AC_IS_EQUAL(ABS, LARGEST, a, b) ((a == b) | (nan & (a != a) & (b != b)))

/* Says whether one of n pairs is not TEST. */
#define AC_SEARCH(NAME, T, TEST, ABS, LARGEST) \
    AC_INLINE int NAME##_at( \
        const char *x, const char *y, ac_intp n, ac_intp xs, ac_intp ys, T rtol, T atol, int nan) \
    { \
        const T y0 = *(const T *)y; \
        int bad = 0; \
        ac_intp i; \
        (void)rtol, (void)atol; \
        for (i = 0; i < n; i++) { \
            const T a = *(const T *)(x + i * xs), b = ys == 0 ? y0 : *(const T *)(y + i * ys); \
            bad |= !TEST(ABS, LARGEST, a, b); \
        } \
        return bad; \
    } \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        ac_composite_values *values = (ac_composite_values *)data; \
        const T rtol = (T)values->first, atol = (T)values->second; \
        const ac_intp one = (ac_intp)sizeof(T), xs = steps[0], ys = steps[1]; \
        const int nan = values->flag, early = values->early; \
        ac_intp start; \
        for (start = 0; start < dims[0]; start += AC_COMPOSITE_BLOCK) { \
            const ac_intp left = dims[0] - start, m = left < AC_COMPOSITE_BLOCK ? left : AC_COMPOSITE_BLOCK; \
            const char *x = args[0] + start * xs, *y = args[1] + start * ys; \
            int bad; \
            if (early && values->found) { \
                return; \
            } \
            if (xs == one && ys == one) { \
                bad = NAME##_at(x, y, m, sizeof(T), sizeof(T), rtol, atol, nan); \
            } \
            else if (xs == one && ys == 0) { \
                bad = NAME##_at(x, y, m, sizeof(T), 0, rtol, atol, nan); \
            } \
            else { \
                bad = NAME##_at(x, y, m, xs, ys, rtol, atol, nan); \
            } \
            if (bad) { \
                values->found = 1; \
            } \
        } \
    }
AC_SEARCH(ac_apart_f32, float, AC_IS_CLOSE, fabsf, FLT_MAX)
AC_SEARCH(ac_apart_f64, double, AC_IS_CLOSE, fabs, DBL_MAX)
AC_SEARCH(ac_differ_f32, float, AC_IS_EQUAL, fabsf, FLT_MAX)
AC_SEARCH(ac_differ_f64, double, AC_IS_EQUAL, fabs, DBL_MAX)

#define AC_CLOSE(NAME, T, ABS, LARGEST) \
    AC_INLINE void NAME##_at( \
        const char *x, const char *y, char *z, ac_intp n, ac_intp xs, ac_intp ys, ac_intp zs, T rtol, T atol, int nan) \
    { \
        const T y0 = *(const T *)y; \
        ac_intp i; \
        AC_INDEPENDENT \
        for (i = 0; i < n; i++) { \
            const T a = *(const T *)(x + i * xs), b = ys == 0 ? y0 : *(const T *)(y + i * ys); \
            z[i * zs] = (char)(AC_IS_CLOSE(ABS, LARGEST, a, b)); \
        } \
    } \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_composite_values *values = (const ac_composite_values *)data; \
        const T rtol = (T)values->first, atol = (T)values->second; \
        const ac_intp n = dims[0], one = (ac_intp)sizeof(T), xs = steps[0], ys = steps[1]; \
        const int nan = values->flag; \
        if (n < 1) { \
            return; \
        } \
        if (xs == one && ys == one && steps[2] == 1) { \
            NAME##_at(args[0], args[1], args[2], n, sizeof(T), sizeof(T), 1, rtol, atol, nan); \
        } \
        else if (xs == one && ys == 0 && steps[2] == 1) { \
            NAME##_at(args[0], args[1], args[2], n, sizeof(T), 0, 1, rtol, atol, nan); \
        } \
        else { \
            NAME##_at(args[0], args[1], args[2], n, xs, ys, steps[2], rtol, atol, nan); \
        } \
    }
AC_CLOSE(ac_close_f32, float, fabsf, FLT_MAX)
AC_CLOSE(ac_close_f64, double, fabs, DBL_MAX)

/* --- array_equal of integers and truth values --- */

#define AC_DIFFER_BITS(NAME, T, SAME, PACKED) \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        ac_composite_values *values = (ac_composite_values *)data; \
        const ac_intp one = (ac_intp)sizeof(T), xs = steps[0], ys = steps[1]; \
        ac_intp start, i; \
        for (start = 0; start < dims[0]; start += AC_COMPOSITE_BLOCK) { \
            const ac_intp left = dims[0] - start, m = left < AC_COMPOSITE_BLOCK ? left : AC_COMPOSITE_BLOCK; \
            const char *x = args[0] + start * xs, *y = args[1] + start * ys; \
            int bad = 0; \
            if (values->found) { \
                return; \
            } \
            if (PACKED && xs == one && ys == one) { \
                bad = memcmp(x, y, (size_t)(m * one)) != 0; \
            } \
            else { \
                for (i = 0; i < m; i++) { \
                    const T a = *(const T *)(x + i * xs), b = *(const T *)(y + i * ys); \
                    bad |= !SAME(a, b); \
                } \
            } \
            if (bad) { \
                values->found = 1; \
            } \
        } \
    }
#define AC_SAME_BITS(a, b) ((a) == (b))
#define AC_SAME_TRUTH(a, b) (((a) == 0) == ((b) == 0))
AC_DIFFER_BITS(ac_differ_1, uint8_t, AC_SAME_BITS, 1)
AC_DIFFER_BITS(ac_differ_2, uint16_t, AC_SAME_BITS, 1)
AC_DIFFER_BITS(ac_differ_4, uint32_t, AC_SAME_BITS, 1)
AC_DIFFER_BITS(ac_differ_8, uint64_t, AC_SAME_BITS, 1)
AC_DIFFER_BITS(ac_differ_bool, uint8_t, AC_SAME_TRUTH, 0)

static const struct ac_composites AC_COMPOSITES = {
    {ac_choose_1, ac_choose_2, ac_choose_4, ac_choose_8, ac_choose_16},
    {ac_replace_f32, ac_replace_f64},
    {ac_round_f32, ac_round_f64},
    {ac_close_f32, ac_close_f64},
    {ac_apart_f32, ac_apart_f64},
    {ac_differ_f32, ac_differ_f64},
    {ac_differ_1, ac_differ_2, ac_differ_4, ac_differ_8},
    ac_differ_bool,
};

#endif
