// What matters in a part is known by its name, or by a few elements of its markup.
#include "unpack/document.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "unpack/office_text.h"
#include "unpack/xml.h"
#include "unpack/xml_text.h"

enum { FIELD_MAX = 256, HEAD_LOOKED = 4096 };

static bool named(const struct zip_entry *entry, const char *name)
{
	return entry->n_name == strlen(name) &&
	       !strncasecmp((const char *)entry->name, name, entry->n_name);
}

static const struct {
	const char *name;
	enum document_form form;
} marks[] = {
	// the first that any entry has
	{ "AndroidManifest.xml", DOCUMENT_PROGRAM },
	{ "AppxManifest.xml", DOCUMENT_PROGRAM },
	{ "extension.vsixmanifest", DOCUMENT_PROGRAM },
	{ "[Content_Types].xml", DOCUMENT_OOXML },
	{ "META-INF/manifest.xml", DOCUMENT_ODF },
	{ "META-INF/MANIFEST.MF", DOCUMENT_PROGRAM },
};

// The type that stands at the beginning, stored, of OpenDocument and EPUB.
static bool has_type(const struct zip *zip, const struct zip_entry *entry)
{
	static const char *const types[] = { "application/vnd.oasis.opendocument.",
					     "application/vnd.sun.xml.", "application/epub+zip" };
	if (!named(entry, "mimetype") || entry->method != ZIP_STORED || !entry->data)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t n = strlen(types[i]);
		if (entry->packed >= n && zip->n - entry->data >= n &&
		    !memcmp(zip->bytes + entry->data, types[i], n))
			return true;
	}
	return false;
}

enum document_form document_form(const struct zip *zip)
{
	for (size_t m = 0; m < sizeof(marks) / sizeof(marks[0]); m++)
		for (size_t i = 0; i < zip->n_entries; i++)
			if (named(&zip->entries[i], marks[m].name))
				return marks[m].form;
	for (size_t i = 0; i < zip->n_entries; i++)
		if (has_type(zip, &zip->entries[i]))
			return DOCUMENT_ODF;
	return DOCUMENT_NONE;
}

// What a part's path alone says.
static const struct {
	enum document_form form;
	const char *holds;
	uint32_t kinds;
} paths[] = {
	{ DOCUMENT_OOXML, "vbaProject", UNPACK_MACRO },
	{ DOCUMENT_OOXML, "vbaData.xml", UNPACK_MACRO },
	{ DOCUMENT_OOXML, "macrosheets/", UNPACK_MACRO },
	{ DOCUMENT_OOXML, "activeX/", UNPACK_ACTIVE },
	{ DOCUMENT_OOXML, "embeddings/oleObject", UNPACK_ACTIVE },
	{ DOCUMENT_OOXML, "afchunk", UNPACK_ACTIVE },
	{ DOCUMENT_ODF, "Basic/", UNPACK_MACRO },
	{ DOCUMENT_ODF, "Scripts/", UNPACK_MACRO },
};

// Basic's own lists of libraries are there without any.
static bool is_list(const char *name)
{
	return xml_holds(name, strlen(name), "script-lc.xml") ||
	       xml_holds(name, strlen(name), "script-lb.xml");
}

// Fields (DDE, DDEAUTO), whose text may be cut into many runs, or hidden as numbers of letters.
struct field {
	char text[FIELD_MAX + 1];
	size_t n;
};

static void field_add(struct field *field, const char *text, size_t n)
{
	for (size_t i = 0; i < n && field->n < FIELD_MAX; i++) {
		bool space = isspace((unsigned char)text[i]) || text[i] == '"';
		if (space && (!field->n || field->text[field->n - 1] == ' '))
			continue;
		field->text[field->n++] = space ? ' ' : (char)toupper((unsigned char)text[i]);
	}
	field->text[field->n] = '\0';
}

