#include "verb/explain.h"
#include "base/mem.h"
#include "base/str.h"
#include "source/source.h"
#include "verb/asked.h"
#include "verb/load.h"
#include "verb/opline.h"
#include "verb/root.h"
#include "verb/table.h"

#include <string.h>

#define LOOKUP_TIMEOUT_MS 10000

/* A change given by hand. */
struct explaining {
    struct arena *arena;
    const struct verb_args *args;
    struct ruleset *ruleset;
    unsigned n_files; /* 1 when a rules file was named; 0: those of cdcd.cfg */
    enum change_op op;
    struct row old_row, new_row;
    struct table table;
    struct asked_list asked;
    struct complaints notes;        /* what went wrong, each once */
    const struct asked *unanswered; /* whose ops are listed */
    unsigned n_ops;
    bool lists;           /* triggers, not a change */
    const char *conninfo; /* whom --db asks; else NULL */
    bool failed;          /* to answer a question */
};

static int read_change(struct explaining *e);
static void run_change(struct explaining *e);
static void list_table(struct explaining *e);

/* Changes of a partition are its root's. */
static void find_root(struct explaining *e)
{
    const char *schema = e->table.schema, *name = e->table.name;
    const char *root = root_of(e->arena, e->conninfo, schema, name);
    if (!root)
        return;
    fprintf(stderr, "note: table %s.%s is a partition, and its changes come as those of %s\n",
            schema, name, root);
    table_find(&e->table, e->arena, e->ruleset, root);
}

static int explain(struct explaining *e)
{
    const struct verb_args *args = e->args;
    struct loaded loaded;
    load_all(&loaded, args, args->operands, e->n_files);
    int code = loaded.complaints.code;
    if (args->db && !loaded.config) {
        code = verb_misused("--db needs to know the database: give -c FILE, a cdcd.cfg");
    } else if (loaded.ruleset) {
        e->ruleset = loaded.ruleset;
        e->conninfo = args->db ? loaded.config->source.conninfo : NULL;
        table_find(&e->table, e->arena, e->ruleset,
                   args->table ? args->table : args->operands[e->n_files + 1]);
        if (!e->table.known && e->conninfo)
            find_root(e);
        if (!e->table.known)
            fprintf(stderr, "no trigger names table %s.%s%s\n", e->table.schema, e->table.name,
                    table_suggestion(&e->table, e->ruleset));
        if (args->json)
            printf("[");
        if (args->table)
            list_table(e);
        else
            run_change(e);
        if (args->json)
            printf("]\n");
        code = e->failed ? EX_UNAVAILABLE : code;
    } else {
        complaints_print(&loaded.complaints, stderr);
    }
    load_free(&loaded);
    return code;
}

static bool is_op(const char *word)
{
    enum change_op op = CHANGE_INSERT;
    while (op <= CHANGE_TRUNCATE && strcmp(change_op_name(op), word) != 0)
        op++;
    return op <= CHANGE_TRUNCATE;
}

static int misused(void)
{
    return verb_misused("usage: cdcd explain [FILE] OP TABLE, or cdcd explain [FILE] --table T, "
                        "or cdcd explain [FILE] --key K, or cdcd explain --where K --store S");
}

int verb_explain(const struct verb_args *args)
{
    bool whole = !args->table && !args->key && !args->where; /* a change is told */
    bool change = args->db || args->old_row || args->new_row ||
                  (args->n_operands && is_op(args->operands[0]));
    unsigned n_words = whole ? 2 : 0; /* beside FILE */
    int n_modes = !!args->table + !!args->key + !!args->where;
    if (args->n_operands < n_words || args->n_operands > n_words + 1 || n_modes > 1 ||
        (!whole && change) || !args->where != !args->store || (args->where && args->n_operands))
        return misused();
    if (args->where)
        return explain_where(args);
    if (args->key)
        return explain_key(args);
    struct explaining e = {.arena = arena_make(), .args = args};
    e.n_files = args->n_operands - n_words;
    int code = args->table ? 0 : read_change(&e);
    if (code == 0)
        code = explain(&e);
    arena_free(e.arena);
    return code;
}

