/* config: which content bots and operators may bring in by URI (media.h). Zeroed is all defaults.
 */
#ifndef SB_MEDIA_CONFIG_H
#define SB_MEDIA_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sb_media_config {
    uint64_t max_bytes;        /* of one content; 0: 100 MiB */
    const char *const *roots;  /* file:// reads below these folders alone */
    size_t root_count;         /* 0: the database's folder and the working directory */
    const char *const *closed; /* files that file:// never reads, not even below a root, with
                                  what SQLite keeps beside each; the world's own are such too */
    size_t closed_count;
    const char *closed_below;     /* NULL, or a folder: as closed are the databases (whatever has
                                     ".db" in its name) in the folders that are in it */
    bool allow_private_addresses; /* http(s):// may reach this machine and private networks */
    uint32_t timeout_ms;          /* of one download; 0: 60 s */
    const char *temporary;        /* the folder that a world in memory makes one of its own in for
                                     its contents; NULL or "": /tmp */
};

#endif
