// Folders: which files count, and what is refused without being read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/policy.h"

#define ZONE "zones: { office: { interfaces: [lan0] } }\n"

static char base[64];	// of this test
static char folder[96]; // within base

static int set_up(void **state)
{
	(void)state;
	strcpy(base, "/tmp/sekisho-policy-folder-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	snprintf(folder, sizeof(folder), "%s/rules", base);
	return mkdir(folder, 0755);
}

static int empty_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	if (dir)
		closedir(dir);
	return rmdir(path);
}

static int tear_down(void **state)
{
	(void)state;
	empty_folder(folder);
	return empty_folder(base);
}

static const char *in_folder(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static struct pol_policy *read_good(void)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	if (policy_read_path(folder, diag, &policy, NULL) < 0)
		diag_print(diag, stderr);
	diag_free(diag);
	assert_non_null(policy);
	return policy;
}

// Exactly one fault, of this file.
static void assert_refused(enum diag_code code, const char *name)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	assert_true(policy_read_path(folder, diag, &policy, NULL) < 0);
	assert_null(policy);
	if (diag_count(diag) != 1)
		diag_print(diag, stderr);
	assert_int_equal(diag_count(diag), 1);
	assert_int_equal(diag_at(diag, 0)->code, code);
	assert_string_equal(diag_at(diag, 0)->at.file, *name ? in_folder(name) : folder);
	assert_int_equal(diag_at(diag, 0)->at.line, 0);
	diag_free(diag);
}

// What looks like policy and is not read is told of; the rest of a folder is nobody's business.
static void warns_of_ignored(void **state)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	static const char *const names[] = { "b.YAML", "c.yml.bak", "d.yaml~" };

	(void)state;
	write_file(in_folder("a.yaml"), ZONE);
	write_file(in_folder("README.md"), "nonsense\n");
	write_file(in_folder(".c.yaml.swp"), "nonsense\n");
	for (size_t i = 0; i < 3; i++)
		write_file(in_folder(names[i]), "nonsense\n");
	assert_int_equal(mkdir(in_folder("empty"), 0755), 0);
	assert_int_equal(mkdir(in_folder("old"), 0755), 0);
	write_file(in_folder("old/x.yaml"), "nonsense\n");
	assert_int_equal(policy_read_path(folder, diag, &policy, NULL), 0);
	assert_int_equal(diag_count(diag), 4);
	diag_sort(diag);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(diag_at(diag, i)->code, SK_FILE_IGNORED);
		assert_string_equal(diag_at(diag, i)->at.file, in_folder(i < 3 ? names[i] : "old"));
	}
	assert_int_equal(unlink(in_folder("old/x.yaml")), 0);
	policy_free(policy);
	diag_free(diag);
}

static void reads_in_name_order(void **state)
{
	struct pol_policy *policy;

	(void)state;
	write_file(in_folder("b.yml"), "owners: { b: }\n");
	write_file(in_folder("a.yaml"), "owners: { a: }\n");
	write_file(in_folder(".hidden.yaml"), "nonsense\n");
	write_file(in_folder("README"), "nonsense\n");
	write_file(in_folder("c.yaml~"), "nonsense\n");
	write_file(in_folder("yaml"), "nonsense\n");
	assert_int_equal(mkdir(in_folder("old"), 0755), 0);
	write_file(in_folder("総務.yaml"), "owners: { c: }\n");
	policy = read_good();
	assert_int_equal(policy_tree(policy)->n_files, 3);
	assert_string_equal(policy_tree(policy)->owners[0].id.s, "a");
	assert_string_equal(policy_tree(policy)->owners[2].id.s, "c");
	assert_int_equal(policy_tree(policy)->files[0].size_bytes, 15);
	policy_free(policy);
}

static void reads_by_descriptor(void **state)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	write_file(in_folder("a.yaml"), ZONE);
	assert_int_equal(policy_read(fd, "", diag, &policy, NULL), 0);
	assert_string_equal(policy_tree(policy)->files[0].name, "a.yaml");
	policy_free(policy);
	assert_int_equal(policy_read(fd, "x", diag, &policy, NULL),
			 0); // the descriptor is as it was
	assert_string_equal(policy_tree(policy)->zones[0].id.at.file, "x/a.yaml");
	policy_free(policy);
	diag_free(diag);
	close(fd);
}

static void refuses_no_folder(void **state)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	(void)state;
	assert_int_equal(policy_read_path(in_folder("none"), diag, &policy, NULL), -ENOENT);
	assert_int_equal(diag_at(diag, 0)->code, SK_RULES_UNREADABLE);
	diag_free(diag);
}

static void refuses_an_empty_folder(void **state)
{
	(void)state;
	assert_refused(SK_FOLDER_EMPTY, "");
}

static void refuses_a_folder_without_policy(void **state)
{
	(void)state;
	write_file(in_folder("README.md"), "x");
	assert_refused(SK_FOLDER_EMPTY, "");
}

