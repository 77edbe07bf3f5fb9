#include "daemon/vault_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 4, READ_BYTES = 64 * 1024 };

enum phase { MESSAGE, ENVELOPE, OVER };

struct stream {
	int fd;
	enum phase phase;
	uint8_t head[HEAD];
	uint32_t n_head, left;	    // of the frame in hand
	struct held_coming *coming; // NULL: nothing has come yet
	uint8_t *envelope;
	size_t n_envelope;
};

struct vault_streams {
	struct held_store *store;
	vault_kept *kept;
	void *arg;
	struct stream *v[VAULT_STREAMS_MAX];
	size_t n;
	uint64_t now_us;
};

static void free_stream(struct stream *stream)
{
	close(stream->fd);
	held_coming_free(stream->coming);
	free(stream->envelope);
	free(stream);
}

static void over(struct stream *stream, const char *text)
{
	// It fits: nothing else was ever said to it.
	send(stream->fd, text, strlen(text) + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	stream->phase = OVER;
}

static void failed(struct stream *stream, int error)
{
	over(stream, error == -ENOSPC ? "full" : "failed");
}

static void keep(struct vault_streams *streams, struct stream *stream)
{
	static const char *const words[] = { [HELD_KEPT] = "kept",
					     [HELD_CAME_DELIVERED] = "delivered",
					     [HELD_CAME_REJECTED] = "rejected" };
	enum held_answer answer;
	uint64_t number;
	bool fresh;
	char text[48];
	int r = stream->coming
			? held_coming_keep(stream->coming, stream->envelope, stream->n_envelope,
					   streams->now_us, &answer, &number, &fresh)
			: -EBADMSG;
	if (r < 0) {
		failed(stream, r);
		return;
	}
	snprintf(text, sizeof(text), "%s %llu", words[answer], (unsigned long long)number);
	over(stream, text);
	if (fresh)
		streams->kept(streams->arg, number);
}

static int add_envelope(struct stream *stream, const uint8_t *bytes, size_t n)
{
	uint8_t *grown;
	if (stream->n_envelope + n > HELD_WIRE_MAX)
		return -EBADMSG;
	grown = realloc(stream->envelope, stream->n_envelope + n);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + stream->n_envelope, bytes, n);
	stream->envelope = grown;
	stream->n_envelope += n;
	return 0;
}

static int take(struct vault_streams *streams, struct stream *stream, const uint8_t *bytes,
		size_t n)
{
	int r = 0;
	if (stream->phase == ENVELOPE)
		return add_envelope(stream, bytes, n);
	if (!stream->coming)
		r = held_coming_new(streams->store, &stream->coming);
	return r < 0 ? r : held_coming_add(stream->coming, bytes, n);
}

static void begin_frame(struct vault_streams *streams, struct stream *stream)
{
	stream->n_head = 0;
	stream->left = (uint32_t)stream->head[0] << 24 | (uint32_t)stream->head[1] << 16 |
		       (uint32_t)stream->head[2] << 8 | stream->head[3];
	if (stream->left > HELD_WIRE_MAX)
		failed(stream, -EBADMSG);
	else if (!stream->left && stream->phase == MESSAGE)
		stream->phase = ENVELOPE;
	else if (!stream->left)
		keep(streams, stream);
}

static void read_bytes(struct vault_streams *streams, struct stream *stream, const uint8_t *bytes,
		       size_t n)
{
	while (n && stream->phase != OVER) {
		size_t piece = stream->left < n ? stream->left : n;
		if (!stream->left) {
			stream->head[stream->n_head++] = *bytes++;
			n--;
			if (stream->n_head == HEAD)
				begin_frame(streams, stream);
			continue;
		}
		int r = take(streams, stream, bytes, piece);
		if (r < 0)
			failed(stream, r);
		stream->left -= (uint32_t)piece;
		bytes += piece;
		n -= piece;
	}
}

// Whoever goes before the end has nothing to be kept.
static void look_at(struct vault_streams *streams, struct stream *stream)
{
	static uint8_t bytes[READ_BYTES];
	for (size_t sum = 0; sum < VAULT_TURN_BYTES && stream->phase != OVER;) {
		ssize_t n = recv(stream->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			stream->phase = OVER;
			return;
		}
		sum += (size_t)n;
		read_bytes(streams, stream, bytes, (size_t)n);
	}
}

void vault_streams_look(struct vault_streams *streams, const struct pollfd *fds, size_t n,
			uint64_t now_us)
{
	size_t left = 0;
	streams->now_us = now_us;
	for (size_t i = 0; i < streams->n; i++) {
		struct stream *stream = streams->v[i];
		if (i < n && fds[i].fd == stream->fd && fds[i].revents)
			look_at(streams, stream);
		if (stream->phase == OVER)
			free_stream(stream);
		else
			streams->v[left++] = stream;
	}
	streams->n = left;
}

size_t vault_streams_poll(const struct vault_streams *streams, struct pollfd fds[VAULT_STREAMS_MAX])
{
	for (size_t i = 0; i < streams->n; i++)
		fds[i] = (struct pollfd){ .fd = streams->v[i]->fd, .events = POLLIN };
	return streams->n;
}

void vault_streams_add(struct vault_streams *streams, int fd)
{
	struct stream *stream = streams->n < VAULT_STREAMS_MAX ? calloc(1, sizeof(*stream)) : NULL;
	if (!stream) {
		close(fd);
		return;
	}
	stream->fd = fd;
	streams->v[streams->n++] = stream;
}

int vault_streams_new(struct held_store *store, vault_kept *kept, void *arg,
		      struct vault_streams **ret_streams)
{
	struct vault_streams *streams = calloc(1, sizeof(*streams));
	if (!streams)
		return -ENOMEM;
	streams->store = store;
	streams->kept = kept;
	streams->arg = arg;
	*ret_streams = streams;
	return 0;
}

void vault_streams_free(struct vault_streams *streams)
{
	if (!streams)
		return;
	for (size_t i = 0; i < streams->n; i++)
		free_stream(streams->v[i]);
	free(streams);
}
