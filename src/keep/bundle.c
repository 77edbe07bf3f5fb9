// Files in the order of their names: read once for their sums, then once more into the tar, which
// fails when one has changed in between.
#include "keep/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <json-c/json.h>

#include "base/file.h"
#include "keep/bundle_text.h"
#include "keep/incident.h"
#include "keep/mask.h"

enum { FILE_NAME_MAX = 64, PATH_MAX_BYTES = FILE_NAME_MAX + 32, PIECE = 64 * 1024 };

static const char timeline_name[] = "timeline.jsonl";

struct member {
	char name[FILE_NAME_MAX];
	int fd;	     // -1: in memory
	char *bytes; // the bundle's
	uint64_t size;
	time_t modified;
	char sum[SUM_TEXT_MAX];
};

struct bundle {
	int folder_fd, out_fd;
	const struct key *key;
	struct mask *mask; // NULL: as it is
	struct json_object *about, *steps;
	struct member members[BUNDLE_FILES_MAX];
	size_t n;
	struct archive *archive;
	struct bundle_result result;
	char *why;
	size_t why_size;
};

static int fail(struct bundle *bundle, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct bundle *bundle, int error, const char *format, ...)
{
	va_list args;
	if (bundle->why[0]) // the first reason is the cause
		return error;
	va_start(args, format);
	vsnprintf(bundle->why, bundle->why_size, format, args);
	va_end(args);
	return error;
}

// --- the members

static int add_bytes(struct bundle *bundle, const char *name, char *bytes, size_t size)
{
	struct member *member = &bundle->members[bundle->n];
	if (bundle->n == BUNDLE_FILES_MAX) {
		free(bytes);
		return fail(bundle, -E2BIG, "too many files");
	}
	*member = (struct member){ .fd = -1, .bytes = bytes, .size = size, .modified = time(NULL) };
	snprintf(member->name, sizeof(member->name), "%s", name);
	sum_bytes(bytes, size, member->sum);
	bundle->n++;
	return 0;
}

static int add_copy(struct bundle *bundle, const char *name, const void *bytes, size_t size)
{
	char *copy = malloc(size + 1);
	if (!copy)
		return fail(bundle, -ENOMEM, "no memory");
	memcpy(copy, bytes, size);
	return add_bytes(bundle, name, copy, size);
}

// With pseudonyms, from memory.
static int add_masked(struct bundle *bundle, const char *name)
{
	char *bytes, *masked;
	size_t size, masked_size;
	int r = file_read(bundle->folder_fd, name, BUNDLE_FILE_BYTES_MAX, &bytes, &size);
	if (r < 0)
		return fail(bundle, r, "%s: %s", name, strerror(-r));
	r = mask_text(bundle->mask, bytes, size, &masked, &masked_size);
	free(bytes);
	if (r < 0)
		return fail(bundle, r, "no memory");
	return add_bytes(bundle, name, masked, masked_size);
}

