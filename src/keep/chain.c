// Hashing, signing and taking apart one line.
#include "keep/chain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

const struct chain_hash chain_first = {
	"0000000000000000000000000000000000000000000000000000000000000000"
};

static const char hash_head[] = ",\"hash\":\"", signature_head[] = ",\"signature\":\"";

enum {
	HASH_BYTES = 32,
	HASH_HEAD = sizeof(hash_head) - 1,
	SIGNATURE_HEAD = sizeof(signature_head) - 1,
	SIGNED_TEXT_MAX = 128,
	// ,"hash":"..."  and  ,"signature":"..."
	HASH_MEMBER = HASH_HEAD + CHAIN_HASH_TEXT + 1,
	SIGNATURE_MEMBER = SIGNATURE_HEAD + CHAIN_SIGNATURE_TEXT + 1,
};

// content: the line up to and without the comma before "hash"; its brace is put back.
static void hash_of(const struct chain_hash *previous, const char *content, size_t length,
		    struct chain_hash *ret)
{
	crypto_generichash_state state;
	uint8_t hash[HASH_BYTES];
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	crypto_generichash_update(&state, (const uint8_t *)previous->text, CHAIN_HASH_TEXT);
	crypto_generichash_update(&state, (const uint8_t *)"\n", 1);
	crypto_generichash_update(&state, (const uint8_t *)content, length);
	crypto_generichash_update(&state, (const uint8_t *)"}", 1);
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(ret->text, sizeof(ret->text), hash, sizeof(hash));
}

static size_t signed_text(uint64_t seq, const struct chain_hash *hash, char out[SIGNED_TEXT_MAX])
{
	return (size_t)snprintf(out, SIGNED_TEXT_MAX, "sekisho-audit %llu %s",
				(unsigned long long)seq, hash->text);
}

size_t chain_append(struct chain *chain, const char *body, size_t size, const struct key *key,
		    char *out, size_t out_size)
{
	struct chain_hash hash;
	uint8_t signature[KEY_SIGNATURE_BYTES];
	char text[SIGNED_TEXT_MAX], digits[CHAIN_SIGNATURE_TEXT + 1];
	if (size < 2 || size > CHAIN_BODY_MAX || body[size - 1] != '}' ||
	    out_size < size + HASH_MEMBER + SIGNATURE_MEMBER + 40)
		return 0;
	size_t n = (size_t)sprintf(out, "{\"seq\":%llu,", (unsigned long long)chain->seq + 1);
	memcpy(out + n, body, size - 1);
	n += size - 1;
	hash_of(chain->seq ? &chain->hash : &chain_first, out, n, &hash);
	memcpy(out + n, hash_head, HASH_HEAD);
	memcpy(out + n + HASH_HEAD, hash.text, CHAIN_HASH_TEXT);
	n += HASH_HEAD + CHAIN_HASH_TEXT;
	out[n++] = '"';
	if (key) {
		size_t length = signed_text(chain->seq + 1, &hash, text);
		if (key_sign(key, text, length, signature) < 0)
			return 0;
		sodium_bin2hex(digits, sizeof(digits), signature, sizeof(signature));
		n += (size_t)sprintf(out + n, "%s%s\"", signature_head, digits);
	}
	out[n++] = '}';
	out[n++] = '\n';
	chain->seq++;
	chain->hash = hash;
	return n;
}

static bool is_hex(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f'))
			return false;
	return true;
}

// Digits without a leading zero, at most 19 of them.
static size_t read_number(const char *text, size_t length, uint64_t *ret)
{
	uint64_t number = 0;
	size_t n = 0;
	while (n < length && n < 19 && text[n] >= '0' && text[n] <= '9')
		number = number * 10 + (uint64_t)(text[n++] - '0');
	*ret = number;
	return n == 0 || (n > 1 && text[0] == '0') ? 0 : n;
}

// Takes ,"NAME":"HEX" off the end of the line; NULL when it does not end so.
static const char *take_end(const char *line, size_t *length, const char *head, size_t head_length,
			    size_t digits)
{
	size_t all = head_length + digits + 1;
	if (*length < all || line[*length - 1] != '"')
		return NULL;
	const char *at = line + *length - all;
	if (memcmp(at, head, head_length) != 0 || !is_hex(at + head_length, digits))
		return NULL;
	*length -= all;
	return at + head_length;
}

int chain_parse(const char *line, size_t length, struct chain_record *ret)
{
	static const char head[] = "{\"seq\":";
	struct chain_record record = { 0 };
	size_t left = length;
	if (length < sizeof(head) || length > CHAIN_LINE_MAX || line[length - 1] != '}' ||
	    memcmp(line, head, sizeof(head) - 1) != 0 || memchr(line, '\0', length))
		return -EBADMSG;
	size_t digits = read_number(line + sizeof(head) - 1, length - sizeof(head), &record.seq);
	if (!digits || !record.seq || line[sizeof(head) - 1 + digits] != ',')
		return -EBADMSG;
	left--;
	const char *signature =
		take_end(line, &left, signature_head, SIGNATURE_HEAD, CHAIN_SIGNATURE_TEXT);
	if (signature) {
		record.is_signed = true;
		sodium_hex2bin(record.signature, sizeof(record.signature), signature,
			       CHAIN_SIGNATURE_TEXT, NULL, NULL, NULL);
	}
	const char *hash = take_end(line, &left, hash_head, HASH_HEAD, CHAIN_HASH_TEXT);
	if (!hash)
		return -EBADMSG;
	memcpy(record.hash.text, hash, CHAIN_HASH_TEXT);
	record.content_length = left;
	if (!chain_member(line, left, "event", &record.event, &record.event_length) ||
	    !chain_member(line, left, "time", &record.time, &record.time_length))
		return -EBADMSG;
	*ret = record;
	return 0;
}

void chain_hash_of(const struct chain_hash *previous, const char *line,
		   const struct chain_record *record, struct chain_hash *ret)
{
	hash_of(previous, line, record->content_length, ret);
}

bool chain_follows(const struct chain_hash *previous, const char *line,
		   const struct chain_record *record)
{
	struct chain_hash hash;
	hash_of(previous, line, record->content_length, &hash);
	return memcmp(hash.text, record->hash.text, CHAIN_HASH_TEXT) == 0;
}

int chain_check_signature(const struct chain_record *record, const struct key_public *key)
{
	char text[SIGNED_TEXT_MAX];
	size_t length = signed_text(record->seq, &record->hash, text);
	return key_verify(key, text, length, record->signature);
}

// The member's head cannot stand inside a text: there, a quote has a backslash before it, and the
// quote that ends `name` would too.
bool chain_member(const char *line, size_t length, const char *name, const char **ret_value,
		  size_t *ret_length)
{
	char head[64];
	size_t n = (size_t)snprintf(head, sizeof(head), ",\"%s\":", name);
	const char *at = memmem(line, length, head, n);
	if (!at)
		return false;
	const char *value = at + n, *end = line + length;
	bool quoted = value < end && *value == '"';
	if (quoted)
		value++;
	const char *stop = value;
	while (stop < end && *stop != (quoted ? '"' : ',') && (quoted || *stop != '}'))
		stop++;
	if (quoted && stop == end)
		return false;
	*ret_value = value;
	*ret_length = (size_t)(stop - value);
	return true;
}

uint64_t chain_number(const char *line, size_t length, const char *name)
{
	const char *value;
	size_t n;
	uint64_t number = 0;
	if (!chain_member(line, length, name, &value, &n) || read_number(value, n, &number) != n)
		return 0;
	return number;
}
