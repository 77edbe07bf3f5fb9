#include "keep/held_body.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"
#include "keep/secret.h"

enum {
	MAGIC_BYTES = 8,
	SEALED = HELD_CHUNK + crypto_secretstream_xchacha20poly1305_ABYTES,
};
static const char magic[MAGIC_BYTES] = "SKHELD1\n";

_Static_assert(crypto_secretstream_xchacha20poly1305_HEADERBYTES == HELD_ID_BYTES,
	       "the id is what the stream begins with");

struct held_body {
	int fd;
	struct held_sum sum;
	crypto_secretstream_xchacha20poly1305_state stream;
	crypto_hash_sha256_state hash;
	size_t n; // of plain
	bool begun;
	uint8_t plain[HELD_CHUNK], sealed[SEALED];
};

int held_key_open(int state_fd, struct held_key *ret)
{
	return secret_open(state_fd, "vault.key", ret->bytes, sizeof(ret->bytes));
}

// The key of bodies is another one than that of what is said of them.
static void body_key(const struct held_key *key, uint8_t out[HELD_KEY_BYTES])
{
	crypto_kdf_derive_from_key(out, HELD_KEY_BYTES, 1, "skvault", key->bytes);
}

int held_body_new(const struct held_key *key, int fd, struct held_body **ret_body)
{
	struct held_body *body = sodium_init() < 0 ? NULL : calloc(1, sizeof(*body));
	uint8_t own[HELD_KEY_BYTES];
	if (!body)
		return -ENOMEM;
	body->fd = fd;
	body_key(key, own);
	crypto_secretstream_xchacha20poly1305_init_push(&body->stream, body->sum.id, own);
	sodium_memzero(own, sizeof(own));
	crypto_hash_sha256_init(&body->hash);
	*ret_body = body;
	return 0;
}

void held_body_free(struct held_body *body)
{
	if (!body)
		return;
	sodium_memzero(body, sizeof(*body));
	free(body);
}

static int seal(struct held_body *body, bool last)
{
	unsigned long long n;
	int r = 0;
	if (!body->begun)
		r = file_write_all(body->fd, magic, sizeof(magic));
	if (r == 0 && !body->begun)
		r = file_write_all(body->fd, body->sum.id, sizeof(body->sum.id));
	body->begun = true;
	if (r < 0)
		return r;
	crypto_secretstream_xchacha20poly1305_push(
		&body->stream, body->sealed, &n, body->plain, body->n, NULL, 0,
		last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
		     : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
	body->n = 0;
	return file_write_all(body->fd, body->sealed, (size_t)n);
}

int held_body_add(struct held_body *body, const uint8_t *bytes, size_t n)
{
	int r = 0;
	crypto_hash_sha256_update(&body->hash, bytes, n);
	body->sum.size += n;
	while (n && r == 0) {
		size_t piece = HELD_CHUNK - body->n;
		if (!piece) {
			r = seal(body, false);
			continue;
		}
		piece = piece < n ? piece : n;
		memcpy(body->plain + body->n, bytes, piece);
		body->n += piece;
		bytes += piece;
		n -= piece;
	}
	return r;
}

int held_body_end(struct held_body *body, struct held_sum *ret)
{
	int r = seal(body, true);
	if (r == 0 && fsync(body->fd) < 0)
		r = -errno;
	if (r < 0)
		return r;
	crypto_hash_sha256_final(&body->hash, body->sum.sha256);
	*ret = body->sum;
	return 0;
}

// --- reading

struct reader {
	int fd, to;
	uint64_t left; // bytes of the file behind the head
	crypto_secretstream_xchacha20poly1305_state stream;
	struct held_sum sum;
	crypto_hash_sha256_state hash;
	uint8_t sealed[SEALED], plain[HELD_CHUNK];
};

static int read_all(int fd, void *bytes, size_t size)
{
	size_t at = 0;
	while (at < size) {
		ssize_t n = read(fd, (uint8_t *)bytes + at, size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		at += (size_t)n;
	}
	return 0;
}

static int read_head(struct reader *reader, const struct held_key *key, const struct held_sum *sum)
{
	uint8_t head[MAGIC_BYTES + HELD_ID_BYTES], own[HELD_KEY_BYTES];
	struct stat st;
	if (lseek(reader->fd, 0, SEEK_SET) < 0 || fstat(reader->fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < sizeof(head))
		return -EBADMSG;
	reader->left = (uint64_t)st.st_size - sizeof(head);
	int r = read_all(reader->fd, head, sizeof(head));
	if (r < 0)
		return r;
	if (memcmp(head, magic, MAGIC_BYTES) != 0 ||
	    memcmp(head + MAGIC_BYTES, sum->id, HELD_ID_BYTES) != 0)
		return -EBADMSG;
	body_key(key, own);
	r = crypto_secretstream_xchacha20poly1305_init_pull(&reader->stream, sum->id, own);
	sodium_memzero(own, sizeof(own));
	crypto_hash_sha256_init(&reader->hash);
	return r < 0 ? -EBADMSG : 0;
}

static int read_chunk(struct reader *reader)
{
	const size_t size = reader->left < SEALED ? (size_t)reader->left : SEALED;
	unsigned long long n;
	unsigned char tag;
	int r = read_all(reader->fd, reader->sealed, size);
	if (r < 0)
		return r;
	reader->left -= size;
	if (crypto_secretstream_xchacha20poly1305_pull(&reader->stream, reader->plain, &n, &tag,
						       reader->sealed, size, NULL, 0) != 0 ||
	    (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL) != !reader->left)
		return -EBADMSG;
	crypto_hash_sha256_update(&reader->hash, reader->plain, n);
	reader->sum.size += n;
	return file_write_all(reader->to, reader->plain, (size_t)n);
}

int held_body_read(const struct held_key *key, int fd, const struct held_sum *sum, int to)
{
	struct reader *reader = sodium_init() < 0 ? NULL : calloc(1, sizeof(*reader));
	int r = reader ? 0 : -ENOMEM;
	if (r == 0) {
		reader->fd = fd;
		reader->to = to;
		r = read_head(reader, key, sum);
	}
	if (r == 0 && !reader->left)
		r = -EBADMSG;
	while (r == 0 && reader->left)
		r = read_chunk(reader);
	if (r == 0) {
		crypto_hash_sha256_final(&reader->hash, reader->sum.sha256);
		if (reader->sum.size != sum->size ||
		    memcmp(reader->sum.sha256, sum->sha256, HELD_SHA256_BYTES) != 0)
			r = -EBADMSG;
	}
	if (reader)
		sodium_memzero(reader, sizeof(*reader));
	free(reader);
	return r;
}
