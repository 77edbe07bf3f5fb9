// AVX-512 (F, BW, DQ, VL, VBMI2): a node of keys is one register.
#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "classify/match.h"

enum { PREFETCH_NARROW = false };

static inline uint32_t below_v4(const uint32_t *node, const uint32_t *x)
{
	__m512i keys = _mm512_load_si512(node);
	__mmask16 less =
		_mm512_mask_cmplt_epu32_mask((1U << V4_KEYS) - 1, keys, _mm512_set1_epi32((int)*x));

	return (uint32_t)__builtin_popcount(less);
}

static inline uint32_t below_v6(const uint64_t *node, uint64_t x)
{
	__m512i keys = _mm512_load_si512(node);
	__mmask8 less = _mm512_mask_cmplt_epu64_mask((1U << V6_KEYS) - 1, keys,
						     _mm512_set1_epi64((long long)x));

	return (uint32_t)__builtin_popcount(less);
}

static inline uint32_t lower_bits(uint64_t summary, uint32_t bit)
{
	return (uint32_t)__builtin_popcountll(_bzhi_u64(summary, bit));
}

static inline uint32_t first_flat(const uint64_t *const *row, unsigned n, const uint64_t *live)
{
	_Alignas(64) uint64_t word[FLAT_WORDS + 8];
	__m512i low = _mm512_load_si512(row[0]), high = _mm512_load_si512(row[0] + 8);

	if (live) {
		low = _mm512_and_si512(low, _mm512_load_si512(live));
		high = _mm512_and_si512(high, _mm512_load_si512(live + 8));
	}
	_Pragma("GCC unroll 8") for (unsigned a = 1; a < n; a++)
	{
		low = _mm512_and_si512(low, _mm512_load_si512(row[a]));
		high = _mm512_and_si512(high, _mm512_load_si512(row[a] + 8));
	}
	_mm512_store_si512(word, low);
	_mm512_store_si512(word + 8, high);
	word[FLAT_WORDS] = 0;
	uint32_t some = _mm512_test_epi64_mask(low, low) |
			(uint32_t)_mm512_test_epi64_mask(high, high) << 8 | 1U << FLAT_WORDS;
	uint32_t w = _tzcnt_u32(some);

	return w * 64 + (uint32_t)_tzcnt_u64(word[w]);
}

static inline uint32_t first_in_block(const uint64_t *const *v, unsigned n, const uint64_t *live)
{
	__m256i rules = _mm256_load_si256((const __m256i *)v[0]);

	if (live)
		rules = _mm256_and_si256(rules, _mm256_load_si256((const __m256i *)live));
	_Pragma("GCC unroll 8") for (unsigned a = 1; a < n; a++) rules =
		_mm256_and_si256(rules, _mm256_load_si256((const __m256i *)v[a]));
	__mmask8 some = _mm256_test_epi64_mask(rules, rules);
	__m256i first = _mm256_maskz_compress_epi64(some, rules);

	return _tzcnt_u32(some | 1U << BLOCK_WORDS) * 64 +
	       (uint32_t)_tzcnt_u64((uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(first)));
}

static inline void list_blocks(uint16_t *out, uint64_t summary, uint16_t first)
{
	static const uint8_t number[64] = {
		0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
		32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
		48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
	};
	__m512i bits = _mm512_maskz_compress_epi8(summary, _mm512_loadu_si512(number));
	__m512i base = _mm512_set1_epi16((short)first);
	__m512i low = _mm512_add_epi16(base, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(bits)));

	_mm256_storeu_si256((__m256i *)out, _mm512_castsi512_si256(low));
	if (__builtin_expect(__builtin_popcountll(summary) > 16, 0)) {
		__m256i rest = _mm512_extracti64x4_epi64(bits, 1);

		_mm512_storeu_si512(out, low);
		_mm512_storeu_si512(out + 32, _mm512_add_epi16(base, _mm512_cvtepu8_epi16(rest)));
	}
}

#include "classify/match_batch.h"

static void avx512_v4(const struct view *view, const struct classify_v4 *keys, size_t n,
		      uint32_t *ret_rank)
{
	match_all(view, keys, false, n, ret_rank);
}

static void avx512_v6(const struct view *view, const struct classify_v6 *keys, size_t n,
		      uint32_t *ret_rank)
{
	match_all(view, keys, true, n, ret_rank);
}

const struct matcher matcher_avx512 = { "avx512", avx512_v4, avx512_v6 };

#endif
