// Gives every file of the folders named on the command line to a fuzz target, once.  Stands in for
// libFuzzer's main where only known inputs are replayed, so that no other compiler is needed.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat status;
	uint8_t *bytes;
	size_t size;

	if (!file || fstat(fileno(file), &status) < 0 || !S_ISREG(status.st_mode)) {
		if (file)
			fclose(file);
		return file ? 0 : -1;
	}
	bytes = malloc((size_t)status.st_size + 1);
	size = bytes ? fread(bytes, 1, (size_t)status.st_size, file) : 0;
	fclose(file);
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	return 1;
}

static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	int replayed = 0;

	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		char path[4096];
		int r;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		r = replay_file(path);
		if (r < 0)
			return -1;
		replayed += r;
	}
	if (dir)
		closedir(dir);
	return replayed;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int replayed = replay_folder(argv[i]);

		if (replayed <= 0) {
			fprintf(stderr, "%s: no inputs\n", argv[i]);
			return 1;
		}
		total += replayed;
	}
	printf("%d inputs\n", total);
	return 0;
}
