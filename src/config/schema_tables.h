/*
 * schema_tables: the parts of the schema, for schema.c. Private to the files of that name.
 */
#ifndef MK_CONFIG_SCHEMA_TABLES_H
#define MK_CONFIG_SCHEMA_TABLES_H

#include "config/key.h"

/* clang-format off */
#define MK_CONFIG_ORIGINS_EN                                                                       \
    "The origins of web pages that may use the server from a browser (CORS), exactly as browsers " \
    "send them; or * for every origin, which needs an access_token. Default: none."
#define MK_CONFIG_ORIGINS_ZH                                                                       \
    "可以从浏览器访问此服务的网页来源（CORS），与浏览器发送的完全一致；或 *，即所有来源，此时必须" \
    "设置 access_token。默认没有。"
/* clang-format on */

extern const struct mk_config_key mk_config_bot_keys[];

/* The keys of the backend at the top, and of the backend of a bot. */
extern const struct mk_config_key mk_config_backend_keys[];
extern const struct mk_config_key mk_config_bot_backend_keys[];

/* In the order of enum mk_backend_type. */
extern const struct mk_config_variant mk_config_backend_types[];

#endif
