// The objects of a PDF (ISO 32000-1 7.2, 7.3, 7.5.7), found where they stand and not by the tables
// of their places, which may lie; in streams of objects too.  Of several with one number the last
// counts, as with readers.
//
// All work is counted: beyond a multiple of the file's size nothing more is read, and the
// document's text counts as illegible.
#ifndef SEKISHO_UNPACK_PDF_OBJECT_H
#define SEKISHO_UNPACK_PDF_OBJECT_H

#include "unpack/look.h"

enum {
	PDF_OBJECTS_MAX = 1 << 20,
	PDF_NAME_MAX = 63,
	PDF_DECODED_MAX = 48 << 20, // bytes of all streams
};

enum pdf_what {
	PDF_END,
	PDF_NAME,
	PDF_NUMBER,
	PDF_STRING, // (...)
	PDF_HEX,    // <...>
	PDF_WORD,   // operators and all else
	PDF_DICT,   // <<
	PDF_DICT_END,
	PDF_ARRAY, // [
	PDF_ARRAY_END,
};

struct pdf_span { // v NULL: nothing is there
	const uint8_t *v, *end;
};

struct pdf_token {
	enum pdf_what what;
	struct pdf_span is; // of names and strings what is between their marks, as written
	double number;
};

struct pdf_lexer {
	const uint8_t *at, *end;
	struct pdf_file *file;
};

struct pdf_object {
	uint32_t number;
	const uint8_t *place;	// in the file; of its container
	bool read;		// by whoever wanted its stream
	struct pdf_span body;	// from its first byte to where the next may begin
	struct pdf_span stream; // as it is packed
};

struct pdf_file {
	struct item *item;
	struct pdf_object *objects; // by number
	size_t n_objects, cap;
	uint64_t work, work_max; // bytes read again and again
	uint64_t decoded;
	struct pdf_buffer *buffers; // of streams of objects
};

void pdf_open(struct item *item, struct pdf_file *ret);
void pdf_close(struct pdf_file *file);

void pdf_next(struct pdf_lexer *lexer, struct pdf_token *ret);
// Past the value that begins with token.
void pdf_pass(struct pdf_lexer *lexer, const struct pdf_token *token);
// A name as it is meant, #xx resolved; cut.
void pdf_name(struct pdf_span span, char out[PDF_NAME_MAX + 1]);
bool pdf_is(struct pdf_span span, const char *name);

// What a dictionary has under a name, references followed; nothing if it has none.
struct pdf_span pdf_get(struct pdf_file *file, struct pdf_span dict, const char *name);
// The same, of the value itself.
struct pdf_span pdf_value(struct pdf_file *file, struct pdf_span value);
struct pdf_object *pdf_object_of(struct pdf_file *file, struct pdf_span reference); // or NULL
bool pdf_value_is(struct pdf_file *file, struct pdf_span value, const char *name);
double pdf_number(struct pdf_file *file, struct pdf_span value, double otherwise);

// Bytes of a string from *at on, as they are meant; at most max of them, 0 at its end.
size_t pdf_string(enum pdf_what what, struct pdf_span *at, uint8_t *out, size_t max);

// An object's stream, through its filters, into item, which is the caller's to drop; false: it
// cannot be read.
bool pdf_decode(struct pdf_file *file, struct pdf_object *object, struct item *item);

#endif
