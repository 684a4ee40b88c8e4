#include "tests/support/process.h"

#include "common/net/loop.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_FD = 3, LAST_FD = 1000 /* above all others: closed last by an exec */ };

static void program_path(const char *program, char out[TEMP_PATH_BYTES])
{
    const char *folder = getenv("TONGHOP_BIN");
    ck_assert_msg(folder != NULL, "set TONGHOP_BIN to the folder of the programs");
    int len = snprintf(out, TEMP_PATH_BYTES, "%s/%s", folder, program);
    ck_assert_int_lt(len, TEMP_PATH_BYTES);
    ck_assert_msg(access(out, X_OK) == 0, "%s is not there: build it", out);
}

/* What a child is to find; only what is safe after a fork happens in it. */
struct launch {
    char path[TEMP_PATH_BYTES];
    char *arguments[PROCESS_ARGUMENTS_MAX];
    int out_fd;
    int err_fd;
    int ready_fd; /* -1: none */
};

_Noreturn static void become(const struct launch *l)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(l->out_fd, STDOUT_FILENO);
    dup2(l->err_fd, STDERR_FILENO);
    if (l->ready_fd >= 0 && l->ready_fd != READY_FD)
        dup2(l->ready_fd, READY_FD);
    if (l->ready_fd == READY_FD)
        fcntl(READY_FD, F_SETFD, 0);
    close_range(l->ready_fd >= 0 ? READY_FD + 1 : READY_FD, ~0U, CLOSE_RANGE_CLOEXEC);
    execv(l->path, l->arguments);
    _exit(127);
}

/* Until the child has given up its copies of our descriptors: what was locked through one would
 * stay locked after we closed it. */
static void await_exec(int read_fd, int write_fd)
{
    char none;
    close(write_fd);
    ck_assert_int_eq(read(read_fd, &none, 1), 0);
    close(read_fd);
}

static pid_t launch(struct launch *l)
{
    int gone[2];
    ck_assert_int_eq(pipe2(gone, O_CLOEXEC), 0);
    int last_fd = fcntl(gone[1], F_DUPFD_CLOEXEC, LAST_FD);
    ck_assert_int_ge(last_fd, LAST_FD);
    close(gone[1]);
    setenv("TONGHOP_READY_FD", "3", 1);
    if (l->ready_fd < 0)
        unsetenv("TONGHOP_READY_FD");
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        become(l);
    await_exec(gone[0], last_fd);
    return pid;
}

static void add_arguments(struct launch *l, const char *const *arguments)
{
    unsigned count = 0;
    l->arguments[count++] = l->path;
    for (; *arguments; arguments++) {
        ck_assert_uint_lt(count, PROCESS_ARGUMENTS_MAX - 1);
        memcpy(&l->arguments[count++], arguments, sizeof *arguments); /* execv takes them mutable */
    }
    l->arguments[count] = NULL;
}

void process_start(struct process *p)
{
    struct launch l;
    int ready[2];
    const char *const arguments[] = {"--config", p->config, NULL};
    ck_assert_int_eq(p->pid, 0);
    program_path(p->program, l.path);
    add_arguments(&l, arguments);
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    l.err_fd = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_ge(l.err_fd, 0);
    l.out_fd = l.err_fd;
    l.ready_fd = ready[1];
    p->pid = launch(&l);
    close(l.err_fd);
    close(ready[1]);
    p->ready_fd = ready[0];
}

static bool poll_for(int fd, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        int64_t left_ms = deadline_ms - loop_now_ms();
        int rc = poll(&one, 1, left_ms > 0 ? (int)left_ms : 0);
        if (rc >= 0 || errno != EINTR)
            return rc > 0;
    }
}

