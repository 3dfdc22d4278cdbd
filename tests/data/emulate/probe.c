/* Does what its first argument says, so that each way a program may end and speak is seen
 * through every backend. */
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buffer[1 << 16];

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    if (!strcmp(what, "exit")) return atoi(arguments[2]);
    if (!strcmp(what, "signal")) return raise(atoi(arguments[2]));
    if (!strcmp(what, "hang")) {
        puts("hanging");
        fflush(stdout);
        for (;;) pause();
    }
    if (!strcmp(what, "cat")) {
        long got;
        while ((got = read(0, buffer, sizeof buffer)) > 0)
            if (write(1, buffer, (size_t)got) != got) return 1;
        return 0;
    }
    if (!strcmp(what, "flood")) {
        for (long i = 0, most = atol(arguments[2]); i < most; i++) putchar((int)(i * 7 + i / 251));
        return 0;
    }
    if (!strcmp(what, "file")) {
        FILE *file = fopen(arguments[2], "r");
        if (!file) return 1;
        while (fgets(buffer, sizeof buffer, file)) fputs(buffer, stdout);
        return 0;
    }
    if (!strcmp(what, "leave")) {
        puts("leaving");
        fflush(stdout);
        if (fork()) return 0;
        setsid();
        for (;;) {
            (void)!write(1, "behind", 6);
            (void)!write(2, "behind", 6);
            usleep(1000);
        }
    }
    /* Which processes there are beside the first one and this. Those of the kernel have no
     * command line. */
    if (!strcmp(what, "alone")) {
        DIR *all = opendir("/proc");
        for (struct dirent *one; (one = readdir(all));) {
            int pid = atoi(one->d_name);
            if (!isdigit(one->d_name[0]) || pid == 1 || pid == getpid()) continue;
            snprintf(buffer, sizeof buffer, "/proc/%d/cmdline", pid);
            FILE *line = fopen(buffer, "r");
            if (line && fgetc(line) != EOF) printf("%d\n", pid);
            if (line) fclose(line);
        }
        puts("alone");
        return 0;
    }
    /* Only for a microVM: it takes the kernel down. */
    if (!strcmp(what, "panic")) {
        FILE *trigger = fopen("/proc/sysrq-trigger", "w");
        fputs("c", trigger);
        fflush(trigger);
        for (;;) pause();
    }
    for (int i = 0; i < count; i++) printf("[%s]", arguments[i]);
    printf(" GIVEN=%s HIDDEN=%s tty=%d\n", getenv("GIVEN") ? getenv("GIVEN") : "(none)",
           getenv("HIDDEN") ? getenv("HIDDEN") : "(none)", isatty(1));
    fputs("apart\n", stderr);
    return 0;
}
