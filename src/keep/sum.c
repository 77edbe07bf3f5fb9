#include "keep/sum.h"

#include <errno.h>
#include <unistd.h>

#include <sodium.h>

enum { PIECE = 64 * 1024 };

static void to_text(const uint8_t sum[SUM_BYTES], char out[SUM_TEXT_MAX])
{
	sodium_bin2hex(out, SUM_TEXT_MAX, sum, SUM_BYTES);
}

void sum_bytes(const void *bytes, size_t size, char out[SUM_TEXT_MAX])
{
	uint8_t sum[SUM_BYTES];
	crypto_generichash(sum, sizeof(sum), bytes, size, NULL, 0);
	to_text(sum, out);
}

int sum_file(int fd, char out[SUM_TEXT_MAX], uint64_t *ret_size)
{
	crypto_generichash_state state;
	uint8_t sum[SUM_BYTES], piece[PIECE];
	uint64_t size = 0;
	ssize_t n;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	crypto_generichash_init(&state, NULL, 0, sizeof(sum));
	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		crypto_generichash_update(&state, piece, (size_t)n);
		size += (uint64_t)n;
	}
	crypto_generichash_final(&state, sum, sizeof(sum));
	to_text(sum, out);
	*ret_size = size;
	return 0;
}
