/* language: see the header. */
#include "base/language.h"

#include <stdatomic.h>
#include <stddef.h>

/* Atomic, so that a thread may log while another sets it. */
static _Atomic(enum mk_language) language;

void mk_language_set(enum mk_language wanted)
{
    atomic_store_explicit(&language, wanted, memory_order_relaxed);
}

enum mk_language mk_language_get(void)
{
    return atomic_load_explicit(&language, memory_order_relaxed);
}

const char *mk_tr(const char *en, const char *zh)
{
    return mk_tr_in(mk_language_get(), en, zh);
}

const char *mk_phrase_text(const struct mk_phrase *phrase)
{
    return phrase ? mk_tr(phrase->en, phrase->zh) : NULL;
}
