/* error_text: what an errno means, in words, for a log line or an answer. */
#ifndef MK_BASE_ERROR_TEXT_H
#define MK_BASE_ERROR_TEXT_H

/* `error` is an errno, positive. The text is constant: any thread may keep it, as long as it likes.
 */
const char *mk_error_text(int error);

#endif
