// The gate's side: the job into a memory file, the child, its report.
#include "daemon/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/child.h"
#include "daemon/extract_wire.h"

struct extract {
	struct child *child;
	struct unpack_bounds bounds;
	uint32_t kinds; // by the name
	extract_done *done;
	void *arg;
};

static int check_file(int memfd, uint64_t *ret_size)
{
	const int needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat st;
	int seals = fcntl(memfd, F_GET_SEALS);
	if (seals < 0 || (seals & needed) != needed)
		return -EINVAL;
	if (fstat(memfd, &st) < 0)
		return -errno;
	*ret_size = (uint64_t)st.st_size;
	return st.st_size > EXTRACT_FILE_MAX ? -EFBIG : 0;
}

static int write_job(const struct extract_options *options, uint64_t size, const char *name,
		     int *ret_fd)
{
	struct extract_job job = {
		.magic = EXTRACT_JOB_MAGIC,
		.uid = options->uid,
		.gid = options->gid,
		.cpu_seconds = options->cpu_seconds ? options->cpu_seconds : EXTRACT_CPU_SECONDS,
		.size = size,
		.bounds = options->bounds,
		.looks = options->looks,
		.n_words = (uint32_t)options->n_words,
	};
	size_t n = strlen(name); // of a longer one, the end says what it is
	strcpy(job.name, n > EXTRACT_NAME_MAX ? name + n - EXTRACT_NAME_MAX : name);
	int fd = memfd_create("sekisho-extract", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = file_write_all(fd, &job, sizeof(job));
	if (r == 0 && options->n_words)
		r = file_write_all(fd, options->words, options->n_words);
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

static void answer(struct extract *extract, const struct extract_report *report,
		   const uint8_t *bytes, size_t size, const char *trouble)
{
	const struct extract_result result = {
		.kinds = report ? report->kinds : extract->kinds,
		.limit = report ? report->limit : UNPACK_TIME,
		.found = report ? report->found : (struct unpack_terms){ 0 },
		.report = report ? bytes : NULL,
		.n_report = report ? size : 0,
		.entries = report ? report->entries : NULL,
		.n_entries = report ? report->n_entries : 0,
		.trouble = trouble,
	};
	extract->done(extract->arg, &result);
}

static void on_done(void *arg, uint8_t *bytes, size_t size, const struct failure *failure)
{
	struct extract *extract = arg;
	struct extract_report report;
	int r = failure ? 0 : extract_report_read(bytes, size, &extract->bounds, &report);
	if (failure) {
		answer(extract, NULL, NULL, 0, failure->text);
	} else if (r < 0) {
		answer(extract, NULL, NULL, 0,
		       r == -ENOMEM ? "no memory for the extractor's report"
				    : "the extractor made a report that is none");
	} else {
		answer(extract, &report, bytes, size, NULL);
		extract_report_done(&report);
	}
	free(bytes);
	free(extract);
}

static int start_child(sd_event *event, const struct extract_options *options, int memfd,
		       int job_fd, struct extract *extract)
{
	const struct child_command command = {
		.name = "the extractor",
		.argument = EXTRACT_ARGUMENT,
		.path = options->path,
		.argv = options->argv,
		.timeout_ms = options->timeout_ms ? options->timeout_ms : EXTRACT_TIMEOUT_MS,
		.bytes_max = EXTRACT_REPORT_MAX,
		.fds = { memfd, job_fd },
		.n_fds = 2,
	};
	return child_start(event, &command, on_done, extract, &extract->child);
}

int extract_start(sd_event *event, const struct extract_options *options, int memfd,
		  const char *name, extract_done *done, void *arg, struct extract **ret_extract)
{
	uint64_t size = 0;
	int job_fd = -1;
	int r = check_file(memfd, &size);
	if (r == 0 &&
	    (options->bounds.entries > EXTRACT_ENTRIES_MAX || options->n_words > EXTRACT_WORDS_MAX))
		r = -EINVAL;
	if (r < 0)
		return r;
	struct extract *extract = calloc(1, sizeof(*extract));
	if (!extract)
		return -ENOMEM;
	*extract = (struct extract){
		.bounds = options->bounds,
		.kinds = unpack_kinds(name, NULL, 0),
		.done = done,
		.arg = arg,
	};
	r = write_job(options, size, name, &job_fd);
	if (r == 0) {
		r = start_child(event, options, memfd, job_fd, extract);
		close(job_fd);
	}
	if (r < 0)
		free(extract);
	else
		*ret_extract = extract;
	return r;
}

void extract_cancel(struct extract *extract)
{
	if (!extract)
		return;
	child_cancel(extract->child);
	free(extract);
}