static bool field_is_dde(struct field *field)
{
	bool dde = !strncmp(field->text, "DDE ", 4) || !strncmp(field->text, "DDEAUTO", 7) ||
		   (!strncmp(field->text, "QUOTE ", 6) && isdigit((unsigned char)field->text[6]));
	field->n = 0;
	field->text[0] = '\0';
	return dde;
}

static bool value_holds(const struct xml *xml, const char *attribute, const char *what)
{
	const char *value;
	size_t n;
	return xml_attribute(xml, attribute, &value, &n) && xml_holds(value, n, what);
}

// Another machine: a document's own template lies in a folder of its author's.
static bool is_elsewhere(const struct xml *xml)
{
	static const char *const places[] = { "http:", "https:", "ftp:", "\\\\", "file:////" };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (value_holds(xml, "Target", places[i]))
			return true;
	return value_holds(xml, "Target", "file://") && !value_holds(xml, "Target", "file:///");
}

// What is loaded from elsewhere, or runs, when the document opens; a link to click is neither.
static bool relation_is_active(const struct xml *xml)
{
	static const char *const types[] = { "attachedTemplate", "oleObject", "/frame",
					     "subDocument",	 "aFChunk",   "/control" };
	if (value_holds(xml, "Target", "mhtml:") || value_holds(xml, "Target", "script:"))
		return true;
	if (!value_holds(xml, "TargetMode", "External") || !is_elsewhere(xml))
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (value_holds(xml, "Type", types[i]))
			return true;
	// Workbooks of one office hold links to others of it, which Excel asks about.
	return value_holds(xml, "Type", "externalLink") && value_holds(xml, "Target", "://") &&
	       !value_holds(xml, "Target", "file:");
}

// Elements that say it all; attribute NULL: the element does.
static const struct {
	const char *name, *attribute, *holds;
	uint32_t kinds;
} elements[] = {
	{ "Override", "ContentType", "macroEnabled", UNPACK_MACRO },
	{ "Default", "ContentType", "macroEnabled", UNPACK_MACRO },
	{ "Override", "ContentType", "vbaProject", UNPACK_MACRO },
	{ "Default", "ContentType", "vbaProject", UNPACK_MACRO },
	{ "Override", "ContentType", "macrosheet", UNPACK_MACRO },
	{ "part", "contentType", "macroEnabled", UNPACK_MACRO },
	{ "part", "contentType", "vbaProject", UNPACK_MACRO },
	{ "part", "contentType", "macrosheet", UNPACK_MACRO },
	{ "Relationship", "Type", "vbaProject", UNPACK_MACRO },
	{ "Relationship", "Type", "xlMacrosheet", UNPACK_MACRO },
	{ "Relationship", "Type", "xlIntlMacrosheet", UNPACK_MACRO },
	{ "Relationship", "Type", "relationships/control", UNPACK_ACTIVE },
	{ "ddeLink", NULL, NULL, UNPACK_MACRO },
	{ "oleLink", NULL, NULL, UNPACK_ACTIVE },
	{ "OLEObject", NULL, NULL, UNPACK_ACTIVE },
	{ "oleObj", NULL, NULL, UNPACK_ACTIVE },
	{ "binData", "name", "editdata", UNPACK_MACRO },
	{ "encryption-data", NULL, NULL, UNPACK_ENCRYPTED },
	{ "dde-source", NULL, NULL, UNPACK_MACRO },
	{ "dde-connection", NULL, NULL, UNPACK_MACRO },
	{ "dde-connection-decl", NULL, NULL, UNPACK_MACRO },
	{ "event-listener", "href", "script", UNPACK_MACRO },
	{ "event-listener", "macro-name", "", UNPACK_MACRO },
	{ "object-ole", NULL, NULL, UNPACK_ACTIVE },
	{ "module", "language", "StarBasic", UNPACK_MACRO },
	{ "library-embedded", NULL, NULL, UNPACK_MACRO },
};

// Whose type has "macroEnabled" in it whatever is in the workbook.
static bool is_binary_workbook(const struct xml *xml)
{
	return value_holds(xml, "ContentType", "excel.sheet.binary.macroEnabled.main");
}

