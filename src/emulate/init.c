/* The first process of the microVM: mounts what programs expect, runs programs one after the
 * other, sends their stdout, stderr and ends through three serial lines, and powers off. It
 * is built without a C library by the toolchain's own clang. What it is to run stands in
 * /reml/run, strings that each end with a NUL byte, for one program behind the other: the
 * folder, the program, the limit in seconds, the number of arguments, the arguments, the
 * number of variables, the variables.
 *
 * The last line says, once for each program: "start"; then "exit N out BYTES err BYTES", or
 * the same with "signal N" or "timeout 0"; or instead of all "cannot ERRNO" when the program
 * did not start. The bytes are those of this program, and all of them have left when its end
 * is told. Only then the next one starts; nothing that an earlier one started still runs,
 * but what it did to files and to the system stays. After the last end nothing is said.
 *
 * A program's stdin is the file /reml/stdin. With a file /reml/more, which only a single
 * program may have, it is a pipe, which has that file first; what follows comes through the
 * last line: for each "more" said there one piece is read from it, its length as two bytes,
 * low one first, and so many bytes. An empty piece is the end. "more" is said when the
 * program's pipe has room, so that the line never holds more than its buffer, which would
 * lose it. */
typedef long word;
typedef unsigned long size;

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, MMAP = 9, IOCTL = 16, CLONE = 56, EXECVE = 59, EXIT = 60, WAIT4 = 61,
       KILL = 62, FCNTL = 72, CHDIR = 80, MOUNT = 165, REBOOT = 169, SETSID = 112, CLOCK = 228,
       OPENAT = 257, PPOLL = 271, DUP3 = 292, PIPE2 = 293, PIDFD = 434, MKDIRAT = 258, CLOSE = 3 };
static word call(word n, word a, word b, word c, word d, word e, word f) {
    register word r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    word result;
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
__asm__(".globl _start\n_start: xor %ebp,%ebp\n and $-16,%rsp\n call begin\n hlt\n");
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, MMAP = 222, IOCTL = 29, CLONE = 220, EXECVE = 221, EXIT = 93, WAIT4 = 260,
       KILL = 129, FCNTL = 25, CHDIR = 49, MOUNT = 40, REBOOT = 142, SETSID = 157, CLOCK = 113,
       OPENAT = 56, PPOLL = 73, DUP3 = 24, PIPE2 = 59, PIDFD = 434, MKDIRAT = 34, CLOSE = 57 };
