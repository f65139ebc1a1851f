/* Plain lines, quickly: what plain_rows.py does in several passes, done in one.

A line is taken when it is an object with one list of turns, each an object of a role and a text, and nothing else: no
other key, no key twice, no escape in a key or a role. Any doubt ends the taking; the Python that stands beside this
looks at the line then, and has the last word. So this file may refuse too much and must never take too much.

Every byte is read through a cursor that knows its end, nothing calls itself, and all memory but one scratch buffer
belongs to Python. It is written against the limited API: one build serves every CPython from 3.11 on. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

enum { TAKEN = 1, DOUBT = 0, FAILED = -1 };
enum { MOST_ROLES = 16, MOST_ORDERS = 10000 };

typedef struct {
    const char *at, *end;
} Cursor;

typedef struct {
    const char *text;
    Py_ssize_t size;
} Name;

/* What a format calls its list, role and text, and the roles that it knows, each with ours. */
typedef struct {
    Name turns, role, text;
    Name roles[MOST_ROLES];
    PyObject *ours[MOST_ROLES]; /* borrowed from the arguments */
    Py_ssize_t count;
} Form;

/* Lists that grow row by row. */
typedef struct {
    PyObject *orders, *flat, *ends, *prompts, *replies, *edges;
    PyObject *known;       /* borrowed: equal orders of roles are one object */
    unsigned char *spoken; /* roles of this line, as places in Form.roles */
    size_t room;
    char *joined; /* the texts of this line with a NUL between them; has room for the longest line */
    Py_ssize_t texts, last, size; /* of `joined`: how many, where the last one begins, and where it ends */
    int has_edge; /* a text of this line is empty, or does not begin and end with a visible ASCII character */
} Rows;

static int skip(Cursor *c, char wanted) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t')) c->at++;
    if (c->at == c->end || *c->at != wanted) return 0;
    c->at++;
    return 1;
}

static int is_at_end(Cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t')) c->at++;
    return c->at == c->end;
}

static int is_name(const char *text, Py_ssize_t size, const Name *name) {
    return size == name->size && memcmp(text, name->text, (size_t)size) == 0;
}

#define EVERY(byte) (0x0101010101010101ULL * (byte))
#define HIGH EVERY(0x80)

/* To the next quotation mark, backslash or control character, or to the end. */
static void run(Cursor *c) {
    while (c->end - c->at >= 8) {
        uint64_t v, quote, slash;
        memcpy(&v, c->at, 8);
        quote = v ^ EVERY('"');
        slash = v ^ EVERY('\\');
        /* "Bit Twiddling Hacks" of S. E. Anderson: the high bit of a byte that is less than n, or zero */
        if (((v - EVERY(0x20)) & ~v & HIGH) | ((quote - EVERY(1)) & ~quote & HIGH) |
            ((slash - EVERY(1)) & ~slash & HIGH))
            break;
        c->at += 8;
    }
    while (c->at < c->end && *c->at != '"' && *c->at != '\\' && (unsigned char)*c->at >= 0x20) c->at++;
}

/* A string without escapes, where the cursor is behind its first quotation mark. */
static int word(Cursor *c, Name *found) {
    found->text = c->at;
    run(c);
    if (c->at == c->end || *c->at != '"') return 0;
    found->size = c->at - found->text;
    c->at++;
    return 1;
}

static int32_t hex4(Cursor *c) {
    int32_t value = 0;
    if (c->end - c->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char digit = *c->at++;
        if (digit >= '0' && digit <= '9') value = value * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f') value = value * 16 + (digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F') value = value * 16 + (digit - 'A' + 10);
        else return -1;
    }
    return value;
}

/* The character behind \u, as at most four bytes of UTF-8; 0 for a NUL and for half a character. */
static int unicode(Cursor *c, char *out) {
    int32_t code = hex4(c);
    if (code <= 0) return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code >= 0xD800 && code < 0xE000) {
        int32_t low;
        if (code >= 0xDC00 || c->end - c->at < 6 || c->at[0] != '\\' || c->at[1] != 'u') return 0;
        c->at += 2;
        low = hex4(c);
        if (low < 0xDC00 || low >= 0xE000) return 0;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        out[0] = (char)(0xF0 | code >> 18);
        out[1] = (char)(0x80 | (code >> 12 & 0x3F));
        out[2] = (char)(0x80 | (code >> 6 & 0x3F));
        out[3] = (char)(0x80 | (code & 0x3F));
        return 4;
    }
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}

static int is_edge(char byte) { return byte <= ' ' || byte > '~'; }

