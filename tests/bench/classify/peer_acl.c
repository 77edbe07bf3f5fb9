#include "bench/classify/peer_acl.h"

#include <errno.h>

#ifdef HAVE_DPDK

#include <arpa/inet.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <rte_acl.h>
#include <rte_eal.h>

#include "bench/classify/clock.h"

enum {
	FIELDS_V4 = 5,
	FIELDS_V6 = 11,
	KEY_V4 = 16, // bytes; fields are read four at a time
	KEY_V6 = 40,
	WARM_HEADERS = 4096,
	CHOOSE_HEADERS = 1 << 16,
	CHOOSE_TURNS = 3,
	CHECK_BULK = 32,
};

RTE_ACL_RULE_DEF(acl_rule_v6, FIELDS_V6); // one of IPv4 begins the same

static const struct variant {
	enum rte_acl_classify_alg alg;
	const char *name;
} variants[] = {
	{ RTE_ACL_CLASSIFY_SSE, "sse" },
	{ RTE_ACL_CLASSIFY_AVX2, "avx2" },
	{ RTE_ACL_CLASSIFY_AVX512X16, "avx512x16" },
	{ RTE_ACL_CLASSIFY_AVX512X32, "avx512x32" },
};
static const uint32_t bulks[] = { 8, 16, 32, 64, 128, 256 };
enum {
	VARIANTS = sizeof(variants) / sizeof(*variants),
	BULKS = sizeof(bulks) / sizeof(*bulks),
	CHOICES = VARIANTS * BULKS,
};

struct choice {
	unsigned variant, bulk;
	double ns;
};

struct peer_acl {
	struct rte_acl_ctx *ctx;
	const uint8_t **key;
	uint32_t *results;
	uint32_t n;
	struct choice best[PEER_BEST];
};

static void add_field(struct rte_acl_config *config, uint8_t type, uint8_t size, uint32_t offset)
{
	struct rte_acl_field_def *def = &config->defs[config->num_fields];

	*def = (struct rte_acl_field_def){ .type = type,
					   .size = size,
					   .field_index = (uint8_t)config->num_fields,
					   .input_index = (uint8_t)(offset / 4),
					   .offset = offset };
	config->num_fields++;
}

// Protocol, the words of both addresses, and both ports as one input.
static struct rte_acl_config config_of(bool v6)
{
	struct rte_acl_config config = { .num_categories = 1 };
	uint32_t words = v6 ? 8 : 2;

	add_field(&config, RTE_ACL_FIELD_TYPE_BITMASK, 1, 0);
	for (uint32_t w = 0; w < words; w++)
		add_field(&config, RTE_ACL_FIELD_TYPE_MASK, 4, 4 + 4 * w);
	add_field(&config, RTE_ACL_FIELD_TYPE_RANGE, 2, 4 + 4 * words);
	add_field(&config, RTE_ACL_FIELD_TYPE_RANGE, 2, 6 + 4 * words);
	return config;
}

static void put_side(const struct set_rule *from, unsigned side, bool v6, struct rte_acl_field *ret)
{
	if (!v6) {
		ret[0].value.u32 = from->lo[side];
		ret[0].mask_range.u32 = from->length[side];
		return;
	}
	struct set_range_v6 range = set_side_v6(from, side);

	for (unsigned w = 0; w < 4; w++) {
		unsigned before = 32 * w, length = range.length;

		ret[w].value.u32 = (uint32_t)(range.lo[w / 2] >> (w % 2 ? 0 : 32));
		ret[w].mask_range.u32 = length <= before	? 0
					: length >= before + 32 ? 32
								: length - before;
	}
}

static int add_rules(struct rte_acl_ctx *ctx, const struct ruleset *set, bool v6)
{
	unsigned words = v6 ? 4 : 1;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < set->n; i++) {
		const struct set_rule *from = &set->v[i];
		struct acl_rule_v6 rule = { .data = { .category_mask = 1,
						      .priority = RTE_ACL_MAX_PRIORITY - (int32_t)i,
						      .userdata = i + 1 } };
		struct rte_acl_field *port = &rule.field[1 + 2 * words];

		rule.field[0].value.u8 = (uint8_t)from->lo[SET_PROTOCOL];
		rule.field[0].mask_range.u8 = set_rule_any_protocol(from) ? 0 : 0xff;
		put_side(from, SET_SOURCE, v6, &rule.field[1]);
		put_side(from, SET_DESTINATION, v6, &rule.field[1 + words]);
		for (unsigned p = 0; p < 2; p++) {
			port[p].value.u16 = (uint16_t)from->lo[SET_SOURCE_PORT + p];
			port[p].mask_range.u16 = (uint16_t)from->hi[SET_SOURCE_PORT + p];
		}
		r = rte_acl_add_rules(ctx, (const struct rte_acl_rule *)&rule, 1);
	}
	return r;
}

static void put_key(const struct trace_header *header, bool v6, uint8_t *key)
{
	unsigned words = v6 ? 4 : 1;
	uint16_t port[2] = { htons((uint16_t)header->f[SET_SOURCE_PORT]),
			     htons((uint16_t)header->f[SET_PORT]) };

	key[0] = (uint8_t)header->f[SET_PROTOCOL];
	for (unsigned side = 0; side < 2; side++) {
		uint64_t wide[2];
		uint32_t word[4] = { htonl(header->f[side]) };

		set_address_v6(header->f[side], wide);
		for (unsigned w = 0; v6 && w < 4; w++)
			word[w] = htonl((uint32_t)(wide[w / 2] >> (w % 2 ? 0 : 32)));
		memcpy(key + 4 + 4 * (size_t)side * words, word, 4 * (size_t)words);
	}
	memcpy(key + 4 + 8 * (size_t)words, port, sizeof(port));
}

