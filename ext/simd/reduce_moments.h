/* Sums of the first four powers of (a - mean), in float64, in one pass. The first would be 0 if `mean` were exact, and
 * serves to shift the others to the mean that is. */
#ifndef ALLCORES_REDUCE_MOMENTS_H
#define ALLCORES_REDUCE_MOMENTS_H

#include "reduce_pairwise.h"

enum { AC_POWERS = 4, AC_MOMENT_COLUMNS = 256, AC_MOMENT_ROW = 1024 };

typedef struct {
    double power[AC_POWERS];
} ac_moments;
static const ac_moments ac_moments_none = {{-0.0, -0.0, -0.0, -0.0}};

AC_INLINE ac_moments ac_moments_plus(ac_moments x, ac_moments y)
{
    int k;
    for (k = 0; k < AC_POWERS; k++) {
        x.power[k] += y.power[k];
    }
    return x;
}

static void ac_moments_join(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn,
                            const char *mean, ac_intp smean)
{
    ac_intp i, j;
    (void)mean, (void)smean;
    for (i = 0; i < m; i++, a += sm) {
        for (j = 0; j < n; j++) {
            ac_moments *o = (ac_moments *)(out + j * so);
            *o = ac_moments_plus(*o, *(const ac_moments *)(a + j * sn));
        }
    }
}

static int ac_moments_store(char *out, ac_intp so, const char *partial, ac_intp n, double parameter)
{
    ac_intp j;
    (void)parameter;
    for (j = 0; j < n; j++) {
        memcpy(out + j * so, partial + j * (ac_intp)sizeof(ac_moments), sizeof(ac_moments));
    }
    return 0;
}

#define AC_MOMENTS_JOIN(s) \
    AC_HALVE(s, 4, AC_JOIN_PLUS, AC_AS_IT_LIKES) \
    AC_HALVE(s, 2, AC_JOIN_PLUS, AC_AS_IT_LIKES) \
    AC_HALVE(s, 1, AC_JOIN_PLUS, AC_AS_IT_LIKES)

#define AC_MOMENTS_OF(T, S) \
    AC_INLINE ac_moments ac_moments_##S##_strands(const char *a, ac_intp n, ac_intp sn, double c) \
    { \
        double s1[8] = {0}, s2[8] = {0}, s3[8] = {0}, s4[8] = {0}; \
        ac_moments r = ac_moments_none; \
        ac_intp i; \
        int k; \
        for (i = 0; i + 8 <= n; i += 8, a += 8 * sn) { \
            for (k = 0; k < 8; k++) { \
                const double d = (double)*(const T *)(a + k * sn) - c, square = d * d; \
                s1[k] += d; \
                s2[k] += square; \
                s3[k] += square * d; \
                s4[k] += square * square; \
            } \
        } \
        AC_MOMENTS_JOIN(s1) \
        AC_MOMENTS_JOIN(s2) \
        AC_MOMENTS_JOIN(s3) \
        AC_MOMENTS_JOIN(s4) \
        r.power[0] = s1[0]; \
        r.power[1] = s2[0]; \
        r.power[2] = s3[0]; \
        r.power[3] = s4[0]; \
        for (; i < n; i++, a += sn) { /* in order, as short rows are folded as columns are */ \
            const double d = (double)*(const T *)a - c, square = d * d; \
            r.power[0] += d; \
            r.power[1] += square; \
            r.power[2] += square * d; \
            r.power[3] += square * square; \
        } \
        return r; \
    } \
    static ac_moments ac_moments_##S##_row(const char *a, ac_intp n, ac_intp sn, double c) \
    { \
        if (n > AC_MOMENT_ROW) { \
            const ac_intp half = ac_pairwise_half(n); \
            const ac_moments r = ac_moments_##S##_row(a, half, sn, c); \
            return ac_moments_plus(r, ac_moments_##S##_row(a + half * sn, n - half, sn, c)); \
        } \
        return sn == (ac_intp)sizeof(T) ? ac_moments_##S##_strands(a, n, (ac_intp)sizeof(T), c) \
                                        : ac_moments_##S##_strands(a, n, sn, c); \
    } \
    AC_INLINE void ac_moments_##S##_columns(double *s, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn, \
                                            const char *mean, ac_intp smean) \
    { \
        double *s1 = s, *s2 = s + AC_MOMENT_COLUMNS, *s3 = s + 2 * AC_MOMENT_COLUMNS, *s4 = s + 3 * AC_MOMENT_COLUMNS; \
        ac_intp i, j; \
        for (i = 0; i < m; i++, a += sm) { \
            AC_INDEPENDENT \
            for (j = 0; j < n; j++) { \
                const double d = (double)*(const T *)(a + j * sn) - *(const double *)(mean + j * smean); \
                const double square = d * d; \
                s1[j] += d; \
                s2[j] += square; \
                s3[j] += square * d; \
                s4[j] += square * square; \
            } \
        } \
    } \
    static void ac_moments_##S##_cols(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, \
                                      ac_intp sn, const char *mean, ac_intp smean) \
    { \
        double s[AC_POWERS * AC_MOMENT_COLUMNS]; \
        ac_intp j; \
        int k; \
        for (; n > 0; n -= AC_MOMENT_COLUMNS) { \
            const ac_intp width = n < AC_MOMENT_COLUMNS ? n : AC_MOMENT_COLUMNS; \
            memset(s, 0, sizeof(s)); \
            if (sn == (ac_intp)sizeof(T) && smean == (ac_intp)sizeof(double)) { \
                ac_moments_##S##_columns(s, a, m, sm, width, (ac_intp)sizeof(T), mean, (ac_intp)sizeof(double)); \
            } \
            else { \
                ac_moments_##S##_columns(s, a, m, sm, width, sn, mean, smean); \
            } \
            for (j = 0; j < width; j++) { \
                ac_moments *o = (ac_moments *)(out + j * so); \
                for (k = 0; k < AC_POWERS; k++) { \
                    o->power[k] += s[k * AC_MOMENT_COLUMNS + j]; \
                } \
            } \
            out += AC_MOMENT_COLUMNS * so; \
            a += AC_MOMENT_COLUMNS * sn; \
            mean += AC_MOMENT_COLUMNS * smean; \
        } \
    } \
    static void ac_moments_##S##_rows(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, \
                                      ac_intp sn, const char *mean, ac_intp smean) \
    { \
        ac_intp j; \
        if (n < 8 && so != 0) { /* short rows are long columns */ \
            ac_moments_##S##_cols(out, so, a, n, sn, m, sm, mean, smean); \
            return; \
        } \
        if (so == 0 && m > 8) { /* many rows into one result: they are halved too */ \
            ac_moments first = ac_moments_none, second = ac_moments_none, *o = (ac_moments *)out; \
            ac_moments_##S##_rows((char *)&first, 0, a, m / 2, sm, n, sn, mean, smean); \
            ac_moments_##S##_rows((char *)&second, 0, a + m / 2 * sm, m - m / 2, sm, n, sn, mean + m / 2 * smean, \
                                  smean); \
            *o = ac_moments_plus(*o, ac_moments_plus(first, second)); \
            return; \
        } \
        for (j = 0; j < m; j++, a += sm, out += so, mean += smean) { \
            ac_moments *o = (ac_moments *)out; \
            *o = ac_moments_plus(*o, ac_moments_##S##_row(a, n, sn, *(const double *)mean)); \
        } \
    }

AC_MOMENTS_OF(float, f4)
AC_MOMENTS_OF(double, f8)

#endif
