/* Atomic operations on one element of an array, of every width at a time that processors have: a loop around compare
 * and exchange, which floats need anyway. Included by _shared.pyx. */
#ifndef ALLCORES_SHARED_ATOMICS_H
#define ALLCORES_SHARED_ATOMICS_H

#include <stdint.h>
#include <string.h>

enum { AC_ADD, AC_MAX, AC_MIN, AC_EXCHANGE };

static uint64_t ac_bits_at(void *at, int size)
{
    switch (size) {
    case 1: return __atomic_load_n((uint8_t *)at, __ATOMIC_SEQ_CST);
    case 2: return __atomic_load_n((uint16_t *)at, __ATOMIC_SEQ_CST);
    case 4: return __atomic_load_n((uint32_t *)at, __ATOMIC_SEQ_CST);
    default: return __atomic_load_n((uint64_t *)at, __ATOMIC_SEQ_CST);
    }
}

static int ac_swap_bits(void *at, int size, uint64_t *was, uint64_t bits)
{
    int done;
#define AC_SWAP(type)                                                                                                  \
    {                                                                                                                  \
        type old = (type)*was;                                                                                         \
        done = __atomic_compare_exchange_n((type *)at, &old, (type)bits, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
        *was = old;                                                                                                    \
    }
    switch (size) {
    case 1: AC_SWAP(uint8_t) break;
    case 2: AC_SWAP(uint16_t) break;
    case 4: AC_SWAP(uint32_t) break;
    default: AC_SWAP(uint64_t) break;
    }
#undef AC_SWAP
    return done;
}

static int64_t ac_signed(uint64_t bits, int size)
{
    int unused = 64 - 8 * size;
    return (int64_t)(bits << unused) >> unused;
}

/* kind: 'i', 'u' or 'f', as NumPy's dtype.kind. NaN wins, as in NumPy's maximum and minimum. */
static uint64_t ac_combined(int op, int kind, int size, uint64_t old, uint64_t value)
{
    int greater;
    if (op == AC_EXCHANGE)
        return value;
    if (kind == 'f') {
        double a, b, result;
        float x, y;
        uint32_t bits;
        if (size == 8) {
            memcpy(&a, &old, 8);
            memcpy(&b, &value, 8);
        }
        else {
            bits = (uint32_t)old;
            memcpy(&x, &bits, 4);
            bits = (uint32_t)value;
            memcpy(&y, &bits, 4);
            a = x, b = y;
        }
        if (op == AC_ADD)
            result = a + b; /* of two floats: rounded twice, which for a sum is the same as once */
        else
            result = a != a || (op == AC_MAX ? a >= b : a <= b) ? a : b;
        if (size == 8) {
            memcpy(&value, &result, 8);
            return value;
        }
        x = (float)result;
        memcpy(&bits, &x, 4);
        return bits;
    }
    if (op == AC_ADD)
        return old + value;
    greater = kind == 'u' ? old > value : ac_signed(old, size) > ac_signed(value, size);
    return greater == (op == AC_MAX) ? old : value;
}

/* Returns the bits before. With AC_EXCHANGE only if they are `expected`. */
static uint64_t ac_update(void *at, int op, int kind, int size, uint64_t value, uint64_t expected)
{
    uint64_t old = op == AC_EXCHANGE ? expected : ac_bits_at(at, size);
    for (;;) {
        if (ac_swap_bits(at, size, &old, ac_combined(op, kind, size, old, value)) || op == AC_EXCHANGE)
            return old;
    }
}

#endif
