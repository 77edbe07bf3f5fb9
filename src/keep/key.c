// The signing key: its two files, and libsodium's three calls.
#include "keep/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

static const char folder[] = "keys", secret_name[] = "audit.key", public_name[] = "audit.pub";

static const char pem_head[] = "-----BEGIN PUBLIC KEY-----\n";
static const char pem_tail[] = "\n-----END PUBLIC KEY-----\n";

// SubjectPublicKeyInfo of RFC 8410 up to the key's own bytes.
static const uint8_t der_head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
enum { DER_BYTES = sizeof(der_head) + KEY_PUBLIC_BYTES };

struct key {
	uint8_t secret[KEY_SECRET_BYTES];
	struct key_public public;
};

// --- the key in memory

int key_from_secret(const uint8_t secret[KEY_SECRET_BYTES], struct key **ret_key)
{
	uint8_t seed[crypto_sign_SEEDBYTES];
	struct key *key = sodium_init() < 0 ? NULL : calloc(1, sizeof(*key));
	if (!key)
		return -ENOMEM;
	// The public half is made from the seed again: a damaged file must not sign anything.
	crypto_sign_ed25519_sk_to_seed(seed, secret);
	crypto_sign_seed_keypair(key->public.bytes, key->secret, seed);
	sodium_memzero(seed, sizeof(seed));
	if (sodium_memcmp(key->secret, secret, KEY_SECRET_BYTES) != 0) {
		key_free(key);
		return -EBADMSG;
	}
	*ret_key = key;
	return 0;
}

void key_free(struct key *key)
{
	if (!key)
		return;
	sodium_memzero(key, sizeof(*key));
	free(key);
}

const uint8_t *key_secret(const struct key *key)
{
	return key->secret;
}

const struct key_public *key_public(const struct key *key)
{
	return &key->public;
}

int key_sign(const struct key *key, const void *bytes, size_t size,
	     uint8_t ret_signature[KEY_SIGNATURE_BYTES])
{
	return crypto_sign_detached(ret_signature, NULL, bytes, size, key->secret) == 0 ? 0 : -EIO;
}

int key_verify(const struct key_public *key, const void *bytes, size_t size,
	       const uint8_t signature[KEY_SIGNATURE_BYTES])
{
	return crypto_sign_verify_detached(signature, bytes, size, key->bytes) == 0 ? 0 : -EBADMSG;
}

void key_public_id(const struct key_public *key, char out[KEY_ID_MAX])
{
	uint8_t hash[32];
	crypto_generichash(hash, sizeof(hash), key->bytes, sizeof(key->bytes), NULL, 0);
	sodium_bin2hex(out, KEY_ID_MAX, hash, (KEY_ID_MAX - 1) / 2);
}

// --- PEM

