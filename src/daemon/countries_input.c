// A head and a table in a sealed memory file.
#include "daemon/countries_input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

struct input_head {
	uint64_t magic;
	uint64_t table_size; // 0: none
	uint64_t fault;
	char why[GEO_WHY_MAX];
};
enum { INPUT_MAGIC = 0x434f494e };

static int write_all(int fd, const struct geo_known *known, const void *bytes, size_t size)
{
	struct input_head head = { .magic = INPUT_MAGIC, .table_size = bytes ? size : 0 };
	if (!known) // an empty file
		return 0;
	head.fault = (uint64_t)known->fault;
	memcpy(head.why, known->why, sizeof(head.why));
	int r = file_write_all(fd, &head, sizeof(head));
	return r == 0 && bytes ? file_write_all(fd, bytes, size) : r;
}

int countries_input_write(const struct geo_known *known, const void *bytes, size_t size,
			  int *ret_fd)
{
	int fd = memfd_create("sekisho-countries", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	int r = write_all(fd, known, bytes, size);
	if (r == 0)
		r = file_seal(fd);
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

int countries_input_map(int fd, struct countries_input *ret)
{
	struct stat st;
	*ret = (struct countries_input){ 0 };
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return 0;
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	ret->map = map;
	ret->size = (size_t)st.st_size;
	return 0;
}

const struct geo_known *countries_input_known(struct countries_input *input)
{
	const struct input_head *head = input->map;
	if (!head)
		return NULL;
	if (input->size < sizeof(*head) || head->magic != INPUT_MAGIC ||
	    head->table_size != input->size - sizeof(*head) ||
	    !memchr(head->why, '\0', sizeof(head->why)))
		return NULL;
	input->known.fault = (enum diag_code)head->fault;
	memcpy(input->known.why, head->why, sizeof(head->why));
	if (!head->fault && geo_table_open(head + 1, head->table_size, &input->known.table) < 0)
		geo_known_none(&input->known, "the table of countries", "it makes no sense");
	return &input->known;
}
