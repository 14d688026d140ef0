/* The reductions' inner loops and the level's table of them. */
#ifndef ALLCORES_REDUCTIONS_H
#define ALLCORES_REDUCTIONS_H

#include "reduce_table.h"

static const struct ac_reductions AC_REDUCTIONS = {0};

#endif
