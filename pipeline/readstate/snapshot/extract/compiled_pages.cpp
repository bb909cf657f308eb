// Pages of UserConversations from JSON to Arrow's buffers, for the one shape that Twilio sends.
//
// Everything that is not exactly this shape is doubtful: an unknown field, one that comes twice, a number with a
// fraction, a time that is not to the second in UTC, a row of another user than the one that was asked for. Then nothing
// is given, and the caller asks somebody slower who looks at everything. So this file needs no skipping of values and no
// notion of what an error means.
//
// Python ends each bytes object with a zero, which no rule here accepts: a single character may be looked at without
// asking whether the page has ended.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <vector>

namespace {

enum class Kind { text, count, index, time };

struct Field {
    std::string_view key;
    Kind kind = Kind::text;
    const Field *inner = nullptr;  // of an object: its fields, each a column
    int width = 1;                 // how many columns it has
};

constexpr Field timers[] = {{"date_inactive", Kind::time}, {"date_closed", Kind::time}};
constexpr Field links[] = {{"participant"}, {"conversation"}};
constexpr Field row_fields[] = {
    {"account_sid"},
    {"chat_service_sid"},
    {"conversation_sid"},
    {"unread_messages_count", Kind::count},
    {"last_read_message_index", Kind::index},
    {"participant_sid"},
    {"user_sid"},
    {"friendly_name"},
    {"conversation_state"},
    {"timers", Kind::text, timers, 2},
    {"attributes"},
    {"date_created", Kind::time},
    {"date_updated", Kind::time},
    {"created_by"},
    {"notification_level"},
    {"unique_name"},
    {"url"},
    {"links", Kind::text, links, 2},
};
constexpr Field meta_fields[] = {
    {"page", Kind::index}, {"page_size", Kind::index}, {"first_page_url"}, {"previous_page_url"},
    {"url"},               {"next_page_url"},          {"key"},
};
constexpr int page_size_column = 1;
constexpr int chat_service_sid_column = 1, conversation_sid_column = 2, user_sid_column = 6;
constexpr int row_count = sizeof row_fields / sizeof *row_fields;
constexpr int meta_count = sizeof meta_fields / sizeof *meta_fields;

// One column as Arrow lays it out: a bit for each value that is not null, then texts with offsets, or numbers.
struct Column {
    Kind kind;
    int64_t length = 0, nulls = 0;
    std::vector<uint8_t> valid;
    std::vector<int32_t> offsets{0};
    std::vector<char> text;
    std::vector<int32_t> counts;
    std::vector<int64_t> numbers;

    explicit Column(Kind kind) : kind(kind) {}

    void end_value(bool is_null) {
        if (length % 8 == 0) valid.push_back(0);
        if (!is_null) valid.back() |= uint8_t(1u << (length % 8));
        length += 1;
        nulls += is_null;
        if (kind == Kind::text) offsets.push_back(int32_t(text.size()));
    }

    void add_number(int64_t value, bool is_null) {
        if (kind == Kind::count) counts.push_back(int32_t(value));
        else numbers.push_back(value);
        end_value(is_null);
    }

    void add_null() {
        if (kind == Kind::text) end_value(true);
        else add_number(0, true);
    }
};

struct Columns {
    std::vector<Column> each;

    Columns(const Field *fields, int count) {
        for (int i = 0; i < count; i++)
            for (int k = 0; k < fields[i].width; k++)
                each.emplace_back(fields[i].inner ? fields[i].inner[k].kind : fields[i].kind);
    }
};

// Reads one page. Every method says whether what it found is what it was to find; after a no, nothing counts.
class Page {
  public:
    Page(std::string_view body) : at(body.data()), end(at + body.size()) {}

    bool read(Columns &rows, Columns &meta, int64_t &length) {
        bool has_rows = false, has_meta = false;
        space();
        if (!take('{')) return false;
        do {
            space();
            if (!has_rows && take_key("conversations")) {
                has_rows = true;
                if (!read_rows(rows, length)) return false;
            } else if (!has_meta && take_key("meta")) {
                has_meta = true;
                if (!read_object(meta_fields, meta_count, meta.each.data())) return false;
            } else {
                return false;
            }
            space();
        } while (take(','));
        if (!take('}')) return false;
        space();
        return at == end && has_rows && has_meta;
    }

