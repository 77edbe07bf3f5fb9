// The value of Content-Type, Content-Disposition and the like: a word, then parameters (RFC 2045
// 5.1, 2183, 2231), with what senders leave out and put in.
#ifndef SEKISHO_MIME_MIME_PARAM_H
#define SEKISHO_MIME_MIME_PARAM_H

#include "mime/mime_text.h"

enum {
	MIME_PARAMS_MAX = 256,
	MIME_VALUES_MAX = 4,
	MIME_SECTION_NONE = -1,
	MIME_SECTION_MAX = 9999
};

struct mime_param {
	struct mime_span name; // without the marks of RFC 2231
	int32_t section;       // name*N, or MIME_SECTION_NONE
	bool encoded;	       // name* or name*N*
	// The value; then others that clients see who split, or take backslashes, differently.
	// Offsets into the list's text, for that may move.
	uint32_t n_values;
	struct {
		uint32_t at, n;
	} values[MIME_VALUES_MAX];
};

struct mime_params {
	struct mime_span word; // up to the first semicolon or space
	bool junk;	       // between the word and the first semicolon
	bool cut;	       // more than MIME_PARAMS_MAX, or values over values: not all is here
	uint32_t ways;	       // bits of enum mime_way that made a difference, or could have
	struct mime_param *v;
	uint32_t n, cap;
	struct mime_text text;
};

// What not all clients know; where it occurs, a field has to be read with it and without.
enum mime_way {
	MIME_WAY_COMMENTS = 1, // brackets hold comments (RFC 822 3.4.3)
	MIME_WAY_ESCAPES = 2,  // what escapes of ISO-2022-JP enclose is no quote and no backslash
	MIME_WAY_ALL = 3,
};

// ways: bits of enum mime_way.  field stays as it is until mime_params_done().
void mime_params_read(struct mime_store *store, struct mime_span field, uint32_t ways,
		      struct mime_params *ret);
void mime_params_done(struct mime_params *params);
struct mime_span mime_param_value(const struct mime_params *params, const struct mime_param *param,
				  uint32_t i);

#endif
