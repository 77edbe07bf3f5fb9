// What is inside a message: parts, their names, their decoded bytes (RFC 5322, 2045 to 2049, 2047,
// 2183, 2231, 6532), read as a stream in bounded memory.  What can be read in two ways is told in
// both; what cannot be read is told as a doubt.  The same message gives the same calls, but for how
// bytes of a part are cut, however it is fed.
//
// A message is a tree of parts: number 0 is the whole message, each multipart, message/rfc822,
// text with encoded blocks (uuencode, yEnc) and file that is named like a message (.eml, .mht) has
// parts below it.  Parts are told in the order in
// which they begin; a part ends before its parent.
//
//	0 multipart/mixed
//	1   text/plain
//	2   message/rfc822
//	3     text/plain
//	4   application/pdf "予算.pdf"
#ifndef SEKISHO_MIME_MIME_H
#define SEKISHO_MIME_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MIME_DEPTH_MAX = 16,	      // levels below the message
	MIME_PARTS_MAX = 1000,	      // of a message
	MIME_HEADER_MAX = 192 * 1024, // bytes of one part's header
	MIME_FIELD_MAX = 64 * 1024,   // bytes of one field, unfolded
	MIME_NAME_MAX = 1024, // bytes of one name in UTF-8; a longer one is cut, which is a doubt
	MIME_NAMES_MAX = 8,   // readings of a part's name
	MIME_TYPE_MAX = 128,
	MIME_CHARSET_MAX = 40,
	MIME_MEMORY_MAX =
		256 * 1024, // of a parser, its buffers included, but for one header being read
};

enum mime_encoding {
	MIME_IDENTITY, // 7bit, 8bit, binary, or none
	MIME_BASE64,
	MIME_QUOTED_PRINTABLE,
	MIME_UUENCODE,
	MIME_YENC,
	MIME_UNKNOWN, // of a name that is not known: told raw, with the doubt MIME_ENCODING
};

// Why a message cannot be read in exactly one way.  Each is told at most once a part.
enum mime_doubt {
	MIME_TOO_DEEP,
	MIME_TOO_MANY,	   // parts
	MIME_TOO_LONG,	   // a header or a field
	MIME_FIELD_TWICE,  // Content-Type, -Disposition or -Transfer-Encoding, with unlike values
	MIME_FIELD_SYNTAX, // a header line that is none, a NUL, a field name with spaces, broken
			   // folding
	MIME_HEADER_END,   // after such a line, or one of spaces, a body that clients would decode
			   // may begin
	MIME_TYPE_SYNTAX,
	MIME_BOUNDARY, // a multipart without one, with an empty or too long one, or with two
		       // readings
	MIME_UNCLOSED, // a multipart without its last boundary
	MIME_OVERLAP,  // a boundary that begins like an outer one
	MIME_ENCODING, // unknown; or base64 or quoted-printable on a multipart or message (RFC
		       // 2045 6.4)
	MIME_BASE64_SYNTAX, // bytes outside of the alphabet, data after padding, a rest of one
			    // character
	MIME_QP_SYNTAX,
	MIME_UU_SYNTAX,
	MIME_YENC_SYNTAX,
	MIME_NAME,    // names whose ends after the last dot differ between their readings; or one
		      // that is too long, has control characters, or has too many readings
	MIME_CHARSET, // a name in a character set that is not known or with bytes that are none of
		      // it
	MIME_PARTIAL, // message/partial or message/external-body: the rest is elsewhere
	MIME_DOUBTS,
};
extern const char *const mime_doubt_names[MIME_DOUBTS]; // "too-deep", ...

// Bits of those with which nobody can say what every client will show: policies call it
// undecodable.  The others are told in readings that are all judged.
#define MIME_UNDECODABLE                                                                           \
	(1u << MIME_TOO_DEEP | 1u << MIME_TOO_MANY | 1u << MIME_TOO_LONG |                         \
	 1u << MIME_FIELD_TWICE | 1u << MIME_BOUNDARY | 1u << MIME_OVERLAP | 1u << MIME_ENCODING | \
	 1u << MIME_CHARSET | 1u << MIME_PARTIAL | 1u << MIME_HEADER_END)

enum mime_kind { MIME_LEAF, MIME_MULTIPART, MIME_MESSAGE };

struct mime_part {
	uint32_t number, parent; // parent of 0: 0
	uint8_t depth;
	enum mime_kind kind;
	enum mime_encoding encoding;
	bool attachment;	  // Content-Disposition is anything but inline (RFC 2183 2.8)
	bool inline_block;	  // uuencode or yEnc found in a text
	char type[MIME_TYPE_MAX]; // "text/plain", lower case; as it counts where it is missing (RFC
				  // 2045 5.2)
	char charset[MIME_CHARSET_MAX]; // of the type, lower case; "": not said
	// All that any common client would show: of filename, filename*, name, name*, with and
	// without RFC 2047 in quotes, continuations, first and last of two; UTF-8, the first the
	// most likely.
	char *names[MIME_NAMES_MAX];
	uint32_t n_names;
};

// Two readings of the same bytes, where base64 or quoted-printable is sloppy: clients stop at the
// padding, or go on.
enum mime_reading { MIME_FIRST, MIME_SECOND };

struct mime_sink {
	// A part's header is complete (a block in a text: its first line).  part lives until its
	// end.
	void (*begin)(void *arg, const struct mime_part *part);
	// One field of a part's header, unfolded: raw, and as a client shows it (RFC 2047 decoded
	// to UTF-8).  After begin().  May be NULL.
	void (*field)(void *arg, const struct mime_part *part, const char *name, const char *raw,
		      const char *shown);
	// Decoded bytes of a leaf.  MIME_SECOND only after the readings have parted, and then at
	// once, with n of 0: what came before under MIME_FIRST belongs to both, what comes after
	// to the one that is named.  A second reading may well have ended there.
	void (*bytes)(void *arg, const struct mime_part *part, enum mime_reading reading,
		      const uint8_t *bytes, size_t n);
	void (*end)(void *arg, const struct mime_part *part);
	void (*doubt)(void *arg, const struct mime_part *part, enum mime_doubt doubt);
	void *arg;
};

struct mime;

// *ret, or -ENOMEM.  Message only: dots are unstuffed, lines end in CRLF.
int mime_new(const struct mime_sink *sink, struct mime **ret);
// 0, or -ENOMEM: nothing more is told, and what was is not all.  Any cut gives the same.
int mime_feed(struct mime *mime, const uint8_t *bytes, size_t n);
int mime_end(struct mime *mime);
void mime_free(struct mime *mime); // NULL is fine
size_t mime_memory(const struct mime *mime);
// Bytes looked at so far by all steps together: at most MIME_WORK_TIMES the message's, whatever it
// is, and MIME_WORK_PART for each part.
enum { MIME_WORK_TIMES = 250, MIME_WORK_PART = 4096 };
uint64_t mime_work(const struct mime *mime);

// Loads every character converter (iconv) that names are read with; before the sandbox closes,
// once.  0, or -errno.
int mime_load_charsets(void);

#endif
