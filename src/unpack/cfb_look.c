// What a compound file is, by the names in it: a document of Office, a mail of Outlook, an
// installer.
#include "unpack/cfb.h"

#include <string.h>
#include <strings.h>

#include "unpack/format.h"
#include "unpack/office.h"
#include "unpack/office_text.h"
#include "unpack/rtf_packed.h"

enum { WORDS_MAX = 16 }; // documents of Word, in objects of one another

// What is there says it all.
static const struct {
	const char *name;
	enum cfb_type type;
	bool prefix;
	uint32_t kinds;
} marks[] = {
	{ "_VBA_PROJECT_CUR", CFB_STORAGE, false, UNPACK_MACRO },
	{ "_VBA_PROJECT", CFB_STREAM, false, UNPACK_MACRO },
	{ "_VBA_PROJECT", CFB_STORAGE, false, UNPACK_MACRO }, // of Excel 5
	{ "MBD", CFB_STORAGE, true, UNPACK_ACTIVE },
	{ "LNK", CFB_STORAGE, true, UNPACK_ACTIVE },
	{ "Equation Native", CFB_STREAM, false, UNPACK_ACTIVE },
	{ "\1Ole10Native", CFB_STREAM, false, UNPACK_ACTIVE },
	{ "EncryptedPackage", CFB_STREAM, false, UNPACK_ENCRYPTED },
	{ "EncryptionInfo", CFB_STREAM, false, UNPACK_ENCRYPTED },
	{ "EncryptedSummary", CFB_STREAM, false, UNPACK_ENCRYPTED },
	{ "\6DataSpaces", CFB_STORAGE, false, UNPACK_ENCRYPTED },
};

static uint32_t mark_of(const struct cfb_entry *entry)
{
	uint32_t kinds = 0;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (entry->type == marks[i].type &&
		    (marks[i].prefix
			     ? !strncasecmp(entry->name, marks[i].name, strlen(marks[i].name))
			     : !strcasecmp(entry->name, marks[i].name)))
			kinds |= marks[i].kinds;
	return kinds;
}

// An installer, a patch, a transform: by the root's class.
static bool is_installer(const struct cfb_entry *root)
{
	static const uint8_t rest[] = { 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46 };
	const uint8_t first = root->class_id[0];
	return (first == 0x84 || first == 0x86 || first == 0x82) &&
	       !memcmp(root->class_id + 1, rest, sizeof(rest));
}

// What is in a storage that is there, empty, without it too.
static const struct {
	const char *parent, *name; // name NULL: any
	enum cfb_type type;
	uint32_t kinds;
} inner_marks[] = {
	{ "ObjectPool", NULL, CFB_STORAGE, UNPACK_ACTIVE },
	{ "VBA", "dir", CFB_STREAM, UNPACK_MACRO },
};

static uint32_t inner_mark_of(const struct cfb *cfb, const struct cfb_entry *entry)
{
	struct cfb_entry parent;
	uint32_t kinds = 0;
	if (entry->parent >= cfb_count(cfb))
		return 0;
	cfb_entry(cfb, entry->parent, &parent);
	for (size_t i = 0; i < sizeof(inner_marks) / sizeof(inner_marks[0]); i++)
		if (entry->type == inner_marks[i].type &&
		    !strcasecmp(parent.name, inner_marks[i].parent) &&
		    (!inner_marks[i].name || !strcasecmp(entry->name, inner_marks[i].name)))
			kinds |= inner_marks[i].kinds;
	return kinds;
}

static bool add_piece(void *arg, const uint8_t *bytes, size_t n)
{
	return item_add(arg, bytes, n);
}

// A stream into an item, as an entry or to be judged.  false: there is none to be ended or dropped.
static bool read_stream(struct item *part, struct item *item, const struct cfb *cfb,
			const struct cfb_entry *entry,
			bool (*begin)(struct item *item, struct item *parent))
{
	if (!begin(part, item))
		return false;
	part->part = true;
	item_name(part, entry->name);
	if (!cfb_read(cfb, entry, add_piece, part))
		item_limit(part, UNPACK_DAMAGED);
	return true;
}

