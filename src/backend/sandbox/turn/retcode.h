/* retcode: the reasons for which the sandbox refuses a call. */
#ifndef SB_TURN_RETCODE_H
#define SB_TURN_RETCODE_H

/* Why the sandbox refused a call, beside `enum milky_retcode`. Part of the interface: they stay. */
enum sb_retcode {
    SB_NO_FRIEND = -100,       /* the user is not a friend of the bot */
    SB_NO_GROUP = -101,        /* the group does not exist, or the bot is not in it */
    SB_NO_MEMBER = -102,       /* the user is not in the group */
    SB_NO_MESSAGE = -103,      /* the message does not exist, or was recalled */
    SB_NO_PERMISSION = -104,   /* the bot's role in the group does not allow it */
    SB_BAD_MESSAGE = -105,     /* empty, too long, or a segment that cannot be sent here */
    SB_NO_USER = -106,         /* nobody has that QQ number */
    SB_MUTED = -107,           /* the sender may not speak in the group at present */
    SB_BAD_TEXT = -108,        /* a name or text is empty, too long, or has a character that
                                          cannot stand in it */
    SB_NO_REQUEST = -109,      /* nobody asks that, or it has been answered */
    SB_TOO_MUCH = -110,        /* no more of it today */
    SB_ALREADY = -111,         /* it is so already */
    SB_NO_ANNOUNCEMENT = -112, /* the group has no such announcement */
    SB_GROUP_FULL = -113,      /* the group has as many members as it may have */
    SB_BAD_VALUE = -114,       /* a number or code that means nothing, or too much */
    SB_NO_FILE = -115,         /* no such file there, or it has another hash */
    SB_NO_FOLDER = -116,       /* the group has no such folder */
    SB_BAD_URI = -120,         /* malformed, or it points where nobody may look */
    SB_NO_CONTENT = -121,      /* the file cannot be read, the URL not be downloaded */
    SB_MEDIA_TOO_LARGE = -122, /* larger than is allowed */
    SB_BAD_MEDIA = -123,       /* empty, damaged, or no picture where one is wanted */
    SB_NO_RESOURCE = -124,     /* no content has that resource_id */
};

#endif
