#include "services/cli/cli.h"

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* in step with stderr, wherever both go */
    return cli_main(argc, argv, stdout, stderr);
}