/* The word where OP stands is none: what was meant. */
static int misplaced(const struct explaining *e, const char *op, const char *const *ops)
{
    const struct verb_args *args = e->args;
    const char *last = args->operands[args->n_operands - 1];
    const char *nearest = str_nearest(op, ops);
    if (!is_op(last))
        return verb_misused("unknown operation \"%s\"; %s", op,
                            nearest ? arena_printf(e->arena, "did you mean \"%s\"?", nearest)
                                    : "write insert, update, delete or truncate");
    if (e->n_files == 0)
        return verb_misused("after %s stands the table; write cdcd explain %s %s TABLE", last, op,
                            last);
    return verb_misused("the operation stands before the table; write cdcd explain %s %s %s",
                        args->operands[0], last, op);
}

static int read_change(struct explaining *e)
{
    const char *ops[CHANGE_TRUNCATE + 2] = {0};
    const struct verb_args *args = e->args;
    const char *op = args->operands[e->n_files];
    struct err err = {0};
    for (int i = CHANGE_INSERT; i <= CHANGE_TRUNCATE; i++)
        ops[i] = change_op_name((enum change_op)i);
    while (ops[e->op] && strcmp(ops[e->op], op) != 0)
        e->op++;
    if (!ops[e->op])
        return misplaced(e, op, ops);
    if (args->old_row && (e->op == CHANGE_INSERT || e->op == CHANGE_TRUNCATE))
        return verb_misused("%s has no old row: leave --old out", op);
    if (args->new_row && (e->op == CHANGE_DELETE || e->op == CHANGE_TRUNCATE))
        return verb_misused("%s has no new row: leave --new out", op);
    if (args->old_row && row_parse(&e->old_row, e->arena, args->old_row, &err) < 0)
        return verb_misused("--old: %s", err.text);
    if (args->new_row && row_parse(&e->new_row, e->arena, args->new_row, &err) < 0)
        return verb_misused("--new: %s", err.text);
    return 0;
}

static void print_op(struct explaining *e, const struct op *op, const struct origin *origin)
{
    if (e->args->json) {
        printf("%s", e->n_ops++ ? "," : "");
        opline_json(stdout, e->ruleset, op, origin);
        return;
    }
    struct buf line = {0};
    opline_put(&line, e->ruleset, op);
    printf("%s  %s:%d %s\n", buf_str(&line), origin->file, origin->line,
           e->lists ? origin->cache : origin->image);
    buf_free(&line);
    e->n_ops++;
}

static void on_op(void *ctx, const struct op *op, const struct origin *origin)
{
    print_op(ctx, op, origin);
}

static void on_question(void *ctx, const struct question *question, const struct origin *origin)
{
    struct explaining *e = ctx;
    asked_add(&e->asked, e->arena, question, origin);
}

/* Of a question that is not asked: what its trigger can cause. */
static void on_listed(void *ctx, const struct op *op, const struct origin *origin)
{
    struct explaining *e = ctx;
    const struct origin *wanted = &e->unanswered->origin;
    if (origin->line != wanted->line || strcmp(origin->file, wanted->file) != 0 ||
        strcmp(origin->cache, wanted->cache) != 0)
        return;
    struct origin shown = *origin;
    shown.image = "lookup";
    print_op(e, op, &shown);
}

/* Both images may ask for one trigger. */
static bool asked_before(const struct explaining *e, const struct asked *asked)
{
    const struct asked *one = e->asked.first;
    while (one != asked && one->lookup != asked->lookup)
        one = one->next;
    return one != asked;
}

static void list_unanswered(struct explaining *e)
{
    for (const struct asked *asked = e->asked.first; asked; asked = asked->next) {
        if (asked_before(e, asked))
            continue;
        e->unanswered = asked;
        ruleset_list(e->ruleset, e->table.schema, e->table.name, on_listed, e);
        fprintf(stderr, "%s:%d: note: %s asks PostgreSQL for its keys; --db does too\n",
                asked->origin.file, asked->origin.line, asked->origin.cache);
    }
}

