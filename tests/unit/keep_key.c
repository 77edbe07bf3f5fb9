// The signing key: made once, the same afterwards, read by openssl, refused when damaged.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "keep/key.h"

static char folder[64];
static int state_fd;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/keep_key.XXXXXX");
	assert_non_null(mkdtemp(folder));
	state_fd = open(folder, O_RDONLY | O_DIRECTORY);
	return state_fd < 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	close(state_fd);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void path_of(const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", folder, name);
}

static void put(const char *name, const void *bytes, size_t size)
{
	char path[128];
	path_of(name, path);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(out);
}

static void made_once(void **state)
{
	struct key *first, *again;
	struct key_public loaded;
	struct stat st;
	char path[128];
	(void)state;
	assert_int_equal(key_open(state_fd, &first), 0);
	assert_int_equal(key_open(state_fd, &again), 0);
	assert_memory_equal(key_public(first), key_public(again), KEY_PUBLIC_BYTES);
	path_of("keys/audit.pub", path);
	assert_int_equal(key_load_public_pem(path, &loaded), 0);
	assert_memory_equal(key_public(first), &loaded, KEY_PUBLIC_BYTES);
	path_of("keys/audit.key", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, KEY_SECRET_BYTES);
	assert_int_equal(st.st_mode & 07777, 0600);
	key_free(first);
	key_free(again);
}

static void signs(void **state)
{
	struct key *key, *handed;
	uint8_t signature[KEY_SIGNATURE_BYTES];
	(void)state;
	assert_int_equal(key_open(state_fd, &key), 0);
	assert_int_equal(key_from_secret(key_secret(key), &handed), 0);
	assert_int_equal(key_sign(handed, "record", 6, signature), 0);
	assert_int_equal(key_verify(key_public(key), "record", 6, signature), 0);
	assert_int_equal(key_verify(key_public(key), "recorD", 6, signature), -EBADMSG);
	signature[5] ^= 1;
	assert_int_equal(key_verify(key_public(key), "record", 6, signature), -EBADMSG);
	key_free(handed);
	key_free(key);
}

static void openssl_verifies(void **state)
{
	struct key *key;
	uint8_t signature[KEY_SIGNATURE_BYTES];
	char command[512];
	(void)state;
	if (system("command -v openssl >/dev/null") != 0)
		skip();
	assert_int_equal(key_open(state_fd, &key), 0);
	assert_int_equal(key_sign(key, "a record\n", 9, signature), 0);
	put("record", "a record\n", 9);
	put("record.sig", signature, sizeof(signature));
	snprintf(command, sizeof(command),
		 "openssl pkeyutl -verify -pubin -inkey %s/keys/audit.pub -rawin -in %s/record "
		 "-sigfile %s/record.sig >/dev/null",
		 folder, folder, folder);
	assert_int_equal(system(command), 0);
	put("record", "a Record\n", 9);
	assert_int_not_equal(system(command), 0);
	key_free(key);
}

static void damaged(void **state)
{
	static const char short_key[10];
	struct key *key;
	uint8_t secret[KEY_SECRET_BYTES];
	char path[128];
	(void)state;
	assert_int_equal(key_open(state_fd, &key), 0);
	memcpy(secret, key_secret(key), sizeof(secret));
	key_free(key);
	secret[40] ^= 1; // its public half
	put("keys/audit.key", secret, sizeof(secret));
	assert_int_equal(key_open(state_fd, &key), -EBADMSG);
	put("keys/audit.key", short_key, sizeof(short_key));
	assert_int_equal(key_open(state_fd, &key), -EBADMSG);
	path_of("keys/audit.key", path);
	assert_int_equal(chmod(path, 0640), 0);
	put("keys/audit.key", secret, sizeof(secret));
	assert_int_equal(key_open(state_fd, &key), -EPERM);
}

static void lost(void **state)
{
	struct key *old, *new;
	struct key_public kept;
	char path[128], name[64], id[KEY_ID_MAX];
	(void)state;
	assert_int_equal(key_open(state_fd, &old), 0);
	path_of("keys/audit.key", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(key_open(state_fd, &new), 0);
	assert_memory_not_equal(key_public(old), key_public(new), KEY_PUBLIC_BYTES);
	key_public_id(key_public(old), id);
	snprintf(name, sizeof(name), "keys/audit.pub.%s", id);
	path_of(name, path);
	assert_int_equal(key_load_public_pem(path, &kept), 0);
	assert_memory_equal(key_public(old), &kept, KEY_PUBLIC_BYTES);
	key_free(old);
	key_free(new);
}

static void pem_refused(void **state)
{
	struct key_public key = { { 7 } }, back;
	char pem[KEY_PEM_MAX];
	(void)state;
	key_public_pem(&key, pem);
	size_t size = strlen(pem);
	assert_int_equal(key_parse_public_pem(pem, size, &back), 0);
	assert_memory_equal(&key, &back, sizeof(key));
	for (size_t n = 0; n < size - 1; n++) // cut anywhere; the last newline may be missing
		assert_int_equal(key_parse_public_pem(pem, n, &back), -EBADMSG);
	pem[30] ^= 1;
	assert_int_equal(key_parse_public_pem(pem, size, &back), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_once, setup, teardown),
		cmocka_unit_test_setup_teardown(signs, setup, teardown),
		cmocka_unit_test_setup_teardown(openssl_verifies, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(lost, setup, teardown),
		cmocka_unit_test(pem_refused),
	};
	return cmocka_run_group_tests_name("keep_key", tests, NULL, NULL);
}
