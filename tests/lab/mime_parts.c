// What is in messages: mime_parts FILE...  A message for each file, its line ends made CRLF.
#include "unit/mime_bed.h"

static void read_file(const char *path, struct mime_bed_text *ret)
{
	FILE *file = fopen(path, "rb");
	int c, last = 0;
	if (!file) {
		fprintf(stderr, "%s: cannot be opened\n", path);
		exit(1);
	}
	while ((c = getc(file)) != EOF) {
		if (c == '\n' && last != '\r')
			mime_bed_add(ret, "\r", 1);
		mime_bed_add(ret, &(char){ (char)c }, 1);
		last = c;
	}
	fclose(file);
}

int main(int argc, char **argv)
{
	bool all = argc > 1 && strcmp(argv[1], "-a") == 0;
	if (mime_load_charsets() < 0) {
		fprintf(stderr, "no converters of character sets\n");
		return 1;
	}
	for (int i = 1 + all; i < argc; i++) {
		struct mime_bed bed = { 0 };
		struct mime_bed_text message = { 0 };
		read_file(argv[i], &message);
		mime_bed_run(&bed, message.v, message.n, 0, 0);
		printf("# %s\n%s", argv[i], mime_bed_text(all ? &bed.all : &bed.brief));
		mime_bed_done(&bed);
		free(message.v);
	}
	return 0;
}
