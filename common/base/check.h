/* For what cannot happen: an always-on check that stops the process. Anything that comes from
 * input, configuration, disk, network or a peer is an ordinary error (err.h) and never a check. */
#ifndef TONGHOP_BASE_CHECK_H
#define TONGHOP_BASE_CHECK_H

#define require(condition)                                                                         \
    ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, __func__, #condition))

_Noreturn void check_failed(const char *file, int line, const char *function, const char *what);

#endif