static void refuses_100_mb(void **state)
{
	int fd = open(in_folder("big.yaml"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	(void)state;
	assert_int_equal(ftruncate(fd, 100 * 1000 * 1000), 0); // holes: refused without being read
	close(fd);
	assert_refused(SK_FILE_TOO_BIG, "big.yaml");
}

static void refuses_too_much_in_all(void **state)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	(void)state;
	for (int i = 0; i < 6; i++) {
		char name[16];
		int fd;

		snprintf(name, sizeof(name), "%d.yaml", i);
		fd = open(in_folder(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_int_equal(ftruncate(fd, i == 0 ? 0 : POL_FILE_BYTES_MAX - (i == 5)), 0);
		close(fd);
	}
	assert_int_equal(policy_read_path(folder, diag, &policy, NULL), -EBADMSG);
	assert_int_equal(diag_count(diag), 5); // four are full of NULs, the fifth is one too many
	assert_int_equal(diag_at(diag, 0)->code, SK_FILE_TOO_BIG);
	assert_string_equal(diag_at(diag, 0)->at.file, in_folder("5.yaml"));
	diag_free(diag);
}

static void refuses_too_many_files(void **state)
{
	(void)state;
	for (int i = 0; i <= POL_FILES_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%04d.yaml", i);
		write_file(in_folder(name), "");
		if (i == POL_FILES_MAX - 1)
			policy_free(read_good());
	}
	assert_refused(SK_FILES_TOO_MANY, "");
}

static void follows_links_within(void **state)
{
	struct pol_policy *policy;

	(void)state;
	write_file(in_folder("zones.txt"), ZONE);
	assert_int_equal(symlink("zones.txt", in_folder("zones.yaml")), 0);
	policy = read_good();
	assert_int_equal(policy_tree(policy)->n_zones, 1);
	policy_free(policy);
}

static void refuses_links_out(void **state)
{
	char outside[128];

	(void)state;
	snprintf(outside, sizeof(outside), "%s/outside.yaml", base);
	write_file(outside, ZONE);
	assert_int_equal(symlink("../outside.yaml", in_folder("zones.yaml")), 0);
	assert_refused(SK_FILE_OUTSIDE, "zones.yaml");
	unlink(in_folder("zones.yaml"));
	assert_int_equal(symlink(outside, in_folder("zones.yaml")), 0);
	assert_refused(SK_FILE_OUTSIDE, "zones.yaml");
	unlink(in_folder("zones.yaml"));
	assert_int_equal(symlink("/proc/self/environ", in_folder("zones.yaml")), 0);
	assert_refused(SK_FILE_OUTSIDE, "zones.yaml");
	unlink(in_folder("zones.yaml"));
	assert_int_equal(symlink("zones.yaml", in_folder("zones.yaml")), 0);
	assert_refused(SK_FILE_OUTSIDE, "zones.yaml");
	unlink(in_folder("zones.yaml"));
	assert_int_equal(symlink("gone.yaml", in_folder("zones.yaml")), 0);
	assert_refused(SK_FILE_UNREADABLE, "zones.yaml");
}

static void refuses_what_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(in_folder("pipe.yaml"), 0644), 0); // must not wait for a writer
	assert_refused(SK_FILE_SPECIAL, "pipe.yaml");
	unlink(in_folder("pipe.yaml"));
	assert_int_equal(mkdir(in_folder("folder.yaml"), 0755), 0);
	assert_refused(SK_FILE_SPECIAL, "folder.yaml");
}

static void refuses_odd_names(void **state)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL;

	(void)state;
	write_file(in_folder("a\033[2J.yaml"), ZONE);
	write_file(in_folder("\x93\xfa.yaml"), ZONE);
	assert_int_equal(policy_read_path(folder, diag, &policy, NULL), -EBADMSG);
	assert_int_equal(diag_count(diag), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(diag_at(diag, i)->code, SK_FILE_NAME);
		assert_null(strchr(diag_at(diag, i)->at.file, '\033'));
	}
	diag_free(diag);
}

// As a user without rights, in a child: root may read everything.
static void refuses_what_it_may_not_read(void **state)
{
	pid_t child;
	int status;

	(void)state;
	write_file(in_folder("secret.yaml"), ZONE);
	assert_int_equal(chmod(in_folder("secret.yaml"), 0), 0);
	assert_int_equal(chmod(base, 0755), 0);
	child = fork();
	if (child == 0) {
		struct diag *diag = diag_new();
		struct pol_policy *policy = NULL;

		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(2);
		_exit(policy_read_path(folder, diag, &policy, NULL) == -EBADMSG &&
				      diag_count(diag) == 1 &&
				      diag_at(diag, 0)->code == SK_FILE_UNREADABLE
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void tells_faults_of_all_files(void **state)
{
	struct diag *diag = diag_new();
	struct pol_policy *policy = NULL, *partial = NULL;

	(void)state;
	write_file(in_folder("a.yaml"), "title: \"a\n");
	write_file(in_folder("b.yaml"), "zonen: {}\n");
	assert_int_equal(mkdir(in_folder("c.yaml"), 0755), 0);
	assert_int_equal(policy_read_path(folder, diag, &policy, &partial), -EBADMSG);
	assert_int_equal(diag_count(diag), 3);
	assert_null(partial);
	diag_free(diag);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(warns_of_ignored),
		TEST(reads_in_name_order),
		TEST(reads_by_descriptor),
		TEST(refuses_no_folder),
		TEST(refuses_an_empty_folder),
		TEST(refuses_a_folder_without_policy),
		TEST(refuses_100_mb),
		TEST(refuses_too_much_in_all),
		TEST(refuses_too_many_files),
		TEST(follows_links_within),
		TEST(refuses_links_out),
		TEST(refuses_what_is_no_file),
		TEST(refuses_odd_names),
		TEST(refuses_what_it_may_not_read),
		TEST(tells_faults_of_all_files),
	};

	return cmocka_run_group_tests_name("policy_folder", tests, NULL, NULL);
}
