// Values of RFC 2231: percent-encoded (name*), in sections (name*0, name*1*), or both.
#ifndef SEKISHO_MIME_MIME_SECTION_H
#define SEKISHO_MIME_MIME_SECTION_H

#include "mime/mime_param.h"

// How clients put sections together where they are not simply 0, 1, 2.
enum mime_order {
	MIME_ORDER_SORTED,  // all, the first of two with one number
	MIME_ORDER_LAST,    // all, the last of two
	MIME_ORDER_STRICT,  // up to the first number that is missing
	MIME_ORDER_WRITTEN, // as they come
	MIME_ORDERS,
};

struct mime_joined {
	struct mime_text bytes;
	struct mime_span charset; // empty: none is named
	bool encoded;		  // some of it was
};

// The value of the parameter name; false: there is none, or it is as for an order before this one.
bool mime_section_join(const struct mime_params *params, const char *name, enum mime_order order,
		       struct mime_joined *ret);
// One value with percents; sets charset where it begins with one ("utf-8'ja'...").
void mime_section_percent(struct mime_span value, bool begins, struct mime_joined *joined);

#endif
