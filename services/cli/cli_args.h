/* Reading the command line of one command. Inside the command only; what commands use is in cli.h.
 */
#ifndef TONGHOP_CLI_CLI_ARGS_H
#define TONGHOP_CLI_CLI_ARGS_H

#include "services/cli/cli.h"

/* argv: behind the command's name. Options that every command has go into *cli. *words is the
 * caller's to free; args borrows it. ERR_INVALID with a sentence. */
int cli_args_parse(struct cli *cli, const struct cli_command *command, int argc, char **argv,
                   struct cli_args *out, const char ***words, bool *help, struct err *e);
void cli_args_print_option(const struct cli_option *option, FILE *out);
void cli_args_print_global(FILE *out);

#endif
