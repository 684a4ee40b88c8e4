/* Errors that travel: a code from one enum and a sentence in the caller's frame. No allocation, no
 * global. A function that can fail returns 0 or a negative err_code, and border functions also fill
 * a nullable struct err; each layer adds what it was doing (err_wrap), so that the operator reads
 * "open store /data/agg: map full at 1 GiB: raise store.map_size". */
#ifndef TONGHOP_BASE_ERR_H
#define TONGHOP_BASE_ERR_H

enum err_code {
    ERR_OK = 0,
    ERR_INVALID = -1,   /* the input is wrong; sending it again unchanged will not help */
    ERR_NOT_FOUND = -2, /* what was named does not exist */
    ERR_EXISTS = -3,    /* what was to be made is there already */
    ERR_FULL = -4,      /* no space: backpressure, try again after room was made */
    ERR_IO = -5,        /* disk or operating system */
    ERR_CORRUPT = -6,   /* stored or received bytes contradict themselves */
    ERR_VERSION = -7,   /* written by a newer version of this program */
    ERR_LIMIT = -8,     /* larger than a stated limit */
    ERR_DENIED = -9,    /* this key may not do that */
    ERR_AGAIN = -10,    /* nothing wrong; not now */
    ERR_NET = -11,      /* a peer could not be reached or spoke out of turn */
};

enum { ERR_TEXT_BYTES = 512 };

struct err {
    int code;
    char text[ERR_TEXT_BYTES]; /* always terminated; cut with "..." when longer */
};

/* Fills *e (which may be NULL) and returns `code`, so that `return err_set(...)` is one line.
 * errno is left as it was. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "what: " in front of the text already in *e and returns e's code. With a NULL e the code is
 * not known and ERR_IO comes back: a caller that holds the code returns that. */
int err_wrap(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A short English name of a code ("invalid", "full"), static. */
const char *err_name(int code);

#endif
