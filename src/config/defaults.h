/*
 * defaults: the numbers that apply where nothing is configured, in one file for both uses: the
 * schema (files, `milky check --schema`, `milky init`) and the zeros of an embedder. milky/milky.h
 * repeats them in its comments; a test compares.
 */
#ifndef MK_CONFIG_DEFAULTS_H
#define MK_CONFIG_DEFAULTS_H

/* struct milky_journal */
#define MK_DEFAULT_MAX_EVENTS 100000
#define MK_DEFAULT_MAX_AGE 604800 /* seconds: 7 days */

/* struct milky_remote, of a webhook */
#define MK_DEFAULT_TIMEOUT 15
#define MK_DEFAULT_GIVE_UP_TRIES 10
#define MK_DEFAULT_GIVE_UP_SECONDS 180

/* struct milky_limits */
#define MK_DEFAULT_CONNECTIONS 16384
#define MK_DEFAULT_CONNECTIONS_PER_ADDRESS 1024
#define MK_DEFAULT_TLS_HANDSHAKES 1024
#define MK_DEFAULT_FAILED_CREDENTIALS 100
#define MK_DEFAULT_HEADER_BYTES 32768     /* 32 KiB */
#define MK_DEFAULT_BODY_BYTES 16777216    /* 16 MiB */
#define MK_DEFAULT_MESSAGE_BYTES 67108864 /* 64 MiB */
#define MK_DEFAULT_HEADER_SECONDS 15
#define MK_DEFAULT_BODY_SECONDS 30
#define MK_DEFAULT_IDLE_SECONDS 75
#define MK_DEFAULT_CALLS_IN_FLIGHT 256
#define MK_DEFAULT_LAG_BYTES 16777216    /* 16 MiB */
#define MK_DEFAULT_WINDOW_BYTES 33554432 /* 32 MiB */
#define MK_DEFAULT_CALL_SECONDS 60
#define MK_DEFAULT_RECEIVING_BYTES 536870912             /* 512 MiB */
#define MK_DEFAULT_PENDING_BYTES_PER_CONNECTION 16777216 /* 16 MiB */
#define MK_DEFAULT_PENDING_BYTES_PER_BOT 134217728       /* 128 MiB */

#define MK_DEFAULT_MEDIA_TOTAL_BYTES 17179869184  /* 16 GiB */
#define MK_DEFAULT_MEDIA_BYTES_PER_BOT 4294967296 /* 4 GiB */

#define MK_DEFAULT_CACHE_TOTAL_BYTES 17179869184  /* 16 GiB */
#define MK_DEFAULT_CACHE_BYTES_PER_BOT 4294967296 /* 4 GiB */
#define MK_DEFAULT_CACHE_SECONDS 600

/* struct milky_config */
#define MK_DEFAULT_COMPRESSION_THRESHOLD 1024

/* The sandbox's media. */
#define MK_DEFAULT_MEDIA_BYTES 104857600 /* 100 MiB */
#define MK_DEFAULT_DOWNLOAD_SECONDS 60

/* One of these numbers as a string literal. */
#define MK_DEFAULT_TEXT(number) MK_DEFAULT_TEXT_(number)
#define MK_DEFAULT_TEXT_(number) #number

#endif
