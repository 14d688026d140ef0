/* The reductions' inner loops and the level's table of them. */
#ifndef ALLCORES_REDUCTIONS_H
#define ALLCORES_REDUCTIONS_H

#include "reduce_arg.h"
#include "reduce_complex.h"
#include "reduce_fold.h"
#include "reduce_gather.h"
#include "reduce_moments.h"
#include "reduce_nan.h"
#include "reduce_pairwise.h"
#include "reduce_products.h"
#include "reduce_spread.h"
#include "reduce_table.h"

/* X(type, suffix, type of an integer's sum, what argmin and argmax call) */
#define AC_INTEGERS(X) \
    X(AC_I1, i1, AC_I8) X(AC_I2, i2, AC_I8) X(AC_I4, i4, AC_I8) X(AC_I8, i8, AC_I8) \
    X(AC_U1, u1, AC_U8) X(AC_U2, u2, AC_U8) X(AC_U4, u4, AC_U8) X(AC_U8, u8, AC_U8)

#define AC_PAIR(NAME, S, OUT) {NAME##_##S##_rows, NAME##_##S##_cols, OUT, 0, NULL, NULL, NULL}
#define AC_SUM_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_add, S, OUT),
#define AC_PRODUCT_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_mul, S, OUT),
#define AC_MIN_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_min, S, C),
#define AC_MAX_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_max, S, C),
#define AC_ANY_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_any, S, AC_B1),
#define AC_ALL_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_all, S, AC_B1),
#define AC_COUNT_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_count, S, AC_I8),
#define AC_SQUARES_ENTRY(C, S, OUT) [C] = {NULL, ac_squares_##S##_cols, AC_F8, 0, NULL, NULL, NULL},
#define AC_ARGMIN_ENTRY(C, S, OUT) [C] = {ac_argmin_##S##_flat, ac_argmin_##S##_cols, ac_argmin_##S##_better, NULL},
#define AC_ARGMAX_ENTRY(C, S, OUT) [C] = {ac_argmax_##S##_flat, ac_argmax_##S##_cols, ac_argmax_##S##_better, NULL},
#define AC_ABSOLUTES_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_absolutes, S, C),
#define AC_MIN_ABSOLUTE_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_minabs, S, C),
#define AC_MAX_ABSOLUTE_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_maxabs, S, C),
#define AC_NAN_ADD_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_nanadd, S, C),
#define AC_NAN_MUL_ENTRY(C, S, OUT) [C] = AC_PAIR(ac_nanmul, S, C),
#define AC_NAN_EXTREME_ENTRY(C, NAME, S) \
    [C] = {NAME##_##S##_rows, NAME##_##S##_cols, C, sizeof(ac_nothing_##S), NAME##_##S##_cols, &ac_nothing_##S, \
           ac_copied_##S},
#define AC_NAN_MIN_ENTRY(C, S, OUT) AC_NAN_EXTREME_ENTRY(C, ac_nanmin, S)
#define AC_NAN_MAX_ENTRY(C, S, OUT) AC_NAN_EXTREME_ENTRY(C, ac_nanmax, S)
#define AC_COUNTED_ENTRY(C, NAME, S) \
    [C] = {NAME##_##S##_rows, NAME##_##S##_cols, C, sizeof(ac_counted), ac_add_c16_cols, &ac_counted_none, \
           ac_divided_##S},
#define AC_NAN_MEAN_ENTRY(C, S, OUT) AC_COUNTED_ENTRY(C, ac_nanmean, S)
#define AC_NAN_VARIANCE_ENTRY(C, S, OUT) AC_COUNTED_ENTRY(C, ac_nanvariance, S)
#define AC_SPREAD_ENTRY(C, S, OUT) \
    [C] = {ac_spread_##S##_rows, ac_spread_##S##_cols, C, sizeof(ac_spread_##S), ac_spread_##S##_join, \
           &ac_spread_none_##S, ac_spread_##S##_store},
#define AC_MOMENTS_ENTRY(C, S, OUT) \
    [C] = {ac_moments_##S##_rows, ac_moments_##S##_cols, AC_F8, sizeof(ac_moments), ac_moments_join, &ac_moments_none, \
           ac_moments_store},
#define AC_NANARG_ENTRY(C, NAME, S) [C] = {NAME##_##S##_flat, NAME##_##S##_cols, NAME##_##S##_better, ac_is_nan_##S},
#define AC_NANARGMIN_ENTRY(C, S, OUT) AC_NANARG_ENTRY(C, ac_nanargmin, S)
#define AC_NANARGMAX_ENTRY(C, S, OUT) AC_NANARG_ENTRY(C, ac_nanargmax, S)
#define AC_TO_F4_ENTRY(C, S, OUT) [C] = ac_gather_f4_##S,
#define AC_TO_F8_ENTRY(C, S, OUT) [C] = ac_gather_f8_##S,
#define AC_GATHER_SQUARES_ENTRY(C, S, OUT) [C] = ac_gather_squares_##S,

#define AC_PRODUCT_ENTRY_OF(C, S, T, ACC, PACK, PANEL, NS) \
    [C] = {ac_dot_##S, ac_dot_##S##_plus, ac_product_store_##S, PACK, PANEL, sizeof(T), sizeof(ACC), NS},
#define AC_DOT_ENTRY(C, S, T, NS) AC_PRODUCT_ENTRY_OF(C, S, T, T, NULL, NULL, NS)
#define AC_DOT_AND_PANEL_ENTRY(C, S, T, ACC, NS) AC_PRODUCT_ENTRY_OF(C, S, T, ACC, ac_pack_##S, ac_panel_##S, NS)

#define AC_FLOATS(X) X(AC_F4, f4, AC_F4) X(AC_F8, f8, AC_F8)
#define AC_COMPLEXES(X) X(AC_C8, c8, AC_C8) X(AC_C16, c16, AC_C16)
#define AC_ARITHMETIC(X) X(AC_B1, b1, AC_I8) AC_INTEGERS(X) AC_FLOATS(X) AC_COMPLEXES(X)

static const struct ac_reductions AC_REDUCTIONS = {
    {
        [AC_ADD] = {AC_ARITHMETIC(AC_SUM_ENTRY)},
        [AC_MUL] = {AC_ARITHMETIC(AC_PRODUCT_ENTRY)},
        /* Of truth values the least is whether all are true. */
        [AC_MIN] = {[AC_B1] = AC_PAIR(ac_all, b1, AC_B1), AC_INTEGERS(AC_MIN_ENTRY) AC_FLOATS(AC_MIN_ENTRY)},
        [AC_MAX] = {[AC_B1] = AC_PAIR(ac_any, b1, AC_B1), AC_INTEGERS(AC_MAX_ENTRY) AC_FLOATS(AC_MAX_ENTRY)},
        [AC_ANY] = {AC_ARITHMETIC(AC_ANY_ENTRY)},
        [AC_ALL] = {AC_ARITHMETIC(AC_ALL_ENTRY)},
        [AC_COUNT] = {AC_ARITHMETIC(AC_COUNT_ENTRY)},
        [AC_SQUARES] = {AC_INTEGERS(AC_SQUARES_ENTRY)[AC_F4] = AC_PAIR(ac_squares, f4, AC_F4),
                        [AC_F8] = AC_PAIR(ac_squares, f8, AC_F8)},
        [AC_ABSOLUTES] = {AC_FLOATS(AC_ABSOLUTES_ENTRY)},
        [AC_MIN_ABSOLUTE] = {AC_FLOATS(AC_MIN_ABSOLUTE_ENTRY)},
        [AC_MAX_ABSOLUTE] = {AC_FLOATS(AC_MAX_ABSOLUTE_ENTRY)},
        [AC_NAN_ADD] = {AC_FLOATS(AC_NAN_ADD_ENTRY)},
        [AC_NAN_MUL] = {AC_FLOATS(AC_NAN_MUL_ENTRY)},
        [AC_NAN_MIN] = {AC_FLOATS(AC_NAN_MIN_ENTRY)},
        [AC_NAN_MAX] = {AC_FLOATS(AC_NAN_MAX_ENTRY)},
        [AC_NAN_MEAN] = {AC_FLOATS(AC_NAN_MEAN_ENTRY)},
        [AC_NAN_VARIANCE] = {AC_FLOATS(AC_NAN_VARIANCE_ENTRY)},
        [AC_MOMENTS] = {AC_FLOATS(AC_MOMENTS_ENTRY)},
        [AC_SPREAD] = {AC_INTEGERS(AC_SPREAD_ENTRY) AC_FLOATS(AC_SPREAD_ENTRY)},
    },
    {AC_INTEGERS(AC_ARGMIN_ENTRY) AC_FLOATS(AC_ARGMIN_ENTRY)},
    {AC_INTEGERS(AC_ARGMAX_ENTRY) AC_FLOATS(AC_ARGMAX_ENTRY)},
    {AC_FLOATS(AC_NANARGMIN_ENTRY)},
    {AC_FLOATS(AC_NANARGMAX_ENTRY)},
    {AC_TO_F4_ENTRY(AC_B1, b1, ) AC_INTEGERS(AC_TO_F4_ENTRY) AC_TO_F4_ENTRY(AC_F2, f2, )},
    {AC_TO_F8_ENTRY(AC_B1, b1, ) AC_INTEGERS(AC_TO_F8_ENTRY) AC_TO_F8_ENTRY(AC_F2, f2, ) AC_TO_F8_ENTRY(AC_F4, f4, )},
    {[AC_F4] = ac_gather_same_f4, [AC_F8] = ac_gather_same_f8, [AC_C8] = ac_gather_same_c8,
     [AC_C16] = ac_gather_same_c16},
    {AC_INTEGERS(AC_GATHER_SQUARES_ENTRY) AC_FLOATS(AC_GATHER_SQUARES_ENTRY)},
    {AC_DOT_AND_PANEL_ENTRY(AC_B1, b1, uint8_t, uint8_t, 0.1)
     AC_DOT_AND_PANEL_ENTRY(AC_I1, w1, uint8_t, uint16_t, 0.1)
     AC_DOT_AND_PANEL_ENTRY(AC_U1, w1, uint8_t, uint16_t, 0.1)
     AC_DOT_AND_PANEL_ENTRY(AC_I2, w2, uint16_t, uint16_t, 0.1)
     AC_DOT_AND_PANEL_ENTRY(AC_U2, w2, uint16_t, uint16_t, 0.1)
     AC_DOT_AND_PANEL_ENTRY(AC_I4, w4, uint32_t, uint32_t, 0.25)
     AC_DOT_AND_PANEL_ENTRY(AC_U4, w4, uint32_t, uint32_t, 0.25)
     AC_DOT_AND_PANEL_ENTRY(AC_I8, w8, uint64_t, uint64_t, 0.5)
     AC_DOT_AND_PANEL_ENTRY(AC_U8, w8, uint64_t, uint64_t, 0.5)
     AC_DOT_AND_PANEL_ENTRY(AC_F2, f2, uint16_t, float, 0.3)
     AC_DOT_AND_PANEL_ENTRY(AC_LONG_DOUBLE, g, long double, long double, 1.0)
     AC_DOT_ENTRY(AC_F4, f4, float, 0.25)
     AC_DOT_ENTRY(AC_F8, f8, double, 0.5)
     AC_DOT_ENTRY(AC_C8, c8, ac_complex_c8, 0.5)
     AC_DOT_ENTRY(AC_C16, c16, ac_complex_c16, 1.0)},
};

#endif
