// Makes writes to the ledger fail as those of a broken or read-only disk do, while a file is there that says with which number.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int broken(int fd) {
    const char *switch_file = getenv("BROKEN_DISK");
    if (!switch_file) return 0;
    int saved = errno;
    int of = open(switch_file, O_RDONLY | O_CLOEXEC);
    if (of < 0) { errno = saved; return 0; }
    char number[16] = {0};
    ssize_t got = read(of, number, sizeof number - 1);
    close(of);
    char link[64], path[512] = {0};
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (got <= 0 || length <= 0) return 0;
    const char *name = strstr(path, "/mailjob.db");
    if (!name || strstr(name, ".lock")) return 0;
    return atoi(number);
}

#define FAILS(fd) do { int why = broken(fd); if (why) { errno = why; return -1; } } while (0)
#define REAL(name, type) static type real; if (!real) real = (type)dlsym(RTLD_NEXT, name)

typedef ssize_t (*pwrite_type)(int, const void *, size_t, off64_t);
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    REAL("pwrite64", pwrite_type);
    FAILS(fd);
    return real(fd, bytes, count, at);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

typedef ssize_t (*write_type)(int, const void *, size_t);
ssize_t write(int fd, const void *bytes, size_t count) {
    REAL("write", write_type);
    FAILS(fd);
    return real(fd, bytes, count);
}

typedef int (*sync_type)(int);
int fsync(int fd) { REAL("fsync", sync_type); FAILS(fd); return real(fd); }
int fdatasync(int fd) { REAL("fdatasync", sync_type); FAILS(fd); return real(fd); }
