// Services: the policy's and the library's in one table of names, members resolved in order.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/library.h"
#include "plan/order.h"
#include "plan/plan_internal.h"

enum { SERVICE_ATOMS_MAX = 4096 }; // tidying compares every two

struct source { // of one service: the policy's words, or the library's
	struct pol_list members;
	struct pol_list source_ports;
};

struct resolver {
	struct build *b;
	struct source *sources;
	VEC(struct order_edge) edges;
	bool *resolved;
};

typedef VEC(struct plan_atom) atom_vec;

static struct pol_list split(struct arena *arena, const char *words)
{
	struct pol_list list = { 0 };
	char *text = arena_strdup(arena, words ? words : "");
	char *state = NULL;

	list.v = arena_array_of(arena, struct pol_text, strlen(text) / 2 + 1);
	for (char *w = strtok_r(text, " ", &state); w; w = strtok_r(NULL, " ", &state))
		list.v[list.n++].s = w;
	return list;
}

static struct plan_named_service *declare(struct resolver *r, const char *id, struct source source)
{
	struct plan *plan = r->b->plan;
	struct plan_named_service *service = &plan->services[plan->n_services];

	if (names_add(&plan->service_names, id, (uint32_t)plan->n_services) != NAMES_NONE)
		return NULL;
	service->id = id;
	r->sources[plan->n_services++] = source;
	return service;
}

static void declare_all(struct resolver *r, struct arena *scratch,
			const struct library_service *library, size_t n_library)
{
	struct build *b = r->b;
	const struct pol_tree *tree = b->tree;

	for (size_t i = 0; i < tree->n_services; i++) {
		const struct pol_service *given = &tree->services[i];
		struct plan_named_service *service;

		if (!given->id.s)
			continue;
		service = declare(r, build_text(b, &given->id),
				  (struct source){ given->members, given->source_ports });
		if (!service)
			continue;
		service->title = build_text(b, &given->title);
		service->at = build_place(b, given->id.at);
	}
	for (size_t i = 0; i < n_library; i++) {
		struct plan_named_service *service =
			declare(r, library[i].id,
				(struct source){ split(scratch, library[i].members),
						 split(scratch, library[i].source_ports) });

		if (!service)
			continue;
		service->title = library[i].title;
		service->library = true;
	}
}

static void report_member(struct build *b, const struct pol_text *text, int error)
{
	if (error == -ERANGE)
		diag_add(b->diag, SK_SERVICE_RANGE, text->at,
			 "\"%s\": ports are 1 to 65535, types and protocols 0 to 255, the lower "
			 "number first",
			 text->s);
	else if (error == -ENOENT)
		diag_add(b->diag, SK_SERVICE_MEMBER, text->at,
			 "\"%s\": no such protocol or type; write for example tcp/80, "
			 "icmp/echo-request or ip/esp",
			 text->s);
	else
		diag_add(b->diag, SK_SERVICE_UNKNOWN, text->at, "there is no service \"%s\"%s",
			 text->s, build_hint(b, &b->plan->service_names, text->s));
}

static void read_edges(struct resolver *r, uint32_t user)
{
	const struct pol_list *members = &r->sources[user].members;

	for (size_t i = 0; i < members->n; i++) {
		struct plan_atom atom;
		int error = atom_parse(members->v[i].s, &atom);
		uint32_t used = names_get(&r->b->plan->service_names, members->v[i].s);

		if (error == -EINVAL && used != NAMES_NONE)
			vec_push(&r->edges, ((struct order_edge){ user, used }));
		else if (error < 0)
			report_member(r->b, &members->v[i], error);
	}
}

static void report_circle(void *arg, uint32_t node, uint32_t next)
{
	struct resolver *r = arg;
	struct plan_named_service *services = r->b->plan->services;
	size_t item = diag_add(r->b->diag, SK_SERVICE_CYCLE, services[node].at,
			       "service \"%s\" contains itself; take one of the names out",
			       services[node].id);

	if (next != node && services[next].at.file)
		diag_second(r->b->diag, item, services[next].at, "through \"%s\"",
			    services[next].id);
}

// Appends what a member stands for; false if that is unknown (and reported).
static bool append_member(struct resolver *r, const char *text, atom_vec *ret)
{
	struct plan *plan = r->b->plan;
	struct plan_atom atom;
	uint32_t used;

	if (atom_parse(text, &atom) == 0) {
		vec_push(ret, atom);
		return true;
	}
	used = names_get(&plan->service_names, text);
	if (used == NAMES_NONE || !r->resolved[used])
		return false;
	for (size_t i = 0; i < plan->services[used].n_atoms; i++)
		vec_push(ret, plan->services[used].atoms[i]);
	return true;
}

// The members with ports, once for every range of source ports; the others as they are.
static void demand_source_ports(struct resolver *r, uint32_t index, atom_vec *atoms)
{
	const struct pol_list *ports = &r->sources[index].source_ports;
	struct build *b = r->b;
	size_t given = atoms->n;
	size_t kept = 0;
	bool sound = true;

	for (size_t p = 0; p < ports->n; p++) {
		struct plan_atom want = { 0, 255, 0, 0, 0, 65535 };
		bool fits = false;
		int error =
			number_range_parse(ports->v[p].s, 65535, &want.sport_lo, &want.sport_hi);

		if (error < 0) {
			report_member(b, &ports->v[p], -ERANGE);
			sound = false;
			continue;
		}
		for (size_t i = 0; i < given; i++) {
			struct plan_atom cut;

			if (!atom_has_ports(&atoms->v[i]) ||
			    !atom_intersect(&atoms->v[i], &want, &cut))
				continue;
			vec_push(atoms, cut);
			fits = true;
		}
		sound &= fits || given == 0;
		if (!fits && given > 0)
			diag_add(
				b->diag, SK_SERVICE_SOURCE_PORTS, ports->v[p].at,
				"service \"%s\": source port %s fits none of its members; only tcp, "
				"udp and sctp have source ports",
				b->plan->services[index].id, ports->v[p].s);
	}
	if (!sound)
		return;
	for (size_t i = 0; i < atoms->n; i++)
		if (i >= given || !atom_has_ports(&atoms->v[i]))
			atoms->v[kept++] = atoms->v[i];
	atoms->n = kept;
}

