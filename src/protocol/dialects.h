/*
 * dialects: those that a transport may speak. What is in each is said by the tables
 * (protocol/tables.h).
 */
#ifndef MK_PROTOCOL_DIALECTS_H
#define MK_PROTOCOL_DIALECTS_H

enum mk_dialect {
    MK_DIALECT_DRAFT, /* communication-draft.md, spec/milky-draft.json */
    MK_DIALECT_1_2,   /* Milky 1.2, spec/milky-1.2.json; what backends speak */
};

#endif