static uint32_t element_kinds(const struct xml *xml)
{
	const char *value;
	size_t n;
	uint32_t kinds = 0;
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (xml_is(xml, elements[i].name) && !is_binary_workbook(xml) &&
		    (!elements[i].attribute ||
		     (xml_attribute(xml, elements[i].attribute, &value, &n) &&
		      xml_holds(value, n, elements[i].holds))))
			kinds |= elements[i].kinds;
	return kinds;
}

static uint32_t markup_kinds(const char *text, size_t n)
{
	struct xml xml = { .at = text, .end = text + n };
	struct field field = { .n = 0 };
	uint32_t kinds = 0;
	const char *value;
	size_t n_value;
	while (xml_next(&xml)) {
		if (xml_is(&xml, "fldChar") || xml_is(&xml, "fldSimple")) {
			kinds |= field_is_dde(&field) ? UNPACK_MACRO : 0;
			if (xml_attribute(&xml, "instr", &value, &n_value))
				field_add(&field, value, n_value);
		}
		if (xml.closing)
			continue;
		if (xml_is(&xml, "instrText") || xml_is(&xml, "delInstrText"))
			field_add(&field, xml.text, xml.n_text);
		else if (xml_is(&xml, "Relationship") && relation_is_active(&xml))
			kinds |= UNPACK_ACTIVE;
		kinds |= element_kinds(&xml);
	}
	return kinds | (field_is_dde(&field) ? UNPACK_MACRO : 0);
}

static bool is_markup(const struct item *part)
{
	static const char *const starts[] = { "<", "\xef\xbb\xbf<", "\xff\xfe<", "\xfe\xff" };
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (part->n > 4 && !memcmp(part->bytes, starts[i], strlen(starts[i])))
			return true;
	return part->n > 4 && isspace(part->bytes[0]);
}

static void read_kinds(struct item *item)
{
	size_t n;
	char *text = item->whole ? xml_plain(item, &n) : NULL;
	if (text)
		item->kinds |= markup_kinds(text, n);
	xml_plain_free(item, text);
}

// Of a document that is one file.
void document_flat(struct item *item)
{
	bool odf = memmem(item->bytes, item->n < HEAD_LOOKED ? item->n : HEAD_LOOKED,
			  "opendocument", 12);
	read_kinds(item);
	if (item->whole && !item->part) // else its text was read
		xml_text_say(item, item->bytes, item->n, odf ? XML_TEXT_MIXED : XML_TEXT_RUNS);
}

// Properties hold one text after the other, and what relates parts to one another none.
static enum xml_text_form form_of(const struct item *part, enum document_form form)
{
	const char *name = part->name.shown;
	size_t n = strlen(name);
	if (xml_holds(name, n, "docProps/") || xml_holds(name, n, "docMetadata/") ||
	    xml_holds(name, n, "meta.xml") || xml_holds(name, n, "customXml/"))
		return XML_TEXT_BESIDE;
	return form == DOCUMENT_ODF ? XML_TEXT_MIXED : XML_TEXT_RUNS;
}

// Of a workbook in records: sheets, texts, comments.
static bool is_binary_part(const char *name)
{
	size_t n = strlen(name);
	return n > 4 && !strcmp(name + n - 4, ".bin") && xml_holds(name, n, "xl/") &&
	       !xml_holds(name, n, "vbaProject") && !xml_holds(name, n, "printerSettings") &&
	       !xml_holds(name, n, "embeddings/");
}

void document_part(struct item *part, enum document_form form)
{
	const char *name = part->name.shown;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i].form == form && xml_holds(name, strlen(name), paths[i].holds) &&
		    !is_list(name))
			part->kinds |= paths[i].kinds;
	if (part->n && is_markup(part)) {
		read_kinds(part);
		xml_text_say(part, part->bytes, part->n, form_of(part, form));
	} else if (form == DOCUMENT_OOXML && is_binary_part(name)) {
		office_binary_say(part, part->bytes, part->n);
	}
}
