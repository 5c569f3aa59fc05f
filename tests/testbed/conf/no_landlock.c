/* Preloaded into a program that is to believe that its kernel has no Landlock: the three calls of it (landlock(7)) fail as they do there. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>

long syscall(long number, ...)
{
    static long (*real)(long, ...);
    long given[6];
    va_list list;

    if (number >= 444 && number <= 446) {
        errno = ENOSYS;
        return -1;
    }
    va_start(list, number);
    for (int at = 0; at < 6; at++)
        given[at] = va_arg(list, long);
    va_end(list);
    if (!real)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