static bool too_wide(struct build *b, struct place at, const char *what, atom_vec *atoms)
{
	if (atoms->n <= SERVICE_ATOMS_MAX)
		return false;
	diag_add(b->diag, SK_SERVICE_WIDE, at, "%s has %zu parts, %d are possible; use port ranges",
		 what, atoms->n, SERVICE_ATOMS_MAX);
	atoms->n = SERVICE_ATOMS_MAX;
	return true;
}

static void resolve(struct resolver *r, uint32_t index)
{
	struct build *b = r->b;
	struct plan_named_service *service = &b->plan->services[index];
	const struct pol_list *members = &r->sources[index].members;
	atom_vec atoms = { 0 };
	bool known = true;

	for (size_t i = 0; i < members->n; i++)
		known &= append_member(r, members->v[i].s, &atoms);
	if (r->sources[index].source_ports.n > 0)
		demand_source_ports(r, index, &atoms);
	too_wide(b, service->at, service->id, &atoms);
	service->n_atoms = atoms_tidy(atoms.v, atoms.n);
	service->atoms = arena_memdup(b->arena, atoms.v, service->n_atoms * sizeof(*atoms.v));
	r->resolved[index] = known;
	vec_done(&atoms);
}

// Does the policy mean what the library means by a name that it took?
static bool same_meaning(struct resolver *r, const struct library_service *library,
			 const struct plan_named_service *service, struct arena *scratch)
{
	struct pol_list members = split(scratch, library->members);
	atom_vec atoms = { 0 };
	bool same = !library->source_ports;
	size_t n;

	for (size_t i = 0; i < members.n; i++)
		same &= append_member(r, members.v[i].s, &atoms);
	n = atoms_tidy(atoms.v, atoms.n);
	same &= n == service->n_atoms;
	for (size_t i = 0; same && i < n; i++)
		same = atom_compare(&atoms.v[i], &service->atoms[i]) == 0;
	vec_done(&atoms);
	return same;
}

static void check_replaced(struct resolver *r, const struct library_service *library,
			   struct arena *scratch)
{
	uint32_t index = names_get(&r->b->plan->service_names, library->id);
	const struct plan_named_service *service = &r->b->plan->services[index];

	if (service->library || !r->resolved[index] || same_meaning(r, library, service, scratch))
		return;
	diag_add(r->b->diag, SK_SERVICE_REPLACED, service->at,
		 "service \"%s\" is a well-known one with other ports (%s); another name is safer",
		 service->id, library->members);
}

void build_service_table(struct build *b)
{
	struct arena *scratch = arena_new();
	size_t n_library;
	const struct library_service *library = library_services(&n_library);
	size_t max = b->tree->n_services + n_library;
	struct resolver r = { .b = b };
	uint32_t *order = arena_array_of(scratch, uint32_t, max);
	size_t n;

	b->plan->services = arena_array_of(b->arena, struct plan_named_service, max);
	r.sources = arena_array_of(scratch, struct source, max);
	r.resolved = arena_array_of(scratch, bool, max);
	declare_all(&r, scratch, library, n_library);
	for (uint32_t i = 0; i < b->plan->n_services; i++)
		read_edges(&r, i);
	n = order_resolve(r.edges.v, r.edges.n, b->plan->n_services, order, report_circle, &r);
	for (size_t i = 0; i < n; i++)
		resolve(&r, order[i]);
	for (size_t i = 0; i < n_library; i++)
		check_replaced(&r, &library[i], scratch);
	vec_done(&r.edges);
	arena_free(scratch);
}

int build_services(struct build *b, const struct pol_list *list, const struct plan_atom **ret,
		   size_t *ret_n)
{
	struct plan *plan = b->plan;
	atom_vec atoms = { 0 };
	int result = 0;

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		struct plan_atom atom;
		int error = atom_parse(list->v[i].s, &atom);
		uint32_t named = names_get(&plan->service_names, list->v[i].s);

		if (error == 0) {
			vec_push(&atoms, atom);
		} else if (error == -EINVAL && named != NAMES_NONE) {
			for (size_t j = 0; j < plan->services[named].n_atoms; j++)
				vec_push(&atoms, plan->services[named].atoms[j]);
			if (plan->services[named].n_atoms == 0)
				result = -ENOENT; // reported where it is declared
		} else {
			report_member(b, &list->v[i], error);
			result = -ENOENT;
		}
	}
	if (too_wide(b, list->at, "the list", &atoms))
		result = -ENOENT;
	*ret_n = atoms_tidy(atoms.v, atoms.n);
	*ret = arena_memdup(b->arena, atoms.v, *ret_n * sizeof(*atoms.v));
	vec_done(&atoms);
	return result;
}

int plan_service(struct plan *plan, const char *name, const struct plan_atom **ret_atoms,
		 size_t *ret_n)
{
	uint32_t named = names_get(&plan->service_names, name);
	struct plan_atom atom;

	if (atom_parse(name, &atom) == 0) {
		*ret_atoms = arena_memdup(plan->arena, &atom, sizeof(atom));
		*ret_n = 1;
		return 0;
	}
	if (named == NAMES_NONE)
		return -ENOENT;
	*ret_atoms = plan->services[named].atoms;
	*ret_n = plan->services[named].n_atoms;
	return 0;
}