static int add_file(struct bundle *bundle, const char *name)
{
	struct member *member = &bundle->members[bundle->n];
	struct stat st;
	int fd = openat(bundle->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return fail(bundle, -errno, "%s: %s", name, strerror(errno));
	if (bundle->n == BUNDLE_FILES_MAX || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > BUNDLE_FILE_BYTES_MAX) {
		close(fd);
		return fail(bundle, -EFBIG, "%s: too large, or no file", name);
	}
	*member = (struct member){ .fd = fd, .modified = st.st_mtime };
	snprintf(member->name, sizeof(member->name), "%s", name);
	bundle->n++;
	int r = sum_file(fd, member->sum, &member->size);
	return r < 0 ? fail(bundle, r, "%s: %s", name, strerror(-r)) : 0;
}

// The timeline may grow while the others are read: one reading of it is the one that counts.
static int add_timeline(struct bundle *bundle)
{
	char *bytes;
	size_t size, torn;
	int r = file_read(bundle->folder_fd, timeline_name, INCIDENT_TIMELINE_MAX, &bytes, &size);
	if (r < 0)
		return fail(bundle, r, "%s: %s", timeline_name, strerror(-r));
	r = incident_parse_timeline(bytes, size, &bundle->steps, &torn);
	if (r == 0 && bundle->mask) {
		char *masked;
		size_t masked_size;
		r = mask_text(bundle->mask, bytes, size, &masked, &masked_size);
		if (r == 0) {
			free(bytes);
			bytes = masked;
			size = masked_size;
		}
	}
	if (r < 0) {
		free(bytes);
		return fail(bundle, r, "%s: %s", timeline_name, strerror(-r));
	}
	return add_bytes(bundle, timeline_name, bytes, size);
}

static bool is_name(const char *name)
{
	size_t length = strlen(name);
	return name[0] != '.' && length < FILE_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

// Packets, and tables of /proc with addresses as plain hexadecimal digits.
static bool is_unmaskable(const char *name)
{
	return !strcmp(name, "capture.pcapng") || !strcmp(name, "links.txt");
}

static int only_names(const struct dirent *entry)
{
	return is_name(entry->d_name);
}

static int add_folder(struct bundle *bundle)
{
	struct dirent **entries;
	int n = scandirat(bundle->folder_fd, ".", &entries, only_names, alphasort);
	int r = n < 0 ? fail(bundle, -errno, "the incident's folder: %s", strerror(errno)) : 0;
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		if (r == 0 && strcmp(name, timeline_name) == 0)
			r = add_timeline(bundle);
		else if (r == 0 && !bundle->mask)
			r = add_file(bundle, name);
		else if (r == 0 && !is_unmaskable(name))
			r = add_masked(bundle, name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return r;
}

// --- is the evidence what was gathered?

static const char *gathered_sum(const struct bundle *bundle, const char *name)
{
	size_t n = bundle->steps ? json_object_array_length(bundle->steps) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *parts = NULL;
		json_object_object_get_ex(json_object_array_get_idx(bundle->steps, i), "parts",
					  &parts);
		if (!json_object_is_type(parts, json_type_array))
			continue;
		for (size_t k = 0; k < json_object_array_length(parts); k++) {
			struct json_object *part = json_object_array_get_idx(parts, k);
			if (strcmp(incident_text(part, "file"), name) == 0)
				return incident_text(part, "blake2b");
		}
	}
	return NULL;
}

static int compare_with_gathered(struct bundle *bundle)
{
	char *altered = bundle->result.altered;
	for (size_t i = 0; i < bundle->n; i++) {
		const struct member *member = &bundle->members[i];
		const char *expected = gathered_sum(bundle, member->name);
		char sum[SUM_TEXT_MAX];
		uint64_t size;
		if (!expected)
			continue;
		int fd = openat(bundle->folder_fd, member->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		int r = fd < 0 ? -errno : sum_file(fd, sum, &size);
		if (fd >= 0)
			close(fd);
		if (r < 0)
			return fail(bundle, r, "%s: %s", member->name, strerror(-r));
		size_t used = strlen(altered);
		if (strcmp(sum, expected) != 0)
			snprintf(altered + used, BUNDLE_NAMES_MAX - used, "%s%s", used ? ", " : "",
				 member->name);
	}
	return 0;
}

// --- README, key, MANIFEST and its signature

static int add_readme(struct bundle *bundle)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&bytes, &size);
	if (!out)
		return fail(bundle, -ENOMEM, "no memory");
	fputs(bundle_readme, out);
	if (bundle->mask)
		fputs(bundle_readme_masked, out);
	if (bundle->result.altered[0])
		fprintf(out, "%s%s\n", bundle_readme_altered, bundle->result.altered);
	if (fclose(out) != 0) {
		free(bytes);
		return fail(bundle, -ENOMEM, "no memory");
	}
	return add_bytes(bundle, "README.txt", bytes, size);
}

static int add_manifest(struct bundle *bundle)
{
	uint8_t signature[KEY_SIGNATURE_BYTES];
	char *bytes = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&bytes, &size);
	if (!out)
		return fail(bundle, -ENOMEM, "no memory");
	for (size_t i = 0; i < bundle->n; i++)
		fprintf(out, "%s  %s\n", bundle->members[i].sum, bundle->members[i].name);
	if (fclose(out) != 0) {
		free(bytes);
		return fail(bundle, -ENOMEM, "no memory");
	}
	int r = key_sign(bundle->key, bytes, size, signature);
	sum_bytes(bytes, size, bundle->result.manifest);
	if (r < 0) {
		free(bytes);
		return fail(bundle, r, "signing: %s", strerror(-r));
	}
	r = add_bytes(bundle, "MANIFEST", bytes, size);
	return r < 0 ? r : add_copy(bundle, "MANIFEST.sig", signature, sizeof(signature));
}

