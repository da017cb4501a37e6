/* retcode: why the sandbox refuses a call, beside `enum milky_retcode`. */
#ifndef SB_TURN_RETCODE_H
#define SB_TURN_RETCODE_H

/* Part of the interface: they never change. */
enum sb_retcode {
    SB_NO_FRIEND = -100,       /* the user is not a friend of the bot */
    SB_NO_GROUP = -101,        /* the group does not exist, or the bot is not in it */
    SB_NO_MEMBER = -102,       /* the user is not in the group */
    SB_NO_MESSAGE = -103,      /* the message does not exist, or was recalled */
    SB_NO_PERMISSION = -104,   /* the bot's role in the group does not allow it */
    SB_BAD_MESSAGE = -105,     /* empty, too long, or a segment that cannot be sent here */
    SB_NO_USER = -106,         /* no person has that QQ number */
    SB_MUTED = -107,           /* the sender may not speak in the group at present */
    SB_BAD_TEXT = -108,        /* a name or text is empty, too long, or has a character that is
                                * not allowed */
    SB_NO_REQUEST = -109,      /* there is no such request, or it has been answered */
    SB_TOO_MUCH = -110,        /* a limit has been reached */
    SB_ALREADY = -111,         /* the state asked for is there already */
    SB_NO_ANNOUNCEMENT = -112, /* the group has no such announcement */
    SB_GROUP_FULL = -113,      /* the group has as many members as it may have */
    SB_BAD_VALUE = -114,       /* a number or code that has no meaning, or is too large */
    SB_NO_FILE = -115,         /* no such file there, or it has another hash */
    SB_NO_FOLDER = -116,       /* the group has no such folder */
    SB_BAD_URI = -120,         /* malformed, or it points outside of the roots */
    SB_NO_CONTENT = -121,      /* the file cannot be read, the URL not be downloaded */
    SB_MEDIA_TOO_LARGE = -122, /* larger than is allowed */
    SB_BAD_MEDIA = -123,       /* empty, damaged, or no picture where one is wanted */
    SB_NO_RESOURCE = -124,     /* no content has that resource_id */
    SB_MEDIA_FULL = -125,      /* limits.media_bytes or limits.media_bytes_per_bot is reached */
};

#endif