/* Any string, where the cursor is behind its first quotation mark: one more of the texts that are joined. What is
   written is never longer than what is read: a NUL and a text stand for a text in quotation marks, an escape of two
   bytes is one, one of six is three at most, two of them are four. */
static int text(Cursor *c, Rows *rows) {
    char *out = rows->joined + rows->size;
    if (rows->texts++) *out++ = '\0';
    rows->last = out - rows->joined;
    for (;;) {
        const char *from = c->at;
        size_t size;
        run(c);
        size = (size_t)(c->at - from);
        memcpy(out, from, size);
        out += size;
        if (c->at == c->end) return 0;
        if (*c->at == '"') break;
        if (*c->at != '\\' || c->end - c->at < 2) return 0;
        c->at += 2;
        switch (c->at[-1]) {
        case '"': *out++ = '"'; break;
        case '\\': *out++ = '\\'; break;
        case '/': *out++ = '/'; break;
        case 'b': *out++ = '\b'; break;
        case 'f': *out++ = '\f'; break;
        case 'n': *out++ = '\n'; break;
        case 'r': *out++ = '\r'; break;
        case 't': *out++ = '\t'; break;
        case 'u': {
            int wide = unicode(c, out);
            if (!wide) return 0;
            out += wide;
            break;
        }
        default: return 0;
        }
    }
    c->at++;
    rows->size = out - rows->joined;
    rows->has_edge |= rows->size == rows->last || is_edge(rows->joined[rows->last]) || is_edge(out[-1]);
    return 1;
}

static int append(PyObject *list, PyObject *item) {
    int code;
    if (item == NULL) return -1;
    code = PyList_Append(list, item);
    Py_DECREF(item);
    return code;
}

static int keep_text(Rows *rows) {
    PyObject *decoded = PyUnicode_DecodeUTF8(rows->joined + rows->last, rows->size - rows->last, "strict");
    if (decoded == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) return FAILED;
        PyErr_Clear();
        return DOUBT;
    }
    return append(rows->flat, decoded) < 0 ? FAILED : TAKEN;
}

static int keep_role(const Form *form, Rows *rows, const Name *said, size_t turn) {
    Py_ssize_t role = 0;
    while (role < form->count && !is_name(said->text, said->size, &form->roles[role])) role++;
    if (role == form->count) return DOUBT;
    if (turn == rows->room) {
        size_t room = rows->room ? 2 * rows->room : 64;
        unsigned char *larger = PyMem_Realloc(rows->spoken, room);
        if (larger == NULL) {
            PyErr_NoMemory();
            return FAILED;
        }
        rows->spoken = larger;
        rows->room = room;
    }
    rows->spoken[turn] = (unsigned char)role;
    return TAKEN;
}

/* {"role": ..., "content": ...} in either order, where the cursor is behind the brace. */
static int take_turn(Cursor *c, const Form *form, Rows *rows, size_t turn) {
    int has_role = 0, has_text = 0, outcome;
    Name key, said;
    for (int pair = 0; pair < 2; pair++) {
        if (pair && !skip(c, ',')) return DOUBT;
        if (!skip(c, '"') || !word(c, &key) || !skip(c, ':') || !skip(c, '"')) return DOUBT;
        if (!has_role && is_name(key.text, key.size, &form->role)) {
            if (!word(c, &said)) return DOUBT;
            outcome = keep_role(form, rows, &said, turn);
            has_role = 1;
        } else if (!has_text && is_name(key.text, key.size, &form->text)) {
            if (!text(c, rows)) return DOUBT;
            outcome = keep_text(rows);
            has_text = 1;
        } else {
            return DOUBT;
        }
        if (outcome != TAKEN) return outcome;
    }
    return skip(c, '}') ? TAKEN : DOUBT;
}

/* The roles of a line, the same object for the same order. */
static PyObject *order_of(const Form *form, const Rows *rows, size_t turns) {
    PyObject *order = PyTuple_New((Py_ssize_t)turns), *known;
    if (order == NULL) return NULL;
    for (size_t turn = 0; turn < turns; turn++) {
        PyObject *role = form->ours[rows->spoken[turn]];
        Py_INCREF(role);
        if (PyTuple_SetItem(order, (Py_ssize_t)turn, role) < 0) {
            Py_DECREF(order);
            return NULL;
        }
    }
    known = PyDict_GetItemWithError(rows->known, order);
    if (known != NULL) {
        Py_DECREF(order);
        Py_INCREF(known);
        return known;
    }
    if (PyErr_Occurred() || (PyDict_Size(rows->known) < MOST_ORDERS && PyDict_SetItem(rows->known, order, order) < 0)) {
        Py_DECREF(order);
        return NULL;
    }
    return order;
}

