#include "mime/mime_section.h"

#include <string.h>

#include "mime/mime_word.h"

void mime_section_percent(struct mime_span value, bool begins, struct mime_joined *joined)
{
	size_t at = 0;
	const char *first = begins && value.n ? memchr(value.v, '\'', value.n) : NULL;
	const char *second =
		first ? memchr(first + 1, '\'', (size_t)(value.v + value.n - first) - 1) : NULL;
	if (second) {
		joined->charset = (struct mime_span){ value.v, (size_t)(first - value.v) };
		at = (size_t)(second - value.v) + 1;
	}
	for (; at < value.n; at++) {
		bool percent = value.v[at] == '%' && at + 2 < value.n;
		int high = percent ? mime_hex((uint8_t)value.v[at + 1]) : -1;
		int low = high >= 0 ? mime_hex((uint8_t)value.v[at + 2]) : -1;
		mime_text_byte(&joined->bytes,
			       low >= 0 ? (uint8_t)(high << 4 | low) : (uint8_t)value.v[at]);
		at += low >= 0 ? 2 : 0;
	}
	joined->encoded = true;
}

// Indices of the parameters that are sections of name.
static uint32_t collect(const struct mime_params *params, const char *name,
			uint16_t ret[MIME_PARAMS_MAX])
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < params->n; i++)
		if (params->v[i].section != MIME_SECTION_NONE && params->v[i].n_values &&
		    mime_span_is(params->v[i].name, name))
			ret[n++] = (uint16_t)i;
	return n;
}

// By insertion: n is at most MIME_PARAMS_MAX, and mostly in order.  Stable.
static bool sort(const struct mime_params *params, uint16_t *index, uint32_t n)
{
	bool sorted = true;
	for (uint32_t i = 1; i < n; i++) {
		uint16_t moving = index[i];
		uint32_t at = i;
		for (; at && params->v[index[at - 1]].section > params->v[moving].section; at--)
			index[at] = index[at - 1];
		sorted = sorted && at == i;
		index[at] = moving;
	}
	return sorted;
}

// Keeps one of each number.  Whether there were two of any.
static bool unique(const struct mime_params *params, uint16_t *index, uint32_t *n, bool last)
{
	uint32_t to = 0;
	bool twice = false;
	for (uint32_t i = 0; i < *n; i++) {
		bool again = to && params->v[index[to - 1]].section == params->v[index[i]].section;
		twice = twice || again;
		if (again && last)
			index[to - 1] = index[i];
		if (!again)
			index[to++] = index[i];
	}
	*n = to;
	return twice;
}

static uint32_t run(const struct mime_params *params, const uint16_t *index, uint32_t n)
{
	uint32_t i = 0;
	while (i < n && params->v[index[i]].section == (int32_t)i)
		i++;
	return i;
}

bool mime_section_join(const struct mime_params *params, const char *name, enum mime_order order,
		       struct mime_joined *ret)
{
	uint16_t index[MIME_PARAMS_MAX], written[MIME_PARAMS_MAX];
	uint32_t n = collect(params, name, index), n_written = n;
	memcpy(written, index, n * sizeof(*index));
	bool sorted = sort(params, index, n);
	bool twice = unique(params, index, &n, order == MIME_ORDER_LAST);
	uint32_t strict = run(params, index, n);
	const bool differs[MIME_ORDERS] = {
		[MIME_ORDER_SORTED] = n,
		[MIME_ORDER_LAST] = twice,
		[MIME_ORDER_STRICT] = strict && strict < n,
		[MIME_ORDER_WRITTEN] = !sorted || twice,
	};
	if (!differs[order])
		return false;
	const uint16_t *chosen = order == MIME_ORDER_WRITTEN ? written : index;
	n = order == MIME_ORDER_WRITTEN ? n_written : order == MIME_ORDER_STRICT ? strict : n;
	for (uint32_t i = 0; i < n; i++) {
		const struct mime_param *param = &params->v[chosen[i]];
		struct mime_span value = mime_param_value(params, param, 0);
		if (param->encoded)
			mime_section_percent(value, i == 0, ret);
		else
			mime_text_add(&ret->bytes, value.v, value.n);
	}
	ret->bytes.store->work += ret->bytes.n;
	return true;
}
