/* The reductions' inner loops that a level offers. Types are named by kind and bytes: whether NumPy calls a 64-bit
 * integer `l` or `q` is the caller's affair. */
#ifndef ALLCORES_REDUCE_TABLE_H
#define ALLCORES_REDUCE_TABLE_H

#include "table.h"

enum {
    AC_B1, AC_I1, AC_I2, AC_I4, AC_I8, AC_U1, AC_U2, AC_U4, AC_U8, AC_F2, AC_F4, AC_F8, AC_C8, AC_C16,
    AC_TYPE_COUNT
};

enum {
    AC_ADD,    /* floats and complex in NumPy's pairwise order; integers into 64 bits */
    AC_MUL,    /* the same types; floats in a fixed tree of the length of a row */
    AC_MIN,
    AC_MAX,
    AC_ANY,
    AC_ALL,
    AC_COUNT,  /* of what is not zero, as int64 */
    AC_SQUARES, /* pairwise sum of (a - mean)^2; integers as float64 */
    AC_ABSOLUTES, /* pairwise sum of |a| */
    AC_MIN_ABSOLUTE,
    AC_MAX_ABSOLUTE,
    AC_NAN_ADD, /* of what is not NaN, as all that follow up to AC_NAN_VARIANCE */
    AC_NAN_MUL,
    AC_NAN_MIN, /* NaN where there is nothing else */
    AC_NAN_MAX,
    AC_NAN_MEAN,
    AC_NAN_VARIANCE, /* sum of (a - mean)^2 / (count - parameter), NaN where that divisor is not positive */
    AC_SPREAD,       /* greatest less least */
    AC_MOMENTS,      /* sums of (a - mean)^k, k = 1..4, as four float64 an output; the mean is float64 */
    AC_REDUCE_OP_COUNT
};

/* Both fold an m x n block, whose steps are in bytes, into outputs `so` bytes apart:
 *   rows   out[j] = out[j] + fold of a[j, 0..n), j < m
 *   cols   out[j] = out[j] + a[0, j] + a[1, j] + ... in this order, j < n
 * and AC_SQUARES takes mean[j] from `mean`, `smean` apart. An output must not overlap the input. */
typedef void ac_reduce_fn(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn,
                          const char *mean, ac_intp smean);

/* Makes n outputs, `so` bytes apart, of packed partial results; returns whether one of them is made of no elements. */
typedef int ac_store_fn(char *out, ac_intp so, const char *partial, ac_intp n, double parameter);

typedef struct {
    ac_reduce_fn *rows, *cols;
    int out; /* type of the outputs, and of partial results where there is no `store` */
    /* Where partial results hold more than outputs, a count or a second fold: their size in bytes, the fold of them
     * (cols), what they start from, and what makes outputs of them. */
    int size;
    ac_reduce_fn *join;
    const void *neutral;
    ac_store_fn *store;
} ac_reduce_entry;

/* Index of the first greatest (least) of n elements; the first NaN counts as both. n > 0. */
typedef ac_intp ac_arg_fn(const char *a, ac_intp n, ac_intp sn);
/* The same for each of n columns of m < 2^31 elements. */
typedef void ac_arg_cols_fn(char *out, ac_intp so, const char *a, ac_intp m, ac_intp sm, ac_intp n, ac_intp sn);

typedef struct {
    ac_arg_fn *flat;
    ac_arg_cols_fn *cols;
    /* Whether b, later in order, replaces a. */
    int (*better)(const char *a, const char *b);
    /* Whether an element can only have been found because there was nothing better; NULL: none can. */
    int (*nothing)(const char *a);
} ac_arg_entry;

/* Gathers n elements `sn` apart, converted; with a mean, (x - mean)^2. */
typedef void ac_gather_fn(char *dst, const char *a, ac_intp n, ac_intp sn, const char *mean);

/* Partial inner products of m pairs of vectors of n elements, packed, of the type that products are summed in. */
typedef void ac_dots_fn(char *out, const char *a, ac_intp sma, ac_intp sa, const char *b, ac_intp smb, ac_intp sb,
                        ac_intp m, ac_intp n);
typedef void ac_dots_plus_fn(char *out, const char *a, ac_intp n);
typedef void ac_dots_store_fn(char *out, ac_intp so, const char *partial, ac_intp n);
/* A k x n panel of a matrix, converted and packed; and that panel, from the left times m x k elements, added to out. */
typedef void ac_pack_fn(char *out, const char *b, ac_intp sk, ac_intp sj, ac_intp k, ac_intp n);
typedef void ac_panel_fn(char *out, const char *a, ac_intp sm, ac_intp sk, const char *panel, ac_intp m, ac_intp k,
                         ac_intp n);

typedef struct {
    ac_dots_fn *dots;
    ac_dots_plus_fn *plus;
    ac_dots_store_fn *store;
    ac_pack_fn *pack; /* NULL where matrix products are BLAS's */
    ac_panel_fn *panel;
    int size;  /* bytes of an element, */
    int acc;   /* and of a partial sum */
    double ns; /* a product */
} ac_product_entry;

enum { AC_LONG_DOUBLE = AC_TYPE_COUNT }; /* of products alone */

struct ac_reductions {
    ac_reduce_entry fold[AC_REDUCE_OP_COUNT][AC_TYPE_COUNT];
    ac_arg_entry argmin[AC_TYPE_COUNT], argmax[AC_TYPE_COUNT];
    ac_arg_entry nanargmin[AC_TYPE_COUNT], nanargmax[AC_TYPE_COUNT]; /* NaN counts as the worst */
    ac_gather_fn *to_f4[AC_TYPE_COUNT], *to_f8[AC_TYPE_COUNT], *same[AC_TYPE_COUNT], *squares[AC_TYPE_COUNT];
    ac_product_entry products[AC_TYPE_COUNT + 1];
};

#endif
