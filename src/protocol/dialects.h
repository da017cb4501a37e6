/* dialects: the dialects that a transport may use. The tables (protocol/tables.h) define them. */
#ifndef MK_PROTOCOL_DIALECTS_H
#define MK_PROTOCOL_DIALECTS_H

enum mk_dialect {
    MK_DIALECT_DRAFT, /* communication-draft.md, spec/milky-draft.json */
    MK_DIALECT_1_2,   /* Milky 1.2, spec/milky-1.2.json; the dialect of backends */
};

#endif
