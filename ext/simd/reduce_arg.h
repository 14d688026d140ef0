/* Where the least or greatest element is. Long rows: the extremes of blocks, which vectorise, and then a search in
 * the one block that had the best. */
#ifndef ALLCORES_REDUCE_ARG_H
#define ALLCORES_REDUCE_ARG_H

#include "reduce_fold.h"

enum { AC_ARG_SHORT = 24, AC_ARG_COLUMNS = 256, AC_ARG_STEP = 32 };

/* BETTER(a, b): whether b, later in order, replaces a. BEST_row: the fold that finds the extreme. INDEX is as wide as
 * T where it can be, so that one comparison chooses both. VALUE: what an element counts as. TAKES_NAN(best): whether
 * NaN counts as no worse. */
#define AC_ARG(NAME, T, INDEX, BEST, BETTER, VALUE, TAKES_NAN) \
    static int NAME##_better(const char *a, const char *b) \
    { \
        const T x = VALUE(*(const T *)a), y = VALUE(*(const T *)b); \
        return BETTER(x, y); \
    } \
    AC_INLINE ac_intp NAME##_scan(const char *a, ac_intp n, ac_intp sn) \
    { \
        T best = VALUE(*(const T *)a); \
        ac_intp i, at = 0; \
        for (i = 1; i < n; i++) { \
            const T v = VALUE(*(const T *)(a + i * sn)); \
            if (BETTER(best, v)) { \
                best = v; \
                at = i; \
            } \
        } \
        return at; \
    } \
    /* The first element from i on that is `best`, or NaN where those count as such. There is one. */ \
    AC_INLINE ac_intp NAME##_find(const char *a, ac_intp i, ac_intp n, ac_intp sn, T best, int nans) \
    { \
        for (; i + AC_ARG_STEP <= n; i += AC_ARG_STEP) { \
            const char *p = a + i * sn; \
            INDEX found = 0; \
            int k; \
            for (k = 0; k < AC_ARG_STEP; k++) { \
                const T x = sn == (ac_intp)sizeof(T) ? ((const T *)p)[k] : *(const T *)(p + k * sn); \
                found |= (INDEX)((x == best) | (nans & (x != x))); \
            } \
            if (found) { \
                break; \
            } \
        } \
        for (; i < n - 1; i++) { \
            const T x = *(const T *)(a + i * sn); \
            if ((x == best) | (nans & (x != x))) { \
                break; \
            } \
        } \
        return i; \
    } \
    static ac_intp NAME##_flat(const char *a, ac_intp n, ac_intp sn) \
    { \
        const ac_intp one = (ac_intp)sizeof(T); \
        /* Small blocks: less to search through. Large ones: fewer extremes to find. */ \
        const ac_intp size = n < 4096 ? 512 : 1024; \
        ac_intp i, block = 0; \
        T best; \
        if (n <= AC_ARG_SHORT) { \
            return NAME##_scan(a, n, sn); \
        } \
        best = VALUE(*(const T *)a); \
        for (i = 0; i < n && best == best; i += size) { \
            const ac_intp left = n - i < size ? n - i : size; \
            const T v = sn == one ? BEST##_row(a + i * one, left, one) : BEST##_row(a + i * sn, left, sn); \
            if (BETTER(best, v)) { \
                best = v; \
                block = i; \
            } \
        } \
        return TAKES_NAN(best) ? NAME##_find(a, block, n, sn, best, 1) : NAME##_find(a, block, n, sn, best, 0); \
    } \
    AC_INLINE void NAME##_block(INDEX *at, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn) \
    { \
        T best[AC_ARG_COLUMNS]; \
        ac_intp i, j; \
        for (j = 0; j < n; j++) { \
            best[j] = VALUE(*(const T *)(a + j * sn)); \
            at[j] = 0; \
        } \
        for (i = 1; i < m; i++) { \
            const char *p = a + i * sm; \
            AC_INDEPENDENT \
            for (j = 0; j < n; j++) { \
                const T v = VALUE(*(const T *)(p + j * sn)), b = best[j]; \
                const int better = BETTER(b, v); \
                best[j] = better ? v : b; \
                at[j] = better ? (INDEX)i : at[j]; \
            } \
        } \
    } \
    /* A packed narrow matrix as a wide one, several rows side by side: otherwise each row would wait for the last. */ \
    static void NAME##_narrow(char *out, ac_intp so, const char *a, ac_intp m, ac_intp n) \
    { \
        const ac_intp beside = AC_ARG_COLUMNS / 2 / n, size = (ac_intp)sizeof(T); \
        const ac_intp rows = m / beside; \
        INDEX at[AC_ARG_COLUMNS]; \
        ac_intp i, j; \
        NAME##_block(at, a, rows, beside * n * size, beside * n, size); \
        for (j = 0; j < n; j++) { \
            ac_intp best = (ac_intp)at[j] * beside; \
            for (i = 1; i < beside; i++) { \
                const ac_intp other = (ac_intp)at[i * n + j] * beside + i; \
                const char *p = a + (best * n + j) * size, *q = a + (other * n + j) * size; \
                if (other < best ? !NAME##_better(q, p) : NAME##_better(p, q)) { \
                    best = other; \
                } \
            } \
            for (i = rows * beside; i < m; i++) { \
                if (NAME##_better(a + (best * n + j) * size, a + (i * n + j) * size)) { \
                    best = i; \
                } \
            } \
            *(ac_intp *)(out + j * so) = best; \
        } \
    } \
    static void NAME##_cols(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn) \
    { \
        const ac_intp one = (ac_intp)sizeof(T); \
        INDEX at[AC_ARG_COLUMNS]; \
        ac_intp j, k; \
        if (n <= 16 && sn == one && sm == n * one && m >= 256) { \
            NAME##_narrow(out, so, a, m, n); \
            return; \
        } \
        for (j = 0; j < n; j += AC_ARG_COLUMNS) { \
            const ac_intp left = n - j < AC_ARG_COLUMNS ? n - j : AC_ARG_COLUMNS; \
            if (sn == one) { \
                NAME##_block(at, a + j * one, m, sm, left, one); \
            } \
            else { \
                NAME##_block(at, a + j * sn, m, sm, left, sn); \
            } \
            for (k = 0; k < left; k++) { \
                *(ac_intp *)(out + (j + k) * so) = (ac_intp)at[k]; \
            } \
        } \
    }