static void put_keys(struct peer_acl *acl, const struct trace *trace, bool v6)
{
	size_t size = v6 ? KEY_V6 : KEY_V4;
	uint8_t *bytes = calloc(trace->n + 1, size);

	acl->n = trace->n;
	acl->key = calloc(trace->n + 1, sizeof(*acl->key));
	if (!bytes || !acl->key)
		abort();
	for (uint32_t i = 0; i < trace->n; i++) {
		acl->key[i] = bytes + i * size;
		put_key(&trace->v[i], v6, bytes + i * size);
	}
}

static void pass(const struct peer_acl *acl, enum rte_acl_classify_alg alg, uint32_t bulk,
		 uint32_t n)
{
	for (uint32_t i = 0; i < n; i += bulk)
		if (rte_acl_classify_alg(acl->ctx, acl->key + i, acl->results + i,
					 n - i < bulk ? n - i : bulk, 1, alg) < 0)
			abort();
}

static double timed(const struct peer_acl *acl, const struct choice *choice, uint32_t n)
{
	enum rte_acl_classify_alg alg = variants[choice->variant].alg;
	uint32_t bulk = bulks[choice->bulk];

	pass(acl, alg, bulk, n < WARM_HEADERS ? n : WARM_HEADERS);
	double start = clock_ns();

	pass(acl, alg, bulk, n);
	return (clock_ns() - start) / n;
}

int peer_acl_new(const struct ruleset *set, const struct trace *trace, bool v6, unsigned heap_mb,
		 uint32_t *results, double *ret_build_ms, struct peer_acl **ret)
{
	char memory[16], core[16];
	char *eal[] = { "bench-classify",
			"--no-huge",
			"--no-pci",
			"--no-shconf",
			"--no-telemetry",
			"--log-level=error",
			"--force-max-simd-bitwidth=512",
			"--lcores",
			core,
			"-m",
			memory };
	struct rte_acl_param param = { .name = "peer",
				       .socket_id = SOCKET_ID_ANY,
				       .rule_size = RTE_ACL_RULE_SZ(v6 ? FIELDS_V6 : FIELDS_V4),
				       .max_rule_num = set->n };
	struct rte_acl_config config = config_of(v6);
	struct peer_acl *acl = calloc(1, sizeof(*acl));

	snprintf(memory, sizeof(memory), "%u", heap_mb);
	snprintf(core, sizeof(core), "0@%d", sched_getcpu());
	if (!acl || rte_eal_init(sizeof(eal) / sizeof(*eal), eal) < 0)
		return -ENODEV;
	acl->ctx = rte_acl_create(&param);
	if (!acl->ctx)
		return -ENOMEM;
	double start = clock_ns();
	int r = add_rules(acl->ctx, set, v6);

	if (r == 0)
		r = rte_acl_build(acl->ctx, &config);
	if (r < 0)
		return r;
	*ret_build_ms = (clock_ns() - start) / 1e6;
	acl->results = results;
	put_keys(acl, trace, v6);
	pass(acl, RTE_ACL_CLASSIFY_DEFAULT, CHECK_BULK, acl->n);
	for (uint32_t i = 0; i < acl->n; i++)
		results[i] = results[i] ? results[i] - 1 : CLASSIFY_NONE;
	acl->results = calloc(trace->n + 1, sizeof(*acl->results));
	if (!acl->results)
		abort();
	*ret = acl;
	return 0;
}

static int by_ns(const void *left, const void *right)
{
	const struct choice *a = left, *b = right;

	return (a->ns > b->ns) - (a->ns < b->ns);
}

void peer_acl_choose(struct peer_acl *acl, char ret_name[PEER_BEST][PEER_NAME_MAX])
{
	struct choice choice[CHOICES];
	uint32_t n = acl->n < CHOOSE_HEADERS ? acl->n : CHOOSE_HEADERS;

	for (unsigned c = 0; c < CHOICES; c++) {
		choice[c] = (struct choice){ c / BULKS, c % BULKS, 1e18 };
		// It says whether this processor has what the variant needs.
		if (rte_acl_set_ctx_classify(acl->ctx, variants[choice[c].variant].alg) < 0)
			continue;
		for (unsigned turn = 0; turn < CHOOSE_TURNS; turn++) {
			double ns = timed(acl, &choice[c], n);

			choice[c].ns = ns < choice[c].ns ? ns : choice[c].ns;
		}
	}
	qsort(choice, CHOICES, sizeof(*choice), by_ns);
	for (unsigned b = 0; b < PEER_BEST; b++) {
		acl->best[b] = choice[b];
		snprintf(ret_name[b], PEER_NAME_MAX, "rte_acl %s by %u",
			 variants[choice[b].variant].name, bulks[choice[b].bulk]);
	}
}

void peer_acl_round(struct peer_acl *acl, double ret_ns[PEER_BEST])
{
	for (unsigned b = 0; b < PEER_BEST; b++)
		ret_ns[b] = timed(acl, &acl->best[b], acl->n);
}

#else

int peer_acl_new(const struct ruleset *set, const struct trace *trace, bool v6, unsigned heap_mb,
		 uint32_t *results, double *ret_build_ms, struct peer_acl **ret)
{
	(void)set, (void)trace, (void)v6, (void)heap_mb;
	(void)results, (void)ret_build_ms, (void)ret;
	return -ENOSYS;
}

void peer_acl_choose(struct peer_acl *acl, char ret_name[PEER_BEST][PEER_NAME_MAX])
{
	(void)acl, (void)ret_name;
}

void peer_acl_round(struct peer_acl *acl, double ret_ns[PEER_BEST])
{
	(void)acl, (void)ret_ns;
}

#endif