static void look_workbook(struct item *item, struct item *part)
{
	item->kinds |= office_workbook(part->bytes, part->n);
	office_workbook_say(item, part->bytes, part->n);
	item_drop(part);
}

static void look_word(struct item *item, struct item *part)
{
	item->kinds |= office_word(part->bytes, part->n);
	item_drop(part);
}

static void look_user(struct item *item, struct item *part)
{
	item->kinds |= office_user(part->bytes, part->n);
	item_drop(part);
}

static void look_slides(struct item *item, struct item *part)
{
	office_slides(item, part);
	office_slides_say(item, part->bytes, part->n);
	item_drop(part);
}

// Ichitaro: UTF-16, the high byte first, behind a head of which nobody need know how long it is.
static void look_ichitaro(struct item *item, struct item *part)
{
	for (size_t odd = 0; item_reads_text(item) && odd < 2 && odd < part->n; odd++) {
		item_say_wide(item, odd ? LOOK_BESIDE : LOOK_MAIN, part->bytes + odd, part->n - odd,
			      true);
		item_said(item, LOOK_MAIN);
		item_said(item, LOOK_BESIDE);
	}
	item_drop(part);
}

static void look_properties(struct item *item, struct item *part)
{
	office_properties_say(item, part->bytes, part->n);
	item_drop(part);
}

static void look_native(struct item *item, struct item *part)
{
	if (part->whole && part->n > 4)
		package_look(item, part->bytes + 4, part->n - 4);
	item_drop(part);
}

static void look_file(struct item *item, struct item *part)
{
	(void)item;
	item_end(part);
}

static const struct {
	const char *name;
	void (*look)(struct item *item, struct item *part);
	bool (*begin)(struct item *item, struct item *parent);
} streams[] = {
	{ "Workbook", look_workbook, item_scratch },
	{ "Book", look_workbook, item_scratch },
	{ "WordDocument", look_word, item_scratch },
	{ "PowerPoint Document", look_slides, item_scratch },
	{ "Current User", look_user, item_scratch },
	{ "DocumentText", look_ichitaro, item_scratch },
	{ "\5SummaryInformation", look_properties, item_scratch },
	{ "\5DocumentSummaryInformation", look_properties, item_scratch },
	{ "\1Ole10Native", look_native, item_scratch },
	{ "Package", look_file, item_begin },
	{ "CONTENTS", look_file, item_begin },
	{ "CONTENTS_V", look_file, item_begin },
};

static void look_stream(struct item *item, const struct cfb *cfb, const struct cfb_entry *entry)
{
	struct item part;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		if (!strcasecmp(entry->name, streams[i].name) &&
		    read_stream(&part, item, cfb, entry, streams[i].begin))
			streams[i].look(item, &part);
}

// A mail's attachments (MS-OXMSG): each a storage with its bytes and its name in streams.
#define ATTACHED_BYTES "__substg1.0_37010102"
static const char *const attached_names[] = {
	// from the worst
	"__substg1.0_3704001E",
	"__substg1.0_3707001E",
	"__substg1.0_3704001F",
	"__substg1.0_3707001F",
};

static int rank_of(const char *name)
{
	for (int i = 0; i < (int)(sizeof(attached_names) / sizeof(attached_names[0])); i++)
		if (!strcasecmp(name, attached_names[i]))
			return i + 1;
	return 0;
}