static word call(word n, word a, word b, word c, word d, word e, word f) {
    register word x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b,
                  x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e,
                  x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
__asm__(".globl _start\n_start: mov x29,xzr\n bl begin\n brk 0\n");
#else
#error "no system calls for this machine"
#endif
#define CALL(n, a, b, c, d) call(n, (word)(a), (word)(b), (word)(c), (word)(d), 0, 0)

enum { HERE = -100, CLOEXEC = 02000000, NONBLOCK = 04000, EINTR = 4, EAGAIN = 11 };

static word open_file(const char *path, word flags) { return CALL(OPENAT, HERE, path, flags, 0); }
static void mounted(const char *kind, const char *place) { CALL(MOUNT, kind, place, kind, 0); }

static size write_all(word file, const char *bytes, size count) {
    size done = 0;
    while (done < count) {
        word got = CALL(WRITE, file, bytes + done, count - done, 0);
        if (got == -EINTR) continue;
        if (got <= 0) break;
        done += (size)got;
    }
    return done;
}

/* Waits until the line has sent everything (tcdrain). */
static void drain(word line) { CALL(IOCTL, line, 0x5409, 1, 0); }

static word serial(const char *path) {
    struct { unsigned in, out, control, local; unsigned char rest[64]; } mode;
    word line = open_file(path, 2 | 0400 /* no controlling terminal */ | CLOEXEC);
    if (CALL(IOCTL, line, 0x5401, &mode, 0) >= 0) {
        mode.in = mode.out = mode.local = 0;                 /* every byte as it is */
        mode.control = 0x1002 | 060 | 0200 | 04000;          /* 115200, 8 bits, no modem */
        CALL(IOCTL, line, 0x5402, &mode, 0);
    }
    return line;
}

static char *put_text(char *at, const char *text) { while (*text) *at++ = *text++; return at; }
static char *put_number(char *at, size number) {
    char digits[24];
    int count = 0;
    do digits[count++] = (char)('0' + number % 10); while (number /= 10);
    while (count) *at++ = digits[--count];
    return at;
}
static size number(const char *text) {
    size value = 0;
    while (*text >= '0' && *text <= '9') value = value * 10 + (size)(*text++ - '0');
    return value;
}
static char *after(char *text) { while (*text) text++; return text + 1; }
static size seconds(void) { size now[2] = {0, 0}; CALL(CLOCK, 1, now, 0, 0); return now[0]; }

static void power_off(void) {
    CALL(REBOOT, 0xfee1dead, 672274793, 0x4321fedc, 0);
    for (;;) CALL(PPOLL, 0, 0, 0, 0);
}

static word out_line, err_line, end_line;
static char buffer[1 << 16];

/* The piece of stdin that is on its way: its length and bytes, as far as they have come, and
 * how many of all these are done with. */
static struct { size come, done; unsigned char bytes[2 + 4096]; } piece;

/* One write of the piece into the pipe; 0 when nobody reads there any more. */
static int feed(word pipe) {
    word got = CALL(WRITE, pipe, piece.bytes + piece.done, piece.come - piece.done, 0);
    if (got > 0) piece.done += (size)got;
    return got > 0 || got == -EAGAIN || got == -EINTR;
}

/* One read of a piece; 1 when all of it has come. */
static int fetch(word line) {
    size length = piece.bytes[0] | (size)piece.bytes[1] << 8;
    size wanted = piece.come < 2 ? 2 : 2 + length;
    if (wanted > sizeof piece.bytes) wanted = sizeof piece.bytes;
    word got = CALL(READ, line, piece.bytes + piece.come, wanted - piece.come, 0);
    if (got > 0) piece.come += (size)got;
    if (piece.come < 2) return 0;
    piece.done = 2;
    return piece.come == 2 + (piece.bytes[0] | (size)piece.bytes[1] << 8);
}

/* One read of a pipe, passed on; 0 when there is nothing (any more). */
static int pass(word pipe, word line, size *count) {
    word got = CALL(READ, pipe, buffer, sizeof buffer, 0);
    if (got == -EINTR) return 1;
    if (got <= 0) return 0;
    *count += write_all(line, buffer, (size)got);
    return 1;
}

static void end(const char *how, size value, size out, size err) {
    char text[128], *at = put_number(put_text(put_text(text, how), " "), value);
    at = put_number(put_text(at, " out "), out);
    at = put_number(put_text(at, " err "), err);
    at = put_text(at, "\n");
    write_all(end_line, text, (size)(at - text));
    drain(end_line);
}

/* Ends everything but this process. Returns how `child` ended, now or before. */
static int sweep(word child) {
    int status = 0;
    CALL(KILL, -1, 9, 0, 0);
    for (;;) {
        int one = 0;
        word got = CALL(WAIT4, -1, &one, 0, 0);
        if (got == child) status = one;
        if (got < 0 && got != -EINTR) return status;
    }
}

/* Passes on what the program `child` writes and reads until it ends, or for so many seconds;
 * then tells its end. `in` is where its stdin is written, or -1. */
static void attend(word child, int out, int err, word stdin_file, int in, size most) {
    struct { int file; short wanted, got; } watched[5] =
        {{out, 1, 0}, {err, 1, 0}, {0, 1, 0}, {in, 4, 0}, {-1, 1, 0}};
    watched[2].file = (int)CALL(PIDFD, child, 0, 0, 0);
    size out_count = 0, err_count = 0, begun = seconds();
    int ended = 0, late = 0;
    while (!ended && !late) {
        size pause[2] = {1, 0};
        CALL(PPOLL, watched, 5, pause, 0);
        if (watched[0].got && !pass(out, out_line, &out_count)) watched[0].file = -1;
        if (watched[1].got && !pass(err, err_line, &err_count)) watched[1].file = -1;
        if (watched[4].file >= 0 && watched[4].got && fetch(end_line)) {
            watched[4].file = -1;
            /* An empty piece: the end. */
            if (piece.come == 2) CALL(CLOSE, in, 0, 0, 0);
            else watched[3].file = in;
        } else if (watched[3].file >= 0 && watched[3].got) {
            if (piece.done == piece.come) {
                word got = CALL(READ, stdin_file, piece.bytes, 4096, 0);
                piece.come = got > 0 ? (size)got : 0;
                piece.done = 0;
            }
            if (piece.come && !feed(in)) {
                CALL(CLOSE, in, 0, 0, 0);
                watched[3].file = -1;
            } else if (!piece.come) {
                write_all(end_line, "more\n", 5);
                watched[3].file = -1;
                watched[4].file = (int)end_line;
            }
        }
        ended = watched[2].got != 0;
        late = most && seconds() - begun > most;
    }
    int status = sweep(child);
    /* What was written before the end is still in the pipes. */
    CALL(FCNTL, out, 4, NONBLOCK, 0);
    CALL(FCNTL, err, 4, NONBLOCK, 0);
    while (pass(out, out_line, &out_count)) {}
    while (pass(err, err_line, &err_count)) {}
    drain(out_line);
    drain(err_line);
    CALL(CLOSE, watched[2].file, 0, 0, 0);
    if (!ended) end("timeout", 0, out_count, err_count);
    else if ((status & 127) == 0) end("exit", (status >> 8) & 255, out_count, err_count);
    else end("signal", status & 127, out_count, err_count);
}

/* Runs the program whose strings begin at `at`; returns where they end. */
static char *run(char *at) {
    static char *lists[1 << 20];
    char *folder = at, *program = after(folder), *limit = after(program), **list = lists;
    at = after(limit);
    size count = number(at);
    char **arguments = list;
    for (at = after(at); count--; at = after(at)) *list++ = at;
    *list++ = 0;
    char **variables = list;
    count = number(at);
    for (at = after(at); count--; at = after(at)) *list++ = at;
    *list = 0;

    int out[2], err[2], trouble[2], in[2];
    word stdin_file = open_file("/reml/stdin", CLOEXEC);
    int streams = open_file("/reml/more", CLOEXEC) >= 0;
    if (streams) CALL(PIPE2, in, CLOEXEC, 0, 0);
    CALL(PIPE2, out, CLOEXEC, 0, 0);
    CALL(PIPE2, err, CLOEXEC, 0, 0);
    CALL(PIPE2, trouble, CLOEXEC, 0, 0);
    word child = CALL(CLONE, 17 /* SIGCHLD */, 0, 0, 0);
    if (child == 0) {
        CALL(SETSID, 0, 0, 0, 0);
        CALL(DUP3, streams ? in[0] : stdin_file, 0, 0, 0);
        CALL(DUP3, out[1], 1, 0, 0);
        CALL(DUP3, err[1], 2, 0, 0);
        word failed = CALL(CHDIR, folder, 0, 0, 0);
        if (failed >= 0) failed = CALL(EXECVE, program, arguments, variables, 0);
        CALL(WRITE, trouble[1], &failed, sizeof failed, 0);
        CALL(EXIT, 127, 0, 0, 0);
    }
    CALL(CLOSE, out[1], 0, 0, 0);
    CALL(CLOSE, err[1], 0, 0, 0);
    CALL(CLOSE, trouble[1], 0, 0, 0);
    if (streams) CALL(CLOSE, in[0], 0, 0, 0);
    if (streams) CALL(FCNTL, in[1], 4, NONBLOCK, 0);
    word failed = 0;
    if (child < 0) failed = child;
    else CALL(READ, trouble[0], &failed, sizeof failed, 0);
    CALL(CLOSE, trouble[0], 0, 0, 0);
    if (failed) {
        char line[64], *to = put_number(put_text(line, "cannot "), (size)-failed);
        to = put_text(to, "\n");
        sweep(child);
        write_all(end_line, line, (size)(to - line));
        drain(end_line);
    } else {
        write_all(end_line, "start\n", 6);
        attend(child, out[0], err[0], stdin_file, streams ? in[1] : -1, number(limit));
    }
    CALL(CLOSE, out[0], 0, 0, 0);
    CALL(CLOSE, err[0], 0, 0, 0);
    CALL(CLOSE, stdin_file, 0, 0, 0);
    return at;
}

__attribute__((used)) void begin(void) {
    mounted("proc", "/proc");
    mounted("sysfs", "/sys");
    mounted("devtmpfs", "/dev");
    CALL(MKDIRAT, HERE, "/dev/shm", 01777, 0);
    mounted("tmpfs", "/dev/shm");
    CALL(MKDIRAT, HERE, "/dev/pts", 0755, 0);
    mounted("devpts", "/dev/pts");
    out_line = serial("/dev/ttyS1");
    err_line = serial("/dev/ttyS2");
    end_line = serial("/dev/ttyS3");

    word file = open_file("/reml/run", CLOEXEC);
    static char text[8 << 20];
    size length = 0;
    for (;;) {
        word got = CALL(READ, file, text + length, sizeof text - 1 - length, 0);
        if (got <= 0) break;
        length += (size)got;
    }
    CALL(CLOSE, file, 0, 0, 0);
    for (char *at = text; at < text + length;) at = run(at);
    power_off();
}

/* What compilers may call although nobody wrote it. */
void *memset(void *to, int value, size count) {
    for (volatile char *at = to; count--;) *at++ = (char)value;
    return to;
}
void *memcpy(void *to, const void *from, size count) {
    volatile char *at = to;
    for (const char *source = from; count--;) *at++ = *source++;
    return to;
}
