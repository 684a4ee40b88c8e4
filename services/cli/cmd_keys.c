#include "services/cli/cmd.h"

#include <inttypes.h>

enum { PATH_BYTES = 4096 };

/* ---- make ---- */

static int make_pair(const char *path, struct net_keypair *pair, char *public_path, size_t bytes,
                     struct err *e)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 0, path);
    int rc = folder[0] ? cli_make_directories(folder, e) : 0;
    if (rc != 0)
        return rc;
    keypair_generate(pair);
    snprintf(public_path, bytes, "%s.pub", path);
    rc = keypair_save(path, pair, e);
    return rc != 0 ? rc : key_public_save(public_path, &pair->public_key, e);
}

static int run_make(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct net_keypair pair;
    char public_path[PATH_BYTES], text[NET_KEY_TEXT_BYTES];
    int rc = make_pair(args->words[0], &pair, public_path, sizeof public_path, &e);
    if (rc == 0) {
        key_format_z85(&pair.public_key, text);
        fprintf(cli->out, "%s\n", text);
        fflush(cli->out);
        fprintf(cli->err,
                cli_say(cli,
                        "Đã tạo %s (bí mật: không gửi cho ai) và %s (gửi cho bộ phận công nghệ "
                        "thông tin của tỉnh để đăng ký).\n",
                        "Made %s (secret: hand it to nobody) and %s (for provincial IT to "
                        "register).\n"),
                args->words[0], public_path);
    }
    keypair_wipe(&pair);
    return rc == 0 ? CLI_OK : cli_fail(cli, &e);
}

/* ---- producers ---- */