static void answer_asked(struct explaining *e)
{
    for (const struct asked *asked = e->asked.first; asked; asked = asked->next) {
        struct answer answer;
        source_look_up(e->conninfo, LOOKUP_TIMEOUT_MS, asked->lookup, asked->params, e->arena,
                       &answer);
        if (answer.failed) {
            fprintf(stderr, "%s:%d: the lookup of %s failed: %s\n", asked->origin.file,
                    asked->origin.line, asked->origin.cache, answer.failed);
            e->failed = true;
        } else if (answer.too_many) {
            fprintf(stderr, "%s:%d: note: the lookup of %s finds more than %u rows\n",
                    asked->origin.file, asked->origin.line, asked->origin.cache,
                    asked->lookup->limit);
        }
        ruleset_answer(e->ruleset, asked->context, asked->context_len, &answer, on_op, e);
    }
}

static bool has_image(const struct explaining *e, bool old)
{
    return e->op == CHANGE_UPDATE || e->op == (old ? CHANGE_DELETE : CHANGE_INSERT);
}

static void note_names(const char *what, const char *const *names)
{
    for (unsigned i = 0; names[i]; i++)
        fprintf(stderr, "%s%s", i ? ", " : what, names[i]);
    if (names[0])
        fprintf(stderr, "\n");
}

/* What a typing error would look like: columns of the change that no rule reads, columns of the
 * rules that the change does not give. */
static void note_columns(const struct explaining *e)
{
    const struct table *table = &e->table;
    const char *const *missing = table_missing(table);
    const char **unread = arena_alloc(e->arena, (table->n_columns + 1) * sizeof *unread);
    unsigned n_unread = 0;
    for (unsigned i = 0; i < table->n_columns; i++) {
        const struct table_column *column = &table->columns[i];
        const char *meant = table_meant(column, missing);
        if (meant)
            fprintf(stderr, "note: no rule reads %s; did you mean %s?\n", column->name, meant);
        else if (!column->read)
            unread[n_unread++] = column->name;
    }
    note_names("note: no rule reads ", unread);
    note_names("note: taken as NULL, since nobody gave them: ", missing);
}

static void on_trouble(void *ctx, const char *file, int line, const char *text)
{
    struct explaining *e = ctx;
    complain(&e->notes, SEVERITY_WARNING, file, line, "%s", text);
}

static void print_notes(struct explaining *e)
{
    for (unsigned i = 0; i < e->notes.n; i++) {
        const struct complaint *one = &e->notes.list[i];
        fprintf(stderr, "%s:%d: note: %s\n", one->file, one->line, one->text);
    }
    complaints_free(&e->notes);
}

static void run_change(struct explaining *e)
{
    static const struct rule_sink sink = {.op = on_op, .ask = on_question};
    static const struct row nothing;
    table_add_row(&e->table, &e->old_row);
    table_add_row(&e->table, &e->new_row);
    table_add_read(&e->table, e->ruleset);
    if (e->table.known && e->op != CHANGE_TRUNCATE)
        note_columns(e);
    struct relation relation = table_relation(&e->table, 1);
    struct change change = {.op = e->op, .relation = &relation};
    if (has_image(e, true))
        change.old_row = table_values(&e->table, &e->old_row, &nothing);
    if (has_image(e, false))
        change.new_row = table_values(&e->table, &e->new_row, &e->old_row);
    ruleset_tell(e->ruleset, on_trouble, e);
    ruleset_change(e->ruleset, &change, &sink, e);
    if (e->conninfo)
        answer_asked(e);
    else
        list_unanswered(e);
    print_notes(e);
    if (e->n_ops == 0)
        fprintf(stderr, "nothing matches this change\n");
}

static void list_table(struct explaining *e)
{
    e->lists = true;
    ruleset_list(e->ruleset, e->table.schema, e->table.name, on_op, e);
}
