/* features: all that the sandbox can do (store/feature.h), in the order in which tables are made.
 */
#ifndef SB_API_FEATURES_H
#define SB_API_FEATURES_H

#include "backend/sandbox/store/feature.h"

/* Ended by NULL. */
extern const struct sb_feature *const sb_features[];

#endif
