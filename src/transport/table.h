/*
 * table: the classes of transports. A new class needs its files in this folder, its keys in the
 * configuration, and a row here.
 */
#ifndef MK_TRANSPORT_TABLE_H
#define MK_TRANSPORT_TABLE_H

#include "transport/transport.h"

/* Ends with NULL. Bots make, start and report their transports in this order. */
extern const struct mk_transport_class *const mk_transport_table[];

#endif