// Which stream has the name of what lies in a storage: by the storage's index, plus one.
static void find_names(const struct cfb *cfb, uint32_t *names)
{
	struct cfb_entry entry, best;
	for (size_t i = 0; i < cfb_count(cfb); i++) {
		cfb_entry(cfb, i, &entry);
		int rank = entry.parent < cfb_count(cfb) ? rank_of(entry.name) : 0;
		if (!rank)
			continue;
		uint32_t *name = &names[entry.parent];
		if (*name)
			cfb_entry(cfb, *name - 1, &best);
		if (!*name || rank > rank_of(best.name))
			*name = (uint32_t)i + 1;
	}
}

static void read_attached_name(struct item *part, struct item *item, const struct cfb *cfb,
			       uint32_t index)
{
	struct cfb_entry entry;
	struct item name;
	char text[UNPACK_NAME_MAX + 1];
	cfb_entry(cfb, index, &entry);
	if (!read_stream(&name, item, cfb, &entry, item_scratch))
		return;
	if (rank_of(entry.name) > 2 && name.n) {
		charset_utf16(name.bytes, name.n, text, sizeof(text));
		item_name(part, text);
	} else if (name.n) {
		charset_read(name.bytes, strnlen((const char *)name.bytes, name.n), false,
			     &part->name);
	}
	item_drop(&name);
}

static void look_mail(struct item *item, const struct cfb *cfb)
{
	size_t size = cfb_count(cfb) * sizeof(uint32_t);
	uint32_t *names = look_alloc(item, size);
	struct cfb_entry entry;
	struct item part;
	if (!names)
		return;
	find_names(cfb, names);
	for (size_t i = 0; i < cfb_count(cfb) && !item->look->stopped; i++) {
		cfb_entry(cfb, i, &entry);
		if (entry.type != CFB_STREAM || strcasecmp(entry.name, ATTACHED_BYTES) ||
		    !read_stream(&part, item, cfb, &entry, item_begin))
			continue;
		part.part = false;
		if (entry.parent < cfb_count(cfb) && names[entry.parent])
			read_attached_name(&part, item, cfb, names[entry.parent] - 1);
		item_end(&part);
	}
	look_free(item, names, size);
}

// Word's text is in one stream, and where its pieces are in another.
static void say_word(struct item *item, const struct cfb *cfb)
{
	static const char *const tables[] = { "0Table", "1Table" };
	struct cfb_entry entry;
	struct item word, table;
	unsigned words = 0;
	for (size_t i = 0; i < cfb_count(cfb) && words < WORDS_MAX; i++) {
		cfb_entry(cfb, i, &entry);
		if (entry.type != CFB_STREAM || strcasecmp(entry.name, "WordDocument") ||
		    !read_stream(&word, item, cfb, &entry, item_scratch))
			continue;
		words++;
		const char *name = tables[office_word_table(word.bytes, word.n)];
		const uint32_t parent = entry.parent;
		bool found = false;
		for (size_t k = 0; k < cfb_count(cfb) && !found; k++) {
			cfb_entry(cfb, k, &entry);
			found = entry.type == CFB_STREAM && entry.parent == parent &&
				!strcasecmp(entry.name, name);
		}
		if (!found || !read_stream(&table, item, cfb, &entry, item_scratch)) {
			item_scratch(&table, item);
			table.part = true;
		}
		office_word_say(item, &word, &table);
		item_drop(&table);
		item_drop(&word);
	}
}

// Subject, text and names of a mail: properties of type 001F (two bytes a letter) and 001E; and its
// body as a page or as rich text.
static void say_mail(struct item *item, const struct cfb *cfb)
{
	static const char prefix[] = "__substg1.0_", html[] = "10130102", rich[] = "10090102";
	struct cfb_entry entry;
	struct item part;
	for (size_t i = 0; i < cfb_count(cfb) && !item->look->stopped; i++) {
		cfb_entry(cfb, i, &entry);
		size_t n = strlen(entry.name);
		if (entry.type != CFB_STREAM || n != sizeof(prefix) - 1 + 8 ||
		    strncasecmp(entry.name, prefix, sizeof(prefix) - 1))
			continue;
		const char *type = entry.name + n - 4;
		bool wide = !strcasecmp(type, "001F"), page = !strcasecmp(entry.name + n - 8, html);
		bool packed = !strcasecmp(entry.name + n - 8, rich);
		if ((!wide && !page && !packed && strcasecmp(type, "001E")) ||
		    !read_stream(&part, item, cfb, &entry, item_scratch))
			continue;
		if (wide)
			item_say_wide(item, LOOK_BESIDE, part.bytes, part.n, false);
		else if (packed && part.whole)
			rtf_packed_look(item, part.bytes, part.n);
		else if (!packed)
			look_prose(&part, page, NULL);
		item_said(item, LOOK_BESIDE);
		item_drop(&part);
	}
}