void key_public_pem(const struct key_public *key, char out[KEY_PEM_MAX])
{
	uint8_t der[DER_BYTES];
	char text[sodium_base64_ENCODED_LEN(DER_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	memcpy(der, der_head, sizeof(der_head));
	memcpy(der + sizeof(der_head), key->bytes, KEY_PUBLIC_BYTES);
	sodium_bin2base64(text, sizeof(text), der, sizeof(der), sodium_base64_VARIANT_ORIGINAL);
	snprintf(out, KEY_PEM_MAX, "%s%s%s", pem_head, text, pem_tail);
}

int key_parse_public_pem(const char *text, size_t size, struct key_public *ret_key)
{
	uint8_t der[DER_BYTES + 1];
	size_t n = 0, head = strlen(pem_head);
	const char *end = size > head ? memmem(text, size, pem_tail, strlen(pem_tail) - 1) : NULL;
	if (!end || memcmp(text, pem_head, head) != 0 || end < text + head)
		return -EBADMSG;
	if (sodium_base642bin(der, sizeof(der), text + head, (size_t)(end - text) - head, "\r\n",
			      &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != DER_BYTES || memcmp(der, der_head, sizeof(der_head)) != 0)
		return -EBADMSG;
	memcpy(ret_key->bytes, der + sizeof(der_head), KEY_PUBLIC_BYTES);
	return 0;
}

// --- files

// At most size bytes; how many there were, or a negative errno.
static ssize_t read_file(int dir_fd, const char *name, void *bytes, size_t size, mode_t *ret_mode)
{
	struct stat st;
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	ssize_t n = fstat(fd, &st) < 0 ? -1 : read(fd, bytes, size);
	ssize_t r = n < 0 ? -errno : n;
	close(fd);
	*ret_mode = st.st_mode;
	return r;
}

int key_load_public_pem(const char *path, struct key_public *ret_key)
{
	char text[KEY_PEM_MAX];
	mode_t mode;
	ssize_t n = read_file(AT_FDCWD, path, text, sizeof(text), &mode);
	return n < 0 ? (int)n : key_parse_public_pem(text, (size_t)n, ret_key);
}

// Whole or not at all, and on the disk before it returns.
static int write_file(int dir_fd, const char *name, const void *bytes, size_t size, mode_t mode)
{
	char beside[32];
	snprintf(beside, sizeof(beside), ".%s.new", name);
	int fd =
		openat(dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, bytes, size);
	int r = n < 0 ? -errno : n < (ssize_t)size ? -ENOSPC : 0;
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, beside, dir_fd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, beside, 0);
	else if (fsync(dir_fd) < 0)
		r = -errno;
	return r;
}

// Records that a lost key signed can be verified as long as its public half is there.
static void keep_old_public(int dir_fd, const struct key_public *old)
{
	char id[KEY_ID_MAX], name[64];
	key_public_id(old, id);
	snprintf(name, sizeof(name), "%s.%s", public_name, id);
	renameat(dir_fd, public_name, dir_fd, name);
}

static int put_public(int dir_fd, const struct key *key)
{
	char text[KEY_PEM_MAX];
	struct key_public old;
	mode_t mode;
	ssize_t n = read_file(dir_fd, public_name, text, sizeof(text), &mode);
	if (n >= 0 && key_parse_public_pem(text, (size_t)n, &old) == 0) {
		if (memcmp(old.bytes, key->public.bytes, KEY_PUBLIC_BYTES) == 0)
			return 0;
		keep_old_public(dir_fd, &old);
	}
	key_public_pem(&key->public, text);
	return write_file(dir_fd, public_name, text, strlen(text), 0644);
}

static int make_key(int dir_fd, struct key **ret_key)
{
	uint8_t secret[KEY_SECRET_BYTES], public[KEY_PUBLIC_BYTES];
	if (sodium_init() < 0)
		return -EIO;
	crypto_sign_keypair(public, secret);
	int r = write_file(dir_fd, secret_name, secret, sizeof(secret), 0600);
	if (r == 0)
		r = key_from_secret(secret, ret_key);
	sodium_memzero(secret, sizeof(secret));
	return r;
}

static int load_key(int dir_fd, struct key **ret_key)
{
	uint8_t secret[KEY_SECRET_BYTES + 1];
	mode_t mode;
	ssize_t n = read_file(dir_fd, secret_name, secret, sizeof(secret), &mode);
	int r = n < 0 ? (int)n : 0;
	if (r == 0 && (!S_ISREG(mode) || n != KEY_SECRET_BYTES))
		r = -EBADMSG;
	if (r == 0 && (mode & 077))
		r = -EPERM;
	if (r == 0)
		r = key_from_secret(secret, ret_key);
	sodium_memzero(secret, sizeof(secret));
	return r;
}

int key_open(int state_fd, struct key **ret_key)
{
	struct key *key = NULL;
	if (mkdirat(state_fd, folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	int dir_fd = openat(state_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir_fd < 0)
		return -errno;
	int r = load_key(dir_fd, &key);
	if (r == -ENOENT)
		r = make_key(dir_fd, &key);
	if (r == 0)
		r = put_public(dir_fd, key);
	if (r == 0 && fsync(state_fd) < 0)
		r = -errno;
	close(dir_fd);
	if (r < 0)
		key_free(key);
	else
		*ret_key = key;
	return r;
}
