// AVX2: a node, or a block, is two registers.
#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "classify/match.h"

enum { PREFETCH_NARROW = false };

static inline uint32_t below_v4(const uint32_t *node, const uint32_t *x)
{
	__m256i address = _mm256_set1_epi32((int)*x);
	uint32_t not_less = 0;

	for (unsigned half = 0; half < 2; half++) {
		__m256i keys = _mm256_load_si256((const __m256i *)node + half);
		// There is no unsigned comparison: not less is where the greater one is the key.
		__m256i equal = _mm256_cmpeq_epi32(_mm256_max_epu32(keys, address), keys);

		not_less |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal)) << half * 8;
	}
	return (uint32_t)__builtin_popcount(~not_less & ((1U << V4_KEYS) - 1));
}

static inline uint32_t below_v6(const uint64_t *node, uint64_t x)
{
	const __m256i sign = _mm256_set1_epi64x((long long)(1ULL << 63));
	__m256i address = _mm256_xor_si256(_mm256_set1_epi64x((long long)x), sign);
	uint32_t less = 0;

	for (unsigned half = 0; half < 2; half++) {
		__m256i keys = _mm256_load_si256((const __m256i *)node + half);
		__m256i below = _mm256_cmpgt_epi64(address, _mm256_xor_si256(keys, sign));

		less |= (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(below)) << half * 4;
	}
	return (uint32_t)__builtin_popcount(less & ((1U << V6_KEYS) - 1));
}

static inline uint32_t lower_bits(uint64_t summary, uint32_t bit)
{
	return (uint32_t)__builtin_popcountll(_bzhi_u64(summary, bit));
}

// The bits of a register's words that are not zero.
static inline uint32_t words_with(__m256i words)
{
	__m256i zero = _mm256_cmpeq_epi64(words, _mm256_setzero_si256());

	return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(zero)) ^ 0xf;
}

static inline uint32_t first_flat(const uint64_t *const *row, unsigned n, const uint64_t *live)
{
	_Alignas(32) uint64_t word[FLAT_WORDS + 4];
	uint32_t some = 1U << FLAT_WORDS;

	_Pragma("GCC unroll 4") for (unsigned part = 0; part < FLAT_WORDS / 4; part++)
	{
		__m256i rules = _mm256_load_si256((const __m256i *)row[0] + part);

		if (live)
			rules = _mm256_and_si256(rules,
						 _mm256_load_si256((const __m256i *)live + part));
		_Pragma("GCC unroll 8") for (unsigned a = 1; a < n; a++) rules =
			_mm256_and_si256(rules, _mm256_load_si256((const __m256i *)row[a] + part));
		_mm256_store_si256((__m256i *)word + part, rules);
		some |= words_with(rules) << part * 4;
	}
	word[FLAT_WORDS] = 0;
	uint32_t w = _tzcnt_u32(some);

	return w * 64 + (uint32_t)_tzcnt_u64(word[w]);
}

static inline uint32_t first_in_block(const uint64_t *const *v, unsigned n, const uint64_t *live)
{
	_Alignas(32) uint64_t word[BLOCK_WORDS + 4];
	__m256i rules = _mm256_load_si256((const __m256i *)v[0]);

	if (live)
		rules = _mm256_and_si256(rules, _mm256_load_si256((const __m256i *)live));
	_Pragma("GCC unroll 8") for (unsigned a = 1; a < n; a++) rules =
		_mm256_and_si256(rules, _mm256_load_si256((const __m256i *)v[a]));
	_mm256_store_si256((__m256i *)word, rules);
	word[BLOCK_WORDS] = 0;
	uint32_t w = _tzcnt_u32(words_with(rules) | 1U << BLOCK_WORDS);

	return w * 64 + (uint32_t)_tzcnt_u64(word[w]);
}

// Four without a branch, which is what most packets have.
static inline void list_blocks(uint16_t *out, uint64_t summary, uint16_t first)
{
	_Pragma("GCC unroll 4") for (unsigned k = 0; k < 4; k++)
	{
		*out++ = (uint16_t)(first + _tzcnt_u64(summary));
		summary = _blsr_u64(summary);
	}
	for (; summary; summary = _blsr_u64(summary))
		*out++ = (uint16_t)(first + _tzcnt_u64(summary));
}

#include "classify/match_batch.h"

static void avx2_v4(const struct view *view, const struct classify_v4 *keys, size_t n,
		    uint32_t *ret_rank)
{
	match_all(view, keys, false, n, ret_rank);
}

static void avx2_v6(const struct view *view, const struct classify_v6 *keys, size_t n,
		    uint32_t *ret_rank)
{
	match_all(view, keys, true, n, ret_rank);
}

const struct matcher matcher_avx2 = { "avx2", avx2_v4, avx2_v6 };

#endif
