/* Integer comparisons: the order of 64-bit integers from AVX2 on, all of 32 and 64 bits with AVX-512. */
#ifndef ALLCORES_LOOPS_COMPARE_H
#define ALLCORES_LOOPS_COMPARE_H

#include "loop.h"

#define AC_ORDER(T, S) \
    AC_INLINE uint8_t ac_greater_of_##S(T a, T b) { return a > b; } \
    AC_INLINE uint8_t ac_greater_equal_of_##S(T a, T b) { return a >= b; } \
    AC_INLINE uint8_t ac_less_of_##S(T a, T b) { return a < b; } \
    AC_INLINE uint8_t ac_less_equal_of_##S(T a, T b) { return a <= b; } \
    AC_BINARY(ac_greater_##S, AC_ALL_LAYOUTS, T, uint8_t, ac_greater_of_##S, AC_NOTHING) \
    AC_BINARY(ac_greater_equal_##S, AC_ALL_LAYOUTS, T, uint8_t, ac_greater_equal_of_##S, AC_NOTHING) \
    AC_BINARY(ac_less_##S, AC_ALL_LAYOUTS, T, uint8_t, ac_less_of_##S, AC_NOTHING) \
    AC_BINARY(ac_less_equal_##S, AC_ALL_LAYOUTS, T, uint8_t, ac_less_equal_of_##S, AC_NOTHING)

#define AC_ORDER_ENTRIES(c, S) \
    AC_ENTRY_2(greater, c, ?, ac_greater_##S) AC_ENTRY_2(greater_equal, c, ?, ac_greater_equal_##S) \
    AC_ENTRY_2(less, c, ?, ac_less_##S) AC_ENTRY_2(less_equal, c, ?, ac_less_equal_##S)

#define AC_EQUALITY(T, S) \
    AC_INLINE uint8_t ac_equal_of_##S(T a, T b) { return a == b; } \
    AC_INLINE uint8_t ac_not_equal_of_##S(T a, T b) { return a != b; } \
    AC_BINARY(ac_equal_##S, AC_ALL_LAYOUTS, T, uint8_t, ac_equal_of_##S, AC_NOTHING) \
    AC_BINARY(ac_not_equal_##S, AC_ALL_LAYOUTS, T, uint8_t, ac_not_equal_of_##S, AC_NOTHING)

#define AC_EQUALITY_ENTRIES(c, S) AC_ENTRY_2(equal, c, ?, ac_equal_##S) AC_ENTRY_2(not_equal, c, ?, ac_not_equal_##S)

#if AC_LEVEL >= 3
AC_ORDER(int64_t, i64)
AC_ORDER(uint64_t, u64)
#endif
#if AC_LEVEL >= 4
AC_ORDER(int32_t, i32)
AC_ORDER(uint32_t, u32)
AC_EQUALITY(int64_t, i64)
AC_EQUALITY(uint64_t, u64)
#endif

#if AC_LEVEL >= 4 && LONG_MAX == INT32_MAX
#define AC_LIST_COMPARE \
    AC_TYPES_INT(AC_ORDER_ENTRIES) AC_LONG(AC_ORDER_ENTRIES) AC_TYPES_LONG_LONG(AC_ORDER_ENTRIES) \
    AC_TYPES_LONG_LONG(AC_EQUALITY_ENTRIES)
#elif AC_LEVEL >= 4
#define AC_LIST_COMPARE \
    AC_TYPES_INT(AC_ORDER_ENTRIES) AC_LONG(AC_ORDER_ENTRIES) AC_TYPES_LONG_LONG(AC_ORDER_ENTRIES) \
    AC_LONG(AC_EQUALITY_ENTRIES) AC_TYPES_LONG_LONG(AC_EQUALITY_ENTRIES)
#elif AC_LEVEL >= 3 && LONG_MAX == INT32_MAX
#define AC_LIST_COMPARE AC_TYPES_LONG_LONG(AC_ORDER_ENTRIES)
#elif AC_LEVEL >= 3
#define AC_LIST_COMPARE AC_LONG(AC_ORDER_ENTRIES) AC_TYPES_LONG_LONG(AC_ORDER_ENTRIES)
#else
#define AC_LIST_COMPARE
#endif

#endif
