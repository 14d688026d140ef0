/* Folds whose order is free (integers, least and greatest, any, all, counts) or ours to fix (products). A long row is
 * folded in strands that are then folded pairwise: one tree on every instruction set. */
#ifndef ALLCORES_REDUCE_FOLD_H
#define ALLCORES_REDUCE_FOLD_H

#include <math.h>

#include "loop.h"
#include "reduce_table.h"

/* A loop over a few strands that GCC would unroll before it could vectorise it: comparisons of floats then stay
 * scalar, with branches. */
#if defined(__GNUC__) && !defined(__clang__)
#define AC_ROLLED _Pragma("GCC unroll 1")
#else
#define AC_ROLLED
#endif
#define AC_AS_IT_LIKES

enum { AC_STRANDS = 64, AC_STRANDS_SHORT = 8, AC_DECIDE_EVERY = 8192 /* bytes */ };

/* NAME_cols, in order. STEP(accumulator, element, mean of the column). Four rows at a time: an output is then loaded
 * and stored once for four steps. */
#define AC_FOLD_COLS(NAME, IN, ACC, STEP) \
    AC_INLINE void NAME##_columns(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                                  const char *mean, ac_intp smean) \
    { \
        ac_intp i = 0, j; \
        for (; i + 4 <= m; i += 4, a += 4 * sm) { \
            AC_INDEPENDENT \
            for (j = 0; j < n; j++) { \
                const char *p = a + j * sn; \
                ACC *o = (ACC *)(out + j * so); \
                const ACC c = *(const ACC *)(mean + j * smean); \
                ACC x = STEP(*o, *(const IN *)p, c); \
                (void)c; \
                x = STEP(x, *(const IN *)(p + sm), c); \
                x = STEP(x, *(const IN *)(p + 2 * sm), c); \
                *o = STEP(x, *(const IN *)(p + 3 * sm), c); \
            } \
        } \
        if (m - i == 3) { /* also the usual number of columns of a narrow matrix */ \
            AC_INDEPENDENT \
            for (j = 0; j < n; j++) { \
                const char *p = a + j * sn; \
                ACC *o = (ACC *)(out + j * so); \
                const ACC c = *(const ACC *)(mean + j * smean); \
                ACC x = STEP(*o, *(const IN *)p, c); \
                (void)c; \
                x = STEP(x, *(const IN *)(p + sm), c); \
                *o = STEP(x, *(const IN *)(p + 2 * sm), c); \
            } \
            return; \
        } \
        for (; i < m; i++, a += sm) { \
            AC_INDEPENDENT \
            for (j = 0; j < n; j++) { \
                ACC *o = (ACC *)(out + j * so); \
                *o = STEP(*o, *(const IN *)(a + j * sn), *(const ACC *)(mean + j * smean)); \
            } \
        } \
    } \
    static void NAME##_cols(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                            const char *mean, ac_intp smean) \
    { \
        const ac_intp one = (ac_intp)sizeof(IN), acc = (ac_intp)sizeof(ACC); \
        if (mean == NULL) { /* every operation may read one, few look at it */ \
            mean = out, smean = so; \
        } \
        if (so == acc && smean == acc && sn == one) { \
            NAME##_columns(out, acc, a, m, sm, n, one, mean, acc); \
        } \
        else { \
            NAME##_columns(out, so, a, m, sm, n, sn, mean, smean); \
        } \
    }

/* Lengths that the compiler knows: with a loop over them it would prepare for all. */
#define AC_HALVE(r, half, JOIN, ROLLED) \
    ROLLED \
    for (k = 0; k < half; k++) { \
        r[k] = JOIN(r[k], r[k + half]); \
    }

/* NAME_row folds a row from START, STEP's neutral element. TWICE: an element may be taken twice, which saves the rest
 * of a row that does not fill all strands. */