#define AC_BETTER_LESS_I(a, b) ((b) < (a))
#define AC_BETTER_MORE_I(a, b) ((b) > (a))
#define AC_BETTER_LESS_F(a, b) (((b) < (a)) | (((b) != (b)) & ((a) == (a))))
#define AC_BETTER_MORE_F(a, b) (((b) > (a)) | (((b) != (b)) & ((a) == (a))))
#define AC_VALUE_PLAIN(v) (v)
#define AC_TAKES_ANY(best) 1

#define AC_ARG_BOTH(T, INDEX, S, KIND) \
    AC_ARG(ac_argmin_##S, T, INDEX, ac_min_##S, AC_BETTER_LESS_##KIND, AC_VALUE_PLAIN, AC_TAKES_ANY) \
    AC_ARG(ac_argmax_##S, T, INDEX, ac_max_##S, AC_BETTER_MORE_##KIND, AC_VALUE_PLAIN, AC_TAKES_ANY)

AC_ARG_BOTH(int8_t, int32_t, i1, I)
AC_ARG_BOTH(int16_t, int32_t, i2, I)
AC_ARG_BOTH(int32_t, int32_t, i4, I)
AC_ARG_BOTH(int64_t, int64_t, i8, I)
AC_ARG_BOTH(uint8_t, int32_t, u1, I)
AC_ARG_BOTH(uint16_t, int32_t, u2, I)
AC_ARG_BOTH(uint32_t, int32_t, u4, I)
AC_ARG_BOTH(uint64_t, int64_t, u8, I)
AC_ARG_BOTH(float, int32_t, f4, F)
AC_ARG_BOTH(double, int64_t, f8, F)

#endif
