// The store of incidents: folders that appear whole, a timeline that only grows.
#include "keep/incident.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/fault.h"
#include "base/file.h"
#include "keep/incident_json.h"

static const char about_name[] = "about.json", timeline_name[] = "timeline.jsonl";

enum { NAME_BYTES_MAX = 24 };

static void folder_name(uint64_t number, char out[NAME_BYTES_MAX])
{
	snprintf(out, NAME_BYTES_MAX, "%llu", (unsigned long long)number);
}

// The number of a folder's name; 0: it is something else.
static uint64_t number_of(const char *name)
{
	uint64_t number = 0;
	for (const char *at = name; *at; at++) {
		if (*at < '0' || *at > '9' || (at == name && *at == '0'))
			return 0;
		number = number * 10 + (uint64_t)(*at - '0');
		if (number > INCIDENT_NUMBER_MAX)
			return 0;
	}
	return number;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static int list_numbers(int incidents_fd, uint64_t **ret_numbers, size_t *ret_n)
{
	int fd = openat(incidents_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint64_t *numbers = NULL;
	size_t n = 0, cap = 0;
	int r = 0;
	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	for (const struct dirent *entry; r == 0 && (entry = readdir(dir));) {
		uint64_t number = number_of(entry->d_name);
		if (!number)
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 64;
			uint64_t *more = reallocarray(numbers, cap, sizeof(*numbers));
			if (!more) {
				r = -ENOMEM;
				break;
			}
			numbers = more;
		}
		numbers[n++] = number;
	}
	closedir(dir);
	if (r < 0) {
		free(numbers);
		return r;
	}
	if (n)
		qsort(numbers, n, sizeof(*numbers), compare_numbers);
	*ret_numbers = numbers;
	*ret_n = n;
	return 0;
}

int incident_last(int incidents_fd, uint64_t *ret_number)
{
	uint64_t *numbers;
	size_t n;
	int r = list_numbers(incidents_fd, &numbers, &n);
	if (r < 0)
		return r;
	*ret_number = n ? numbers[n - 1] : 0;
	free(numbers);
	return 0;
}

int incident_each(int incidents_fd, int (*each)(void *arg, uint64_t number), void *arg)
{
	uint64_t *numbers;
	size_t n;
	int r = list_numbers(incidents_fd, &numbers, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = each(arg, numbers[i]);
	free(numbers);
	return r;
}

int incident_open_folder(int incidents_fd, uint64_t number, int *ret_fd)
{
	char name[NAME_BYTES_MAX];
	folder_name(number, name);
	int fd =
		number ? openat(incidents_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
		       : -1;
	if (fd < 0)
		return number ? -errno : -ENOENT;
	*ret_fd = fd;
	return 0;
}

// --- making one

static const char beside_name[] = ".new";

static void remove_beside(int incidents_fd)
{
	int fd = openat(incidents_fd, beside_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	unlinkat(fd, about_name, 0);
	unlinkat(fd, timeline_name, 0);
	close(fd);
	unlinkat(incidents_fd, beside_name, AT_REMOVEDIR);
}

static int store_json(int fd, const char *name, struct json_object *object, int flags)
{
	size_t size = 0;
	const char *text = object ? json_object_to_json_string_length(object, flags, &size) : NULL;
	char *line = text ? malloc(size + 1) : NULL;
	if (!line)
		return -ENOMEM;
	memcpy(line, text, size);
	line[size] = '\n';
	int r = file_store(fd, name, line, size + 1);
	free(line);
	return r;
}

void incident_record_make(uint64_t number, const struct incident_what *what,
			  const struct incident_box *box, struct incident_record *ret)
{
	const struct incident_step opened = {
		.kind = INCIDENT_OPENED,
		.time_usec = what->time_usec,
		.actor = what->actor,
		.uid = what->uid,
		.login_uid = what->login_uid,
		.text = what->reason,
	};
	*ret = (struct incident_record){
		.number = number,
		.about = incident_json_about(number, what, box),
		.opened = incident_json_step(&opened),
	};
}

void incident_record_done(struct incident_record *record)
{
	json_object_put(record->about);
	json_object_put(record->opened);
	*record = (struct incident_record){ 0 };
}

static int fill_folder(int fd, const struct incident_record *record)
{
	int r = store_json(fd, about_name, record->about,
			   JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	fault_point("incident-about");
	if (r == 0)
		r = store_json(fd, timeline_name, record->opened,
			       JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

int incident_store(int incidents_fd, const struct incident_record *record)
{
	char name[NAME_BYTES_MAX];
	folder_name(record->number, name);
	remove_beside(incidents_fd); // of a crash
	int r = fault_error("incident-store");
	if (r == 0 && mkdirat(incidents_fd, beside_name, 0700) < 0)
		r = -errno;
	int fd = r < 0 ? -1 : openat(incidents_fd, beside_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		r = -errno;
	fault_point("incident-made");
	if (r == 0)
		r = fill_folder(fd, record);
	if (fd >= 0)
		close(fd);
	if (r == 0 &&
	    renameat2(incidents_fd, beside_name, incidents_fd, name, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r == 0 && fsync(incidents_fd) < 0)
		r = -errno;
	if (r < 0)
		remove_beside(incidents_fd);
	else
		fault_point("incident-linked");
	return r;
}

// --- adding to the timeline

// A line of a power cut lacks its newline: the next one must not be glued to it.
static int is_torn(int fd, off_t size, bool *ret_torn)
{
	char last = '\n';
	if (size > 0 && pread(fd, &last, 1, size - 1) != 1)
		return -EIO;
	*ret_torn = last != '\n';
	return 0;
}

static int append_line(int fd, const char *line, size_t length)
{
	struct stat st;
	bool torn = false;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	if (st.st_size > INCIDENT_TIMELINE_MAX - (off_t)length)
		return -EFBIG;
	int r = is_torn(fd, st.st_size, &torn);
	if (r == 0 && torn)
		r = file_write_all(fd, "\n", 1);
	if (r == 0)
		r = fault_error("incident-append");
	if (r == 0)
		r = file_write_all(fd, line, length);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	// What is there in part must not look like a step of a later day.
	if (r < 0 && ftruncate(fd, st.st_size) < 0)
		return r;
	return r;
}

int incident_append(int incidents_fd, uint64_t number, const struct incident_step *step)
{
	int folder;
	int r = incident_open_folder(incidents_fd, number, &folder);
	if (r < 0)
		return r;
	int fd = openat(folder, timeline_name,
			O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	r = fd < 0 ? -errno : 0;
	close(folder);
	struct json_object *object = incident_json_step(step);
	size_t size = 0;
	const char *text =
		object ? json_object_to_json_string_length(
				 object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
				 &size)
		       : NULL;
	char *line = text ? malloc(size + 1) : NULL;
	if (r == 0 && !line)
		r = -ENOMEM;
	if (r == 0) {
		memcpy(line, text, size);
		line[size] = '\n';
		r = append_line(fd, line, size + 1);
	}
	if (r == 0)
		fault_point("incident-step");
	free(line);
	json_object_put(object);
	if (fd >= 0)
		close(fd);
	return r;
}

// --- reading

int incident_read(int incidents_fd, uint64_t number, struct incident *ret)
{
	struct incident incident = { .number = number };
	char *bytes = NULL;
	size_t size = 0;
	int folder;
	int r = incident_open_folder(incidents_fd, number, &folder);
	if (r < 0)
		return r;
	r = file_read(folder, about_name, INCIDENT_ABOUT_MAX, &bytes, &size);
	if (r == 0)
		r = incident_parse_about(bytes, size, &incident.about);
	if (r == 0 && incident_number(incident.about, "number") != number)
		r = -EBADMSG;
	free(bytes);
	bytes = NULL;
	// Without a timeline the incident is still what it is about.
	if (r == 0 && file_read(folder, timeline_name, INCIDENT_TIMELINE_MAX, &bytes, &size) == 0)
		r = incident_parse_timeline(bytes, size, &incident.steps, &incident.torn);
	else if (r == 0)
		incident.steps = json_object_new_array();
	free(bytes);
	close(folder);
	if (r < 0) {
		incident_done(&incident);
		return r == -ENOENT || r == -EFBIG || r == -EINVAL || r == -ELOOP ? -EBADMSG : r;
	}
	*ret = incident;
	return 0;
}

void incident_done(struct incident *incident)
{
	json_object_put(incident->about);
	json_object_put(incident->steps);
	*incident = (struct incident){ 0 };
}

bool incident_is_closed(const struct incident *incident)
{
	for (size_t i = 0; i < json_object_array_length(incident->steps); i++)
		if (!strcmp(incident_text(json_object_array_get_idx(incident->steps, i), "step"),
			    incident_step_word(INCIDENT_CLOSED)))
			return true;
	return false;
}
