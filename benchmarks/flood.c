/* Load from one process that is far from being the bottleneck: many clients on an epoll loop, and what became of every operation.
 *
 *   flood ADDRESS CLIENTS SECONDS MODE [RATE]
 *
 * ADDRESS  HOST:PORT (IPv4), or the path of a Unix socket
 * MODE     connect     an operation is: connect, send a line, get it back, close
 *          persist     every client connects once; an operation is: send a line, get it back
 *          http-close  connect, GET / with Connection: close, read to the end
 *          http-keep   every client connects once; GET /, read one response with Content-Length
 * RATE     operations a second, started by the clock whether earlier ones have ended or not (open loop, connect only);
 *          the time of an operation counts from when it was due. 0: each client starts its next one when one has ended.
 *
 * Prints one JSON object: operations, errors, seconds, the longest time without an answer and the times that so many of
 * 100 operations took at most, in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_ = 4096, SAMPLES_MAX = 4000000, CLIENTS_MAX = 20000 };

struct client {
    int fd;
    int busy;
    int sent;
    size_t got, wanted;
    double due;
    char in[LINE_MAX_];
};

static struct sockaddr_storage address;
static socklen_t address_length;
static int poller, connects_each_time, is_http;
static const char *request = "hello, benchmark\n";
static struct client *clients;
static float *samples;
static size_t sample_count, operations, errors;
static double last_done, longest_gap;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void die(const char *what) {
    perror(what);
    exit(2);
}

static void parse_address(const char *text) {
    const char *colon = strrchr(text, ':');
    memset(&address, 0, sizeof address);
    if (colon && !strchr(text, '/')) {
        struct sockaddr_in *in = (struct sockaddr_in *)&address;
        char host[64];
        snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
        in->sin_family = AF_INET;
        in->sin_port = htons(atoi(colon + 1));
        if (inet_pton(AF_INET, host, &in->sin_addr) != 1) { fprintf(stderr, "not an IPv4 address: %s\n", host); exit(2); }
        address_length = sizeof *in;
    } else {
        struct sockaddr_un *un = (struct sockaddr_un *)&address;
        un->sun_family = AF_UNIX;
        snprintf(un->sun_path, sizeof un->sun_path, "%s", text);
        address_length = sizeof *un;
    }
}

static void watch(struct client *c, int operation, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &e) != 0) die("epoll_ctl");
}

static void hang_up(struct client *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->busy = 0;
}

static void failed(struct client *c) {
    errors++;
    hang_up(c);
}

static void send_request(struct client *c) {
    size_t length = strlen(request);
    if (send(c->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) { failed(c); return; }
    c->sent = 1;
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void start(struct client *c, double due) {
    c->busy = 1;
    c->sent = 0;
    c->got = 0;
    c->wanted = is_http ? 0 : strlen(request);
    c->due = due;
    if (c->fd >= 0) { send_request(c); return; }
    c->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    if (address.ss_family == AF_INET) {
        int one = 1;
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    if (connect(c->fd, (struct sockaddr *)&address, address_length) != 0 && errno != EINPROGRESS) {
        /* A full backlog of a Unix socket: this one tries again with the next turn. */
        if (errno == EAGAIN) { hang_up(c); c->due = due; return; }
        failed(c);
        return;
    }
    watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void done(struct client *c) {
    double t = now();
    operations++;
    if (sample_count < SAMPLES_MAX) samples[sample_count++] = (float)((t - c->due) * 1e6);
    if (t - last_done > longest_gap) longest_gap = t - last_done;
    last_done = t;
    if (connects_each_time) hang_up(c);
    else c->busy = 0;
}

static size_t http_length(struct client *c) {
    char *end = memmem(c->in, c->got, "\r\n\r\n", 4);
    char *length = end ? strcasestr(c->in, "content-length:") : NULL;
    return length ? (size_t)(end + 4 - c->in) + strtoul(length + 15, NULL, 10) : 0;
}

