/* config: which contents bots and operators may bring in by URI. Zeroed: all defaults. */
#ifndef SB_MEDIA_CONFIG_H
#define SB_MEDIA_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sb_media_config {
    uint64_t max_bytes;        /* of one content; 0: 100 MiB */
    uint64_t bot_bytes;        /* of the contents of one bot; 0: 4 GiB */
    uint64_t total_bytes;      /* of all contents; 0: 16 GiB */
    const char *const *roots;  /* file:// reads below these folders alone */
    size_t root_count;         /* 0: no file at all */
    const char *const *closed; /* files that file:// never reads, not even below a root, with
                                  the files that SQLite keeps beside them; nor those of the world */
    size_t closed_count;
    const char
        *data_dir; /* NULL, or a folder: file:// reads files in it only below a root that is
                      in it or is it, and neither databases (".db" in the name) nor contents */
    bool allow_private_addresses; /* http(s):// may reach this machine and private networks */
    uint32_t timeout_ms;          /* of one download; 0: 60 s */
    const char *temporary;        /* where a world in memory makes its folder of contents; NULL or
                                     "": /tmp */
};

#endif