#define AC_FOLD_ROW(NAME, IN, ACC, START, STEP, JOIN, STRANDS, TWICE, ROLLED, HALVED) \
    AC_INLINE ACC NAME##_strands(const char *a, ac_intp n, ac_intp sn, ac_intp strands) \
    { \
        ACC r[AC_STRANDS]; \
        ac_intp i, k; \
        for (k = 0; k < strands; k++) { \
            r[k] = (START); \
        } \
        for (i = 0; i + strands <= n; i += strands, a += strands * sn) { \
            ROLLED \
            for (k = 0; k < strands; k++) { \
                r[k] = STEP(r[k], *(const IN *)(a + k * sn), 0); \
            } \
        } \
        if (TWICE && i > 0 && i < n) { \
            a -= (strands - (n - i)) * sn; \
            ROLLED \
            for (k = 0; k < strands; k++) { \
                r[k] = STEP(r[k], *(const IN *)(a + k * sn), 0); \
            } \
            i = n; \
        } \
        for (; i + AC_STRANDS_SHORT <= n; i += AC_STRANDS_SHORT, a += AC_STRANDS_SHORT * sn) { \
            ROLLED \
            for (k = 0; k < AC_STRANDS_SHORT; k++) { \
                r[k] = STEP(r[k], *(const IN *)(a + k * sn), 0); \
            } \
        } \
        if (strands == 64) { \
            AC_HALVE(r, 32, JOIN, HALVED) \
            AC_HALVE(r, 16, JOIN, HALVED) \
            AC_HALVE(r, 8, JOIN, HALVED) \
        } \
        AC_HALVE(r, 4, JOIN, HALVED) \
        AC_HALVE(r, 2, JOIN, HALVED) \
        AC_HALVE(r, 1, JOIN, HALVED) \
        for (; i < n; i++, a += sn) { \
            r[0] = STEP(r[0], *(const IN *)a, 0); \
        } \
        return r[0]; \
    } \
    static ACC NAME##_row(const char *a, ac_intp n, ac_intp sn) \
    { \
        if (sn == (ac_intp)sizeof(IN)) { \
            return n < 2 * STRANDS ? NAME##_strands(a, n, (ac_intp)sizeof(IN), AC_STRANDS_SHORT) \
                                   : NAME##_strands(a, n, (ac_intp)sizeof(IN), STRANDS); \
        } \
        return NAME##_strands(a, n, sn, AC_STRANDS_SHORT); \
    }