void process_await_ready(struct process *p)
{
    static const char wanted[] = "ready\n";
    char text[sizeof wanted] = "";
    size_t len = 0;
    int64_t deadline_ms = loop_now_ms() + PROCESS_PATIENCE_MS;
    if (p->ready_fd < 0)
        return;
    while (len < sizeof wanted - 1 && poll_for(p->ready_fd, deadline_ms)) {
        ssize_t got = read(p->ready_fd, text + len, sizeof wanted - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    ck_assert_msg(strcmp(text, wanted) == 0, "%s did not become ready", p->program);
    close(p->ready_fd);
    p->ready_fd = -1;
}

static int exit_code(pid_t pid)
{
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : PROCESS_SIGNALLED + WTERMSIG(status);
}

static int await_end(const char *program, pid_t pid)
{
    int fd = pidfd_open(pid, 0);
    ck_assert_int_ge(fd, 0);
    bool ended = poll_for(fd, loop_now_ms() + PROCESS_PATIENCE_MS);
    close(fd);
    ck_assert_msg(ended, "%s does not end", program);
    return exit_code(pid);
}

static void forget(struct process *p)
{
    p->pid = 0;
    if (p->ready_fd >= 0)
        close(p->ready_fd);
    p->ready_fd = -1;
}

void process_kill(struct process *p)
{
    if (p->pid == 0)
        return;
    kill(p->pid, SIGKILL);
    int code = await_end(p->program, p->pid);
    ck_assert_msg(code == PROCESS_SIGNALLED + SIGKILL, "%s had ended by itself with %d", p->program,
                  code);
    forget(p);
}

void process_end(struct process *p)
{
    if (p->pid == 0)
        return;
    kill(p->pid, SIGKILL);
    await_end(p->program, p->pid);
    forget(p);
}

int process_wait(struct process *p)
{
    int code = await_end(p->program, p->pid);
    forget(p);
    return code;
}

int process_stop(struct process *p)
{
    if (p->pid == 0)
        return 0;
    kill(p->pid, SIGTERM);
    return process_wait(p);
}

/* --- logs */

/* Terminated; the caller frees. */
static struct buf read_fd(int fd)
{
    struct buf text = {0};
    char part[4096];
    ssize_t got;
    while ((got = read(fd, part, sizeof part)) > 0)
        buf_bytes(&text, part, (size_t)got);
    buf_u8(&text, 0);
    return text;
}

static struct buf read_log(const struct process *p)
{
    int fd = open(p->log, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "no log %s", p->log);
    struct buf text = read_fd(fd);
    close(fd);
    return text;
}

unsigned process_log_count(const struct process *p, const char *text)
{
    struct buf log = read_log(p);
    unsigned count = 0;
    for (const char *at = (const char *)log.data; (at = strstr(at, text)); at++)
        count++;
    buf_fini(&log);
    return count;
}

void process_await_log(const struct process *p, const char *text, unsigned seen)
{
    int64_t deadline_ms = loop_now_ms() + PROCESS_PATIENCE_MS;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    ck_assert_int_ge(inotify_add_watch(fd, p->log, IN_MODIFY), 0);
    while (process_log_count(p, text) <= seen) {
        char events[4096];
        ck_assert_msg(poll_for(fd, deadline_ms), "%s never logged: %s", p->program, text);
        while (read(fd, events, sizeof events) > 0)
            continue;
    }
    close(fd);
}

void process_log_value(const struct process *p, const char *line, const char *key, char *out,
                       size_t bytes)
{
    struct buf log = read_log(p);
    char wanted[64];
    snprintf(wanted, sizeof wanted, " %s=", key);
    out[0] = '\0';
    for (const char *at = (const char *)log.data; (at = strstr(at, line)); at++) {
        const char *value = strstr(at, wanted);
        if (value && value < strchrnul(at, '\n'))
            snprintf(out, bytes, "%.*s", (int)strcspn(value + strlen(wanted), " \n"),
                     value + strlen(wanted));
    }
    buf_fini(&log);
}

/* --- programs that end by themselves */

static void take_output(int fd, struct buf *to)
{
    lseek(fd, 0, SEEK_SET);
    struct buf text = read_fd(fd);
    close(fd);
    if (to)
        *to = text;
    else
        buf_fini(&text);
}

int process_run(const char *program, const char *const *arguments, struct buf *out, struct buf *err)
{
    struct launch l = {.ready_fd = -1};
    program_path(program, l.path);
    add_arguments(&l, arguments);
    l.out_fd = memfd_create("out", MFD_CLOEXEC);
    l.err_fd = memfd_create("err", MFD_CLOEXEC);
    ck_assert_int_ge(l.out_fd, 0);
    ck_assert_int_ge(l.err_fd, 0);
    int code = await_end(program, launch(&l));
    take_output(l.out_fd, out);
    take_output(l.err_fd, err);
    return code;
}
