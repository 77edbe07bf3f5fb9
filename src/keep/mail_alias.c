// Folding is for ASCII alone: what else a local part holds is the peers' business.
#include "keep/mail_alias.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "keep/secret.h"

enum { DIGEST_BYTES = 16 };

int mail_key_open(int state_fd, struct mail_key *ret)
{
	return secret_open(state_fd, "mail.key", ret->bytes, sizeof(ret->bytes));
}

void mail_address_fold(const char *address, char out[MAIL_ADDRESS_MAX])
{
	size_t length = strnlen(address, MAIL_ADDRESS_MAX - 1);
	if (length >= 2 && address[0] == '<' && address[length - 1] == '>') {
		address++;
		length -= 2;
	}
	if (length && address[length - 1] == '.' && memchr(address, '@', length))
		length--;
	for (size_t i = 0; i < length; i++)
		out[i] = address[i] >= 'A' && address[i] <= 'Z' ? (char)(address[i] + 32)
								: address[i];
	out[length] = '\0';
}

const char *mail_address_domain(const char *folded)
{
	const char *at = strrchr(folded, '@');
	return at ? at + 1 : "";
}

static void digest_hex(const struct mail_key *key, const char *text, char out[2 * DIGEST_BYTES + 1])
{
	uint8_t digest[DIGEST_BYTES];
	crypto_generichash(digest, sizeof(digest), (const uint8_t *)text, strlen(text), key->bytes,
			   sizeof(key->bytes));
	sodium_bin2hex(out, 2 * DIGEST_BYTES + 1, digest, sizeof(digest));
}

void mail_name_fold(const char *file, char out[MAIL_FILE_NAME_MAX])
{
	size_t n = 0;
	for (const char *at = file; *at && n < MAIL_FILE_NAME_MAX - 1; at++) {
		if (*at == '/' || *at == '\\')
			n = 0;
		else
			out[n++] = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
	}
	out[n] = '\0';
}

static bool is_plain_ending(const char *ending)
{
	enum { ENDING_MAX = 8 };
	size_t n = strspn(ending, "abcdefghijklmnopqrstuvwxyz0123456789");
	return n && n <= ENDING_MAX && !ending[n];
}

void mail_alias_name(const struct mail_key *key, const char *file, char out[MAIL_FILE_NAME_MAX])
{
	char folded[MAIL_FILE_NAME_MAX], hex[2 * DIGEST_BYTES + 1];
	mail_name_fold(file, folded);
	out[0] = '\0';
	if (!*folded)
		return;
	const char *dot = strrchr(folded, '.');
	bool tell = dot && is_plain_ending(dot + 1);
	digest_hex(key, folded, hex);
	snprintf(out, MAIL_FILE_NAME_MAX, "#%s%s", hex, tell ? dot : "");
}

void mail_alias(const struct mail_key *key, const char *address, char out[MAIL_ADDRESS_MAX])
{
	enum { DOMAIN_MAX = MAIL_ADDRESS_MAX - 1 - 2 * DIGEST_BYTES - 2 };
	char folded[MAIL_ADDRESS_MAX], hex[2 * DIGEST_BYTES + 1];
	mail_address_fold(address, folded);
	out[0] = '\0';
	if (!*folded)
		return;
	digest_hex(key, folded, hex);
	const char *domain = mail_address_domain(folded);
	// A domain has 255 bytes at most; what is longer is none, and goes into the digest only.
	bool tell = *domain && strlen(domain) <= DOMAIN_MAX;
	snprintf(out, MAIL_ADDRESS_MAX, "#%s%s%s", hex, tell ? "@" : "", tell ? domain : "");
}

void mail_alias_words(const char *text, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	while (*text && used + 1 < size) {
		size_t blank = strspn(text, " "), word = strcspn(text + blank, " ");
		bool address = memchr(text + blank, '@', word);
		int n = snprintf(out + used, size - used, "%.*s%.*s", (int)blank, text,
				 address ? 9 : (int)word, address ? "(address)" : text + blank);
		used += n > 0 ? (size_t)n : 0;
		text += blank + word;
	}
}
