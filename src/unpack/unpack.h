// What a file is by its content, and what is inside an archive or document: names, sizes, kinds.
// Reads what strangers send: bounded in memory, depth, entries and output, and to be called in a
// process without rights.
//
// Two questions.  unpack_kinds() asks the name and the first bytes alone and costs microseconds; an
// inspector asks it while a stream passes.  unpack_look() opens what can be opened: it needs the
// whole file and belongs into a process that may die of it.
//
//	request.zip                    archive
//	  1 注文書.docm   34,012       office macro
//	  3   word/vbaProject.bin      office macro        (in 1)
//	  4 invoice.pdf.exe  80,384    executable misleading
//
// One thread at a time: libmagic and the converters of characters have a state, which is loaded
// once for the process.
#ifndef SEKISHO_UNPACK_UNPACK_H
#define SEKISHO_UNPACK_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UNPACK_DEPTH_MAX = 16,	     // whatever the bounds say
	UNPACK_NAME_MAX = 1024,	     // bytes of a name that is told; the end of a longer one
	UNPACK_RATIO_FREE = 1 << 20, // bytes of output before the ratio counts
	UNPACK_FIRST_MIN = 4096,     // bytes that unpack_kinds() wants, or all
};

// What a file is; kinds are bits, since a file may be several (a PDF that is a ZIP as well).
enum unpack_kind {
	// PE, ELF, Mach-O, COM, class files, installers (MSI, CAB, DEB, RPM, APK)
	UNPACK_EXECUTABLE = 1 << 0,
	// by name or first line: js vbs wsf hta ps1 bat cmd sh py jse vbe chm ...
	UNPACK_SCRIPT = 1 << 1,
	UNPACK_SHORTCUT = 1 << 2,   // lnk, url, webloc, desktop, library-ms, search-ms
	UNPACK_DISK_IMAGE = 1 << 3, // iso, img, vhd, vhdx, udf, dmg
	UNPACK_ARCHIVE = 1 << 4,    // not a document that happens to be a ZIP
	UNPACK_OFFICE = 1 << 5,	    // OLE2, OOXML, OpenDocument, RTF, OneNote
	UNPACK_MACRO = 1 << 6,	    // vbaProject.bin, VBA storages, XLM, DDE, ODF Basic
	UNPACK_ENCRYPTED = 1 << 7,  // archive entries, EncryptedPackage, PDF /Encrypt
	UNPACK_PDF = 1 << 8,
	// JavaScript, embedded files or launch actions in a PDF; OLE objects, templates and frames
	// from elsewhere
	UNPACK_ACTIVE = 1 << 9,
	UNPACK_IMAGE = 1 << 10,
	UNPACK_TEXT = 1 << 11,
	UNPACK_HTML = 1 << 12, // SVG with scripts too
	// the name says another kind than the content; two extensions; right-to-left override and
	// other letters that are not seen; what Windows strips
	UNPACK_MISLEADING = 1 << 13,
	UNPACK_MAIL = 1 << 14, // message/rfc822, msg, TNEF
	// can be read in two ways: two formats in one file, a ZIP whose two directories disagree,
	// bytes before or behind an archive
	UNPACK_AMBIGUOUS = 1 << 15,
	// has text that could not be read, when words were looked for: letters of a font that does
	// not say which they are, an unknown character set, more text than is read
	UNPACK_ILLEGIBLE = 1 << 16,
};
enum { UNPACK_KINDS = 17 };
extern const char *const unpack_kind_names[UNPACK_KINDS + 1]; // by bit number; NULL at the end

enum unpack_limit {   // why it was not read to its end
	UNPACK_WHOLE, // it was; what is encrypted or of no kind that holds others counts as read
	UNPACK_DEPTH,
	UNPACK_ENTRIES,
	UNPACK_OUTPUT, // bytes unpacked, or their ratio to the file's: a bomb
	UNPACK_MEMORY, // it has to be held to be looked into, and is too large for that
	UNPACK_TIME,   // more work than its size and output are worth; or who ran it came to no end
	UNPACK_DAMAGED,
	UNPACK_UNKNOWN, // holds others, but is of a kind that cannot be opened
	UNPACK_LIMITS,
};
extern const char *const unpack_limit_names[UNPACK_LIMITS];

struct unpack_bounds {
	uint32_t depth;	  // of entries: 1 for those of the file itself
	uint32_t entries; // that are read, told or not
	uint64_t output;  // bytes unpacked in all
	uint64_t each;	  // and of one entry
	uint64_t memory;  // bytes unpacked that are held at once
	uint32_t ratio;	  // output to the file's size, past UNPACK_RATIO_FREE; 0: any
	bool apart;	  // what only libarchive opens is not opened here
};

struct terms;

struct unpack_terms {	  // what was found of base/terms.h; only grows
	uint64_t words;	  // bits of the terms
	uint32_t numbers; // of persons
};

struct unpack_entry {
	uint32_t number;  // from 1, in the order in which entries begin; some are not told
	uint32_t parent;  // 0: of the file itself; else the number of the entry it lies in
	const char *name; // UTF-8 as far as it can be read; control characters as they are
	const char *also; // another reading of the name that is as good; NULL: none
	uint64_t size;	  // unpacked, as counted; or as declared where it was not read
	uint32_t kinds;
	enum unpack_limit limit;
	struct unpack_terms found; // in its text, and in that of what lies in it
};

// Who is told.
struct unpack_sink {
	void (*entry)(void *arg, const struct unpack_entry *entry); // NULL: nobody
	const struct terms *terms; // looked for in all text; NULL: none is read
	// The text itself as it is read, UTF-8, in pieces; for tests.  NULL: nobody
	void (*text)(void *arg, const char *bytes, size_t n);
	void *arg;
};

struct unpack_result { // of the file itself
	uint32_t kinds;
	enum unpack_limit limit; // why it, or anything in it, was not read whole
	struct unpack_terms found;
	bool apart; // something in it is to be opened elsewhere: nothing else of this counts
};

struct unpack_file {
	const char *name;     // what the client would show; may be ""
	const uint8_t *bytes; // NULL: fd
	size_t size;
	int fd; // a memory file that nobody can cut while it is read
};

// By name and first bytes alone; what a stream can tell.  first: at least UNPACK_FIRST_MIN bytes,
// or all; n 0: by the name alone.
uint32_t unpack_kinds(const char *name, const uint8_t *first, size_t n);

// What a file without a name will be called by the client that saves it, as far as its media type
// (lower case) decides that: kinds of things that run.
uint32_t unpack_type_kinds(const char *type);

// Tells each entry, nested ones too, when it has been read: those in it come before it.  Of
// documents (OOXML, OLE2, PDF) only parts are told that are more than text and images; their text
// is the document's.  Entries' kinds are theirs alone, but that an encrypted one makes its archive
// encrypted, and that what macros, active or encrypted parts a document has it has itself.
void unpack_look(const struct unpack_file *file, const struct unpack_bounds *bounds,
		 const struct unpack_sink *sink, struct unpack_result *ret);

// Loads tables (libmagic, converters of characters, time zone) before the sandbox closes; no file
// is opened after it.  0, or -errno; without it, or if it fails, files are judged by our own table
// and Japanese names of other encodings stay as they are.
int unpack_load(void);
void unpack_unload(void);

#endif
