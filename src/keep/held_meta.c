// One table of what is packed for both ways.
#include "keep/held_meta.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum {
	NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};
static const char magic[8] = "SKMETA1";

static const char *const words[HELD_STATE_COUNT] = {
	[HELD_WAITS] = "waits",	      [HELD_RELEASED] = "released", [HELD_DELIVERED] = "delivered",
	[HELD_REJECTED] = "rejected", [HELD_EXPIRED] = "expired",
};

const char *held_state_word(enum held_state state)
{
	return words[state];
}

int held_meta_set(struct held_meta *meta, const uint8_t *envelope, size_t size)
{
	int r = 0;
	meta->bytes = malloc(size ? size : 1);
	if (!meta->bytes)
		return -ENOMEM;
	memcpy(meta->bytes, envelope, size);
	meta->size = size;
	r = held_wire_unpack(meta->bytes, size, &meta->envelope);
	if (r == 0) {
		meta->fates = calloc(meta->envelope.n_lines - 1, sizeof(*meta->fates));
		r = meta->fates ? 0 : -ENOMEM;
	}
	if (r < 0)
		held_meta_done(meta);
	return r;
}

void held_meta_done(struct held_meta *meta)
{
	free(meta->bytes);
	free(meta->fates);
	meta->bytes = NULL;
	meta->fates = NULL;
	meta->size = 0;
}

const char *held_meta_line(const struct held_meta *meta, uint32_t recipient)
{
	const char *at = meta->envelope.lines;
	for (uint32_t i = 0; i <= recipient; i++)
		at += strlen(at) + 1;
	return at;
}

// --- one block

// What is of fixed size, as it lies in memory: this file never leaves its machine.
#define FIXED offsetof(struct held_meta, bytes)

struct fate_head {
	uint16_t code, length;
	uint32_t done;
};

static size_t packed_size(const struct held_meta *meta)
{
	size_t size = FIXED + sizeof(uint64_t) + meta->size;
	for (uint32_t i = 0; i + 1 < meta->envelope.n_lines; i++)
		size += sizeof(struct fate_head) + strlen(meta->fates[i].reply);
	return size;
}

static void put(uint8_t **at, const void *bytes, size_t n)
{
	memcpy(*at, bytes, n);
	*at += n;
}

static void pack(const struct held_meta *meta, uint8_t *at)
{
	const uint64_t size = meta->size;
	put(&at, meta, FIXED);
	put(&at, &size, sizeof(size));
	put(&at, meta->bytes, meta->size);
	for (uint32_t i = 0; i + 1 < meta->envelope.n_lines; i++) {
		const struct held_fate *fate = &meta->fates[i];
		const struct fate_head head = { fate->code, (uint16_t)strlen(fate->reply),
						fate->done };
		put(&at, &head, sizeof(head));
		put(&at, fate->reply, head.length);
	}
}

struct reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static const uint8_t *take(struct reader *reader, void *out, size_t n)
{
	const uint8_t *at = reader->at;
	if (reader->bad || n > reader->left) {
		reader->bad = true;
		return NULL;
	}
	if (out)
		memcpy(out, at, n);
	reader->at += n;
	reader->left -= n;
	return at;
}

static bool is_text(const char *text, size_t room)
{
	return memchr(text, '\0', room);
}

static bool fixed_is_sound(const struct held_meta *meta, uint64_t number)
{
	return meta->number == number && (unsigned)meta->state < HELD_STATE_COUNT &&
	       is_text(meta->trouble, sizeof(meta->trouble)) &&
	       is_text(meta->asked.name, HELD_NAME_MAX) &&
	       is_text(meta->asked.reason, HELD_REASON_MAX) &&
	       is_text(meta->decided.name, HELD_NAME_MAX) &&
	       is_text(meta->decided.reason, HELD_REASON_MAX);
}

static void read_fates(struct reader *reader, struct held_meta *meta)
{
	for (uint32_t i = 0; i + 1 < meta->envelope.n_lines && !reader->bad; i++) {
		struct held_fate *fate = &meta->fates[i];
		struct fate_head head = { 0 };
		take(reader, &head, sizeof(head));
		reader->bad |= head.length >= HELD_REPLY_MAX || head.done > 1;
		if (!reader->bad)
			take(reader, fate->reply, head.length);
		fate->code = head.code;
		fate->done = head.done;
	}
}

static int unpack(const uint8_t *bytes, size_t size, uint64_t number, struct held_meta *ret)
{
	struct reader reader = { bytes, size, false };
	struct held_meta meta = { 0 };
	const uint8_t *envelope;
	uint64_t n = 0;
	take(&reader, &meta, FIXED);
	take(&reader, &n, sizeof(n));
	envelope = take(&reader, NULL, n);
	if (reader.bad || !fixed_is_sound(&meta, number))
		return -EBADMSG;
	int r = held_meta_set(&meta, envelope, n);
	if (r < 0)
		return r;
	read_fates(&reader, &meta);
	if (reader.bad || reader.left) {
		held_meta_done(&meta);
		return -EBADMSG;
	}
	*ret = meta;
	return 0;
}

// --- encrypted

struct about { // is not secret, and belongs to it
	char magic[8];
	uint64_t number;
};

static struct about about_of(uint64_t number)
{
	struct about about = { .number = number };
	memcpy(about.magic, magic, sizeof(magic));
	return about;
}

static void meta_key(const struct held_key *key, uint8_t out[HELD_KEY_BYTES])
{
	crypto_kdf_derive_from_key(out, HELD_KEY_BYTES, 2, "skvault", key->bytes);
}

int held_meta_seal(const struct held_key *key, const struct held_meta *meta, uint8_t **ret_bytes,
		   size_t *ret_size)
{
	const struct about about = about_of(meta->number);
	const size_t n = packed_size(meta);
	uint8_t own[HELD_KEY_BYTES];
	uint8_t *plain = sodium_init() < 0 ? NULL : malloc(n);
	uint8_t *bytes = plain ? malloc(NONCE + n + TAG) : NULL;
	if (!bytes) {
		free(plain);
		return -ENOMEM;
	}
	pack(meta, plain);
	meta_key(key, own);
	randombytes_buf(bytes, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + NONCE, NULL, plain, n,
						   (const uint8_t *)&about, sizeof(about), NULL,
						   bytes, own);
	sodium_memzero(own, sizeof(own));
	sodium_memzero(plain, n);
	free(plain);
	*ret_bytes = bytes;
	*ret_size = NONCE + n + TAG;
	return 0;
}

int held_meta_open(const struct held_key *key, uint64_t number, const uint8_t *bytes, size_t size,
		   struct held_meta *ret)
{
	const struct about about = about_of(number);
	uint8_t own[HELD_KEY_BYTES], *plain;
	unsigned long long n;
	int r;
	if (size < NONCE + TAG)
		return -EBADMSG;
	plain = sodium_init() < 0 ? NULL : malloc(size);
	if (!plain)
		return -ENOMEM;
	meta_key(key, own);
	r = crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &n, NULL, bytes + NONCE, size - NONCE,
						       (const uint8_t *)&about, sizeof(about),
						       bytes, own);
	sodium_memzero(own, sizeof(own));
	r = r == 0 ? unpack(plain, n, number, ret) : -EBADMSG;
	sodium_memzero(plain, size);
	free(plain);
	return r;
}
