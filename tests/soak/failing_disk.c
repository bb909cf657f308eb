/* Makes one file operation of a process fail, be short or kill it. Loaded with LD_PRELOAD; Linux with glibc.
 *
 * FAILING_DISK_FOLDERS  folders, separated by colons: operations below them count, no other
 * FAILING_DISK_TRACE    a file that gets a line "operation path" for each operation, or for the failing ones only
 *                       where there is a fault
 * FAILING_DISK_FAULT    "operation number fault once|on pattern": the operation with this number, from 1, of those
 *                       whose path matches the pattern; "on": and everything of its kind after it
 *
 * Faults: eio, enospc, eintr; short (half of the bytes); kill (instead of the operation); torn (half, then kill).
 * What goes through fopen or mmap is not seen. The variables count from when they are set, such as in a fork.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

enum fault { NONE, FAIL, SHORT, KILL, TORN };

static char folders[PATH_MAX], wanted_operation[16], fault_name[16], pattern[PATH_MAX];
static long wanted_number;
static int is_armed, lasting, trace = -1, error_number;
static enum fault fault;
static atomic_long passed;

static int arm(void)
{
    const char *text = getenv("FAILING_DISK_FOLDERS"), *file = getenv("FAILING_DISK_TRACE");
    char duration[8] = "once";

    if (!text) return 0;
    is_armed = 1;
    snprintf(folders, sizeof folders, "%s", text);
    if ((text = getenv("FAILING_DISK_FAULT")) &&
        sscanf(text, "%15s %ld %15s %7s %4095s", wanted_operation, &wanted_number, fault_name, duration, pattern) == 5) {
        fault = !strcmp(fault_name, "short") ? SHORT : !strcmp(fault_name, "kill") ? KILL
              : !strcmp(fault_name, "torn") ? TORN : FAIL;
        error_number = !strcmp(fault_name, "enospc") ? ENOSPC : !strcmp(fault_name, "eintr") ? EINTR : EIO;
        lasting = !strcmp(duration, "on");
    }
    if (file) {
        int low = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        trace = syscall(SYS_fcntl, low, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, low);
    }
    return 1;
}

static int is_watched(const char *path)
{
    for (const char *folder = folders; *folder;) {
        size_t length = strcspn(folder, ":");
        if (length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length])) return 1;
        folder += length + (folder[length] == ':');
    }
    return 0;
}

static void note(const char *operation, const char *path)
{
    char line[PATH_MAX + 32];
    int length = snprintf(line, sizeof line, "%s %s\n", operation, path);
    if (trace >= 0) syscall(SYS_write, trace, line, (size_t)length);
}

/* Whether the disk is full for *operation* too, once it is full. */
static int needs_space(const char *operation)
{
    return !strcmp(operation, "write") || !strcmp(operation, "create") || !strcmp(operation, "truncate") ||
           !strcmp(operation, "mkdir");
}

static int lasts_for(const char *operation)
{
    if (fault == SHORT) return !strcmp(operation, wanted_operation);
    return error_number != ENOSPC || needs_space(operation);
}

/* What happens to *operation* on *path*; a kill has happened by then. */
static enum fault next(const char *operation, const char *path)
{
    if (!is_watched(path)) return NONE;
    if (fault == NONE) {
        note(operation, path);
        return NONE;
    }
    long number = atomic_load(&passed);
    if (!strcmp(operation, wanted_operation) && !fnmatch(pattern, path, FNM_PATHNAME))
        number = atomic_fetch_add(&passed, 1) + 1;
    else if (!lasting || number < wanted_number || !lasts_for(operation))
        return NONE;
    if (number != wanted_number && !(lasting && number > wanted_number)) return NONE;
    note(operation, path);
    if (fault == KILL) kill(getpid(), SIGKILL);
    if (fault == FAIL) errno = error_number;
    return fault;
}

static enum fault next_at(const char *operation, int folder, const char *name)
{
    char path[PATH_MAX] = "", link[64];
    ssize_t length = 0;

    if (!name || (!is_armed && !arm())) return NONE;
    if (name[0] == '/') return next(operation, name);
    if (folder == AT_FDCWD) {
        if (syscall(SYS_getcwd, path, sizeof path) < 0) return NONE;
        length = strlen(path);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        if ((length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1)) < 0) return NONE;
    }
    snprintf(path + length, sizeof path - length, "/%s", name);
    return next(operation, path);
}

static enum fault next_of(const char *operation, int descriptor)
{
    char path[PATH_MAX] = "", link[64];

    if (!is_armed && !arm()) return NONE;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    return length < 0 || path[0] != '/' ? NONE : next(operation, path);
}

static size_t half(size_t length) { return length > 1 ? length / 2 : length; }

static void die(void) { kill(getpid(), SIGKILL); }

