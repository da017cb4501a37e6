/* views: see the header. */
#include "hub/views.h"

#include "protocol/tables.h"

#include <errno.h>
#include <stdlib.h>

bool mk_event_format_eq(const struct mk_event_format *a, const struct mk_event_format *b)
{
    return a->dialect == b->dialect && a->envelope == b->envelope && a->framing == b->framing &&
           mk_event_filter_eq(a->filter, b->filter);
}

typedef void each_feed(struct mk_feed *feed);

static void for_each_feed(struct mk_view *view, each_feed *visit)
{
    for (size_t dialect = 0; dialect < mk_dialect_count; dialect++)
        for (int envelope = 0; envelope < MK_ENVELOPES; envelope++)
            for (int framing = 0; framing < MK_FRAMINGS; framing++)
                visit(&view->feeds[dialect][envelope][framing]);
}

static void init_view(struct mk_views *views, struct mk_view *view,
                      const struct mk_event_filter *filter)
{
    view->filter = mk_event_filter_ref(filter);
    for_each_feed(view, mk_feed_init);
    mk_list_init(&view->node);
    mk_list_push(&views->list, &view->node);
}

static void fini_view(struct mk_view *view)
{
    mk_list_remove(&view->node);
    for_each_feed(view, mk_feed_fini);
    mk_event_filter_unref(view->filter);
}

void mk_views_init(struct mk_views *views)
{
    mk_list_init(&views->list);
    init_view(views, &views->usual, NULL);
}

static void drop_view(struct mk_views *views, struct mk_view *view)
{
    fini_view(view);
    if (view != &views->usual)
        free(view);
}

void mk_views_fini(struct mk_views *views)
{
    struct mk_list *next;
    for (struct mk_list *node = views->list.next; node != &views->list; node = next) {
        next = node->next;
        drop_view(views, MK_CONTAINER_OF(node, struct mk_view, node));
    }
}

static struct mk_view *view_of(struct mk_views *views, const struct mk_event_filter *filter)
{
    MK_VIEW_FOR_EACH(view, views)
    if (mk_event_filter_eq(view->filter, filter))
        return view;
    struct mk_view *view = calloc(1, sizeof(*view));
    if (view)
        init_view(views, view, filter);
    return view;
}

int mk_views_join(struct mk_views *views, struct mk_sink *sink,
                  const struct mk_event_format *format)
{
    struct mk_view *view = view_of(views, format->filter);
    if (!view)
        return -ENOMEM;
    return mk_feed_join(&view->feeds[format->dialect][format->envelope][format->framing], sink);
}

static bool is_read(const struct mk_view *view)
{
    for (size_t dialect = 0; dialect < mk_dialect_count; dialect++)
        for (int envelope = 0; envelope < MK_ENVELOPES; envelope++)
            for (int framing = 0; framing < MK_FRAMINGS; framing++)
                if (mk_feed_has_sinks(&view->feeds[dialect][envelope][framing]))
                    return true;
    return false;
}

void mk_views_choose(struct mk_views *views, const struct mk_event *event)
{
    struct mk_list *next;
    for (struct mk_list *node = views->list.next; node != &views->list; node = next) {
        struct mk_view *view = MK_CONTAINER_OF(node, struct mk_view, node);
        next = node->next;
        if (view != &views->usual && !is_read(view))
            drop_view(views, view);
        else
            view->passes = mk_event_filter_passes(view->filter, event);
    }
}
