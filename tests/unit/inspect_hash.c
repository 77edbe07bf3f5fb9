// SHA-256 by the processor's instructions is libsodium's, however the bytes are cut.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "inspect/content_hash.h"

static uint8_t bytes[3000];

static void agrees(void **state)
{
	(void)state;
	srand(1);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)rand();
	for (int i = 0; i < 2000; i++) {
		crypto_hash_sha256_state pieces;
		uint8_t is[crypto_hash_sha256_BYTES], wanted[crypto_hash_sha256_BYTES];
		size_t n = (size_t)rand() % sizeof(bytes), most = 1 + (size_t)rand() % 400;
		crypto_hash_sha256_init(&pieces);
		for (size_t at = 0; at < n;) {
			size_t piece = 1 + (size_t)rand() % most;
			piece = piece < n - at ? piece : n - at;
			content_hash(&pieces, bytes + at, piece);
			at += piece;
		}
		crypto_hash_sha256_final(&pieces, is);
		crypto_hash_sha256(wanted, bytes, n);
		assert_memory_equal(is, wanted, sizeof(is));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(agrees) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