static int add_key(struct bundle *bundle)
{
	char pem[KEY_PEM_MAX];
	key_public_pem(key_public(bundle->key), pem);
	key_public_id(key_public(bundle->key), bundle->result.key_id);
	return add_copy(bundle, "audit.pub", pem, strlen(pem));
}

// Inner are the zones that are neither somebody else's nor the Internet.
static void add_zones(struct bundle *bundle)
{
	struct json_object *box = NULL, *zones = NULL, *networks = NULL;
	json_object_object_get_ex(bundle->about, "box", &box);
	json_object_object_get_ex(box, "zones", &zones);
	size_t n =
		json_object_is_type(zones, json_type_array) ? json_object_array_length(zones) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *zone = json_object_array_get_idx(zones, i);
		const char *role = incident_text(zone, "role");
		struct addr_range range;
		if (!strcmp(role, "external") || !strcmp(role, "uplink") ||
		    !json_object_object_get_ex(zone, "networks", &networks) ||
		    !json_object_is_type(networks, json_type_array))
			continue;
		for (size_t k = 0; k < json_object_array_length(networks); k++)
			if (addr_range_parse(
				    json_object_get_string(json_object_array_get_idx(networks, k)),
				    &range) == 0)
				mask_add(bundle->mask, &range);
	}
}

static int read_about(struct bundle *bundle)
{
	char *bytes;
	size_t size;
	int r = file_read(bundle->folder_fd, "about.json", INCIDENT_ABOUT_MAX, &bytes, &size);
	if (r < 0)
		return fail(bundle, r, "about.json: %s", strerror(-r));
	r = incident_parse_about(bytes, size, &bundle->about);
	free(bytes);
	return r < 0 ? fail(bundle, r, "about.json is damaged") : 0;
}

// --- the tar

static int archive_failed(struct bundle *bundle)
{
	int error = archive_errno(bundle->archive);
	return fail(bundle, error > 0 ? -error : -EIO, "writing: %s",
		    error > 0 ? strerror(error) : archive_error_string(bundle->archive));
}

static int write_head(struct bundle *bundle, const struct member *member)
{
	char path[PATH_MAX_BYTES];
	struct archive_entry *entry = archive_entry_new();
	if (!entry)
		return fail(bundle, -ENOMEM, "no memory");
	snprintf(path, sizeof(path), "incident-%llu/%s",
		 (unsigned long long)incident_number(bundle->about, "number"), member->name);
	archive_entry_set_pathname(entry, path);
	archive_entry_set_size(entry, (la_int64_t)member->size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0444);
	archive_entry_set_mtime(entry, member->modified, 0);
	int r = archive_write_header(bundle->archive, entry);
	archive_entry_free(entry);
	return r < ARCHIVE_WARN ? archive_failed(bundle) : 0;
}

static int write_bytes(struct bundle *bundle, const void *bytes, size_t size)
{
	la_ssize_t n = archive_write_data(bundle->archive, bytes, size);
	return n < 0 || (size_t)n != size ? archive_failed(bundle) : 0;
}

