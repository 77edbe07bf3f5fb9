// Looks into files by the real extractor, or in this process: lab-extract SEKISHOD|- FILE ...
// Prints what is told of each, and for the first extractor of all whom it has become:
//
//	## a.zip
//	1<0 memo.txt 34 text
//	= archive
//	## rights: uid 65534 caps 0 seccomp 2 no-new-privileges 1 files 6
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/extract.h"
#include "unit/unpack_print.h"

enum { NOBODY = 65534, LOOKS = 2000, EVERY_US = 1000 };

static const struct unpack_bounds bounds = {
	.depth = 8,
	.entries = 2000,
	.output = 256 << 20,
	.each = 64 << 20,
	.memory = 128 << 20,
};

static uint8_t *read_path(const char *path, size_t *ret_n)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(path);
		exit(1);
	}
	uint8_t *bytes = malloc((size_t)st.st_size + 1);
	*ret_n = (size_t)read(fd, bytes, (size_t)st.st_size);
	close(fd);
	return bytes;
}

static void hear(void *arg, const struct extract_result *result)
{
	struct printed printed = { .out = stdout };
	for (size_t i = 0; i < result->n_entries; i++)
		print_entry(&printed, &result->entries[i]);
	putchar('=');
	print_kinds(stdout, result->kinds, result->limit);
	if (result->trouble)
		printf("trouble: %s\n", result->trouble);
	sd_event_exit(arg, 0);
}

static unsigned count_files(long pid)
{
	char path[64];
	unsigned n = 0;
	snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
	DIR *dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n > 2 ? n - 2 : 0;
}

// false: it has none of them given up yet.
static bool print_rights(long pid)
{
	char path[64], line[256];
	unsigned uid = 0, seccomp = 0, privileges = 0;
	unsigned long long caps = 1;
	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "Uid: %*u %u", &uid);
		sscanf(line, "CapEff: %llx", &caps);
		sscanf(line, "Seccomp: %u", &seccomp);
		sscanf(line, "NoNewPrivs: %u", &privileges);
	}
	if (file)
		fclose(file);
	if (seccomp != 2)
		return false;
	printf("## rights: uid %u caps %llx seccomp %u no-new-privileges %u files %u\n", uid, caps,
	       seccomp, privileges, count_files(pid));
	return true;
}

static void look_at_child(void)
{
	char path[64];
	long pid = 0;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	for (int i = 0; i < LOOKS; i++) {
		FILE *file = fopen(path, "r");
		bool found = file && fscanf(file, "%ld", &pid) == 1;
		if (file)
			fclose(file);
		if (found && print_rights(pid))
			return;
		usleep(EVERY_US);
	}
}

static void look_by_extractor(char *program, const char *name, const uint8_t *bytes, size_t n,
			      bool rights)
{
	char argument[] = EXTRACT_ARGUMENT;
	char *const argv[] = { program, argument, NULL };
	const struct extract_options options = {
		.bounds = bounds,
		.uid = NOBODY,
		.gid = NOBODY,
		.path = program,
		.argv = argv,
	};
	struct extract *extract;
	sd_event *event = NULL;
	int fd = memfd_create("lab-extract", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || file_write_all(fd, bytes, n) < 0 || file_seal(fd) < 0 ||
	    sd_event_new(&event) < 0 ||
	    extract_start(event, &options, fd, name, hear, event, &extract) < 0) {
		puts("cannot start");
		exit(1);
	}
	close(fd);
	if (rights)
		look_at_child();
	sd_event_loop(event);
	sd_event_unref(event);
}

int main(int argc, char **argv)
{
	bool here = argc > 1 && !strcmp(argv[1], "-");
	if (here)
		unpack_load();
	for (int i = 2; i < argc; i++) {
		size_t n;
		uint8_t *bytes = read_path(argv[i], &n);
		const char *slash = strrchr(argv[i], '/'), *name = slash ? slash + 1 : argv[i];
		printf("## %s\n", name);
		if (here) {
			char *text = print_look(name, bytes, n, &bounds);
			fputs(text, stdout);
			free(text);
		} else {
			look_by_extractor(argv[1], name, bytes, n, i == 2);
		}
		free(bytes);
	}
	return 0;
}
