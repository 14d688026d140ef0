/* Folds of what is not NaN, in one pass and without a copy. Sums are pairwise as in reduce_pairwise.h, with 0 in NaN's
 * place. Means and variances carry the number of elements beside their sum: a stretch of a row is summed, and then
 * counted while it is in the first-level cache. */
#ifndef ALLCORES_REDUCE_NAN_H
#define ALLCORES_REDUCE_NAN_H

#include "reduce_arg.h"
#include "reduce_complex.h"
#include "reduce_pairwise.h"

/* A sum and of how many; also of float, as a float counts up to 2^24 only. */
typedef ac_complex_c16 ac_counted;
static const ac_counted ac_counted_none = {-0.0, 0};

enum {
    AC_NEAR = 2048,         /* elements of a row that are looked at twice */
    AC_NEAR_COLUMNS = 1024, /* columns that are folded in local memory, */
    AC_FAR_COLUMNS = 128,   /* fewer where they are not side by side, */
    AC_FLOAT_ROWS = 128,    /* and for how many rows, before they are added to a float64 */
    AC_SHORT_ROWS = 32      /* elements of rows that are folded side by side */
};

AC_INLINE float ac_number_f4(float v, float c) { return (void)c, v == v ? v : 0; }
AC_INLINE double ac_number_f8(double v, double c) { return (void)c, v == v ? v : 0; }
AC_INLINE float ac_number_square_f4(float v, float c)
{
    const float d = v - c, square = d * d;
    return v == v ? square : 0;
}
AC_INLINE double ac_number_square_f8(double v, double c)
{
    const double d = v - c, square = d * d;
    return v == v ? square : 0;
}

/* COUNT: an integer as wide as T. */
#define AC_NUMBERS(T, COUNT, S) \
    AC_INLINE COUNT ac_numbers_of_##S(const char *a, ac_intp n, ac_intp sn) \
    { \
        COUNT count = 0; \
        ac_intp i; \
        for (i = 0; i < n; i++) { \
            const T v = *(const T *)(a + i * sn); \
            count += v == v; \
        } \
        return count; \
    }

/* Whether columns have any number. */
#define AC_COUNT_NUMBERS(T, COUNT, S) \
    static void ac_count_numbers_##S(COUNT *count, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn) \
    { \
        ac_intp i, j; \
        for (j = 0; j < n; j++) { \
            count[j] = 0; \
        } \
        for (i = 0; i < m; i++, a += sm) { \
            if (sn == (ac_intp)sizeof(T)) { \
                for (j = 0; j < n; j++) { \
                    const T v = ((const T *)a)[j]; \
                    count[j] |= v == v; \
                } \
            } \
            else { \
                for (j = 0; j < n; j++) { \
                    const T v = *(const T *)(a + j * sn); \
                    count[j] |= v == v; \
                } \
            } \
        } \
    }

