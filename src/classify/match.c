#include "classify/match.h"

#if defined(__x86_64__)

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vbmi2");
}

const struct matcher *const *matchers_all(void)
{
	static const struct matcher *const all[] = { &matcher_scalar, &matcher_avx2,
						     &matcher_avx512, NULL };
	static const struct matcher *const without_512[] = { &matcher_scalar, &matcher_avx2, NULL };
	static const struct matcher *const plain[] = { &matcher_scalar, NULL };

	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2"))
		return plain;
	return has_avx512() ? all : without_512;
}

#else

const struct matcher *const *matchers_all(void)
{
	static const struct matcher *const plain[] = { &matcher_scalar, NULL };

	return plain;
}

#endif

const struct matcher *matcher_best(void)
{
	const struct matcher *const *all = matchers_all();

	while (all[1])
		all++;
	return *all;
}
