/* The reductions' inner loops that a level offers. */
#ifndef ALLCORES_REDUCE_TABLE_H
#define ALLCORES_REDUCE_TABLE_H

#include "table.h"

struct ac_reductions {
    ac_intp reserved;
};

#endif
