/* Which instruction-set levels are compiled in, which of them this CPU runs, and the choice among them.
 * Compiled without any level's flags: it runs before anything is known about the CPU. AC_HAVE_<LEVEL> comes from
 * setup.py. */
#include <string.h>

#include "table.h"

#if defined(AC_HAVE_V3) || defined(AC_HAVE_V4)
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

typedef struct {
    unsigned eax, ebx, ecx, edx;
} cpuid_registers;

/* All zero where the leaf does not exist. */
static cpuid_registers cpuid_leaf(unsigned leaf)
{
    cpuid_registers r = {0, 0, 0, 0};
#if defined(_MSC_VER)
    int words[4];
    __cpuid(words, (int)(leaf & 0x80000000u));
    if ((unsigned)words[0] >= leaf) {
        __cpuidex(words, (int)leaf, 0);
        r.eax = (unsigned)words[0], r.ebx = (unsigned)words[1];
        r.ecx = (unsigned)words[2], r.edx = (unsigned)words[3];
    }
#else
    __get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
    return r;
}

/* Which register files the operating system saves when it switches threads; the CPU having them is not enough. */
static unsigned long long os_saved_state(void)
{
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
#endif
}

#define HAS_ALL(word, bits) (((word) & (bits)) == (bits))
#define BIT(n) (1u << (n))

/* 1, 3 or 4: the x86-64 level as the psABI defines it (2 has no table of its own). */
static int cpu_level(void)
{
    const cpuid_registers one = cpuid_leaf(1), seven = cpuid_leaf(7), extended = cpuid_leaf(0x80000001u);
    const unsigned fma = BIT(12), movbe = BIT(22), osxsave = BIT(27), avx = BIT(28), f16c = BIT(29);
    const unsigned sse3 = BIT(0), ssse3 = BIT(9), cx16 = BIT(13), sse41 = BIT(19), sse42 = BIT(20), popcnt = BIT(23);
    const unsigned bmi1 = BIT(3), avx2 = BIT(5), bmi2 = BIT(8), lzcnt = BIT(5);
    const unsigned avx512 = BIT(16) /* F */ | BIT(17) /* DQ */ | BIT(28) /* CD */ | BIT(30) /* BW */ | BIT(31) /* VL */;
    unsigned long long saved;

    if (!HAS_ALL(one.ecx, sse3 | ssse3 | cx16 | sse41 | sse42 | popcnt | fma | movbe | osxsave | avx | f16c)
        || !HAS_ALL(seven.ebx, bmi1 | avx2 | bmi2) || !HAS_ALL(extended.ecx, lzcnt)) {
        return 1;
    }
    saved = os_saved_state();
    if (!HAS_ALL(saved, 0x06)) { /* xmm, ymm */
        return 1;
    }
    if (!HAS_ALL(seven.ebx, avx512) || !HAS_ALL(saved, 0xe6)) { /* and masks, zmm0-15, zmm16-31 */
        return 3;
    }
    return 4;
}
#else
static int cpu_level(void) { return 1; }
#endif

extern const ac_table ac_table_base;
#if defined(AC_HAVE_V3)
extern const ac_table ac_table_v3;
#endif
#if defined(AC_HAVE_V4)
extern const ac_table ac_table_v4;
#endif
#if defined(AC_HAVE_NEON)
extern const ac_table ac_table_neon;
#endif

/* Worst first; `level` is the least that cpu_level() must be. */
static const struct {
    const char *name;
    int level;
    const ac_table *table;
} LEVELS[] = {
    {"base", 1, &ac_table_base},
#if defined(AC_HAVE_V3)
    {"v3", 3, &ac_table_v3},
#endif
#if defined(AC_HAVE_V4)
    {"v4", 4, &ac_table_v4},
#endif
#if defined(AC_HAVE_NEON)
    {"neon", 1, &ac_table_neon},
#endif
};
enum { LEVELS_COUNT = sizeof(LEVELS) / sizeof(LEVELS[0]) };

static int is_known(const char *name)
{
    static const char *const KNOWN[] = {"base", "v3", "v4", "neon"};
    size_t i;
    for (i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
        if (strcmp(name, KNOWN[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

const ac_table *ac_select(const char *name, int *why)
{
    const int level = cpu_level();
    const int any = name == NULL || *name == '\0';
    int i, ignored;

    if (why == NULL) {
        why = &ignored;
    }
    *why = any || is_known(name) ? AC_ISA_NOT_COMPILED : AC_ISA_UNKNOWN;
    for (i = LEVELS_COUNT - 1; i >= 0; i--) {
        if (!any && strcmp(name, LEVELS[i].name) != 0) {
            continue;
        }
        if (LEVELS[i].level <= level) {
            *why = AC_ISA_OK;
            return LEVELS[i].table;
        }
        *why = AC_ISA_NOT_ON_THIS_CPU;
    }
    return NULL;
}

const char *ac_compiled_levels(void)
{
    return "base"
#if defined(AC_HAVE_V3)
           " v3"
#endif
#if defined(AC_HAVE_V4)
           " v4"
#endif
#if defined(AC_HAVE_NEON)
           " neon"
#endif
        ;
}

#define AC_TEXT_OF(x) #x
#define AC_TEXT(x) AC_TEXT_OF(x)

const char *ac_compiler(void)
{
#if defined(__clang__)
    return "Clang " __clang_version__;
#elif defined(__GNUC__)
    return "GCC " __VERSION__;
#elif defined(_MSC_VER)
    return "MSVC " AC_TEXT(_MSC_VER);
#else
    return "unknown";
#endif
}
