/* columns: reads the fields of an element for the columns of its list. */
#ifndef SB_WORLD_COLUMNS_H
#define SB_WORLD_COLUMNS_H

#include "backend/sandbox/model/world_list.h"

/* Reads an object that was checked: values[i] for columns[i]. */
void sb_columns_read(const struct sb_column *columns, yyjson_mut_val *element,
                     struct sb_value *values);

#endif
