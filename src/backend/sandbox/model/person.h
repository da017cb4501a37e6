/* person: the people of the world, bots among them. */
#ifndef SB_MODEL_PERSON_H
#define SB_MODEL_PERSON_H

#include "backend/sandbox/model/world_list.h"

/* "male", "female", "unknown", by the number in the database. */
const char *sb_person_sex(uint64_t sex);

/*
 * The nickname of a person, copied into `doc`. `is_bot` may be NULL.
 * Returns 1, 0 when there is no such person, or -errno.
 */
int sb_person_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t uin, struct mk_slice *nickname,
                   bool *is_bot);

/* Returns 1 when the person exists and is a bot, 0, or -errno. */
int sb_person_is_bot(struct sb_db *db, uint64_t uin);

/* Returns 0 when the person exists, SB_REFUSED or -errno. */
int sb_person_require(struct sb_request *request, uint64_t uin);

/* The people of a world. */
extern const struct sb_world_list sb_person_list;

#endif
