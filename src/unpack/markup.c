// HTML, SVG and other XML that is one file: elements that run, wherever they stand in it.
#include <string.h>
#include <strings.h>

#include "unpack/document.h"
#include "unpack/format.h"
#include "unpack/xml.h"

static const struct {
	const char *name;
	uint32_t kinds;
} elements[] = {
	{ "html", UNPACK_HTML },
	{ "svg", UNPACK_IMAGE },
	{ "scriptlet", UNPACK_SCRIPT },
	{ "job", UNPACK_SCRIPT },
	{ "MMC_ConsoleFile", UNPACK_SCRIPT },
	{ "libraryDescription", UNPACK_SHORTCUT },
	{ "searchConnectorDescription", UNPACK_SHORTCUT },
	{ "persistedQuery", UNPACK_SHORTCUT },
	{ "PCSettings", UNPACK_SHORTCUT },
	{ "wordDocument", UNPACK_OFFICE },
	{ "document-content", UNPACK_OFFICE },
};

// SVG with any of these is a page.
static bool runs(const struct xml *xml)
{
	const char *at = xml->attributes;
	if (xml_is(xml, "script") || xml_is(xml, "foreignObject") || xml_is(xml, "iframe"))
		return true;
	for (size_t i = 0; i + 3 < xml->n_attributes; i++)
		if ((at[i] == ' ' || at[i] == '/' || (at[i] >= 9 && at[i] <= 13)) &&
		    !strncasecmp(at + i + 1, "on", 2) && ((at[i + 3] | 32) >= 'a') &&
		    ((at[i + 3] | 32) <= 'z'))
			return true;
	return xml_holds(at, xml->n_attributes, "javascript:");
}

void markup_look(struct item *item)
{
	size_t n;
	char *text = xml_plain(item, &n);
	bool script = false, svg = false;
	if (!text)
		return;
	struct xml xml = { .at = text, .end = text + n };
	while (xml_next(&xml)) {
		for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
			if (xml_is(&xml, elements[i].name))
				item->content |= elements[i].kinds;
		svg = svg || xml_is(&xml, "svg");
		script = script || (!xml.closing && runs(&xml));
	}
	if (xml_holds(text, n, "<hta:application"))
		item->content |= UNPACK_SCRIPT | UNPACK_HTML;
	if (svg && script)
		item->kinds |= UNPACK_HTML;
	item->kinds |= item->content;
	xml_plain_free(item, text);
	if (item->kinds & UNPACK_OFFICE)
		document_flat(item);
}
