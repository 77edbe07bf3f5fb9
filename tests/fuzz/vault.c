// What the vault hears from an inspector, and an inspector from the vault.  The first byte says
// which:
//
//	0  an envelope: what is read packs to the same bytes
//	1  an answer: it names a message or is none, however it is cut
//	*  a stream of frames, cut in pieces: what is held is what stood in the frames, with their
//	   envelope, and nothing else is
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/vault_answer.h"
#include "daemon/vault_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { SAID_MAX = 1 << 20 };

static const struct held_key key = { { 9 } };
static char folder[] = "/tmp/fuzz-vault.XXXXXX";
static int dir_fd = -1;

static void must(bool fine)
{
	if (!fine)
		abort();
}

static void envelope(const uint8_t *bytes, size_t size)
{
	static uint8_t again[HELD_WIRE_MAX];
	struct held_envelope read;
	if (held_wire_unpack(bytes, size, &read) < 0)
		return;
	must(held_wire_pack(&read, again, sizeof(again)) == size);
	must(memcmp(again, bytes, size) == 0);
}

static struct hold_result answer_of(const uint8_t *bytes, size_t size, size_t piece)
{
	struct scan_reply reply = { .n = 0 };
	struct scan_result result;
	struct hold_result held;
	for (size_t at = 0; at < size; at += piece)
		vault_words.read(&reply, bytes + at, size - at < piece ? size - at : piece);
	vault_words.verdict(&reply, true, &result);
	vault_answer_read(&result, &held);
	return held;
}

static void answer(const uint8_t *bytes, size_t size)
{
	const struct hold_result whole = answer_of(bytes, size, size ? size : 1);
	const struct hold_result cut = answer_of(bytes, size, 1);
	must(whole.verdict == cut.verdict && whole.number == cut.number);
	must(whole.number || whole.verdict == HOLD_FULL || whole.verdict == HOLD_DOWN);
}

// --- streams

struct said { // by a slow reader
	uint8_t message[SAID_MAX], envelope[SAID_MAX];
	size_t n_message, n_envelope;
	bool whole;
};

static void read_frames(const uint8_t *at, size_t size, struct said *said)
{
	bool in_envelope = false;
	said->n_message = said->n_envelope = 0;
	said->whole = false;
	while (size >= 4 && !said->whole) {
		size_t n = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
		uint8_t *to = in_envelope ? said->envelope : said->message;
		size_t *used = in_envelope ? &said->n_envelope : &said->n_message;
		at += 4;
		size -= 4;
		if (n > size)
			return;
		said->whole = !n && in_envelope;
		in_envelope |= !n;
		memcpy(to + *used, at, n);
		*used += n;
		at += n;
		size -= n;
	}
}

static uint64_t n_kept, last_kept;

static void on_kept(void *arg, uint64_t number)
{
	(void)arg;
	n_kept++;
	last_kept = number;
}

static void look(struct vault_streams *streams)
{
	static struct pollfd fds[VAULT_STREAMS_MAX];
	size_t n = vault_streams_poll(streams, fds);
	poll(fds, n, 0);
	vault_streams_look(streams, fds, n, 1000000);
}

static void check_kept(struct held_store *store, const struct said *said)
{
	static uint8_t copy[SAID_MAX];
	struct held_meta meta;
	FILE *file = tmpfile();
	must(file && n_kept == 1 && said->whole);
	must(held_store_read(store, last_kept, &meta) == 0);
	must(meta.size == said->n_envelope && memcmp(meta.bytes, said->envelope, meta.size) == 0);
	must(held_store_copy(store, &meta, fileno(file)) == 0);
	must(pread(fileno(file), copy, sizeof(copy), 0) == (ssize_t)said->n_message);
	must(memcmp(copy, said->message, said->n_message) == 0);
	held_meta_done(&meta);
	fclose(file);
}

static void forget(uint64_t number)
{
	char name[40];
	static const char *const endings[] = { "mail", "meta" };
	for (size_t i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%llu.%s", (unsigned long long)number, endings[i]);
		unlinkat(dir_fd, name, 0);
	}
}

static void clean(void)
{
	DIR *dir = opendir(folder);
	struct dirent *file;
	while (dir && (file = readdir(dir)))
		unlinkat(dir_fd, file->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
}

static void stream(const uint8_t *bytes, size_t size, size_t piece)
{
	static struct said said;
	struct vault_streams *streams;
	struct held_store *store;
	int pair[2];
	if (dir_fd < 0) {
		must(mkdtemp(folder) != NULL);
		dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		atexit(clean);
	}
	n_kept = 0;
	read_frames(bytes, size, &said);
	must(held_store_open(dir_fd, &key, &store) == 0);
	must(vault_streams_new(store, on_kept, NULL, &streams) == 0);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	vault_streams_add(streams, pair[1]);
	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		if (send(pair[0], bytes + at, n, MSG_NOSIGNAL | MSG_DONTWAIT) < (ssize_t)n)
			break; // it has said that it is over
		look(streams);
	}
	close(pair[0]);
	for (size_t i = 0; i < 4; i++)
		look(streams);
	if (n_kept)
		check_kept(store, &said);
	vault_streams_free(streams);
	held_store_close(store);
	if (n_kept)
		forget(last_kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (!size || size > SAID_MAX)
		return 0;
	if (bytes[0] == 0)
		envelope(bytes + 1, size - 1);
	else if (bytes[0] == 1)
		answer(bytes + 1, size - 1);
	else
		stream(bytes + 1, size - 1, (size_t)1 << (bytes[0] % 16));
	return 0;
}