  private:
    const char *at;
    const char *end;

    void space() {
        while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') at++;
    }

    bool take(char wanted) {
        if (*at != wanted) return false;
        at++;
        return true;
    }

    bool take(std::string_view wanted) {
        if (size_t(end - at) < wanted.size() || std::memcmp(at, wanted.data(), wanted.size())) return false;
        at += wanted.size();
        return true;
    }

    bool take_key(std::string_view key) {
        const char *before = at;
        if (take('"') && take(key) && take('"')) {
            space();
            if (take(':')) {
                space();
                return true;
            }
        }
        at = before;
        return false;
    }

    bool read_rows(Columns &rows, int64_t &length) {
        if (!take('[')) return false;
        space();
        if (take(']')) return true;
        do {
            space();
            if (!read_object(row_fields, row_count, rows.each.data())) return false;
            length += 1;
            space();
        } while (take(','));
        return take(']');
    }

    // An object with no other fields than these, in any order; what is missing is null. Each field has its columns
    // behind those of the fields before it.
    bool read_object(const Field *fields, int count, Column *columns) {
        if (!take('{')) return false;
        space();
        uint32_t seen = 0;
        for (int turn = 0; *at != '}'; turn++) {
            if (turn && !take(',')) return false;
            space();
            int found = find_key(fields, count, seen, turn);
            if (found < 0) return false;
            seen |= 1u << found;
            if (!read_field(fields[found], columns_of(fields, found, columns))) return false;
            space();
        }
        at++;
        for (int i = 0; i < count; i++)
            if (!(seen >> i & 1)) add_nulls(fields[i], columns_of(fields, i, columns));
        return true;
    }

    static Column *columns_of(const Field *fields, int field, Column *columns) {
        for (int i = 0; i < field; i++) columns += fields[i].width;
        return columns;
    }

    static void add_nulls(const Field &field, Column *columns) {
        for (int i = 0; i < field.width; i++) columns[i].add_null();
    }

    // Which of the fields not seen yet comes now; almost always the one whose turn it is.
    int find_key(const Field *fields, int count, uint32_t seen, int turn) {
        for (int k = 0; k < count; k++) {
            int i = (turn + k) % count;
            if (!(seen >> i & 1) && take_key(fields[i].key)) return i;
        }
        return -1;
    }

    bool read_field(const Field &field, Column *columns) {
        if (!field.inner) return read_value(field.kind, *columns);
        if (!take("null")) return read_object(field.inner, field.width, columns);
        add_nulls(field, columns);
        return true;
    }

    bool read_value(Kind kind, Column &column) {
        if (take("null")) {
            column.add_null();
            return true;
        }
        if (kind == Kind::text) return read_text(column);
        if (kind == Kind::time) return read_time(column);
        return read_integer(kind, column);
    }

    bool read_integer(Kind kind, Column &column) {
        bool is_negative = take('-');
        const char *begin = at;
        int64_t value = 0;
        while (*at >= '0' && *at <= '9' && at - begin < 18) value = 10 * value + (*at++ - '0');
        if (at == begin || (*begin == '0' && at - begin > 1)) return false;
        if (*at != ',' && *at != '}' && *at != ' ' && *at != '\n' && *at != '\r' && *at != '\t') return false;
        if (kind == Kind::count && value > INT32_MAX) return false;
        column.add_number(is_negative ? -value : value, false);
        return true;
    }

    bool read_text(Column &column) {
        if (!take('"')) return false;
        for (;;) {
            const char *begin = at;
            if (!skip_plain()) return false;
            column.text.insert(column.text.end(), begin, at);
            if (take('"')) break;
            if (!take('\\') || !read_escape(column.text)) return false;
        }
        column.end_value(false);
        return true;
    }

    // To the next quote, escape or control character; no, where there are bytes that are not UTF-8 before it.
    bool skip_plain() {
        for (;;) {
            while (end - at >= 8 && are_plain(at)) at += 8;
            auto c = uint8_t(*at);
            if (c == '"' || c == '\\' || c < 0x20) return true;
            if (c < 0x80) at++;
            else if (!take_long_character()) return false;
        }
    }

