/* What the machine can do: the same answers from processes that do nothing else, each with an epoll loop.
 *
 *   limit PROCESSES echo|http
 *
 * Prints its address when it listens.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, REQUEST_MAX = 4096 };

static const char close_word[] = "Connection: close";
static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n\r\nhello, benchmark\n";
static const char closed[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 17\r\nConnection: close\r\n\r\nhello, benchmark\n";

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* Whether the connection goes on. What wrk and flood send arrives whole. */
static int answer(int fd, int is_http) {
    char request[REQUEST_MAX];
    ssize_t n = recv(fd, request, sizeof request, 0);
    if (n <= 0) return 0;
    if (!is_http) return send(fd, request, n, MSG_NOSIGNAL) == n;
    if (memmem(request, n, close_word, sizeof close_word - 1) == NULL) return send(fd, kept, sizeof kept - 1, MSG_NOSIGNAL) > 0;
    send(fd, closed, sizeof closed - 1, MSG_NOSIGNAL);
    return 0;
}

static void serve(int listener, int is_http) {
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = listener}, events[EVENTS_MAX];
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e) != 0) die("epoll");
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                if (!answer(fd, is_http)) close(fd);
                continue;
            }
            if ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0) continue;
            e.events = EPOLLIN;
            e.data.fd = fd;
            if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) != 0) die("epoll_ctl");
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "usage: limit PROCESSES echo|http\n"); return 2; }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1024) != 0) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (int i = 0; i < atoi(argv[1]); i++) if (fork() == 0) serve(listener, strcmp(argv[2], "http") == 0);
    while (wait(NULL) > 0) {}
    return 0;
}