/* All columns of a line whose texts have been joined. */
static int keep_line(const Form *form, Rows *rows, size_t turns) {
    const char *joined = rows->joined;
    Py_ssize_t before = rows->last ? rows->last - 1 : 0, row = PyList_Size(rows->orders);
    if (append(rows->ends, PyLong_FromSsize_t(PyList_Size(rows->flat))) < 0) return FAILED;
    if (append(rows->prompts, PyBytes_FromStringAndSize(joined, before)) < 0) return FAILED;
    if (append(rows->replies, PyBytes_FromStringAndSize(joined + rows->last, rows->size - rows->last)) < 0) return FAILED;
    if (rows->has_edge && append(rows->edges, PyLong_FromSsize_t(row)) < 0) return FAILED;
    return append(rows->orders, order_of(form, rows, turns)) < 0 ? FAILED : TAKEN;
}

static int take_line(Cursor c, const Form *form, Rows *rows) {
    Name key;
    size_t turn = 0;
    rows->texts = rows->last = rows->size = 0;
    rows->has_edge = 0;
    if (!skip(&c, '{') || !skip(&c, '"') || !word(&c, &key) || !is_name(key.text, key.size, &form->turns)) return DOUBT;
    if (!skip(&c, ':') || !skip(&c, '[')) return DOUBT;
    do {
        int outcome;
        if (!skip(&c, '{')) return DOUBT;
        outcome = take_turn(&c, form, rows, turn++);
        if (outcome != TAKEN) return outcome;
    } while (skip(&c, ','));
    if (!skip(&c, ']') || !skip(&c, '}') || !is_at_end(&c)) return DOUBT;
    return keep_line(form, rows, turn);
}

/* A line is taken whole or not at all. */
static int take(const char *line, const char *end, const Form *form, Rows *rows) {
    Py_ssize_t before = PyList_Size(rows->flat);
    Cursor c = {line, end};
    int outcome = take_line(c, form, rows);
    if (outcome != DOUBT) return outcome;
    return PyList_SetSlice(rows->flat, before, PyList_Size(rows->flat), NULL) < 0 ? FAILED : DOUBT;
}

static int name_of(PyObject *bytes, Name *name) {
    char *text;
    if (PyBytes_AsStringAndSize(bytes, &text, &name->size) < 0) return -1;
    name->text = text;
    return 0;
}

/* (turns, role, text, ((written, ours), ...)): bytes, and our names of the roles as str. */
static int form_of(PyObject *given, Form *form) {
    PyObject *turns, *role, *text_, *roles;
    if (!PyArg_ParseTuple(given, "SSSO!", &turns, &role, &text_, &PyTuple_Type, &roles)) return -1;
    if (name_of(turns, &form->turns) < 0 || name_of(role, &form->role) < 0 || name_of(text_, &form->text) < 0) return -1;
    form->count = PyTuple_Size(roles);
    if (form->count > MOST_ROLES) {
        PyErr_SetString(PyExc_ValueError, "too many roles");
        return -1;
    }
    for (Py_ssize_t i = 0; i < form->count; i++) {
        PyObject *written, *pair = PyTuple_GetItem(roles, i);
        if (pair == NULL || !PyTuple_Check(pair)) {
            PyErr_SetString(PyExc_TypeError, "a role is what is written and what it is for us");
            return -1;
        }
        if (!PyArg_ParseTuple(pair, "SU", &written, &form->ours[i])) return -1;
        if (name_of(written, &form->roles[i]) < 0) return -1;
    }
    return 0;
}

static int begin(Rows *rows, PyObject *known, Py_ssize_t longest) {
    memset(rows, 0, sizeof *rows);
    rows->known = known;
    rows->orders = PyList_New(0);
    rows->flat = PyList_New(0);
    rows->ends = PyList_New(0);
    rows->prompts = PyList_New(0);
    rows->replies = PyList_New(0);
    rows->edges = PyList_New(0);
    rows->joined = PyMem_Malloc((size_t)longest + 1);
    if (rows->joined == NULL) PyErr_NoMemory();
    if (!rows->orders || !rows->flat || !rows->ends || !rows->prompts || !rows->replies) return -1;
    return rows->edges && rows->joined ? 0 : -1;
}

static PyObject *columns(const Rows *rows) {
    return PyTuple_Pack(6, rows->orders, rows->flat, rows->ends, rows->prompts, rows->replies, rows->edges);
}