#define IF_FAILING(action, value) if ((action) == FAIL) return value

/* -- opening */

static mode_t mode_of(int flags, va_list list)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

static const char *opening(int flags) { return flags & O_CREAT ? "create" : "open"; }

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        REAL(name); \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = mode_of(flags, list); \
        va_end(list); \
        IF_FAILING(next_at(opening(flags), AT_FDCWD, path), -1); \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) \
    { \
        REAL(name); \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = mode_of(flags, list); \
        va_end(list); \
        IF_FAILING(next_at(opening(flags), folder, path), -1); \
        return real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

DIR *opendir(const char *path)
{
    REAL(opendir);
    IF_FAILING(next_at("open", AT_FDCWD, path), NULL);
    return real(path);
}

/* -- reading and writing */

#define TRANSFER(name, operation, buffer_type, offset_parameter, offset) \
    ssize_t name(int descriptor, buffer_type buffer, size_t length offset_parameter) \
    { \
        REAL(name); \
        enum fault action = next_of(operation, descriptor); \
        IF_FAILING(action, -1); \
        ssize_t done = real(descriptor, buffer, action == NONE ? length : half(length) offset); \
        if (action == TORN) die(); \
        return done; \
    }
#define COMMA ,
#define PLAIN
TRANSFER(read, "read", void *, PLAIN, PLAIN)
TRANSFER(write, "write", const void *, PLAIN, PLAIN)
TRANSFER(pread, "read", void *, COMMA off_t offset, COMMA offset)
TRANSFER(pread64, "read", void *, COMMA off64_t offset, COMMA offset)
TRANSFER(pwrite, "write", const void *, COMMA off_t offset, COMMA offset)
TRANSFER(pwrite64, "write", const void *, COMMA off64_t offset, COMMA offset)

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    REAL(writev);
    enum fault action = next_of("write", descriptor);
    IF_FAILING(action, -1);
    if (action == NONE) return real(descriptor, parts, count);
    ssize_t done = syscall(SYS_write, descriptor, parts[0].iov_base, half(parts[0].iov_len));
    if (action == TORN) die();
    return done;
}

#define SENDFILE(name, offset_type) \
    ssize_t name(int target, int source, offset_type *offset, size_t length) \
    { \
        REAL(name); \
        enum fault action = next_of("write", target); \
        IF_FAILING(action, -1); \
        ssize_t done = real(target, source, offset, action == NONE ? length : 7); \
        if (action == TORN) die(); \
        return done; \
    }
SENDFILE(sendfile, off_t)
SENDFILE(sendfile64, off64_t)

/* -- making durable, cutting, locking */

#define BY_DESCRIPTOR(name, operation, more_parameters, more) \
    int name(int descriptor more_parameters) \
    { \
        REAL(name); \
        IF_FAILING(next_of(operation, descriptor), -1); \
        return real(descriptor more); \
    }
BY_DESCRIPTOR(fsync, "sync", PLAIN, PLAIN)
BY_DESCRIPTOR(fdatasync, "sync", PLAIN, PLAIN)
BY_DESCRIPTOR(ftruncate, "truncate", COMMA off_t length, COMMA length)
BY_DESCRIPTOR(ftruncate64, "truncate", COMMA off64_t length, COMMA length)
BY_DESCRIPTOR(flock, "lock", COMMA int how, COMMA how)

/* -- names */

#define BY_PATH(name, operation, more_parameters, more) \
    int name(const char *path more_parameters) \
    { \
        REAL(name); \
        IF_FAILING(next_at(operation, AT_FDCWD, path), -1); \
        return real(path more); \
    }
BY_PATH(unlink, "unlink", PLAIN, PLAIN)
BY_PATH(rmdir, "unlink", PLAIN, PLAIN)
BY_PATH(remove, "unlink", PLAIN, PLAIN)
BY_PATH(mkdir, "mkdir", COMMA mode_t mode, COMMA mode)

int unlinkat(int folder, const char *path, int flags)
{
    REAL(unlinkat);
    IF_FAILING(next_at("unlink", folder, path), -1);
    return real(folder, path, flags);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    REAL(mkdirat);
    IF_FAILING(next_at("mkdir", folder, path), -1);
    return real(folder, path, mode);
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    IF_FAILING(next_at("rename", AT_FDCWD, to), -1);
    return real(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    REAL(renameat);
    IF_FAILING(next_at("rename", to_folder, to), -1);
    return real(from_folder, from, to_folder, to);
}

int link(const char *from, const char *to)
{
    REAL(link);
    IF_FAILING(next_at("rename", AT_FDCWD, to), -1);
    return real(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    REAL(linkat);
    IF_FAILING(next_at("rename", to_folder, to), -1);
    return real(from_folder, from, to_folder, to, flags);
}
