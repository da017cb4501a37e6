/* process: see the header. */
#include "endpoint/process.h"

#include "base/log.h"

#include <dirent.h>
#include <sys/resource.h>
#include <uv.h>

static uint64_t count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* without the descriptor of the folder */
}

static double seconds(uv_timeval_t time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void mk_process_measure(struct mk_process *process)
{
    *process = (struct mk_process){ .open_fds = count_fds(), .log_dropped = mk_log_dropped() };
    struct rlimit limit;
    uv_rusage_t usage;
    size_t resident;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        process->most_fds = limit.rlim_cur;
    if (uv_getrusage(&usage) == 0)
        process->cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    if (uv_resident_set_memory(&resident) == 0)
        process->resident = resident;
}
