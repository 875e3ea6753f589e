/* The kinds of value that keys have. */
#ifndef SOTTO_APP_CONFIG_TYPE_H
#define SOTTO_APP_CONFIG_TYPE_H

#include "app/config_key.h"

extern const struct config_type config_type_number;    /* uint32_t, min..max */
extern const struct config_type config_type_auto;      /* uint32_t, min..max; 0: "auto" */
extern const struct config_type config_type_duration;  /* uint32_t seconds; 0: "none" if min is 0 */
extern const struct config_type config_type_word;      /* uint32_t index */
extern const struct config_type config_type_host;      /* char[CONFIG_HOST_MAX] */
extern const struct config_type config_type_path;      /* char[CONFIG_PATH_MAX] */
extern const struct config_type config_type_account;   /* char[CONFIG_USER_MAX] */
extern const struct config_type config_type_origins;   /* char[CONFIG_ORIGINS_MAX] */
extern const struct config_type config_type_token;     /* char[CONFIG_TOKEN_MAX] */
extern const struct config_type config_type_ports;     /* struct config_ports */
extern const struct config_type config_type_addrs;     /* struct config_addrs */
extern const struct config_type config_type_listeners; /* struct config_listeners, kind:addr:port */
extern const struct config_type config_type_web_listeners; /* likewise, addr:port, or none */
extern const struct config_type config_type_interfaces;    /* char[CONFIG_INTERFACES_MAX] */

#endif
