/* operations: the table of the operator's requests, made of spec/sandbox.json. */
#ifndef SB_TURN_OPERATIONS_H
#define SB_TURN_OPERATIONS_H

#include <milky/backend.h>

extern const struct milky_operations sb_operations;

#endif
