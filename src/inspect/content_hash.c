#include "inspect/content_hash.h"

#include <stdbool.h>
#include <string.h>

enum { BLOCK = 64 };

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static const uint32_t constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

// Leaf 7: SHA; leaf 1: SSSE3 and SSE4.1.
static bool has_sha(void)
{
	unsigned a, b, c, d;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 29 & 1))
		return false;
	return __get_cpuid(1, &a, &b, &c, &d) && (c >> 9 & 1) && (c >> 19 & 1);
}

// Four rounds; words[i % 4] are those of the schedule, 16 of which are known at a time.
#define ROUNDS(i)                                                                                  \
	do {                                                                                       \
		__m128i sum = _mm_add_epi32(words[(i) % 4],                                        \
					    _mm_load_si128((const __m128i *)&constants[4 * (i)])); \
		if ((i) >= 3 && (i) < 15)                                                          \
			words[((i) + 1) % 4] = _mm_sha256msg2_epu32(                               \
				_mm_add_epi32(words[((i) + 1) % 4],                                \
					      _mm_alignr_epi8(words[(i) % 4],                      \
							      words[((i) + 3) % 4], 4)),           \
				words[(i) % 4]);                                                   \
		cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);                                     \
		abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));            \
		if ((i) >= 1 && (i) < 13)                                                          \
			words[((i) + 3) % 4] =                                                     \
				_mm_sha256msg1_epu32(words[((i) + 3) % 4], words[(i) % 4]);        \
	} while (0)

// The state as the instructions want it: a b e f and c d g h.
__attribute__((target("sha,sse4.1,ssse3"))) static void blocks_sha(uint32_t state[8],
								   const uint8_t *bytes, size_t n)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i dcba = _mm_loadu_si128((const __m128i *)&state[0]);
	__m128i hgfe = _mm_loadu_si128((const __m128i *)&state[4]);
	__m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
	__m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
	for (; n; n--, bytes += BLOCK) {
		const __m128i abef_before = abef, cdgh_before = cdgh;
		__m128i words[4];
		for (int i = 0; i < 4; i++)
			words[i] = _mm_shuffle_epi8(
				_mm_loadu_si128((const __m128i *)(bytes + 16 * i)), swap);
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++)
			ROUNDS(i);
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	__m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)&state[0], _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)&state[4], _mm_alignr_epi8(dchg, feba, 8));
}
#else
static bool has_sha(void)
{
	return false;
}

static void blocks_sha(uint32_t state[8], const uint8_t *bytes, size_t n)
{
	(void)state, (void)bytes, (void)n;
}
#endif

// Bytes of a block that is not complete: libsodium does the same in its update(), but with rounds
// of its own, which take six times as long.
static size_t fill(crypto_hash_sha256_state *state, size_t begun, const uint8_t *bytes, size_t n)
{
	size_t room = BLOCK - begun;
	n = n < room ? n : room;
	memcpy(state->buf + begun, bytes, n);
	if (n == room)
		blocks_sha(state->state, state->buf, 1);
	return n;
}

void content_hash(crypto_hash_sha256_state *state, const uint8_t *bytes, size_t n)
{
	static int has = -1;
	if (has < 0)
		has = has_sha();
	if (!has) {
		crypto_hash_sha256_update(state, bytes, n);
		return;
	}
	// Up to the next block, whole blocks, and what is left; count is in bits.
	size_t begun = (size_t)(state->count >> 3) % BLOCK, at = 0;
	state->count += (uint64_t)n * 8;
	if (begun)
		at = fill(state, begun, bytes, n);
	size_t blocks = (n - at) / BLOCK;
	if (blocks)
		blocks_sha(state->state, bytes + at, blocks);
	at += blocks * BLOCK;
	if (at < n)
		fill(state, 0, bytes + at, n - at);
}
