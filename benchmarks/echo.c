/* The fastest MCP server there can be, to measure clients against: one process, no allocation per message.
 *
 *     cc -O2 -o echo benchmarks/echo.c
 *     ./echo              JSON-RPC lines on stdin and stdout
 *     ./echo --http       JSON-RPC over HTTP on a free port of 127.0.0.1, which is printed first
 *
 * It knows initialize, tools/list and tools/call (always the same result), refuses every other request, ignores
 * notifications, and trusts its input: it is for benchmarks only. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER (1 << 20)
#define CLIENTS 1024

static const char INITIALIZED[] =
    "\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
    "\"serverInfo\":{\"name\":\"echo\",\"version\":\"1\"}}";
static const char TOOLS[] =
    "\"result\":{\"tools\":[{\"name\":\"echo\",\"description\":\"Echoes.\",\"inputSchema\":{\"type\":\"object\"},"
    "\"annotations\":{\"readOnlyHint\":true}}]}";
static const char CALLED[] = "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}";
static const char UNKNOWN[] = "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}";

/* Write the answer to one message; return its length, 0 for a message that awaits none. */
static size_t answer(const char *message, size_t length, char *out) {
    const char *id = memmem(message, length, "\"id\":", 5);
    if (id == NULL || memmem(message, length, "\"method\"", 8) == NULL) return 0;
    id += 5;
    while (*id == ' ') id++;
    size_t width = 0;
    while (id + width < message + length && id[width] != ',' && id[width] != '}') width++;
    const char *body = UNKNOWN;
    if (memmem(message, length, "\"tools/call\"", 12)) body = CALLED;
    else if (memmem(message, length, "\"tools/list\"", 12)) body = TOOLS;
    else if (memmem(message, length, "\"initialize\"", 12)) body = INITIALIZED;
    return (size_t)sprintf(out, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,%s}", (int)width, id, body);
}

static void send_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = write(fd, data, length);
        if (sent <= 0) exit(1);
        data += sent;
        length -= (size_t)sent;
    }
}

static int serve_pipes(void) {
    static char in[BUFFER], out[BUFFER * 2];
    size_t kept = 0;
    ssize_t got;
    while ((got = read(0, in + kept, sizeof in - kept)) > 0) {
        size_t end = kept + (size_t)got, start = 0, filled = 0;
        char *newline;
        while ((newline = memchr(in + start, '\n', end - start)) != NULL) {
            size_t length = (size_t)(newline - in) - start;
            size_t written = answer(in + start, length, out + filled);
            if (written) out[filled + written] = '\n', filled += written + 1;
            start += length + 1;
        }
        send_all(1, out, filled);
        kept = end - start;
        memmove(in, in + start, kept);
    }
    return 0;
}

struct client { char in[65536]; size_t kept; };

/* Answer every whole request in a client's buffer. */
static void serve_client(int fd, struct client *client) {
    static char out[BUFFER], body[4096];
    size_t filled = 0, start = 0;
    for (;;) {
        char *head = client->in + start, *end = memmem(head, client->kept - start, "\r\n\r\n", 4);
        if (end == NULL) break;
        *end = 0;
        char *named = strcasestr(head, "content-length:");
        size_t length = named ? (size_t)strtoul(named + 15, NULL, 10) : 0;
        *end = '\r';
        if ((size_t)(end + 4 - client->in) + length > client->kept) break;
        size_t size = memcmp(head, "POST", 4) == 0 ? answer(end + 4, length, body) : 0;
        const char *status = memcmp(head, "POST", 4) != 0 ? "405 No" : size ? "200 OK" : "202 Accepted";
        filled += (size_t)sprintf(out + filled, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status,
                                  size ? "Content-Type: application/json\r\n" : "", size);
        memcpy(out + filled, body, size);
        filled += size;
        start = (size_t)(end + 4 - client->in) + length;
    }
    send_all(fd, out, filled);
    client->kept -= start;
    memmove(client->in, client->in + start, client->kept);
}

static int serve_http(void) {
    static struct pollfd polled[CLIENTS];
    static struct client *clients[CLIENTS];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), count = 2, yes = 1;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 512)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = 0, .events = POLLIN}; /* the end of stdin is the end */
    while (poll(polled, (nfds_t)count, -1) > 0) {
        if (polled[1].revents) return 0;
        for (int i = count - 1; i > 1; i--) {
            if (!polled[i].revents) continue;
            struct client *client = clients[i];
            ssize_t got = read(polled[i].fd, client->in + client->kept, sizeof client->in - client->kept);
            if (got > 0) {
                client->kept += (size_t)got;
                serve_client(polled[i].fd, client);
                continue;
            }
            close(polled[i].fd);
            free(client);
            polled[i] = polled[--count];
            clients[i] = clients[count];
        }
        if (polled[0].revents && count < CLIENTS) {
            int fd = accept(listener, NULL, NULL);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            polled[count] = (struct pollfd){.fd = fd, .events = POLLIN};
            clients[count++] = calloc(1, sizeof(struct client));
        }
    }
    return 1;
}

int main(int count, char **arguments) {
    return count > 1 && strcmp(arguments[1], "--http") == 0 ? serve_http() : serve_pipes();
}