static int take_role(struct slice word, uint32_t *roles, struct err *e)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } known[] = {{"submit", ROLE_SUBMIT},
                 {"subscribe", ROLE_SUBSCRIBE},
                 {"operate", ROLE_OPERATE},
                 {"service", ROLE_SERVICE},
                 {"delegate", ROLE_DELEGATE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (slice_equal(word, slice_str(known[i].name))) {
            *roles |= known[i].bit;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "--role \"%.*s\": write some of submit, subscribe, operate, service, delegate "
                   "with commas between",
                   (int)word.len, (const char *)word.data);
}

static int take_roles(const char *list, uint32_t *roles, struct err *e)
{
    int rc = 0;
    for (const char *at = list; rc == 0; at++) {
        size_t len = strcspn(at, ",");
        rc = take_role(slice_of(at, len), roles, e);
        at += len;
        if (*at == '\0')
            break;
    }
    return rc;
}

static int take_scopes(const char *list, struct producer *p, struct err *e)
{
    for (const char *at = list;; at++) {
        size_t len = strcspn(at, ",");
        if (p->scope_count == PRODUCER_SCOPES_MAX)
            return err_set(e, ERR_LIMIT, "--scope: more than %d codes", PRODUCER_SCOPES_MAX);
        if (!ident_set(&p->scopes[p->scope_count++], slice_of(at, len)))
            return err_set(e, ERR_INVALID, "--scope: \"%.*s\" is no unit code", (int)len, at);
        at += len;
        if (*at == '\0')
            return 0;
    }
}

static int take_producer(const struct cli_args *args, struct producer *p, struct err *e)
{
    const char *source = cli_option(args, "source"), *scope = cli_option(args, "scope");
    const char *roles = cli_option(args, "role");
    int rc = cli_ident(args->words[0], "the name", &p->name, e);
    if (rc == 0 && source)
        rc = cli_ident(source, "--source", &p->source, e);
    if (rc == 0 && scope)
        rc = take_scopes(scope, p, e);
    if (rc == 0)
        rc = cli_option_day(args, "on", 0, &p->scopes_on, e);
    if (rc == 0)
        rc = take_roles(roles ? roles : "submit,subscribe", &p->roles, e);
    return rc;
}

static int take_key(const struct cli_args *args, const char *option, uint8_t out[KEY_BYTES],
                    struct err *e)
{
    struct net_key key;
    const char *path = cli_option(args, option);
    if (!path)
        return err_set(e, ERR_INVALID, "--%s FILE.pub is missing: whose key is it?", option);
    int rc = key_public_load(path, &key, e);
    if (rc == 0)
        memcpy(out, key.bytes, KEY_BYTES);
    return rc;
}

static int change(struct cli *cli, struct request *link, const struct producer_change *c,
                  const char *done, struct err *e)
{
    uint64_t offset = 0;
    struct wire_apply a = {.kind = WIRE_APPLY_PRODUCER, .producer = *c};
    int rc = cli_apply(link, cli, &a, &offset, e);
    if (rc == 0)
        fprintf(cli->out, "%s: %s, journal entry %" PRIu64 "\n", c->producer.name.text, done,
                offset);
    return rc;
}

/* A key that cannot be bound to a name there is, is found before the name is changed. */
static int check_key(struct cli *cli, struct request *link, const struct producer_change *c,
                     struct err *e)
{
    struct wire_apply a = {.kind = WIRE_APPLY_PRODUCER, .dry_run = true, .producer = *c};
    a.producer.kind = PRODUCER_KEY_ADD;
    int rc = cli_apply(link, cli, &a, NULL, e);
    return rc == ERR_NOT_FOUND ? 0 : rc; /* a new name: its key is judged when it is bound */
}

static int find_scopes_day(struct cli *cli, struct request *link, const struct cli_args *args,
                           struct producer *p, struct err *e)
{
    if (p->scope_count == 0 || cli_switch(args, "on"))
        return 0;
    return cli_journal_day(link, cli, &p->scopes_on, e);
}

static void print_scopes(const struct cli *cli, const struct producer *p)
{
    char day[DAY_TEXT_BYTES];
    for (unsigned i = 0; i < p->scope_count; i++)
        fprintf(cli->out, "%s%s", i == 0 ? "  speaks for " : ", ", p->scopes[i].text);
    if (p->scope_count > 0)
        fprintf(cli->out, " and all below, as borne on %s\n", day_format(p->scopes_on, day));
}

static int set_producer(struct cli *cli, struct request *link, const struct cli_args *args,
                        struct producer_change *c, struct err *e)
{
    int rc = find_scopes_day(cli, link, args, &c->producer, e);
    if (rc == 0)
        rc = change(cli, link, c, "registered", e);
    if (rc == 0)
        print_scopes(cli, &c->producer);
    return rc;
}

static int bind_key(struct cli *cli, struct request *link, struct producer_change *c, struct err *e)
{
    c->kind = PRODUCER_KEY_ADD;
    int rc = change(cli, link, c, "key bound", e);
    if (rc != 0)
        fprintf(cli->err,
                "%s stands registered, without this key. Give it another: tonghop keys rotate %s "
                "--key NEW.pub\n",
                c->producer.name.text, c->producer.name.text);
    return rc;
}

static int run_add(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct request *link = NULL;
    struct producer_change c = {.kind = PRODUCER_SET};
    int rc = take_producer(args, &c.producer, &e);
    if (rc == 0)
        rc = take_key(args, "key", c.key, &e);
    if (rc != 0)
        return cli_usage(cli, &e);
    rc = cli_connect(cli, CLI_COLLECTOR, &link, &e);
    if (rc == 0)
        rc = check_key(cli, link, &c, &e);
    if (rc == 0)
        rc = set_producer(cli, link, args, &c, &e);
    if (rc == 0)
        rc = bind_key(cli, link, &c, &e);
    request_close(link);
    return rc == 0 ? CLI_OK : cli_fail(cli, &e);
}

static int run_set(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct request *link = NULL;
    struct producer_change c = {.kind = PRODUCER_SET};
    if (take_producer(args, &c.producer, &e) != 0)
        return cli_usage(cli, &e);
    int rc = cli_connect(cli, CLI_COLLECTOR, &link, &e);
    if (rc == 0)
        rc = set_producer(cli, link, args, &c, &e);
    request_close(link);
    return rc == 0 ? CLI_OK : cli_fail(cli, &e);
}

static int run_rotate(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct request *link = NULL;
    struct producer_change new_key = {.kind = PRODUCER_KEY_ADD}, old_key;
    int rc = cli_ident(args->words[0], "the name", &new_key.producer.name, &e);
    if (rc == 0)
        rc = take_key(args, "key", new_key.key, &e);
    old_key = new_key;
    old_key.kind = PRODUCER_KEY_REVOKE;
    if (rc == 0 && cli_switch(args, "old"))
        rc = take_key(args, "old", old_key.key, &e);
    if (rc != 0)
        return cli_usage(cli, &e);
    rc = cli_connect(cli, CLI_COLLECTOR, &link, &e);
    if (rc == 0)
        rc = change(cli, link, &new_key, "new key bound", &e);
    if (rc == 0 && cli_switch(args, "old"))
        rc = change(cli, link, &old_key, "old key revoked", &e);
    else if (rc == 0)
        fprintf(cli->err,
                "The old key still works. Once the new one is in use: tonghop keys revoke %s --key "
                "OLD.pub\n",
                args->words[0]);
    request_close(link);
    return rc == 0 ? CLI_OK : cli_fail(cli, &e);
}

static int change_once(struct cli *cli, struct producer_change *c, const char *done)
{
    struct err e = {0};
    struct request *link = NULL;
    int rc = cli_connect(cli, CLI_COLLECTOR, &link, &e);
    if (rc == 0)
        rc = change(cli, link, c, done, &e);
    request_close(link);
    return rc == 0 ? CLI_OK : cli_fail(cli, &e);
}

static int run_revoke(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct producer_change c = {.kind = PRODUCER_KEY_REVOKE};
    int rc = cli_ident(args->words[0], "the name", &c.producer.name, &e);
    if (rc == 0)
        rc = take_key(args, "key", c.key, &e);
    return rc != 0 ? cli_usage(cli, &e) : change_once(cli, &c, "key revoked for good");
}

static int run_retire(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct producer_change c = {.kind = PRODUCER_RETIRE};
    if (cli_ident(args->words[0], "the name", &c.producer.name, &e) != 0)
        return cli_usage(cli, &e);
    return change_once(cli, &c, "retired for good");
}

const struct cli_command cmd_keys_make = {
    .name = "keys make",
    .words = "FILE",
    .words_min = 1,
    .words_max = 1,
    .summary = "make a key pair: FILE (secret) and FILE.pub",
    .help = "Writes the pair to FILE, which only you may read, and its public half to FILE.pub,\n"
            "which goes to provincial IT. Prints the public key, as it stands in configuration\n"
            "files. Makes the folder; replaces nothing.\n\n"
            "  tonghop keys make keys/officer.key\n",
    .run = run_make,
};

static const struct cli_option add_options[] = {
    {"source", "ID", "on whose behalf it reports; needed to submit"},
    {"scope", "CODE[,CODE]", "units whose subtrees it speaks for; needed to submit"},
    {"on", "DAY",
     "the day on which the units meant bear these codes; else today, as the\n"
     "journal has it"},
    {"role", "ROLE[,ROLE]", "submit,subscribe unless said; also operate, service, delegate"},
    {"key", "FILE.pub", "the public key file"},
};

const struct cli_command cmd_keys_add = {
    .name = "keys add",
    .words = "NAME",
    .words_min = 1,
    .words_max = 1,
    .summary = "register a producer and bind a key to it",
    .help =
        "Figures come from registered names: a role, a scope, a source, and one key or more.\n"
        "It takes an operate key.\n\n"
        "Codes are reused: 11341 was Lạc Viên until 2024 and is Gia Viên since. --on says which\n"
        "unit is meant. The name then speaks for it, all below it, and what it came from.\n\n"
        "  tonghop keys add xa.11341 --source khuyenhoc --scope 11341 --key xa.11341.key.pub\n"
        "  tonghop keys add q.304 --source khuyenhoc --scope 304 --on 2024-09-05 --key q.pub\n"
        "  tonghop keys add board --role subscribe --scope 31 --key board.key.pub\n",
    .options = add_options,
    .option_count = sizeof add_options / sizeof *add_options,
    .run = run_add,
};

const struct cli_command cmd_keys_set = {
    .name = "keys set",
    .words = "NAME",
    .words_min = 1,
    .words_max = 1,
    .summary = "change role, scope and source of a producer; its keys stay",
    .help = "All three are replaced by what is given here: repeat what is to stay. It takes an\n"
            "operate key.\n\n"
            "  tonghop keys set xa.11341 --source khuyenhoc --scope 11341,11344\n"
            "  tonghop keys set board --role subscribe --scope 303,304\n",
    .options = add_options,
    .option_count = sizeof add_options / sizeof *add_options - 1, /* no key */
    .run = run_set,
};

static const struct cli_option rotate_options[] = {
    {"key", "NEW.pub", "the new public key"},
    {"old", "OLD.pub", "the key to revoke at once"},
};

const struct cli_command cmd_keys_rotate = {
    .name = "keys rotate",
    .words = "NAME",
    .words_min = 1,
    .words_max = 1,
    .summary = "bind a new key to a producer, and revoke the old one",
    .help =
        "Without --old both keys work until `keys revoke`, so that nobody is cut off between.\n\n"
        "  tonghop keys rotate xa.11341 --key new.pub --old old.pub\n",
    .options = rotate_options,
    .option_count = sizeof rotate_options / sizeof *rotate_options,
    .run = run_rotate,
};

static const struct cli_option revoke_options[] = {
    {"key", "FILE.pub", "the public key to revoke"},
};

const struct cli_command cmd_keys_revoke = {
    .name = "keys revoke",
    .words = "NAME",
    .words_min = 1,
    .words_max = 1,
    .summary = "revoke a key, at once and for good",
    .help = "Nothing that comes under this key is accepted from then on, and it is never bound\n"
            "again. What it said before stays.\n\n"
            "  tonghop keys revoke xa.11341 --key lost.pub\n",
    .options = revoke_options,
    .option_count = sizeof revoke_options / sizeof *revoke_options,
    .run = run_revoke,
};

const struct cli_command cmd_keys_retire = {
    .name = "keys retire",
    .words = "NAME",
    .words_min = 1,
    .words_max = 1,
    .summary = "retire a producer for good; its figures stay",
    .help = "All its keys stop working. The name is never used again.\n\n"
            "  tonghop keys retire xa.11341\n",
    .run = run_retire,
};
