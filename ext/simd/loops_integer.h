/* Integers and booleans: maximum, minimum, logical operations, and with AVX-512 arithmetic and shifts. Division has a
 * header of its own. */
#ifndef ALLCORES_LOOPS_INTEGER_H
#define ALLCORES_LOOPS_INTEGER_H

#include "loop.h"

#if AC_LEVEL >= 1
#define AC_INTEGER_EXTREMES(T, S) \
    AC_INLINE T ac_maximum_of_##S(T a, T b) { return a > b ? a : b; } \
    AC_INLINE T ac_minimum_of_##S(T a, T b) { return a < b ? a : b; } \
    AC_BINARY(ac_maximum_##S, AC_SCALARS, T, T, ac_maximum_of_##S, AC_NOTHING) \
    AC_BINARY(ac_minimum_##S, AC_SCALARS, T, T, ac_minimum_of_##S, AC_NOTHING)
AC_INTEGER_EXTREMES(int8_t, i8)
AC_INTEGER_EXTREMES(uint8_t, u8)
AC_INTEGER_EXTREMES(int16_t, i16)
AC_INTEGER_EXTREMES(uint16_t, u16)
AC_INTEGER_EXTREMES(int32_t, i32)
AC_INTEGER_EXTREMES(uint32_t, u32)
#if AC_LEVEL >= 3 /* SSE2 has no comparison of 64 bits */
AC_INTEGER_EXTREMES(int64_t, i64)
AC_INTEGER_EXTREMES(uint64_t, u64)
#endif

/* Any byte but 0 is true: views of other types as bool are let through by NumPy. */
AC_INLINE uint8_t ac_logical_and_of_bool(uint8_t a, uint8_t b) { return (a != 0) & (b != 0); }
AC_INLINE uint8_t ac_logical_or_of_bool(uint8_t a, uint8_t b) { return (a | b) != 0; }
AC_BINARY(ac_logical_and_bool, AC_SCALARS, uint8_t, uint8_t, ac_logical_and_of_bool, AC_NOTHING)
AC_BINARY(ac_logical_or_bool, AC_SCALARS, uint8_t, uint8_t, ac_logical_or_of_bool, AC_NOTHING)

#define AC_EXTREMES_ENTRIES(c, S) \
    AC_ENTRY_2(maximum, c, c, ac_maximum_##S) AC_ENTRY_2(minimum, c, c, ac_minimum_##S)
#if AC_LEVEL >= 3
#define AC_LIST_EXTREMES AC_TYPES_INTEGER(AC_EXTREMES_ENTRIES)
#else
#define AC_LIST_EXTREMES \
    AC_TYPES_8(AC_EXTREMES_ENTRIES) AC_TYPES_16(AC_EXTREMES_ENTRIES) AC_TYPES_INT(AC_EXTREMES_ENTRIES)
#endif
#define AC_LIST_INTEGER_EVERYWHERE \
    AC_LIST_EXTREMES \
    AC_ENTRY_2(logical_and, ?, ?, ac_logical_and_bool) AC_ENTRY_2(logical_or, ?, ?, ac_logical_or_bool)
#else
#define AC_LIST_INTEGER_EVERYWHERE
#endif

#if AC_LEVEL >= 4
/* Unsigned, where wrapping around is defined; 1u * lifts 16 bits past int, whose overflow is not. */
#define AC_INTEGER_ARITHMETIC(T, U, S) \
    AC_INLINE T ac_add_of_##S(T a, T b) { return (T)((U)a + (U)b); } \
    AC_INLINE T ac_subtract_of_##S(T a, T b) { return (T)((U)a - (U)b); } \
    AC_INLINE T ac_multiply_of_##S(T a, T b) { return (T)(1u * (U)a * (U)b); } \
    AC_BINARY(ac_add_##S, AC_ALL_LAYOUTS, T, T, ac_add_of_##S, AC_NOTHING) \
    AC_BINARY(ac_subtract_##S, AC_ALL_LAYOUTS, T, T, ac_subtract_of_##S, AC_NOTHING) \
    AC_BINARY(ac_multiply_##S, AC_ALL_LAYOUTS, T, T, ac_multiply_of_##S, AC_NOTHING)
AC_INTEGER_ARITHMETIC(int32_t, uint32_t, i32)
AC_INTEGER_ARITHMETIC(uint32_t, uint32_t, u32)
AC_INTEGER_ARITHMETIC(int64_t, uint64_t, i64)
AC_INTEGER_ARITHMETIC(uint64_t, uint64_t, u64)

/* A distance that is negative or at least the width shifts everything out; of a negative number the sign remains.
 * 8 and 16 bits to the right by one distance for all is faster in NumPy. */
#define AC_INTEGER_SHIFTS(T, U, S, WIDTH, RIGHT_LAYOUTS) \
    AC_INLINE T ac_left_shift_of_##S(T a, T b) \
    { \
        return (U)b < WIDTH ? (T)((U)a << ((U)b & (WIDTH - 1))) : (T)0; \
    } \
    AC_INLINE T ac_right_shift_of_##S(T a, T b) \
    { \
        const U distance = (U)b < WIDTH ? (U)b : WIDTH - 1; \
        return (T)-1 < 0 || (U)b < WIDTH ? (T)(a >> distance) : (T)0; \
    } \
    AC_BINARY(ac_left_shift_##S, AC_ALL_LAYOUTS, T, T, ac_left_shift_of_##S, AC_NOTHING) \
    AC_BINARY(ac_right_shift_##S, RIGHT_LAYOUTS, T, T, ac_right_shift_of_##S, AC_NOTHING)
AC_INTEGER_SHIFTS(int8_t, uint8_t, i8, 8, AC_ARRAYS | AC_SCALAR_FIRST)
AC_INTEGER_SHIFTS(uint8_t, uint8_t, u8, 8, AC_ARRAYS | AC_SCALAR_FIRST)
AC_INTEGER_SHIFTS(int16_t, uint16_t, i16, 16, AC_ARRAYS | AC_SCALAR_FIRST)
AC_INTEGER_SHIFTS(uint16_t, uint16_t, u16, 16, AC_ARRAYS | AC_SCALAR_FIRST)
AC_INTEGER_SHIFTS(int32_t, uint32_t, i32, 32, AC_ALL_LAYOUTS)
AC_INTEGER_SHIFTS(uint32_t, uint32_t, u32, 32, AC_ALL_LAYOUTS)
AC_INTEGER_SHIFTS(int64_t, uint64_t, i64, 64, AC_ALL_LAYOUTS)
AC_INTEGER_SHIFTS(uint64_t, uint64_t, u64, 64, AC_ALL_LAYOUTS)

#define AC_INTEGER_ARITHMETIC_V4(c, S) \
    AC_ENTRY_2(add, c, c, ac_add_##S) AC_ENTRY_2(subtract, c, c, ac_subtract_##S) \
    AC_ENTRY_2(multiply, c, c, ac_multiply_##S)
#define AC_INTEGER_SHIFTS_V4(c, S) \
    AC_ENTRY_2(left_shift, c, c, ac_left_shift_##S) AC_ENTRY_2(right_shift, c, c, ac_right_shift_##S)
#define AC_LIST_INTEGER_V4 \
    AC_TYPES_INT(AC_INTEGER_ARITHMETIC_V4) AC_LONG(AC_INTEGER_ARITHMETIC_V4) \
    AC_TYPES_LONG_LONG(AC_INTEGER_ARITHMETIC_V4) AC_TYPES_INTEGER(AC_INTEGER_SHIFTS_V4)
#else
#define AC_LIST_INTEGER_V4
#endif

#endif
