/*
 * stream_share: the work that is done for one peer in one turn. A stream whose owner has done its
 * share yields: the rest of its input waits for the next turn, so that others are served between.
 */
#include "net/stream_impl.h"

void mk_stream_yield(struct mk_stream *stream)
{
    if (stream->yielded || stream->state != MK_STREAM_OPEN)
        return;
    stream->yielded = true;
    if (stream->kept)
        mk_list_remove(&stream->kept->resumed);
    mk_list_push(&stream->streams->yielded, &stream->yield);
}

void mk_stream_worked(struct mk_stream *stream, size_t work)
{
    uint32_t turn = (uint32_t)stream->streams->loop->turns;
    if (stream->turn != turn)
        stream->work = 0;
    stream->turn = turn;
    stream->work += (uint32_t)(work < MK_STREAM_SHARE ? work : MK_STREAM_SHARE);
    if (stream->work >= MK_STREAM_SHARE)
        mk_stream_yield(stream);
}

bool mk_stream_yielded(const struct mk_stream *stream)
{
    return stream->yielded;
}

void mk_stream_continue(struct mk_stream *stream)
{
    mk_list_remove(&stream->yield);
    stream->yielded = false;
    mk_stream_resume_kept(stream);
    mk_stream_report_end(stream);
    mk_stream_watch(stream);
}
