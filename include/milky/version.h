/* milky/version.h: the version of this header, to be compared with milky_version(). */
#ifndef MILKY_VERSION_H
#define MILKY_VERSION_H

#define MILKY_VERSION_MAJOR 1
#define MILKY_VERSION_MINOR 0
#define MILKY_VERSION_PATCH 0

#endif
