// What a file is by its content, and what is inside an archive or document: names, sizes, kinds.
// Reads what strangers send: bounded in memory, depth, entries and output, and to be called in a
// process without rights.
#ifndef SEKISHO_UNPACK_UNPACK_H
#define SEKISHO_UNPACK_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What a file is; kinds are bits, since a file may be several (a PDF that is a ZIP as well).
enum unpack_kind {
	UNPACK_EXECUTABLE =
		1 << 0, // PE, ELF, Mach-O, COM, class files, installers (MSI, CAB, DEB, RPM, APK)
	UNPACK_SCRIPT =
		1 << 1, // by name or first line: js vbs wsf hta ps1 bat cmd sh py jse vbe scr ...
	UNPACK_SHORTCUT = 1 << 2,   // lnk, url, webloc, desktop, library-ms, search-ms
	UNPACK_DISK_IMAGE = 1 << 3, // iso, img, vhd, vhdx, udf, dmg
	UNPACK_ARCHIVE = 1 << 4,
	UNPACK_OFFICE = 1 << 5,	   // OLE2 or OOXML or OpenDocument
	UNPACK_MACRO = 1 << 6,	   // vbaProject.bin, VBA storages, XLM, DDE, ODF Basic
	UNPACK_ENCRYPTED = 1 << 7, // archive entries, EncryptedPackage, PDF /Encrypt
	UNPACK_PDF = 1 << 8,
	UNPACK_ACTIVE =
		1 << 9, // JavaScript, embedded files or launch actions in a PDF; OLE objects
	UNPACK_IMAGE = 1 << 10,
	UNPACK_TEXT = 1 << 11,
	UNPACK_HTML = 1 << 12,	     // SVG with scripts too
	UNPACK_MISLEADING = 1 << 13, // the name says another kind than the content; two extensions;
				     // right-to-left override
	UNPACK_MAIL = 1 << 14, // message/rfc822, msg
};
extern const char
	*const unpack_kind_names[]; // by bit number: "executable", "script", ...; NULL at the end

enum unpack_limit { // why it was not read to its end
	UNPACK_WHOLE,
	UNPACK_DEPTH,
	UNPACK_ENTRIES,
	UNPACK_OUTPUT, // bytes unpacked: a bomb
	UNPACK_MEMORY,
	UNPACK_TIME, // of the processor
	UNPACK_DAMAGED,
	UNPACK_UNKNOWN, // an archive of a kind that cannot be opened
};
extern const char *const unpack_limit_names[];

struct unpack_bounds {
	uint32_t depth, entries;
	uint64_t output, each; // bytes in all, and of one entry
};

struct unpack_entry {
	uint32_t parent;  // 0: of the file itself; else the entry it lies in, from 1
	const char *name; // UTF-8 as far as it can be read; control characters as they are
	uint64_t size;	  // unpacked, as counted; or as declared where it was not read
	uint32_t kinds;
	enum unpack_limit limit;
};

struct unpack_file {
	const char *name;     // what the client would show; may be ""
	const uint8_t *bytes; // NULL: fd
	size_t size;
	int fd; // a file that can be sought in
};

// By name and the first and last bytes alone; what a stream can tell.  first: at least 4,096 bytes,
// or all.
uint32_t unpack_kinds(const char *name, const uint8_t *first, size_t n);

// Tells each entry, nested ones too, and returns what the file is; *ret_limit: why it was not read
// whole.
uint32_t unpack_look(const struct unpack_file *file, const struct unpack_bounds *bounds,
		     void (*entry)(void *arg, const struct unpack_entry *entry), void *arg,
		     enum unpack_limit *ret_limit);

// Loads tables (libmagic) before the sandbox closes.  0, or -errno.
int unpack_load(void);

#endif