static void readable(struct client *c) {
    for (;;) {
        ssize_t n = recv(c->fd, c->in + c->got, sizeof c->in - 1 - c->got, 0);
        if (n < 0) {
            if (errno != EAGAIN) failed(c);
            return;
        }
        if (n == 0) {
            /* The answer to Connection: close ends with the connection. */
            if (is_http && connects_each_time && c->got > 0 && c->got >= http_length(c)) done(c);
            else failed(c);
            return;
        }
        c->got += n;
        c->in[c->got] = 0;
        if (is_http && !c->wanted) c->wanted = http_length(c);
        if (!(is_http && connects_each_time) && c->wanted && c->got >= c->wanted) {
            if (!is_http && memcmp(c->in, request, c->wanted) != 0) failed(c);
            else done(c);
            return;
        }
    }
}

static void ready(struct client *c, uint32_t events) {
    if (c->fd < 0) return;
    if (!c->sent) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error) failed(c);
        else if (events & EPOLLOUT) send_request(c);
        return;
    }
    readable(c);
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* At most a millisecond, and no longer than until the next operation is due: epoll_wait knows only milliseconds. */
static void wait_for_events(double seconds) {
    struct pollfd p = {.fd = poller, .events = POLLIN};
    struct timespec t = {.tv_nsec = seconds < 0 ? 0 : seconds > 1e-3 ? 1000000 : (long)(seconds * 1e9)};
    ppoll(&p, 1, &t, NULL);
}

static double percentile(double p) { return sample_count ? samples[(size_t)(p * (sample_count - 1))] : 0; }

int main(int argc, char **argv) {
    if (argc < 5) { fprintf(stderr, "usage: flood ADDRESS CLIENTS SECONDS connect|persist|http-close|http-keep [RATE]\n"); return 2; }
    parse_address(argv[1]);
    int count = atoi(argv[2]);
    double seconds = atof(argv[3]), rate = argc > 5 ? atof(argv[5]) : 0;
    is_http = strncmp(argv[4], "http", 4) == 0;
    connects_each_time = strcmp(argv[4], "connect") == 0 || strcmp(argv[4], "http-close") == 0;
    if (is_http) request = connects_each_time ? "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" : "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if (count < 1 || count > CLIENTS_MAX) { fprintf(stderr, "1 to %d clients\n", CLIENTS_MAX); return 2; }
    clients = calloc(count, sizeof *clients);
    samples = malloc(SAMPLES_MAX * sizeof *samples);
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++) clients[i].fd = -1;
    prctl(PR_SET_TIMERSLACK, 1UL); /* the usual 50 us would be counted as the server's */
    double began = now(), end = began + seconds, due = began;
    last_done = began;
    for (int next = 0;;) {
        double t = now();
        if (t >= end) break;
        if (rate > 0) {
            for (int tried = 0; due <= t && tried < count; tried++, next = (next + 1) % count)
                if (!clients[next].busy) { start(&clients[next], due); due += 1 / rate; tried = 0; }
        } else {
            for (int i = 0; i < count; i++) if (!clients[i].busy) start(&clients[i], now());
        }
        struct epoll_event events[256];
        wait_for_events(rate > 0 ? due - now() : 1e-3);
        int n = epoll_wait(poller, events, 256, 0);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            ready(c, events[i].events);
            if (rate == 0 && !c->busy && now() < end) start(c, now());
        }
    }
    double took = now() - began;
    if (now() - last_done > longest_gap) longest_gap = now() - last_done;
    qsort(samples, sample_count, sizeof *samples, by_value);
    printf("{\"operations\": %zu, \"errors\": %zu, \"seconds\": %.4f, \"longest_gap\": %.1f", operations, errors, took, longest_gap * 1e6);
    static const struct { const char *name; double share; } quantiles[] = {
        {"p50", .5}, {"p75", .75}, {"p90", .9}, {"p95", .95}, {"p98", .98}, {"p99", .99}, {"p99.5", .995}, {"p99.9", .999}, {"max", 1}};
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) printf(", \"%s\": %.1f", quantiles[i].name, percentile(quantiles[i].share));
    puts("}");
    return 0;
}
