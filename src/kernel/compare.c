#include "kernel/compare.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include "kernel/link.h"

enum { COMPARE_ATTRS_MAX = 31 }; // above all attributes of any expression known

// Attributes that hold others.
struct compare_nest {
	const char *name;
	uint16_t type;
};

static const struct compare_nest compare_nests[] = {
	{ "cmp", NFTA_CMP_DATA },	  { "immediate", NFTA_IMMEDIATE_DATA },
	{ "bitwise", NFTA_BITWISE_MASK }, { "bitwise", NFTA_BITWISE_XOR },
	{ "bitwise", NFTA_BITWISE_DATA }, { "range", NFTA_RANGE_FROM_DATA },
	{ "range", NFTA_RANGE_TO_DATA },
};

static bool compare_is_nest(const char *name, uint16_t type)
{
	for (size_t i = 0; i < sizeof(compare_nests) / sizeof(compare_nests[0]); i++)
		if (compare_nests[i].type == type && strcmp(compare_nests[i].name, name) == 0)
			return true;
	return false;
}

static bool compare_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

// padded: either may go on with zeros (data of xtables targets is aligned).
static bool compare_bytes(const struct nlattr *a, const struct nlattr *b, bool padded)
{
	size_t left = mnl_attr_get_payload_len(a), right = mnl_attr_get_payload_len(b);
	const uint8_t *one = mnl_attr_get_payload(a), *other = mnl_attr_get_payload(b);
	size_t common = left < right ? left : right;

	if (memcmp(one, other, common) != 0)
		return false;
	if (!padded)
		return left == right;
	return compare_zero(one + common, left - common) &&
	       compare_zero(other + common, right - common);
}

// NFTA_DATA_VALUE, or NFTA_DATA_VERDICT with a code and a chain.
static bool compare_data(const struct nlattr *a, const struct nlattr *b)
{
	const struct nlattr *left[NFTA_DATA_MAX + 1], *right[NFTA_DATA_MAX + 1];
	const struct nlattr *one[NFTA_VERDICT_MAX + 1], *other[NFTA_VERDICT_MAX + 1];

	link_nested(a, left, NFTA_DATA_MAX);
	link_nested(b, right, NFTA_DATA_MAX);
	if (!left[NFTA_DATA_VALUE] != !right[NFTA_DATA_VALUE] ||
	    !left[NFTA_DATA_VERDICT] != !right[NFTA_DATA_VERDICT])
		return false;
	if (left[NFTA_DATA_VALUE])
		return compare_bytes(left[NFTA_DATA_VALUE], right[NFTA_DATA_VALUE], false);
	link_nested(left[NFTA_DATA_VERDICT], one, NFTA_VERDICT_MAX);
	link_nested(right[NFTA_DATA_VERDICT], other, NFTA_VERDICT_MAX);
	return link_be32(one[NFTA_VERDICT_CODE]) == link_be32(other[NFTA_VERDICT_CODE]) &&
	       strcmp(link_text(one[NFTA_VERDICT_CHAIN]), link_text(other[NFTA_VERDICT_CHAIN])) ==
		       0;
}

static bool compare_attr(const char *name, uint16_t type, const struct nlattr *a,
			 const struct nlattr *b)
{
	const struct nlattr *only = a ? a : b;

	if (!a && !b)
		return true;
	if (a && b)
		return compare_is_nest(name, type)
			       ? compare_data(a, b)
			       : compare_bytes(a, b,
					       strcmp(name, "target") == 0 &&
						       type == NFTA_TARGET_INFO);
	if (strcmp(name, "lookup") == 0 && type == NFTA_LOOKUP_DREG)
		return false;
	return compare_zero(mnl_attr_get_payload(only), mnl_attr_get_payload_len(only));
}

static bool compare_expression(const struct nlattr *a, const struct nlattr *b)
{
	const struct nlattr *left[NFTA_EXPR_MAX + 1], *right[NFTA_EXPR_MAX + 1];
	const struct nlattr *one[COMPARE_ATTRS_MAX + 1], *other[COMPARE_ATTRS_MAX + 1];
	const char *name;

	link_nested(a, left, NFTA_EXPR_MAX);
	link_nested(b, right, NFTA_EXPR_MAX);
	name = link_text(left[NFTA_EXPR_NAME]);
	if (strcmp(name, link_text(right[NFTA_EXPR_NAME])) != 0)
		return false;
	link_nested(left[NFTA_EXPR_DATA], one, COMPARE_ATTRS_MAX);
	link_nested(right[NFTA_EXPR_DATA], other, COMPARE_ATTRS_MAX);
	for (uint16_t type = 0; type <= COMPARE_ATTRS_MAX; type++)
		if (!compare_attr(name, type, one[type], other[type]))
			return false;
	return true;
}

bool compare_expressions(const struct nlattr *ours, const struct nlattr *theirs)
{
	int left = ours ? mnl_attr_get_payload_len(ours) : 0;
	int right = theirs ? mnl_attr_get_payload_len(theirs) : 0;
	const struct nlattr *a = ours ? mnl_attr_get_payload(ours) : NULL;
	const struct nlattr *b = theirs ? mnl_attr_get_payload(theirs) : NULL;

	if (left == right && (left == 0 || memcmp(a, b, (size_t)left) == 0))
		return true;
	while (left > 0 && right > 0 && mnl_attr_ok(a, left) && mnl_attr_ok(b, right)) {
		if (!compare_expression(a, b))
			return false;
		left -= MNL_ALIGN(mnl_attr_get_len(a));
		right -= MNL_ALIGN(mnl_attr_get_len(b));
		a = mnl_attr_next(a);
		b = mnl_attr_next(b);
	}
	return left <= 0 && right <= 0;
}