static int write_file(struct bundle *bundle, const struct member *member)
{
	char piece[PIECE], sum[SUM_TEXT_MAX];
	uint64_t left = member->size, size;
	int r = lseek(member->fd, 0, SEEK_SET) < 0 ? -errno : 0;
	while (r == 0 && left) {
		ssize_t n = read(member->fd, piece, left < PIECE ? left : PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(bundle, -ESTALE, "%s changed while it was read", member->name);
		r = write_bytes(bundle, piece, (size_t)n);
		left -= (uint64_t)n;
	}
	if (r == 0)
		r = sum_file(member->fd, sum, &size);
	if (r == 0 && (size != member->size || strcmp(sum, member->sum) != 0))
		return fail(bundle, -ESTALE, "%s changed while it was read", member->name);
	return r < 0 ? fail(bundle, r, "%s: %s", member->name, strerror(-r)) : 0;
}

static int write_members(struct bundle *bundle)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < bundle->n; i++) {
		const struct member *member = &bundle->members[i];
		r = write_head(bundle, member);
		if (r == 0 && member->fd < 0)
			r = write_bytes(bundle, member->bytes, member->size);
		else if (r == 0)
			r = write_file(bundle, member);
	}
	return r;
}

// A full disk often shows only when the last of it is flushed.
static int write_tar(struct bundle *bundle)
{
	struct stat st;
	bundle->archive = archive_write_new();
	if (!bundle->archive)
		return fail(bundle, -ENOMEM, "no memory");
	int r = 0;
	if (archive_write_set_format_pax_restricted(bundle->archive) != ARCHIVE_OK ||
	    archive_write_open_fd(bundle->archive, bundle->out_fd) != ARCHIVE_OK)
		r = archive_failed(bundle);
	if (r == 0)
		r = write_members(bundle);
	if (r == 0 && archive_write_close(bundle->archive) != ARCHIVE_OK)
		r = archive_failed(bundle);
	archive_write_free(bundle->archive);
	if (r == 0 && (fsync(bundle->out_fd) < 0 || fstat(bundle->out_fd, &st) < 0))
		r = fail(bundle, -errno, "writing: %s", strerror(errno));
	if (r == 0)
		bundle->result.bytes = (uint64_t)st.st_size;
	return r;
}

static void done(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->n; i++) {
		if (bundle->members[i].fd >= 0)
			close(bundle->members[i].fd);
		free(bundle->members[i].bytes);
	}
	json_object_put(bundle->about);
	json_object_put(bundle->steps);
	mask_free(bundle->mask);
	free(bundle);
}

int bundle_write(int folder_fd, int out_fd, const struct key *key, bool masked,
		 struct bundle_result *ret, char *why, size_t why_size)
{
	struct bundle *bundle = calloc(1, sizeof(*bundle));
	why[0] = '\0';
	if (!bundle)
		return -ENOMEM;
	bundle->folder_fd = folder_fd;
	bundle->out_fd = out_fd;
	bundle->key = key;
	bundle->why = why;
	bundle->why_size = why_size;
	bundle->mask = masked ? mask_new() : NULL;
	int r = masked && !bundle->mask ? fail(bundle, -ENOMEM, "no memory") : read_about(bundle);
	if (r == 0 && masked)
		add_zones(bundle);
	if (r == 0)
		r = add_folder(bundle);
	if (r == 0)
		r = compare_with_gathered(bundle);
	if (r == 0)
		r = add_readme(bundle);
	if (r == 0)
		r = add_key(bundle);
	if (r == 0)
		r = add_manifest(bundle);
	bundle->result.files = bundle->n;
	if (r == 0)
		r = write_tar(bundle);
	if (r == 0)
		*ret = bundle->result;
	else if (ftruncate(out_fd, 0) < 0)
		r = r < 0 ? r : -errno;
	done(bundle);
	return r;
}
