/* dialects: the dialects that a transport may use. The tables (protocol/tables.h) define them. */
#ifndef MK_PROTOCOL_DIALECTS_H
#define MK_PROTOCOL_DIALECTS_H

/* A number of mk_dialects: behind these two come the older minor versions of 1.x, newest first. */
enum mk_dialect {
    MK_DIALECT_DRAFT,  /* communication-draft.md, spec/milky-draft.json */
    MK_DIALECT_NEWEST, /* the newest Milky 1.x, spec/milky-1.3.json; the dialect of backends */
};

enum { MK_DIALECTS_MAX = 4 }; /* the draft, and three versions of 1.x */

#endif
