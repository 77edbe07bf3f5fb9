// sekishod: the gate's daemon.  Options, the box file, and which of its three lives to live: the
// service, the loader at boot, or (its own child) the compiler.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "compile/compile.h"
#include "control/people.h"
#include "daemon/collect.h"
#include "daemon/compiler.h"
#include "daemon/countries_child.h"
#include "daemon/deliver.h"
#include "daemon/differ.h"
#include "daemon/export.h"
#include "daemon/extract.h"
#include "daemon/ferry.h"
#include "daemon/inspect_child.h"
#include "daemon/judge_child.h"
#include "daemon/keeper.h"
#include "daemon/porter.h"
#include "daemon/mail_book.h"
#include "daemon/mail_read.h"
#include "daemon/service.h"
#include "daemon/signer.h"
#include "daemon/vault.h"
#include "policy/box.h"

struct arguments {
	const char *config, *log;
	bool boot, check;
};

static void print_usage(FILE *out)
{
	fputs("usage: sekishod [--config FILE] [--log FILE] [--foreground]\n"
	      "       sekishod --boot [--config FILE]\n"
	      "       sekishod --check-config [--config FILE]\n"
	      "       sekishod --version | --help\n",
	      out);
}

// 0: go on with *ret; else *ret_status is to be the exit status.
static int read_arguments(int argc, char **argv, struct arguments *ret,
			  enum exit_status *ret_status)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "log", required_argument, NULL, 'l' },
		{ "boot", no_argument, NULL, 'b' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;
	*ret = (struct arguments){ .config = BOX_PATH };
	*ret_status = EXIT_FINE;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'c':
			ret->config = optarg;
			break;
		case 'l':
			ret->log = optarg;
			break;
		case 'b':
			ret->boot = true;
			break;
		case 'k':
			ret->check = true;
			break;
		case 'f': // the only way there is
			break;
		case 'V':
			puts("sekishod " SEKISHO_VERSION);
			return 1;
		case 'h':
			print_usage(stdout);
			return 1;
		default:
			print_usage(stderr);
			*ret_status = EXIT_USAGE;
			return 1;
		}
	}
	if (optind == argc && !(ret->boot && ret->check))
		return 0;
	print_usage(stderr);
	*ret_status = EXIT_USAGE;
	return 1;
}

static int find_user(const char *name, struct gate_options *options)
{
	uint32_t uid = 0, gid = 0;
	int r = people_user(name, &uid, &gid);
	if (r < 0 && !strcmp(name, "sekisho")) // the default, on a box that has not made it
		r = people_user("nobody", &uid, &gid);
	if (r < 0 || uid == 0) {
		fprintf(stderr, "<3>sekishod: the compiler's user \"%s\" %s\n", name,
			r == 0	       ? "may not be root"
			: r == -ENOENT ? "does not exist; make it or name another"
				       : strerror(-r));
		return -ENOENT;
	}
	options->compiler_uid = uid;
	options->compiler_gid = gid;
	return 0;
}

// The log belongs to a user of its own, and its readers are a group; a box that has not made them
// has the compiler's user in their place.
static void find_keeper(struct gate_options *options)
{
	uint32_t uid = 0, gid = 0, readers = 0;
	bool own = people_user("sekisho-keeper", &uid, &gid) == 0 && uid != 0;
	bool read = people_group("sekisho-audit", &readers) == 0 && readers != 0;
	options->keeper_uid = own ? uid : options->compiler_uid;
	options->keeper_gid = read ? readers : own ? gid : options->compiler_gid;
}

// Users of their own, or the compiler's on a box that has not made them.
static void find_inspection(struct gate_options *options)
{
	uint32_t uid = 0, gid = 0;
	bool own = people_user("sekisho-ferry", &uid, &gid) == 0 && uid != 0;
	options->ferry_uid = own ? uid : options->compiler_uid;
	options->ferry_gid = own ? gid : options->compiler_gid;
	own = people_user("sekisho-porter", &uid, &gid) == 0 && uid != 0;
	options->porter_uid = own ? uid : options->compiler_uid;
	options->porter_gid = own ? gid : options->compiler_gid;
	own = people_user("sekisho-inspect", &uid, &gid) == 0 && uid != 0;
	options->inspector_uid = own ? uid : options->compiler_uid;
	options->inspector_gid = own ? gid : options->compiler_gid;
	own = people_user("sekisho-sign", &uid, &gid) == 0 && uid != 0;
	options->signer_uid = own ? uid : options->compiler_uid;
	options->signer_gid = own ? gid : options->compiler_gid;
}

// So do mail records; nobody but their own user reads them.
static void find_mail(struct gate_options *options)
{
	bool own = people_user("sekisho-mail", &options->mail_uid, &options->mail_gid) == 0 &&
		   options->mail_uid != 0;
	if (own)
		return;
	options->mail_uid = options->compiler_uid;
	options->mail_gid = options->compiler_gid;
}

// And held mail.
static void find_vault(struct gate_options *options)
{
	bool own = people_user("sekisho-vault", &options->vault_uid, &options->vault_gid) == 0 &&
		   options->vault_uid != 0;
	if (own)
		return;
	options->vault_uid = options->compiler_uid;
	options->vault_gid = options->compiler_gid;
}