    // Whether none of eight bytes ends plain ASCII; looks at all of them at once.
    static bool are_plain(const char *eight) {
        constexpr uint64_t ones = 0x0101010101010101, high = 0x80 * ones;
        uint64_t v, quote, escape;
        std::memcpy(&v, eight, 8);
        quote = v ^ ('"' * ones);
        escape = v ^ ('\\' * ones);
        // Less than what is taken away sets the high bit. A borrow comes only from a byte that is found itself.
        return !(((quote - ones) | (escape - ones) | (v - 0x20 * ones) | v) & high);
    }

    // A character of several bytes in UTF-8: none longer than need be, none of UTF-16's halves, none beyond U+10FFFF.
    bool take_long_character() {
        auto lead = uint8_t(*at++);
        int more = lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (!more) return false;
        for (; more--; at++, least = 0x80, most = 0xBF)
            if (uint8_t(*at) < least || uint8_t(*at) > most) return false;
        return true;
    }

    bool read_escape(std::vector<char> &text) {
        static constexpr std::string_view names = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
        if (take('u')) return read_code_point(text);
        size_t which = *at ? names.find(*at) : names.npos;
        if (which == names.npos) return false;
        at++;
        text.push_back(meant[which]);
        return true;
    }

    bool read_code_point(std::vector<char> &text) {
        uint32_t point, low;
        if (!read_hex(point)) return false;
        if (point >= 0xD800 && point < 0xE000) {  // two halves make one; a half without its other half is doubtful
            if (point >= 0xDC00 || !take("\\u") || !read_hex(low) || low < 0xDC00 || low > 0xDFFF) return false;
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        }
        if (point < 0x80) {
            text.push_back(char(point));
        } else {
            int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
            static constexpr uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
            text.push_back(char(lead[more] | point >> 6 * more));
            while (more--) text.push_back(char(0x80 | (point >> 6 * more & 0x3F)));
        }
        return true;
    }

    bool read_hex(uint32_t &value) {
        value = 0;
        for (int i = 0; i < 4; i++, at++) {
            char c = *at, lower = char(c | 0x20);
            if (c >= '0' && c <= '9') value = value << 4 | uint32_t(c - '0');
            else if (lower >= 'a' && lower <= 'f') value = value << 4 | uint32_t(lower - 'a' + 10);
            else return false;
        }
        return true;
    }

    // "2015-07-30T20:00:00Z"
    bool read_time(Column &column) {
        if (end - at < 22 || at[0] != '"' || at[5] != '-' || at[8] != '-' || at[11] != 'T' || at[14] != ':' ||
            at[17] != ':' || at[20] != 'Z' || at[21] != '"')
            return false;
        int year, high, month, day, hour, minute, second;
        if (!two_digits(1, high) || !two_digits(3, year) || !two_digits(6, month) || !two_digits(9, day) ||
            !two_digits(12, hour) || !two_digits(15, minute) || !two_digits(18, second))
            return false;
        year += 100 * high;
        static constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return false;
        if (day > days[month - 1] + (month == 2 && is_leap)) return false;
        at += 22;
        int64_t seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        column.add_number(seconds * 1000000, false);
        return true;
    }

    bool two_digits(int offset, int &value) const {
        unsigned tens = unsigned(at[offset] - '0'), ones = unsigned(at[offset + 1] - '0');
        value = int(10 * tens + ones);
        return tens < 10 && ones < 10;
    }