/* NAME folds SUM_rows's elements, counted; VALUE(element, mean) is what SUM adds. */
#define AC_COUNTED(NAME, T, COUNT, S, MEAN, SUM, VALUE) \
    static ac_counted NAME##_row(const char *a, ac_intp n, ac_intp sn, T c) \
    { \
        const ac_intp one = (ac_intp)sizeof(T); \
        ac_counted r; \
        if (n > AC_NEAR) { \
            const ac_intp half = ac_pairwise_half(n); \
            r = NAME##_row(a, half, sn, c); \
            return ac_plus_of_c16(r, NAME##_row(a + half * sn, n - half, sn, c)); \
        } \
        if (sn == one) { \
            r.re = SUM##_packed(a, n, one, c); \
            r.im = (double)ac_numbers_of_##S(a, n, one); \
        } \
        else { \
            r.re = SUM##_strided(a, n, sn, c); \
            r.im = (double)ac_numbers_of_##S(a, n, sn); \
        } \
        return r; \
    } \
    AC_INLINE void NAME##_columns(T *sum, COUNT *count, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                                  const char *mean, ac_intp smean) \
    { \
        ac_intp i = 0, j; \
        for (; i + 4 <= m; i += 4, a += 4 * sm) { \
            AC_INDEPENDENT \
            for (j = 0; j < n; j++) { \
                const char *p = a + j * sn; \
                const T c = MEAN ? *(const T *)(mean + j * smean) : 0; \
                const T v1 = *(const T *)p, v2 = *(const T *)(p + sm); \
                const T v3 = *(const T *)(p + 2 * sm), v4 = *(const T *)(p + 3 * sm); \
                sum[j] += (VALUE(v1, c) + VALUE(v2, c)) + (VALUE(v3, c) + VALUE(v4, c)); \
                count[j] += ((v1 == v1) + (v2 == v2)) + ((v3 == v3) + (v4 == v4)); \
            } \
        } \
        for (; i < m; i++, a += sm) { \
            AC_INDEPENDENT \
            for (j = 0; j < n; j++) { \
                const T c = MEAN ? *(const T *)(mean + j * smean) : 0; \
                const T v = *(const T *)(a + j * sn); \
                sum[j] += VALUE(v, c); \
                count[j] += v == v; \
            } \
        } \
    } \
    static void NAME##_cols(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                            const char *mean, ac_intp smean) \
    { \
        const ac_intp one = (ac_intp)sizeof(T), block = sn == one ? AC_NEAR_COLUMNS : AC_FAR_COLUMNS; \
        T sum[AC_NEAR_COLUMNS]; \
        COUNT count[AC_NEAR_COLUMNS]; \
        ac_intp i, j; \
        for (; n > 0; n -= block) { \
            const ac_intp width = n < block ? n : block; \
            for (i = 0; i < m; i += AC_FLOAT_ROWS) { \
                const ac_intp rows = m - i < AC_FLOAT_ROWS ? m - i : AC_FLOAT_ROWS; \
                for (j = 0; j < width; j++) { \
                    sum[j] = (T)-0.0; \
                    count[j] = 0; \
                } \
                if (sn == one && (!(MEAN) || smean == one)) { \
                    NAME##_columns(sum, count, a + i * sm, rows, sm, width, one, mean, one); \
                } \
                else { \
                    NAME##_columns(sum, count, a + i * sm, rows, sm, width, sn, mean, smean); \
                } \
                for (j = 0; j < width; j++) { \
                    ac_counted *o = (ac_counted *)(out + j * so); \
                    o->re += sum[j]; \
                    o->im += (double)count[j]; \
                } \
            } \
            out += block * so; \
            a += block * sn; \
            mean = MEAN ? mean + block * smean : mean; \
        } \
    } \
    static void NAME##_rows(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                            const char *mean, ac_intp smean) \
    { \
        ac_intp j; \
        if (n < AC_SHORT_ROWS && so != 0) { /* short rows are long columns */ \
            NAME##_cols(out, so, a, n, sn, m, sm, mean, smean); \
            return; \
        } \
        if (so == 0 && m > 8) { /* many rows into one result: they are halved too */ \
            ac_counted first = ac_counted_none, second = ac_counted_none, *o = (ac_counted *)out; \
            NAME##_rows((char *)&first, 0, a, m / 2, sm, n, sn, mean, smean); \
            NAME##_rows((char *)&second, 0, a + m / 2 * sm, m - m / 2, sm, n, sn, \
                        MEAN ? mean + m / 2 * smean : mean, smean); \
            *o = ac_plus_of_c16(*o, ac_plus_of_c16(first, second)); \
            return; \
        } \
        for (j = 0; j < m; j++, a += sm, out += so) { \
            ac_counted *o = (ac_counted *)out; \
            *o = ac_plus_of_c16(*o, NAME##_row(a, n, sn, MEAN ? *(const T *)(mean + j * smean) : 0)); \
        } \
    }

#define AC_DIVIDED(T, S) \
    static int ac_divided_##S(char *out, ac_intp so, const char *partial, ac_intp n, double parameter) \
    { \
        const ac_counted *p = (const ac_counted *)partial; \
        int nothing = 0; \
        ac_intp j; \
        for (j = 0; j < n; j++) { \
            const double divisor = p[j].im - parameter; \
            const int bad = !(divisor > 0); \
            *(T *)(out + j * so) = bad ? (T)NAN : (T)(p[j].re / (bad ? 1 : divisor)); \
            nothing |= bad; \
        } \
        return nothing; \
    }

/* Least and greatest. Until there is a number the worst stands for it, as one comparison then does; whether a row or
 * column had any is looked at only where the worst comes out. JOIN takes NaN as no number. */
#define AC_NAN_EXTREME(NAME, T, COUNT, S, WORST, OF, JOIN_OF, JOIN) \
    AC_FOLD_ROW(NAME##_number, T, T, WORST, OF, JOIN_OF, AC_STRANDS, 1, AC_ROLLED, AC_ROLLED) \
    AC_FOLD_COLS(NAME##_number, T, T, OF) \
    static T NAME##_row(const char *a, ac_intp n, ac_intp sn) \
    { \
        const T best = NAME##_number_row(a, n, sn); \
        ac_intp i; \
        if (best != (WORST)) { \
            return best; \
        } \
        for (i = 0; i < n; i++) { \
            const T v = *(const T *)(a + i * sn); \
            if (v == v) { \
                return best; \
            } \
        } \
        return (T)NAN; \
    } \
    static void NAME##_cols(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                            const char *mean, ac_intp smean) \
    { \
        const ac_intp one = (ac_intp)sizeof(T); \
        T best[AC_NEAR_COLUMNS]; \
        COUNT count[AC_NEAR_COLUMNS]; \
        ac_intp j; \
        (void)mean, (void)smean; \
        for (; n > 0; n -= AC_NEAR_COLUMNS, out += AC_NEAR_COLUMNS * so, a += AC_NEAR_COLUMNS * sn) { \
            const ac_intp width = n < AC_NEAR_COLUMNS ? n : AC_NEAR_COLUMNS; \
            COUNT doubtful = 0, known = so != one; \
            T *b = (T *)out; \
            if (so == one) { \
                for (j = 0; j < width; j++) { \
                    known |= b[j] == b[j]; \
                } \
            } \
            b = known ? best : b; /* where there is nothing yet, no copy is needed */ \
            for (j = 0; j < width; j++) { \
                b[j] = (WORST); \
            } \
            NAME##_number_cols((char *)b, one, a, m, sm, width, sn, NULL, 0); \
            for (j = 0; j < width; j++) { \
                doubtful |= b[j] == (WORST); \
            } \
            if (doubtful) { \
                ac_count_numbers_##S(count, a, m, sm, width, sn); \
                for (j = 0; j < width; j++) { \
                    b[j] = count[j] ? b[j] : (T)NAN; \
                } \
            } \
            for (j = 0; known && j < width; j++) { \
                T *o = (T *)(out + j * so); \
                *o = JOIN(*o, best[j]); \
            } \
        } \
    } \
    AC_ROWS(NAME, T, JOIN)

#define AC_COPIED(T, S) \
    static const T ac_nothing_##S = (T)NAN; \
    static int ac_is_nan_##S(const char *a) { return *(const T *)a != *(const T *)a; } \
    static int ac_copied_##S(char *out, ac_intp so, const char *partial, ac_intp n, double parameter) \
    { \
        const T *p = (const T *)partial; \
        int nothing = 0; \
        ac_intp j; \
        (void)parameter; \
        for (j = 0; j < n; j++) { \
            *(T *)(out + j * so) = p[j]; \
            nothing |= p[j] != p[j]; \
        } \
        return nothing; \
    }

/* A comparison with NaN is false. */
#define AC_LESS_NUMBER AC_LESS_I
#define AC_MORE_NUMBER AC_MORE_I
#define AC_LESS_OR_FIRST(r, v) (((v) < (r)) | ((r) != (r)) ? (v) : (r))
#define AC_MORE_OR_FIRST(r, v) (((v) > (r)) | ((r) != (r)) ? (v) : (r))
#define AC_TIMES_NUMBER(r, v, c) ((r) * ((v) == (v) ? (v) : 1))
#define AC_VALUE_LEAST(v) ((v) == (v) ? (v) : INFINITY)
#define AC_IS_LARGEST(best) ((best) == INFINITY)
#define AC_IS_LEAST(best) ((best) == -INFINITY)
#define AC_VALUE_MOST(v) ((v) == (v) ? (v) : -INFINITY)

#define AC_NAN_FOLDS(T, COUNT, S) \
    AC_PAIRWISE(ac_nanadd_##S, T, S, 0, NUMBER) \
    AC_FOLD_COLS(ac_nanadd_##S, T, T, AC_PLUS_NUMBER_##S) \
    AC_PAIRWISE_SUM(ac_nansquares_##S, T, S, NUMBER_SQUARE) \
    AC_FOLD_PRODUCT(ac_nanmul_##S, T, 1, AC_TIMES_NUMBER, AC_JOIN_TIMES, AC_ROLLED) \
    AC_NUMBERS(T, COUNT, S) \
    AC_COUNT_NUMBERS(T, COUNT, S) \
    AC_COUNTED(ac_nanmean_##S, T, COUNT, S, 0, ac_nanadd_##S, ac_number_##S) \
    AC_COUNTED(ac_nanvariance_##S, T, COUNT, S, 1, ac_nansquares_##S, ac_number_square_##S) \
    AC_DIVIDED(T, S) \
    AC_NAN_EXTREME(ac_nanmin_##S, T, COUNT, S, (T)INFINITY, AC_LESS_NUMBER, AC_JOIN_LESS_I, AC_LESS_OR_FIRST) \
    AC_NAN_EXTREME(ac_nanmax_##S, T, COUNT, S, -(T)INFINITY, AC_MORE_NUMBER, AC_JOIN_MORE_I, AC_MORE_OR_FIRST) \
    AC_COPIED(T, S) \
    AC_ARG(ac_nanargmin_##S, T, COUNT, ac_nanmin_##S##_number, AC_BETTER_LESS_I, (T)AC_VALUE_LEAST, AC_IS_LARGEST) \
    AC_ARG(ac_nanargmax_##S, T, COUNT, ac_nanmax_##S##_number, AC_BETTER_MORE_I, (T)AC_VALUE_MOST, AC_IS_LEAST)

#define AC_PLUS_NUMBER_f4(r, v, c) ((r) + ac_number_f4(v, 0))
#define AC_PLUS_NUMBER_f8(r, v, c) ((r) + ac_number_f8(v, 0))

AC_NAN_FOLDS(float, int32_t, f4)
AC_NAN_FOLDS(double, int64_t, f8)

#endif