/* NAME_rows of NAME_row and NAME_cols. */
#define AC_ROWS(NAME, ACC, JOIN) \
    static void NAME##_rows(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                            const char *mean, ac_intp smean) \
    { \
        ac_intp j; \
        if (n <= AC_STRANDS_SHORT && so != 0) { /* short rows are long columns */ \
            NAME##_cols(out, so, a, n, sn, m, sm, mean, smean); \
            return; \
        } \
        for (j = 0; j < m; j++, a += sm, out += so) { \
            *(ACC *)out = JOIN(*(ACC *)out, NAME##_row(a, n, sn)); \
        } \
    }

#define AC_FOLD_ROWS(NAME, IN, ACC, START, STEP, JOIN, STRANDS, TWICE, ROLLED) \
    AC_FOLD_ROW(NAME, IN, ACC, START, STEP, JOIN, STRANDS, TWICE, ROLLED, ROLLED) \
    AC_ROWS(NAME, ACC, JOIN)

/* The same for answers that are often known early: the first few elements alone, as an answer at the start then costs
 * next to nothing, and the rest in pieces. UNDECIDED(accumulator): whether later elements may still matter. */
#define AC_FOLD_ROWS_UNTIL(NAME, IN, ACC, START, STEP, JOIN, UNDECIDED) \
    AC_FOLD_ROW(NAME, IN, ACC, START, STEP, JOIN, AC_STRANDS, 1, AC_AS_IT_LIKES, AC_AS_IT_LIKES) \
    static void NAME##_rows(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                            const char *mean, ac_intp smean) \
    { \
        const ac_intp piece = AC_DECIDE_EVERY / (ac_intp)sizeof(IN), alone = n > 256 ? 16 : 0; \
        ac_intp i, j; \
        if (n <= AC_STRANDS_SHORT && so != 0) { \
            NAME##_cols(out, so, a, n, sn, m, sm, mean, smean); \
            return; \
        } \
        for (j = 0; j < m; j++, a += sm, out += so) { \
            ACC r = *(ACC *)out; \
            for (i = 0; i < alone && UNDECIDED(r); i++) { \
                r = STEP(r, *(const IN *)(a + i * sn), 0); \
            } \
            for (; i < n && UNDECIDED(r); i += piece) { \
                r = JOIN(r, NAME##_row(a + i * sn, n - i < piece ? n - i : piece, sn)); \
            } \
            *(ACC *)out = r; \
        } \
    }

#define AC_PLUS_I8(r, v, c) (int64_t)((uint64_t)(r) + (uint64_t)(int64_t)(v))
#define AC_PLUS_U8(r, v, c) ((r) + (uint64_t)(v))
#define AC_TIMES_I8(r, v, c) (int64_t)((uint64_t)(r) * (uint64_t)(int64_t)(v))
#define AC_TIMES_U8(r, v, c) ((r) * (uint64_t)(v))
#define AC_TIMES_B1(r, v, c) ((v) != 0 ? (r) : 0)
#define AC_TIMES_F(r, v, c) ((r) * (v))
#define AC_COUNT_OF(r, v, c) ((r) + ((v) != 0))
#define AC_ANY_OF(r, v, c) ((r) | (uint8_t)((v) != 0))
#define AC_ALL_OF(r, v, c) ((r) & (uint8_t)((v) != 0))
#define AC_LESS_I(r, v, c) ((v) < (r) ? (v) : (r))
#define AC_MORE_I(r, v, c) ((v) > (r) ? (v) : (r))
/* A NaN replaces any number and is replaced by none. */
#define AC_LESS_F(r, v, c) (((v) < (r)) | ((v) != (v)) ? (v) : (r))
#define AC_MORE_F(r, v, c) (((v) > (r)) | ((v) != (v)) ? (v) : (r))

#define AC_JOIN_PLUS(a, b) ((a) + (b))
#define AC_JOIN_PLUS_I8(a, b) (int64_t)((uint64_t)(a) + (uint64_t)(b))
#define AC_JOIN_TIMES(a, b) ((a) * (b))
#define AC_JOIN_TIMES_I8(a, b) (int64_t)((uint64_t)(a) * (uint64_t)(b))
#define AC_JOIN_ANY(a, b) ((a) | (b))
#define AC_JOIN_ALL(a, b) ((a) & (b))
#define AC_JOIN_LESS_I(a, b) AC_LESS_I(a, b, 0)
#define AC_JOIN_MORE_I(a, b) AC_MORE_I(a, b, 0)
#define AC_JOIN_LESS_F(a, b) AC_LESS_F(a, b, 0)
#define AC_JOIN_MORE_F(a, b) AC_MORE_F(a, b, 0)
#define AC_STILL_NONE(r) ((r) == 0)
#define AC_STILL_ALL(r) ((r) != 0)

#define AC_FOLD(NAME, IN, ACC, START, STEP, JOIN) \
    AC_FOLD_COLS(NAME, IN, ACC, STEP) \
    AC_FOLD_ROWS(NAME, IN, ACC, START, STEP, JOIN, AC_STRANDS, 0, AC_AS_IT_LIKES)
#define AC_FOLD_EXTREME(NAME, T, START, STEP, JOIN, ROLLED) \
    AC_FOLD_COLS(NAME, T, T, STEP) \
    AC_FOLD_ROWS(NAME, T, T, START, STEP, JOIN, AC_STRANDS, 1, ROLLED)
/* The tree of a product must not depend on the layout: few strands, whatever the stride. They are halved in scalar code:
 * of two or four floats compilers multiply whole registers, and infinity by what else is in there. */
#define AC_FOLD_PRODUCT(NAME, T, START, STEP, JOIN, ROLLED) \
    AC_FOLD_COLS(NAME, T, T, STEP) \
    AC_FOLD_ROW(NAME, T, T, START, STEP, JOIN, AC_STRANDS_SHORT, 0, ROLLED, AC_AS_IT_LIKES) \
    AC_ROWS(NAME, T, JOIN)
#define AC_FOLD_UNTIL(NAME, IN, START, STEP, JOIN, UNDECIDED) \
    AC_FOLD_COLS(NAME, IN, uint8_t, STEP) \
    AC_FOLD_ROWS_UNTIL(NAME, IN, uint8_t, START, STEP, JOIN, UNDECIDED)

/* What every element type has. */
#define AC_FOLD_ANY_ALL(T, S) \
    AC_FOLD_UNTIL(ac_any_##S, T, 0, AC_ANY_OF, AC_JOIN_ANY, AC_STILL_NONE) \
    AC_FOLD_UNTIL(ac_all_##S, T, 1, AC_ALL_OF, AC_JOIN_ALL, AC_STILL_ALL)
#define AC_FOLD_TRUTH(T, S) \
    AC_FOLD_ANY_ALL(T, S) \
    AC_FOLD(ac_count_##S, T, int64_t, 0, AC_COUNT_OF, AC_JOIN_PLUS)
#define AC_FOLD_SIGNED(T, S, LEAST, MOST) \
    AC_FOLD_TRUTH(T, S) \
    AC_FOLD(ac_add_##S, T, int64_t, 0, AC_PLUS_I8, AC_JOIN_PLUS_I8) \
    AC_FOLD(ac_mul_##S, T, int64_t, 1, AC_TIMES_I8, AC_JOIN_TIMES_I8) \
    AC_FOLD_EXTREME(ac_min_##S, T, MOST, AC_LESS_I, AC_JOIN_LESS_I, AC_AS_IT_LIKES) \
    AC_FOLD_EXTREME(ac_max_##S, T, LEAST, AC_MORE_I, AC_JOIN_MORE_I, AC_AS_IT_LIKES)
#define AC_FOLD_UNSIGNED(T, S, LEAST, MOST) \
    AC_FOLD_TRUTH(T, S) \
    AC_FOLD(ac_add_##S, T, uint64_t, 0, AC_PLUS_U8, AC_JOIN_PLUS) \
    AC_FOLD(ac_mul_##S, T, uint64_t, 1, AC_TIMES_U8, AC_JOIN_TIMES) \
    AC_FOLD_EXTREME(ac_min_##S, T, MOST, AC_LESS_I, AC_JOIN_LESS_I, AC_AS_IT_LIKES) \
    AC_FOLD_EXTREME(ac_max_##S, T, LEAST, AC_MORE_I, AC_JOIN_MORE_I, AC_AS_IT_LIKES)
#define AC_FOLD_FLOAT(T, S) \
    AC_FOLD_TRUTH(T, S) \
    AC_FOLD_PRODUCT(ac_mul_##S, T, 1, AC_TIMES_F, AC_JOIN_TIMES, AC_AS_IT_LIKES) \
    AC_FOLD_EXTREME(ac_min_##S, T, (T)INFINITY, AC_LESS_F, AC_JOIN_LESS_F, AC_ROLLED) \
    AC_FOLD_EXTREME(ac_max_##S, T, -(T)INFINITY, AC_MORE_F, AC_JOIN_MORE_F, AC_ROLLED)

/* How many bytes are not zero, counted in bytes for as long as they cannot overflow. */
static int64_t ac_count_b1_row(const char *a, ac_intp n, ac_intp sn)
{
    int64_t total = 0;
    ac_intp i, k;
    while (sn == 1 && n >= AC_STRANDS) {
        const ac_intp rounds = n < 255 * AC_STRANDS ? n / AC_STRANDS : 255;
        uint8_t r[AC_STRANDS] = {0};
        for (i = 0; i < rounds; i++, a += AC_STRANDS) {
            for (k = 0; k < AC_STRANDS; k++) {
                r[k] = (uint8_t)(r[k] + (a[k] != 0));
            }
        }
        for (k = 0; k < AC_STRANDS; k++) {
            total += r[k];
        }
        n -= rounds * AC_STRANDS;
    }
    for (i = 0; i < n; i++) {
        total += a[i * sn] != 0;
    }
    return total;
}
AC_FOLD_COLS(ac_count_b1, uint8_t, int64_t, AC_COUNT_OF)
AC_ROWS(ac_count_b1, int64_t, AC_JOIN_PLUS)
#define ac_add_b1_rows ac_count_b1_rows /* a sum of truth values is their count */
#define ac_add_b1_cols ac_count_b1_cols
AC_FOLD_ANY_ALL(uint8_t, b1)
AC_FOLD(ac_mul_b1, uint8_t, int64_t, 1, AC_TIMES_B1, AC_JOIN_TIMES)
AC_FOLD_SIGNED(int8_t, i1, INT8_MIN, INT8_MAX)
AC_FOLD_SIGNED(int16_t, i2, INT16_MIN, INT16_MAX)
AC_FOLD_SIGNED(int32_t, i4, INT32_MIN, INT32_MAX)
AC_FOLD_SIGNED(int64_t, i8, INT64_MIN, INT64_MAX)
AC_FOLD_UNSIGNED(uint8_t, u1, 0, UINT8_MAX)
AC_FOLD_UNSIGNED(uint16_t, u2, 0, UINT16_MAX)
AC_FOLD_UNSIGNED(uint32_t, u4, 0, UINT32_MAX)
AC_FOLD_UNSIGNED(uint64_t, u8, 0, UINT64_MAX)
AC_FOLD_FLOAT(float, f4)
AC_FOLD_FLOAT(double, f8)

#endif