    // Counts years from March, so that a leap day ends its year.
    static int64_t days_since_1970(int year, int month, int day) {
        int64_t y = month > 2 ? year : year - 1;
        int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
    }
};

// A page as it came, and whose it is to be.
struct Body {
    std::string_view json, chat_service_sid, user_sid;
};

struct Parsed {
    Columns rows{row_fields, row_count};
    Columns meta{meta_fields, meta_count};
    std::vector<int64_t> lengths;
};

// Whether the texts of a column are these from one row on; a null is none.
bool all_are(std::string_view wanted, const Column &column, int64_t row) {
    bool are = !wanted.empty();
    for (; are && row < column.length; row++) {
        auto begin = size_t(column.offsets[size_t(row)]), end = size_t(column.offsets[size_t(row) + 1]);
        are = std::string_view(column.text.data() + begin, end - begin) == wanted;
    }
    return are;
}

bool parse(const std::vector<Body> &bodies, Parsed &parsed) {
    size_t bytes = 0;
    for (auto &body : bodies) bytes += body.json.size();
    if (bytes > INT32_MAX) return false;  // no text is longer than its JSON, so no offset can be either
    const auto &columns = parsed.rows.each;
    for (auto &body : bodies) {
        int64_t length = 0, before = columns[0].length;
        if (!Page(body.json).read(parsed.rows, parsed.meta, length)) return false;
        const Column &size = parsed.meta.each[page_size_column];
        bool has_size = size.valid.back() >> ((size.length - 1) % 8) & 1;
        if (has_size && length > size.numbers.back()) return false;
        if (!all_are(body.chat_service_sid, columns[chat_service_sid_column], before)) return false;
        if (!all_are(body.user_sid, columns[user_sid_column], before)) return false;
        parsed.lengths.push_back(length);
    }
    return !columns[conversation_sid_column].nulls;
}

template <class Value> PyObject *as_bytes(const std::vector<Value> &values) {
    const char *begin = reinterpret_cast<const char *>(values.data());
    return PyBytes_FromStringAndSize(begin, Py_ssize_t(values.size() * sizeof(Value)));
}

PyObject *as_tuple(const Column &column) {
    if (column.kind == Kind::text)
        return Py_BuildValue("LNNN", (long long)column.nulls, as_bytes(column.valid), as_bytes(column.offsets),
                             as_bytes(column.text));
    PyObject *numbers = column.kind == Kind::count ? as_bytes(column.counts) : as_bytes(column.numbers);
    return Py_BuildValue("LNN", (long long)column.nulls, as_bytes(column.valid), numbers);
}

PyObject *as_result(const Parsed &parsed) {
    PyObject *columns = PyList_New(Py_ssize_t(parsed.rows.each.size()));
    if (!columns) return nullptr;
    for (size_t i = 0; i < parsed.rows.each.size(); i++) {
        PyObject *column = as_tuple(parsed.rows.each[i]);
        if (!column) {
            Py_DECREF(columns);
            return nullptr;
        }
        PyList_SET_ITEM(columns, Py_ssize_t(i), column);
    }
    return Py_BuildValue("NN", as_bytes(parsed.lengths), columns);
}

PyObject *read_pages(PyObject *, PyObject *argument) {
    if (!PyTuple_Check(argument)) {
        PyErr_SetString(PyExc_TypeError, "a tuple of pages is wanted");
        return nullptr;
    }
    try {
        std::vector<Body> bodies;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(argument); i++) {
            PyObject *body;
            const char *service, *user;
            Py_ssize_t service_size, user_size;
            if (!PyArg_ParseTuple(PyTuple_GET_ITEM(argument, i), "Ss#s#", &body, &service, &service_size, &user,
                                  &user_size))
                return nullptr;
            bodies.push_back({{PyBytes_AS_STRING(body), size_t(PyBytes_GET_SIZE(body))},
                              {service, size_t(service_size)},
                              {user, size_t(user_size)}});
        }
        Parsed parsed;
        bool is_sure = false, is_out_of_memory = false;
        // Tuples cannot change, so what is in them stays where it is while other threads run.
        Py_BEGIN_ALLOW_THREADS;
        try {
            is_sure = parse(bodies, parsed);
        } catch (const std::bad_alloc &) {
            is_out_of_memory = true;
        }
        Py_END_ALLOW_THREADS;
        if (is_out_of_memory) return PyErr_NoMemory();
        if (!is_sure) Py_RETURN_NONE;
        return as_result(parsed);
    } catch (const std::bad_alloc &) {
        return PyErr_NoMemory();
    }
}

PyMethodDef methods[] = {{"read_pages", read_pages, METH_O, "Give buffers, or None in doubt; see the stub."},
                         {nullptr, nullptr, 0, nullptr}};
PyModuleDef module = {PyModuleDef_HEAD_INIT, "compiled_pages", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_compiled_pages(void) { return PyModule_Create(&module); }