// Streams whose text is read.
static bool has_text(const struct cfb_entry *entry)
{
	static const char *const names[] = { "WordDocument", "Workbook", "Book",
					     "PowerPoint Document", "DocumentText" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (entry->type == CFB_STREAM && !strcasecmp(entry->name, names[i]))
			return true;
	return false;
}

void cfb_look(struct item *item)
{
	struct cfb *cfb = cfb_open(item);
	struct cfb_entry entry;
	bool mail = false, office = true, text = false;
	if (!cfb) {
		item->content |= UNPACK_OFFICE;
		return;
	}
	cfb_entry(cfb, 0, &entry);
	if (is_installer(&entry)) {
		item->content |= UNPACK_EXECUTABLE;
		office = false;
	}
	for (size_t i = 0; i < cfb_count(cfb) && !item->look->stopped; i++) {
		cfb_entry(cfb, i, &entry);
		item->kinds |= mark_of(&entry) | inner_mark_of(cfb, &entry);
		if (entry.type == CFB_STREAM)
			look_stream(item, cfb, &entry);
		text |= has_text(&entry);
		if (!strcasecmp(entry.name, "__properties_version1.0") && entry.parent == 0)
			mail = true;
	}
	if (mail)
		look_mail(item, cfb);
	if (item_reads_text(item) && !(item->kinds & UNPACK_ENCRYPTED))
		say_word(item, cfb);
	if (mail && item_reads_text(item))
		say_mail(item, cfb);
	// Of a program whose documents are not read here.
	if (office && !mail && !text && !item->part && !(item->kinds & UNPACK_ENCRYPTED))
		item_illegible(item);
	item->content |= mail ? UNPACK_MAIL : office ? UNPACK_OFFICE : 0;
	cfb_free(cfb);
}

// A text that ends with NUL.
static bool skip_text(const uint8_t **at, const uint8_t *end, const uint8_t **ret)
{
	const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
	if (!nul)
		return false;
	*ret = *at;
	*at = nul + 1;
	return true;
}

static bool skip_bytes(const uint8_t **at, const uint8_t *end, size_t n)
{
	if ((size_t)(end - *at) < n)
		return false;
	*at += n;
	return true;
}

static uint32_t number(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

// Flags, label, path, more flags, the temporary path, the bytes.
void package_look(struct item *item, const uint8_t *bytes, size_t n)
{
	const uint8_t *at = bytes, *end = bytes + n, *label, *path, *temporary;
	struct item file;
	bool packaged = skip_bytes(&at, end, 2) && skip_text(&at, end, &label) &&
			skip_text(&at, end, &path) && skip_bytes(&at, end, 8) &&
			skip_text(&at, end, &temporary) && skip_bytes(&at, end, 4) &&
			number(at - 4) <= (size_t)(end - at);
	if (!item_begin(&file, item))
		return;
	if (packaged) {
		const char *name = (const char *)(*label ? label : path);
		charset_read((const uint8_t *)name, strlen(name), false, &file.name);
		item_set(&file, at, number(at - 4));
	} else { // another server's
		item_name(&file, "Ole10Native");
		file.part = true;
		item_set(&file, bytes, n);
	}
	item_end(&file);
}
