/*
 * views: the feeds of a hub. The events that pass one filter are a view, with a feed for each
 * (dialect, envelope, framing); the usual view, of transports without a filter, always exists.
 */
#ifndef MK_HUB_VIEWS_H
#define MK_HUB_VIEWS_H

#include "hub/feed.h"
#include "hub/frame.h"
#include "protocol/event_filter.h"

enum { MK_ENVELOPES = 4 };

/* The format in which a sink gets its events, and which of them. */
struct mk_event_format {
    enum mk_dialect dialect;
    enum mk_envelope envelope;
    enum mk_framing framing;
    const struct mk_event_filter *filter; /* NULL: the usual one */
};

bool mk_event_format_eq(const struct mk_event_format *a, const struct mk_event_format *b);

struct mk_view {
    struct mk_list node;
    const struct mk_event_filter *filter;
    bool passes; /* the event that is emitted now */
    struct mk_feed feeds[MK_DIALECTS_MAX][MK_ENVELOPES][MK_FRAMINGS];
};

struct mk_views {
    struct mk_list list; /* of mk_view, the usual one first */
    struct mk_view usual;
};

/* `views` must not be moved. */
void mk_views_init(struct mk_views *views);
/* All sinks must have left. */
void mk_views_fini(struct mk_views *views);

/* Joins the feed of this format; see mk_feed_join. */
int mk_views_join(struct mk_views *views, struct mk_sink *sink,
                  const struct mk_event_format *format);

/* Decides which views an event passes, and frees those that no sink reads any more. */
void mk_views_choose(struct mk_views *views, const struct mk_event *event);

#define MK_VIEW_FOR_EACH(view, views)                                                              \
    for (struct mk_view *view = MK_CONTAINER_OF((views)->list.next, struct mk_view, node);         \
         &view->node != &(views)->list;                                                            \
         view = MK_CONTAINER_OF(view->node.next, struct mk_view, node))

#endif
