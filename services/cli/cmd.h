/* The commands; each stands in the file of its name. */
#ifndef TONGHOP_CLI_CMD_H
#define TONGHOP_CLI_CMD_H

#include "services/cli/cli.h"

extern const struct cli_command cmd_submit;
extern const struct cli_command cmd_import;
extern const struct cli_command cmd_query;
extern const struct cli_command cmd_status;
extern const struct cli_command cmd_watch;
extern const struct cli_command cmd_trace;
extern const struct cli_command cmd_alerts_list;
extern const struct cli_command cmd_alerts_show;
extern const struct cli_command cmd_alerts_history;
extern const struct cli_command cmd_alerts_watch;
extern const struct cli_command cmd_plan_check;
extern const struct cli_command cmd_plan_apply;
extern const struct cli_command cmd_keys_make;
extern const struct cli_command cmd_keys_add;
extern const struct cli_command cmd_keys_set;
extern const struct cli_command cmd_keys_rotate;
extern const struct cli_command cmd_keys_revoke;
extern const struct cli_command cmd_keys_retire;
extern const struct cli_command cmd_clock_tick;
extern const struct cli_command cmd_clock_accept;
extern const struct cli_command cmd_verify;
extern const struct cli_command cmd_check_config;
extern const struct cli_command cmd_rehearse;

#endif
