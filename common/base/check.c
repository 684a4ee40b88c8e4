#include "common/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *function, const char *what)
{
    fprintf(stderr,
            "%s:%d: %s: this cannot be: require(%s) does not hold; "
            "this is a defect of the program, please report this line\n",
            file, line, function, what);
    fflush(stderr);
    abort();
}
