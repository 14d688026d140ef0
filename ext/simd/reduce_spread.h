/* Folds of sizes, for norms, and of the least and the greatest together: of a stretch of a row first the one and then
 * the other, while it is in the first-level cache. */
#ifndef ALLCORES_REDUCE_SPREAD_H
#define ALLCORES_REDUCE_SPREAD_H

#include "reduce_fold.h"
#include "reduce_nan.h"
#include "reduce_pairwise.h"

AC_INLINE float ac_absolute_f4(float v) { return fabsf(v); }
AC_INLINE double ac_absolute_f8(double v) { return fabs(v); }

#define AC_SIZES(T, S) \
    AC_PAIRWISE(ac_absolutes_##S, T, S, 0, ABSOLUTE) \
    AC_FOLD_COLS(ac_absolutes_##S, T, T, AC_PLUS_ABSOLUTE_##S) \
    AC_FOLD_EXTREME(ac_minabs_##S, T, (T)INFINITY, AC_LESS_ABSOLUTE_##S, AC_JOIN_LESS_F, AC_ROLLED) \
    AC_FOLD_EXTREME(ac_maxabs_##S, T, 0, AC_MORE_ABSOLUTE_##S, AC_JOIN_MORE_F, AC_ROLLED)

#define AC_PLUS_ABSOLUTE_f4(r, v, c) ((r) + ac_absolute_f4(v))
#define AC_PLUS_ABSOLUTE_f8(r, v, c) ((r) + ac_absolute_f8(v))
#define AC_LESS_ABSOLUTE_f4(r, v, c) AC_LESS_F(r, ac_absolute_f4(v), c)
#define AC_LESS_ABSOLUTE_f8(r, v, c) AC_LESS_F(r, ac_absolute_f8(v), c)
#define AC_MORE_ABSOLUTE_f4(r, v, c) AC_MORE_F(r, ac_absolute_f4(v), c)
#define AC_MORE_ABSOLUTE_f8(r, v, c) AC_MORE_F(r, ac_absolute_f8(v), c)

AC_SIZES(float, f4)
AC_SIZES(double, f8)

/* The difference of floats is in doubt where it is not finite and yet there was no NaN: NumPy may warn of it. */
#define AC_SPREAD_OF(T, S, LEAST, MOST, MINUS, IN_DOUBT, JOIN_MIN, JOIN_MAX) \
    typedef struct { \
        T least, most; \
    } ac_spread_##S; \
    static const ac_spread_##S ac_spread_none_##S = {MOST, LEAST}; \
    AC_INLINE ac_spread_##S ac_spread_both_##S(ac_spread_##S x, ac_spread_##S y) \
    { \
        x.least = JOIN_MIN(x.least, y.least); \
        x.most = JOIN_MAX(x.most, y.most); \
        return x; \
    } \
    static void ac_spread_##S##_join(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, \
                                     ac_intp sn, const char *mean, ac_intp smean) \
    { \
        ac_intp i, j; \
        (void)mean, (void)smean; \
        for (i = 0; i < m; i++, a += sm) { \
            for (j = 0; j < n; j++) { \
                ac_spread_##S *o = (ac_spread_##S *)(out + j * so); \
                *o = ac_spread_both_##S(*o, *(const ac_spread_##S *)(a + j * sn)); \
            } \
        } \
    } \
    static void ac_spread_##S##_cols(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, \
                                     ac_intp sn, const char *mean, ac_intp smean) \
    { \
        const ac_intp one = (ac_intp)sizeof(T), group = 8; \
        T least[AC_NEAR_COLUMNS], most[AC_NEAR_COLUMNS]; \
        ac_intp i, j; \
        (void)mean, (void)smean; \
        for (; n > 0; n -= AC_NEAR_COLUMNS, out += AC_NEAR_COLUMNS * so, a += AC_NEAR_COLUMNS * sn) { \
            const ac_intp width = n < AC_NEAR_COLUMNS ? n : AC_NEAR_COLUMNS; \
            for (j = 0; j < width; j++) { \
                least[j] = ac_spread_none_##S.least; \
                most[j] = ac_spread_none_##S.most; \
            } \
            for (i = 0; i < m; i += group) { \
                const ac_intp rows = m - i < group ? m - i : group; \
                ac_min_##S##_cols((char *)least, one, a + i * sm, rows, sm, width, sn, NULL, 0); \
                ac_max_##S##_cols((char *)most, one, a + i * sm, rows, sm, width, sn, NULL, 0); \
            } \
            for (j = 0; j < width; j++) { \
                ac_spread_##S *o = (ac_spread_##S *)(out + j * so); \
                const ac_spread_##S x = {least[j], most[j]}; \
                *o = ac_spread_both_##S(*o, x); \
            } \
        } \
    } \
    static void ac_spread_##S##_rows(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, \
                                     ac_intp sn, const char *mean, ac_intp smean) \
    { \
        ac_intp i, j; \
        if (n <= AC_STRANDS_SHORT && so != 0) { /* short rows are long columns */ \
            ac_spread_##S##_cols(out, so, a, n, sn, m, sm, mean, smean); \
            return; \
        } \
        for (j = 0; j < m; j++, a += sm, out += so) { \
            ac_spread_##S *o = (ac_spread_##S *)out, x; \
            for (i = 0; i < n; i += AC_NEAR) { \
                const ac_intp near = n - i < AC_NEAR ? n - i : AC_NEAR; \
                x.least = ac_min_##S##_row(a + i * sn, near, sn); \
                x.most = ac_max_##S##_row(a + i * sn, near, sn); \
                *o = ac_spread_both_##S(*o, x); \
            } \
        } \
    } \
    static int ac_spread_##S##_store(char *out, ac_intp so, const char *partial, ac_intp n, double parameter) \
    { \
        const ac_spread_##S *p = (const ac_spread_##S *)partial; \
        int doubtful = 0; \
        ac_intp j; \
        (void)parameter; \
        for (j = 0; j < n; j++) { \
            const T v = MINUS(T, p[j].most, p[j].least); \
            *(T *)(out + j * so) = v; \
            doubtful |= IN_DOUBT(v, p[j].most); \
        } \
        return doubtful; \
    }

#define AC_MINUS_I(T, a, b) ((T)((uint64_t)(a) - (uint64_t)(b)))
#define AC_MINUS_F(T, a, b) ((a) - (b))
#define AC_IN_DOUBT_I(v, most) 0
#define AC_IN_DOUBT_F(v, most) (((v) - (v) != 0) & ((most) == (most)))
#define AC_SPREAD_INTEGER(T, S, LEAST, MOST) \
    AC_SPREAD_OF(T, S, LEAST, MOST, AC_MINUS_I, AC_IN_DOUBT_I, AC_JOIN_LESS_I, AC_JOIN_MORE_I)
#define AC_SPREAD_FLOAT(T, S) \
    AC_SPREAD_OF(T, S, -(T)INFINITY, (T)INFINITY, AC_MINUS_F, AC_IN_DOUBT_F, AC_JOIN_LESS_F, AC_JOIN_MORE_F)

AC_SPREAD_INTEGER(int8_t, i1, INT8_MIN, INT8_MAX)
AC_SPREAD_INTEGER(int16_t, i2, INT16_MIN, INT16_MAX)
AC_SPREAD_INTEGER(int32_t, i4, INT32_MIN, INT32_MAX)
AC_SPREAD_INTEGER(int64_t, i8, INT64_MIN, INT64_MAX)
AC_SPREAD_INTEGER(uint8_t, u1, 0, UINT8_MAX)
AC_SPREAD_INTEGER(uint16_t, u2, 0, UINT16_MAX)
AC_SPREAD_INTEGER(uint32_t, u4, 0, UINT32_MAX)
AC_SPREAD_INTEGER(uint64_t, u8, 0, UINT64_MAX)
AC_SPREAD_FLOAT(float, f4)
AC_SPREAD_FLOAT(double, f8)

#endif
