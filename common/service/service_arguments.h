/* The command line of a service: parsing it, and the manual that --help prints. Inside the harness
 * only. */
#ifndef TONGHOP_SERVICE_SERVICE_ARGUMENTS_H
#define TONGHOP_SERVICE_SERVICE_ARGUMENTS_H

#include "common/service/service.h"

enum service_action {
    SERVICE_RUN,
    SERVICE_CHECK_CONFIG,
    SERVICE_DUMP_CONFIG,
    SERVICE_DUMP_STORE,
    SERVICE_MODE,
    SERVICE_HELP,
    SERVICE_VERSION,
};

struct service_arguments {
    enum service_action action;
    const struct service_mode *mode; /* with SERVICE_MODE */
    const char *config_path;         /* NULL only with SERVICE_HELP and SERVICE_VERSION */
};

/* ERR_INVALID with a sentence for the user. */
int service_arguments_parse(const struct service_definition *d, int argc, char **argv,
                            struct service_arguments *out, struct err *e);

/* `rows`: all options of the configuration, the harness's own included. */
void service_arguments_help(const struct service_definition *d, const struct schema_row *rows,
                            size_t count, FILE *out);

#endif
