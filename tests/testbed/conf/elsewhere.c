/* Loaded into servers that were taken out of their packages (src/others): what is compiled into them as a fixed place or user of the
 * machine is a place of their world, and the user mail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Courier asks one daemon of the machine whether a password is right; here the one that AUTHDAEMON names. */
int connect(int fd, const struct sockaddr *address, socklen_t length) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    const struct sockaddr_un *named = (const struct sockaddr_un *)address;
    const char *own = getenv("AUTHDAEMON");
    if (!own || address->sa_family != AF_UNIX || strcmp(named->sun_path, "/run/courier/authdaemon/socket"))
        return real(fd, address, length);
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    strncpy(here.sun_path, own, sizeof here.sun_path - 1);
    return real(fd, (struct sockaddr *)&here, sizeof here);
}

/* The users that the packages would have made. */
struct passwd *getpwnam(const char *name) {
    struct passwd *(*real)(const char *) = dlsym(RTLD_NEXT, "getpwnam");
    return real(!strcmp(name, "courier") || !strcmp(name, "Debian-exim") ? "mail" : name);
}
