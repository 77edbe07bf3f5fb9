// Files and messages for tests of what is inside of mail: small ones that are what they say.
#ifndef SEKISHO_TESTS_CONTENT_FILES_H
#define SEKISHO_TESTS_CONTENT_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct blob {
	uint8_t *v;
	size_t n;
};

static inline void blob_add(struct blob *blob, const void *bytes, size_t n)
{
	blob->v = realloc(blob->v, blob->n + n + 1);
	if (!blob->v)
		abort();
	if (n)
		memcpy(blob->v + blob->n, bytes, n);
	blob->n += n;
	blob->v[blob->n] = '\0';
}

static inline void blob_text(struct blob *blob, const char *text)
{
	blob_add(blob, text, strlen(text));
}

static inline void blob_done(struct blob *blob)
{
	free(blob->v);
	*blob = (struct blob){ 0 };
}

static inline void blob_le(struct blob *blob, uint32_t value, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * i));
		blob_add(blob, &byte, 1);
	}
}

static inline uint32_t blob_crc(const struct blob *blob)
{
	uint32_t crc = ~UINT32_C(0);
	for (size_t i = 0; i < blob->n; i++) {
		crc ^= blob->v[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

// A ZIP being written: entries stored, their directory apart.
struct zip_file {
	struct blob bytes, directory;
	unsigned n;
};

static inline void zip_head(struct blob *out, const struct blob *entry, const char *name,
			    unsigned flags)
{
	blob_le(out, flags, 2);
	blob_le(out, 0, 2); // stored
	blob_le(out, 0x5a8e4000, 4);
	blob_le(out, blob_crc(entry), 4);
	blob_le(out, (uint32_t)entry->n, 4);
	blob_le(out, (uint32_t)entry->n, 4);
	blob_le(out, (uint32_t)strlen(name), 2);
	blob_le(out, 0, 2);
}

static inline void zip_add(struct zip_file *zip, const char *name, struct blob entry,
			   bool encrypted)
{
	uint32_t at = (uint32_t)zip->bytes.n;
	unsigned flags = encrypted ? 1 : 0;
	blob_text(&zip->bytes, "PK\3\4");
	blob_le(&zip->bytes, 20, 2);
	zip_head(&zip->bytes, &entry, name, flags);
	blob_text(&zip->bytes, name);
	blob_add(&zip->bytes, entry.v, entry.n);
	blob_text(&zip->directory, "PK\1\2");
	blob_le(&zip->directory, 20, 2);
	blob_le(&zip->directory, 20, 2);
	zip_head(&zip->directory, &entry, name, flags);
	blob_le(&zip->directory, 0, 2);
	blob_le(&zip->directory, 0, 4);
	blob_le(&zip->directory, 0, 4);
	blob_le(&zip->directory, at, 4);
	blob_text(&zip->directory, name);
	zip->n++;
	blob_done(&entry);
}

static inline struct blob zip_end(struct zip_file *zip)
{
	uint32_t at = (uint32_t)zip->bytes.n, n = (uint32_t)zip->directory.n;
	blob_add(&zip->bytes, zip->directory.v, zip->directory.n);
	blob_text(&zip->bytes, "PK\5\6");
	blob_le(&zip->bytes, 0, 4);
	blob_le(&zip->bytes, zip->n, 2);
	blob_le(&zip->bytes, zip->n, 2);
	blob_le(&zip->bytes, n, 4);
	blob_le(&zip->bytes, at, 4);
	blob_le(&zip->bytes, 0, 2);
	blob_done(&zip->directory);
	return zip->bytes;
}

enum sample {
	SAMPLE_NOTE,	// text of 300 bytes
	SAMPLE_PROGRAM, // ELF of 9,000 bytes
	SAMPLE_PDF,
	SAMPLE_ZIP,	    // note.txt
	SAMPLE_ZIP_PROGRAM, // run.bin, a program
	SAMPLE_ZIP_3,	    // the one above in b.zip in c.zip
	SAMPLE_ZIP_LOCKED,
	SAMPLE_ZIP_BROKEN, // cut in the middle
	SAMPLE_DOCM,
	SAMPLE_SVG, // a page, behind a comment of 5,000 bytes
	SAMPLE_PNG,
	SAMPLE_EMPTY,
};

static inline struct blob zip_of(const char *name, struct blob entry, bool encrypted)
{
	struct zip_file zip = { 0 };
	zip_add(&zip, name, entry, encrypted);
	return zip_end(&zip);
}

static inline struct blob sample_docm(void)
{
	static const char ole[] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
	struct zip_file zip = { 0 };
	struct blob types = { 0 }, document = { 0 }, macros = { 0 };
	blob_text(&types, "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/"
			  "package/2006/content-types\"><Default Extension=\"xml\" ContentType="
			  "\"application/xml\"/><Override PartName=\"/word/document.xml\" "
			  "ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/>"
			  "</Types>");
	blob_text(&document, "<?xml version=\"1.0\"?><w:document/>");
	blob_add(&macros, ole, sizeof(ole) - 1);
	for (int i = 0; i < 100; i++)
		blob_le(&macros, 0, 4);
	zip_add(&zip, "[Content_Types].xml", types, false);
	zip_add(&zip, "word/document.xml", document, false);
	zip_add(&zip, "word/vbaProject.bin", macros, false);
	return zip_end(&zip);
}

static inline struct blob sample_make(enum sample which)
{
	static const char elf[] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0\1\0\0";
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\2\0\0\0";
	struct blob blob = { 0 };
	switch (which) {
	case SAMPLE_NOTE:
		for (int i = 0; i < 10; i++)
			blob_text(&blob, "thirty bytes of a plain line.\n");
		break;
	case SAMPLE_PROGRAM:
		blob_add(&blob, elf, sizeof(elf) - 1);
		while (blob.n < 9000)
			blob_le(&blob, (uint32_t)blob.n * 2654435761u, 4);
		blob.n = 9000;
		break;
	case SAMPLE_PDF:
		blob_text(&blob, "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
				 "2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
				 "trailer\n<< /Root 1 0 R >>\n%%EOF\n");
		break;
	case SAMPLE_ZIP:
		return zip_of("note.txt", sample_make(SAMPLE_NOTE), false);
	case SAMPLE_ZIP_PROGRAM:
		return zip_of("in/run.bin", sample_make(SAMPLE_PROGRAM), false);
	case SAMPLE_ZIP_3:
		return zip_of("c.zip", zip_of("b.zip", sample_make(SAMPLE_ZIP_PROGRAM), false),
			      false);
	case SAMPLE_ZIP_LOCKED:
		return zip_of("secret.txt", sample_make(SAMPLE_NOTE), true);
	case SAMPLE_ZIP_BROKEN:
		blob = sample_make(SAMPLE_ZIP_PROGRAM);
		blob.n = 5000;
		break;
	case SAMPLE_SVG:
		blob_text(&blob, "<svg xmlns=\"http://www.w3.org/2000/svg\"><!--");
		for (int i = 0; i < 500; i++)
			blob_text(&blob, "ten bytes.");
		blob_text(&blob, "--><g onload=\"x()\"/></svg>");
		break;
	case SAMPLE_DOCM:
		return sample_docm();
	case SAMPLE_PNG:
		blob_add(&blob, png, sizeof(png) - 1);
		blob_le(&blob, 0x90775344, 4);
		break;
	case SAMPLE_EMPTY:
		blob_add(&blob, "", 0);
		break;
	}
	return blob;
}

static inline void blob_base64(struct blob *out, const struct blob *in)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < in->n; i += 3) {
		uint32_t three = (uint32_t)in->v[i] << 16;
		char four[4];
		three |= i + 1 < in->n ? (uint32_t)in->v[i + 1] << 8 : 0;
		three |= i + 2 < in->n ? in->v[i + 2] : 0;
		for (int k = 0; k < 4; k++)
			four[k] = letters[three >> (18 - 6 * k) & 63];
		if (i + 1 >= in->n)
			four[2] = '=';
		if (i + 2 >= in->n)
			four[3] = '=';
		blob_add(out, four, 4);
		if (i % 57 == 54 || i + 3 >= in->n)
			blob_text(out, "\r\n");
	}
}

struct attached {
	const char *type, *name; // name: a whole parameter, as "filename=x.pdf"; NULL: none
	enum sample sample;
};

// A multipart/mixed with a text and these; or, if there is one of no type, the text alone.
static inline struct blob message_make(const struct attached *files, size_t n)
{
	struct blob message = { 0 };
	blob_text(&message, "From: a@b.example\r\nSubject: test\r\nMIME-Version: 1.0\r\n"
			    "Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n"
			    "--=_b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n..two dots\r\n");
	for (size_t i = 0; i < n && files[i].type; i++) {
		struct blob file = sample_make(files[i].sample);
		blob_text(&message, "--=_b\r\nContent-Type: ");
		blob_text(&message, files[i].type);
		blob_text(&message, "\r\nContent-Transfer-Encoding: base64\r\n");
		if (files[i].name) {
			blob_text(&message, "Content-Disposition: attachment; ");
			blob_text(&message, files[i].name);
			blob_text(&message, "\r\n");
		}
		blob_text(&message, "\r\n");
		blob_base64(&message, &file);
		blob_done(&file);
	}
	blob_text(&message, "--=_b--\r\n");
	return message;
}

#endif
