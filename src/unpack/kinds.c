// The name may lie, and the content need not be what the name makes of it: both count, and a
// contradiction is a kind of its own.
#include "unpack/kinds.h"

#include <string.h>

#include "unpack/magic.h"
#include "unpack/name.h"
#include "unpack/unpack.h"

enum { MAGIC_MIN = 16 };

const char *const unpack_kind_names[UNPACK_KINDS + 1] = {
	"executable", "script",	    "shortcut", "disk-image", "archive",   "office",
	"macro",      "encrypted",  "pdf",	"active",     "image",	   "text",
	"html",	      "misleading", "mail",	"ambiguous",  "illegible", NULL,
};

const char *const unpack_limit_names[UNPACK_LIMITS] = {
	[UNPACK_WHOLE] = "whole",     [UNPACK_DEPTH] = "depth",	    [UNPACK_ENTRIES] = "entries",
	[UNPACK_OUTPUT] = "output",   [UNPACK_MEMORY] = "memory",   [UNPACK_TIME] = "time",
	[UNPACK_DAMAGED] = "damaged", [UNPACK_UNKNOWN] = "unknown",
};

// Text and what may stand in any text contradict no name of a text.
static uint32_t contradiction(const struct name_judged *name, uint32_t content)
{
	const uint32_t hard = UNPACK_EXECUTABLE | UNPACK_SCRIPT | UNPACK_SHORTCUT |
			      UNPACK_DISK_IMAGE | UNPACK_ARCHIVE | UNPACK_OFFICE | UNPACK_PDF |
			      UNPACK_IMAGE | UNPACK_HTML | UNPACK_MAIL;
	content &= hard;
	if (name->says & UNPACK_TEXT)
		content &= ~(uint32_t)UNPACK_MAIL;
	return name->says && content && !(content & name->says) ? UNPACK_MISLEADING : 0;
}

uint32_t kinds_compare(const char *name, uint32_t kinds, uint32_t content)
{
	struct name_judged judged;
	name_judge(name, &judged);
	return kinds | content | contradiction(&judged, content);
}

// A document that is a ZIP begins like any other; the name decides until somebody looks into it.
static uint32_t document_of_name(const struct name_judged *name, struct signature signature)
{
	bool zip = signature.format == SIGNATURE_ZIP && signature.kinds == UNPACK_ARCHIVE;
	return zip && name->says == UNPACK_OFFICE ? UNPACK_OFFICE : signature.kinds;
}

uint32_t kinds_of(const char *name, const uint8_t *bytes, size_t n, struct signature *ret_signature)
{
	struct name_judged judged;
	name_judge(name, &judged);
	struct signature signature = { SIGNATURE_NONE, 0 };
	if (n)
		signature = signature_find(bytes, n);
	if (n >= MAGIC_MIN && !signature.kinds)
		signature.kinds = magic_kinds(bytes, n);
	uint32_t content = document_of_name(&judged, signature);
	*ret_signature = signature;
	return judged.kinds | content | contradiction(&judged, content);
}

uint32_t unpack_kinds(const char *name, const uint8_t *first, size_t n)
{
	struct signature signature;
	return kinds_of(name, first, n, &signature);
}

uint32_t unpack_type_kinds(const char *type)
{
	static const struct {
		const char *type;
		uint32_t kinds;
	} types[] = {
		{ "application/hta", UNPACK_SCRIPT | UNPACK_HTML },
		{ "application/javascript", UNPACK_SCRIPT },
		{ "application/x-javascript", UNPACK_SCRIPT },
		{ "application/ecmascript", UNPACK_SCRIPT },
		{ "text/javascript", UNPACK_SCRIPT },
		{ "text/jscript", UNPACK_SCRIPT },
		{ "text/vbscript", UNPACK_SCRIPT },
		{ "application/x-vbs", UNPACK_SCRIPT },
		{ "text/scriptlet", UNPACK_SCRIPT },
		{ "application/x-bat", UNPACK_SCRIPT },
		{ "application/bat", UNPACK_SCRIPT },
		{ "application/x-sh", UNPACK_SCRIPT },
		{ "application/x-powershell", UNPACK_SCRIPT },
		{ "application/x-msdownload", UNPACK_EXECUTABLE },
		{ "application/x-msdos-program", UNPACK_EXECUTABLE },
		{ "application/x-dosexec", UNPACK_EXECUTABLE },
		{ "application/vnd.microsoft.portable-executable", UNPACK_EXECUTABLE },
		{ "application/x-msi", UNPACK_EXECUTABLE },
		{ "application/java-archive", UNPACK_EXECUTABLE | UNPACK_ARCHIVE },
		{ "application/x-java-archive", UNPACK_EXECUTABLE | UNPACK_ARCHIVE },
		{ "application/x-ms-shortcut", UNPACK_SHORTCUT },
		{ "application/internet-shortcut", UNPACK_SHORTCUT },
		{ "application/x-mswinurl", UNPACK_SHORTCUT },
		{ "application/x-iso9660-image", UNPACK_DISK_IMAGE },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].type) == 0)
			return types[i].kinds;
	return 0;
}