static int set_management(const struct box_management *management, struct gate_options *options)
{
	if (!management->interface)
		return 0;
	if (strlen(management->interface) >= sizeof(options->management_interface) ||
	    !management->prefix ||
	    addr_range_parse(management->prefix, &options->management_prefix) < 0 ||
	    addr_range_prefix(&options->management_prefix) < 0) {
		fprintf(stderr,
			"<3>sekishod: the management path needs an interface's name and a prefix\n");
		return -EINVAL;
	}
	strcpy(options->management_interface, management->interface);
	options->management_port = management->port;
	return 0;
}

static int options_of(const struct box_config *box, const struct arguments *arguments,
		      struct gate_options *ret)
{
	*ret = (struct gate_options){
		.rules = box->rules,
		.state = box->state,
		.run = box->run,
		.log = box->log,
		.boot = arguments->boot,
		.forwarding = box->forwarding,
		.countries = box->countries.database,
		.countries_age_days = box->countries.max_age_days,
		.inspectors = box->inspectors,
		.scanner = box->scanner,
		.certificates = box->certificates,
		.n_certificates = box->n_certificates,
		.roots = box->roots,
		.nflog_group = box->nflog_group ? box->nflog_group : NFLOG_GROUP,
	};
	// At boot nothing is compiled, and a user that is missing must not keep the gate shut.
	int r = arguments->boot ? 0 : find_user(box->user, ret);
	if (r == 0) {
		find_keeper(ret);
		find_inspection(ret);
		if (!arguments->boot) {
			find_mail(ret);
			find_vault(ret);
		}
	}
	return r < 0 ? r : set_management(&box->management, ret);
}

// options NULL: the box file is no good.
static enum exit_status run(const struct arguments *arguments, const struct gate_options *options)
{
	struct journal *journal;
	int r = journal_open(arguments->log, &journal);
	if (r < 0) {
		fprintf(stderr, "<3>sekishod: %s: %s\n", arguments->log, strerror(-r));
		r = journal_open(NULL, &journal);
	}
	if (r < 0)
		return EXIT_FAILED;
	enum exit_status status = EXIT_FAILED;
	if (!options)
		service_close(journal);
	else if (arguments->boot)
		status = service_boot(options, journal);
	else
		status = service_run(options, journal);
	journal_close(journal);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	struct gate_options options;
	struct box_config *box = NULL;
	enum exit_status status;
	if (argc == 2 && !strcmp(argv[1], COLLECT_ARGUMENT))
		return collect_main();
	if (argc == 2 && !strcmp(argv[1], EXPORT_ARGUMENT))
		return export_main(false);
	if (argc == 2 && !strcmp(argv[1], EXPORT_MASKED_ARGUMENT))
		return export_main(true);
	if (argc == 2 && !strcmp(argv[1], KEEPER_ARGUMENT))
		return keeper_main();
	if (argc == 2 && !strcmp(argv[1], MAIL_BOOK_ARGUMENT))
		return mail_book_main();
	if (argc == 2 && !strcmp(argv[1], MAIL_READ_ARGUMENT))
		return mail_read_main();
	if (argc == 2 && !strcmp(argv[1], COMPILER_ARGUMENT))
		return compiler_main();
	if (argc == 2 && !strcmp(argv[1], COUNTRIES_ARGUMENT))
		return countries_main();
	if (argc == 2 && !strcmp(argv[1], DIFFER_ARGUMENT))
		return differ_main(false);
	if (argc == 2 && !strcmp(argv[1], DIFFER_FIRST_ARGUMENT))
		return differ_main(true);
	if (argc == 2 && !strcmp(argv[1], JUDGE_ARGUMENT))
		return judge_main();
	if (argc == 2 && !strcmp(argv[1], EXTRACT_ARGUMENT))
		return extract_main();
	if (argc == 2 && !strcmp(argv[1], FERRY_ARGUMENT))
		return ferry_main();
	if (argc == 2 && !strcmp(argv[1], PORTER_ARGUMENT))
		return porter_main();
	if (argc == 2 && !strcmp(argv[1], SIGNER_ARGUMENT))
		return signer_main();
	if (argc == 2 && !strcmp(argv[1], VAULT_ARGUMENT))
		return vault_main();
	if (argc == 2 && !strcmp(argv[1], DELIVER_ARGUMENT))
		return deliver_main();
	if (argc == 2 && !strcmp(argv[1], INSPECT_ARGUMENT))
		return inspect_main();
	if (read_arguments(argc, argv, &arguments, &status))
		return status;
	struct diag *diag = diag_new();
	int r = box_read(arguments.config, diag, &box);
	diag_sort(diag);
	diag_print(diag, stderr);
	status = r == 0 ? EXIT_FINE : EXIT_POLICY;
	if (r == 0 && options_of(box, &arguments, &options) < 0)
		status = EXIT_FAILED;
	if (status == EXIT_FINE && !arguments.check)
		status = run(&arguments, &options);
	else if (status != EXIT_FINE && arguments.boot)
		run(&arguments, NULL);
	box_free(box);
	diag_free(diag);
	return status;
}
