// What a file is by its bytes: one table of signatures, and rules for what has none.
#ifndef SEKISHO_UNPACK_SIGNATURE_H
#define SEKISHO_UNPACK_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

// How it is opened.
enum signature_format {
	SIGNATURE_NONE, // holds nothing
	SIGNATURE_ZIP,
	SIGNATURE_CFB,	// OLE2
	SIGNATURE_BIFF, // a workbook that is in no compound file
	SIGNATURE_PDF,
	SIGNATURE_RTF,
	SIGNATURE_ONENOTE,
	SIGNATURE_TNEF,
	SIGNATURE_XML,
	SIGNATURE_MESSAGE,
	SIGNATURE_PKCS7,
	// By libarchive.
	SIGNATURE_7Z,
	SIGNATURE_RAR,
	SIGNATURE_RAR5,
	SIGNATURE_LHA,
	SIGNATURE_CAB,
	SIGNATURE_ISO,
	SIGNATURE_XAR,
	SIGNATURE_TAR,
	SIGNATURE_CPIO,
	SIGNATURE_AR,
	SIGNATURE_COMPRESSED, // gzip, bzip2, xz, zstd, lz4, lzip, compress, lzma
	// Holds others, and nothing here opens it.
	SIGNATURE_CLOSED,
};

struct signature {
	enum signature_format format;
	uint32_t kinds; // 0: not known
};

// More bytes tell more: disks have theirs after 32 KiB.
struct signature signature_find(const uint8_t *bytes, size_t n);

#endif
