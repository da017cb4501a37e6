/* http_date: see the header. Each format is a pattern, which is compared character by character. */
#include "wire/http_date.h"

struct date {
    unsigned year, month, day, hour, minute, second;
};

/* Returns 1 to 12, or 0. */
static unsigned month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned i = 0; i < 12; i++)
        if (memcmp(names + i * 3, name, 3) == 0)
            return i + 1;
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * In a pattern 'D', 'h', 'm' and 's' are digits, 'Y' a digit of the year, '_' a digit of the day or
 * a space, "***" a month; all others mean themselves.
 */
static bool take_number(struct date *date, char kind, char c)
{
    unsigned *number = kind == 'Y'   ? &date->year
                       : kind == 'h' ? &date->hour
                       : kind == 'm' ? &date->minute
                       : kind == 's' ? &date->second
                                     : &date->day;
    if (kind == '_' && c == ' ')
        return true;
    if (!is_digit(c))
        return false;
    *number = *number * 10 + (unsigned)(c - '0');
    return true;
}

static bool matches(struct mk_slice text, const char *pattern, struct date *date)
{
    *date = (struct date){ 0 };
    if (text.len != strlen(pattern))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (pattern[i] == '*') {
            date->month = month_of(text.ptr + i);
            i += 2;
        } else if (memchr("D_hmsY", pattern[i], 6)) {
            if (!take_number(date, pattern[i], text.ptr[i]))
                return false;
        } else if (text.ptr[i] != pattern[i]) {
            return false;
        }
    }
    return true;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(const struct date *date)
{
    int64_t year = (int64_t)date->year - (date->month <= 2);
    int64_t month = date->month > 2 ? date->month - 3 : date->month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + date->day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

static bool is_valid(const struct date *date)
{
    return date->month > 0 && date->day > 0 && date->day <= 31 && date->hour < 24 &&
           date->minute < 60 && date->second <= 60 && date->year >= 1970;
}

bool mk_http_date_parse(struct mk_slice text, int64_t *seconds)
{
    struct date date;
    const char *comma = text.len > 0 ? memchr(text.ptr, ',', text.len) : NULL;
    size_t weekday = comma ? (size_t)(comma - text.ptr) + 1 : 3;
    struct mk_slice rest = mk_slice_from(text, weekday);
    if (comma && matches(rest, " DD-***-YY hh:mm:ss GMT", &date))
        date.year += date.year < 70 ? 2000 : 1900;
    else if (!matches(rest, comma ? " DD *** YYYY hh:mm:ss GMT" : " *** _D hh:mm:ss YYYY", &date))
        return false;
    if (!is_valid(&date))
        return false;
    *seconds = days_of(&date) * 86400 + (int64_t)date.hour * 3600 + (int64_t)date.minute * 60 +
               (int64_t)date.second;
    return true;
}