static void let_go(Rows *rows) {
    Py_XDECREF(rows->orders);
    Py_XDECREF(rows->flat);
    Py_XDECREF(rows->ends);
    Py_XDECREF(rows->prompts);
    Py_XDECREF(rows->replies);
    Py_XDECREF(rows->edges);
    PyMem_Free(rows->spoken);
    PyMem_Free(rows->joined);
}

PyDoc_STRVAR(block_doc, "block(form, known, block, at) -> (roles, flat, ends, prompts, replies, edges), starts, end\n\n"
                        "The lines of a block from `at` to the first that is not plain, or that has no end, where each\n"
                        "begins, and where the last one ends.");

static PyObject *block(PyObject *module, PyObject *args) {
    PyObject *given, *known, *bytes, *starts = NULL, *result = NULL;
    Form form;
    Rows rows;
    char *data;
    Py_ssize_t size, at;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!Sn", &PyTuple_Type, &given, &PyDict_Type, &known, &bytes, &at)) return NULL;
    if (form_of(given, &form) < 0 || PyBytes_AsStringAndSize(bytes, &data, &size) < 0) return NULL;
    if (at < 0) {
        PyErr_SetString(PyExc_ValueError, "a block begins at 0");
        return NULL;
    }
    if (begin(&rows, known, size) < 0 || (starts = PyList_New(0)) == NULL) goto end;
    while (at < size) {
        const char *newline = memchr(data + at, '\n', (size_t)(size - at));
        int outcome;
        if (newline == NULL) break;
        outcome = take(data + at, newline, &form, &rows);
        if (outcome == FAILED) goto end;
        if (outcome == DOUBT) break;
        if (append(starts, PyLong_FromSsize_t(at)) < 0) goto end;
        at = newline - data + 1;
    }
    result = Py_BuildValue("NOn", columns(&rows), starts, at);
end:
    Py_XDECREF(starts);
    let_go(&rows);
    return result;
}

/* {role: who, text: what} for each of a line, from flat[*at] on. */
static PyObject *turns_of(PyObject *role, PyObject *text_, PyObject *order, PyObject *flat, Py_ssize_t *at) {
    Py_ssize_t count = PyTuple_Size(order);
    PyObject *turns = count < 0 ? NULL : PyList_New(0);
    for (Py_ssize_t i = 0; turns != NULL && i < count; i++) {
        PyObject *who = PyTuple_GetItem(order, i), *what = PyList_GetItem(flat, (*at)++), *turn = PyDict_New();
        if (!who || !what || !turn || PyDict_SetItem(turn, role, who) < 0 || PyDict_SetItem(turn, text_, what) < 0) {
            Py_XDECREF(turn);
            Py_CLEAR(turns);
        } else if (append(turns, turn) < 0) {
            Py_CLEAR(turns);
        }
    }
    return turns;
}

/* 1 when `accepts` says yes to the line as it was written, 0 when it says no. The line is gone before the next one. */
static int is_accepted(PyObject *accepts, PyObject *key, PyObject *turns) {
    PyObject *line = PyDict_New(), *said = NULL;
    int yes = -1;
    if (line && turns && PyDict_SetItem(line, key, turns) == 0)
        said = PyObject_CallFunctionObjArgs(accepts, line, NULL);
    if (said != NULL) yes = PyObject_IsTrue(said);
    Py_XDECREF(said);
    Py_XDECREF(line);
    return yes;
}

PyDoc_STRVAR(accepted_doc, "accepted((turns, role, text), roles, flat, accepts) -> int\n\n"
                           "To how many lines `accepts` says yes before it says no: {turns: [{role: ..., text: ...}, ...]}.");

static PyObject *accepted(PyObject *module, PyObject *args) {
    PyObject *key, *role, *text_, *orders, *flat, *accepts;
    Py_ssize_t at = 0, line = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "(UUU)O!O!O", &key, &role, &text_, &PyList_Type, &orders, &PyList_Type, &flat, &accepts))
        return NULL;
    for (; line < PyList_Size(orders); line++) {
        PyObject *turns = turns_of(role, text_, PyList_GetItem(orders, line), flat, &at);
        int yes = is_accepted(accepts, key, turns);
        Py_XDECREF(turns);
        if (yes < 0) return NULL;
        if (!yes) break;
    }
    return PyLong_FromSsize_t(line);
}

static PyMethodDef methods[] = {
    {"accepted", accepted, METH_VARARGS, accepted_doc},
    {"block", block, METH_VARARGS, block_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "ftgate.edges._plain", "Plain lines, quickly.", 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__plain(void) { return PyModule_Create(&module); }
