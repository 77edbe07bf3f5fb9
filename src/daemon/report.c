// The compiler's report: written by the child, checked and read by the gate.
#include "daemon/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/mass_rule.h"
#include "kernel/lifeline.h"

enum { REPORT_MAGIC = 0x52504552, REPORT_VERSION = 4 };

struct report_head {
	uint32_t magic, version;
	uint64_t faults_bytes, flows_bytes, zones_bytes, approval_bytes, evidence_bytes,
		image_bytes;
};

static const char *severity_word(enum diag_severity severity)
{
	static const char *const words[] = {
		[DIAG_NOTE] = "note",
		[DIAG_WARNING] = "warning",
		[DIAG_ERROR] = "error",
	};
	return words[severity];
}

void report_put_diagnostic(struct control_writer *writer, const struct diag_item *item)
{
	control_put_mark(writer, CTL_ROW);
	control_put_u64(writer, CTL_CODE, item->code);
	control_put_text(writer, CTL_SEVERITY, severity_word(item->severity));
	if (item->at.file) {
		control_put_text(writer, CTL_FILE, item->at.file);
		control_put_u64(writer, CTL_LINE, item->at.line);
		control_put_u64(writer, CTL_COLUMN, item->at.column);
		control_put_u64(writer, CTL_COLUMN_END, item->at.column_end);
	}
	control_put_text(writer, CTL_MESSAGE, item->message);
	if (!item->second.file)
		return;
	control_put_text(writer, CTL_SECOND_FILE, item->second.file);
	control_put_u64(writer, CTL_SECOND_LINE, item->second.line);
	control_put_u64(writer, CTL_SECOND_COLUMN, item->second.column);
	control_put_u64(writer, CTL_SECOND_COLUMN_END, item->second.column_end);
	control_put_text(writer, CTL_SECOND_MESSAGE, item->second_message);
}

static void put_field(struct control_writer *writer, const struct control_field *field)
{
	switch (field->type) {
	case CTL_MARK:
		control_put_mark(writer, field->tag);
		break;
	case CTL_TEXT:
		control_put_text(writer, field->tag, field->text);
		break;
	default:
		control_put_u64(writer, field->tag, field->number);
	}
}

void report_put_row(struct control_writer *writer, const struct control_row *row)
{
	for (size_t i = 0; i < row->n; i++)
		put_field(writer, &row->v[i]);
}

void report_put_rows(struct control_writer *writer, const struct control_rows *rows)
{
	for (size_t i = 1; i < rows->n; i++) {
		control_put_mark(writer, CTL_ROW);
		report_put_row(writer, &rows->v[i]);
	}
}

static void hex_of(const uint8_t digest[32], char out[65])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void put_record(struct control_writer *writer, const struct plan_record *record)
{
	if (record->keep_days)
		control_put_u64(writer, CTL_RECORD_KEEP_DAYS, record->keep_days);
	control_put_u64(writer, CTL_RECORD_ROTATE, record->rotate_bytes);
	control_put_bool(writer, CTL_RECORD_CLOSES, record->closes);
	control_put_u64(writer, CTL_RECORD_MAIL_KEEP_DAYS, record->mail_keep_days);
	control_put_bool(writer, CTL_RECORD_MAIL_HASHED, record->mail_hash_addresses);
	for (size_t i = 0; i < record->n_to; i++)
		control_put_text(writer, CTL_RECORD_TO, record->to[i]);
	for (size_t i = 0; i < record->n_holds; i++)
		control_put_text(writer, CTL_RECORD_HOLD, record->holds[i]);
}

static void put_lifeline(struct control_writer *writer, const struct plan_lifeline *from)
{
	char line[SWITCH_LINE_MAX];
	struct lifeline to = {
		.out = from->out,
		.far = from->far,
		.answer = from->answer,
		.addressed = from->addressed,
		.range = from->range,
		.protocol = from->protocol,
		.port_lo = from->port_lo,
		.port_hi = from->port_hi,
	};
	snprintf(to.name, sizeof(to.name), "%s", from->name);
	if (from->interface)
		snprintf(to.interface, sizeof(to.interface), "%s%s", from->interface->name,
			 from->interface->pattern ? "*" : "");
	if (lifeline_write(&to, line, sizeof(line)) < 0)
		return;
	line[strcspn(line, "\n")] = '\0';
	control_put_text(writer, CTL_SWITCH_LINE, line);
}

static void put_isolation(struct control_writer *writer, const struct plan_isolation *isolation)
{
	char line[40];
	for (size_t i = 0; i < isolation->n_lifelines; i++)
		put_lifeline(writer, &isolation->lifelines[i]);
	snprintf(line, sizeof(line), "time-limit %u", isolation->time_limit_seconds);
	if (isolation->time_limit_seconds)
		control_put_text(writer, CTL_SWITCH_LINE, line);
	if (isolation->second_person)
		control_put_text(writer, CTL_SWITCH_LINE, "second-person");
}

static void put_mass(struct control_writer *writer, const struct plan *plan)
{
	char line[CTL_NAME_MAX];
	size_t n;
	const struct plan_guard *guards = plan_guards(plan, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; guards[i].mail && k < guards[i].mail->n_mass; k++)
			if (mass_rule_write(guards[i].id, &guards[i].mail->mass[k], line,
					    sizeof(line)) == 0)
				control_put_text(writer, CTL_MASS_LINE, line);
}

static void put_countries(struct control_writer *writer, const struct plan *plan,
			  const struct geo_table *table)
{
	const struct addr_set *set = plan_countries(plan);
	uint64_t n[2] = { 0 };
	char sum[65];
	if (!table || !set->n)
		return;
	for (size_t i = 0; i < set->n; i++)
		n[set->v[i].family == ADDR_V6]++;
	hex_of(table->head->sha256, sum);
	control_put_text(writer, CTL_COUNTRIES, sum);
	control_put_u64(writer, CTL_COUNTRY_RANGES_4, n[0]);
	control_put_u64(writer, CTL_COUNTRY_RANGES_6, n[1]);
}

static void put_faults(struct control_writer *writer, const struct diag *diag,
		       bool assertions_failed, const struct plan *plan,
		       const struct geo_table *countries)
{
	size_t n = diag_count(diag), errors = diag_errors(diag);
	char digest[65];
	control_put_u64(writer, CTL_ERRORS, errors);
	control_put_u64(writer, CTL_WARNINGS, n - (errors < n ? errors : n));
	control_put_bool(writer, CTL_ASSERTIONS_FAILED, assertions_failed);
	if (plan) {
		hex_of(plan_digest(plan), digest);
		control_put_text(writer, CTL_DIGEST, digest);
		control_put_text(writer, CTL_TITLE, plan_title(plan));
		plan_assertions(plan, &n);
		control_put_u64(writer, CTL_ASSERTIONS, n);
		plan_tests(plan, &n);
		control_put_u64(writer, CTL_TESTS, n);
		n = diag_count(diag);
		put_record(writer, plan_record(plan));
		put_isolation(writer, plan_isolation(plan));
		put_mass(writer, plan);
		put_countries(writer, plan, countries);
	}
	for (size_t i = 0; i < n && i < DIAG_MAX; i++)
		report_put_diagnostic(writer, diag_at(diag, i));
}

static const char *treatment_word(unsigned treatment)
{
	if (treatment & PLAN_GUARD)
		return "guard";
	return treatment & PLAN_LOG ? "log" : "plain";
}

static void put_endpoints(struct control_writer *writer, const struct plan_flow *flow,
			  const struct plan_zone *zones, size_t n_zones)
{
	bool from[PLAN_ZONES_MAX] = { false }, to[PLAN_ZONES_MAX] = { false };
	for (size_t i = 0; i < flow->n_terms; i++) {
		from[flow->terms[i].from] = true;
		to[flow->terms[i].to] = true;
	}
	for (size_t i = 0; i < n_zones; i++)
		if (from[i])
			control_put_text(writer, CTL_FROM, zones[i].id);
	for (size_t i = 0; i < n_zones; i++)
		if (to[i])
			control_put_text(writer, CTL_TO, zones[i].id);
}

static void put_flows(struct control_writer *writer, const struct plan *plan)
{
	size_t n_zones, n_flows;
	const struct plan_zone *zones = plan_zones(plan, &n_zones);
	const struct plan_flow *flows = plan_flows(plan, &n_flows);
	for (size_t i = 0; i < n_flows; i++) {
		control_put_mark(writer, CTL_ROW);
		control_put_text(writer, CTL_ID, flows[i].id);
		control_put_text(writer, CTL_TITLE, flows[i].title);
		put_endpoints(writer, &flows[i], zones, n_zones);
		control_put_text(writer, CTL_TREATMENT, treatment_word(flows[i].treatment));
		control_put_text(writer, CTL_OWNER, flows[i].owner);
		control_put_text(writer, CTL_FILE, flows[i].at.file);
		control_put_u64(writer, CTL_LINE, flows[i].at.line);
	}
}

static const char *role_word(enum plan_role role)
{
	static const char *const words[] = {
		[PLAN_INSIDE] = "inside", [PLAN_UPLINK] = "uplink", [PLAN_EXTERNAL] = "external",
		[PLAN_PUBLIC] = "public", [PLAN_SERVER] = "server", [PLAN_GATEWAY] = "gateway",
	};
	return words[role];
}

static const char *class_word(unsigned class)
{
	static const char *const words[] = { "", "I", "II", "III", "IV" };
	return class < sizeof(words) / sizeof(words[0]) ? words[class] : "";
}

static void put_zones(struct control_writer *writer, const struct plan *plan)
{
	size_t n_zones;
	const struct plan_zone *zones = plan_zones(plan, &n_zones);
	for (size_t i = 0; i < n_zones; i++) {
		control_put_mark(writer, CTL_ROW);
		control_put_text(writer, CTL_ID, zones[i].id);
		control_put_text(writer, CTL_TITLE, zones[i].title);
		control_put_text(writer, CTL_ROLE, role_word(zones[i].role));
		if (zones[i].role != PLAN_GATEWAY)
			control_put_text(writer, CTL_CLASS, class_word(zones[i].class));
		for (size_t k = 0; k < zones[i].n_interfaces; k++) {
			char name[CTL_ID_MAX];
			snprintf(name, sizeof(name), "%s%s", zones[i].interfaces[k].name,
				 zones[i].interfaces[k].pattern ? "*" : "");
			control_put_text(writer, CTL_INTERFACE, name);
		}
		for (size_t k = 0; k < zones[i].n_networks; k++) {
			char range[ADDR_TEXT_MAX];
			control_put_text(writer, CTL_NETWORK,
					 addr_range_text(&zones[i].networks[k], range));
		}
	}
}

static void put_groups(struct control_writer *writer, const char *const *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		control_put_text(writer, CTL_RULE_GROUP, groups[i]);
}

static void put_approval_rule(struct control_writer *writer, const struct plan *plan,
			      const struct plan_approval_rule *rule)
{
	size_t n_zones;
	const struct plan_zone *zones = plan_zones(plan, &n_zones);
	control_put_mark(writer, CTL_ROW);
	control_put_u64(writer, CTL_APPROVERS, rule->approvers);
	control_put_u64(writer, CTL_RULE_WEIGHT, rule->weight);
	for (size_t i = 0; i < rule->n_zones; i++)
		control_put_text(writer, CTL_RULE_ZONE, zones[rule->zones[i]].id);
	put_groups(writer, rule->groups, rule->n_groups);
}

static void put_approval(struct control_writer *writer, const struct plan *plan)
{
	const struct plan_approval *approval = plan_approval(plan);
	control_put_u64(writer, CTL_APPROVERS, approval->approvers);
	control_put_u64(writer, CTL_EXPIRES_SECONDS, approval->expires_seconds);
	control_put_u64(writer, CTL_CONFIRM_SECONDS, approval->confirm_seconds);
	control_put_bool(writer, CTL_EMERGENCY, approval->emergency);
	put_groups(writer, approval->groups, approval->n_groups);
	for (size_t i = 0; i < approval->n_rules; i++)
		put_approval_rule(writer, plan, &approval->rules[i]);
	for (size_t i = 0; i < approval->n_deputies; i++) {
		control_put_mark(writer, CTL_ROW);
		control_put_text(writer, CTL_ABSENT, approval->deputies[i].absent);
		control_put_text(writer, CTL_DEPUTY, approval->deputies[i].deputy);
		control_put_text(writer, CTL_FROM_DAY, approval->deputies[i].from);
		control_put_text(writer, CTL_UNTIL_DAY, approval->deputies[i].until);
	}
}

static void put_evidence(struct control_writer *writer, const struct plan *plan)
{
	const struct plan_evidence *evidence = plan_evidence(plan);
	size_t n_zones;
	const struct plan_zone *zones = plan_zones(plan, &n_zones);
	control_put_u64(writer, CTL_SIZE, (uint64_t)evidence->size_mib << 20);
	control_put_u64(writer, CTL_SNAPLEN, evidence->snaplen);
	for (size_t i = 0; i < evidence->n_zones; i++) {
		const struct plan_zone *zone = &zones[evidence->zones[i]];
		for (size_t k = 0; k < zone->n_interfaces; k++) {
			char name[CTL_ID_MAX];
			snprintf(name, sizeof(name), "%s%s", zone->interfaces[k].name,
				 zone->interfaces[k].pattern ? "*" : "");
			control_put_text(writer, CTL_INTERFACE, name);
		}
	}
	for (size_t i = 0; i < evidence->n_contacts; i++) {
		const struct plan_contact *contact = &evidence->contacts[i];
		control_put_mark(writer, CTL_ROW);
		control_put_text(writer, CTL_ROLE, contact->role);
		control_put_text(writer, CTL_TITLE, contact->title);
		control_put_text(writer, CTL_CONTACT, contact->contact);
		control_put_text(writer, CTL_HOURS, contact->hours);
	}
}

static bool put_bytes(FILE *out, const void *bytes, size_t size)
{
	return !size || fwrite(bytes, 1, size, out) == size;
}

int report_write(FILE *out, const struct diag *diag, bool assertions_failed,
		 const struct plan *plan, const struct ruleset *ruleset,
		 const struct geo_table *countries)
{
	struct control_writer faults, flows, zones, approval, evidence;
	char *image = NULL;
	size_t image_bytes = 0;
	int r = 0;
	control_writer_init(&faults, REPORT_BYTES_MAX);
	control_writer_init(&flows, REPORT_BYTES_MAX);
	control_writer_init(&zones, REPORT_BYTES_MAX);
	control_writer_init(&approval, REPORT_BYTES_MAX);
	control_writer_init(&evidence, REPORT_BYTES_MAX);
	put_faults(&faults, diag, assertions_failed, plan, countries);
	if (plan && ruleset) {
		FILE *memory = open_memstream(&image, &image_bytes);
		put_flows(&flows, plan);
		put_zones(&zones, plan);
		put_approval(&approval, plan);
		put_evidence(&evidence, plan);
		r = memory ? ruleset_image_write(ruleset, memory) : -ENOMEM;
		if (memory && fclose(memory) != 0 && r == 0)
			r = -ENOMEM;
	}
	if (r == 0 &&
	    (faults.error || flows.error || zones.error || approval.error || evidence.error))
		r = -E2BIG;
	struct report_head head = {
		.magic = REPORT_MAGIC,
		.version = REPORT_VERSION,
		.faults_bytes = faults.size,
		.flows_bytes = flows.size,
		.zones_bytes = zones.size,
		.approval_bytes = approval.size,
		.evidence_bytes = evidence.size,
		.image_bytes = image_bytes,
	};
	if (r == 0 &&
	    (!put_bytes(out, &head, sizeof(head)) || !put_bytes(out, faults.bytes, faults.size) ||
	     !put_bytes(out, flows.bytes, flows.size) || !put_bytes(out, zones.bytes, zones.size) ||
	     !put_bytes(out, approval.bytes, approval.size) ||
	     !put_bytes(out, evidence.bytes, evidence.size) ||
	     !put_bytes(out, image, image_bytes) || fflush(out) != 0))
		r = -EIO;
	control_writer_done(&faults);
	control_writer_done(&flows);
	control_writer_done(&zones);
	control_writer_done(&approval);
	control_writer_done(&evidence);
	free(image);
	return r;
}

static const uint8_t faults_head_tags[] = {
	CTL_ERRORS,
	CTL_WARNINGS,
	CTL_ASSERTIONS,
	CTL_TESTS,
	CTL_ASSERTIONS_FAILED,
	CTL_DIGEST,
	CTL_TITLE,
	CTL_SWITCH_LINE,
	CTL_MASS_LINE,
	CTL_RECORD_KEEP_DAYS,
	CTL_RECORD_ROTATE,
	CTL_RECORD_CLOSES,
	CTL_RECORD_TO,
	CTL_RECORD_HOLD,
	CTL_RECORD_MAIL_KEEP_DAYS,
	CTL_RECORD_MAIL_HASHED,
	CTL_COUNTRIES,
	CTL_COUNTRY_RANGES_4,
	CTL_COUNTRY_RANGES_6,
};
static const uint8_t fault_tags[] = { CTL_DIAGNOSTIC_TAGS };
static const uint8_t flow_tags[] = { CTL_ID,	    CTL_TITLE, CTL_FROM, CTL_TO,
				     CTL_TREATMENT, CTL_OWNER, CTL_FILE, CTL_LINE };
static const uint8_t zone_tags[] = { CTL_ID,	    CTL_TITLE,	 CTL_ROLE,
				     CTL_INTERFACE, CTL_NETWORK, CTL_CLASS };

static const uint8_t approval_tags[] = { CTL_APPROVERS,	      CTL_RULE_WEIGHT,	   CTL_RULE_ZONE,
					 CTL_RULE_GROUP,      CTL_EXPIRES_SECONDS, CTL_ABSENT,
					 CTL_CONFIRM_SECONDS, CTL_EMERGENCY,	   CTL_DEPUTY,
					 CTL_FROM_DAY,	      CTL_UNTIL_DAY };

static const uint8_t evidence_head_tags[] = { CTL_SIZE, CTL_SNAPLEN, CTL_INTERFACE };
static const uint8_t contact_tags[] = { CTL_ROLE, CTL_TITLE, CTL_CONTACT, CTL_HOURS };

static bool row_has_only(const struct control_row *row, const uint8_t *tags, size_t n_tags)
{
	for (size_t i = 0; i < row->n; i++)
		if (!memchr(tags, row->v[i].tag, n_tags))
			return false;
	return true;
}

static int read_section(const uint8_t **at, uint64_t size, const uint8_t *head_tags, size_t n_head,
			const uint8_t *row_tags, size_t n_row, struct control_rows *ret)
{
	int r = control_rows_read(*at, size, REPORT_FIELDS_MAX, ret);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	*at += size;
	for (size_t i = 0; i < ret->n; i++)
		if (!row_has_only(&ret->v[i], i ? row_tags : head_tags, i ? n_row : n_head))
			return -EBADMSG;
	return 0;
}

static bool takes(uint64_t *left, uint64_t size)
{
	if (size > *left)
		return false;
	*left -= size;
	return true;
}

// A ruleset comes exactly with a policy that has no errors, and flows and zones with it.
static bool is_consistent(const struct report *report)
{
	const struct control_row *head = &report->faults.v[0];
	bool failed =
		control_u64(head, CTL_ERRORS) > 0 || control_bool(head, CTL_ASSERTIONS_FAILED);
	if (failed)
		return !report->ruleset;
	return report->ruleset && report->approval.v[0].n &&
	       strlen(control_text(head, CTL_DIGEST)) == 64 &&
	       !strcmp(rs_string(report->ruleset, report->ruleset->table), "sekisho");
}

int report_read(const void *bytes, size_t size, struct report *ret)
{
	struct report report = { 0 };
	struct report_head head;
	const uint8_t *at = (const uint8_t *)bytes + sizeof(head);
	uint64_t left = size;
	if (!takes(&left, sizeof(head)))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != REPORT_MAGIC || head.version != REPORT_VERSION ||
	    !takes(&left, head.faults_bytes) || !takes(&left, head.flows_bytes) ||
	    !takes(&left, head.zones_bytes) || !takes(&left, head.approval_bytes) ||
	    !takes(&left, head.evidence_bytes) || left != head.image_bytes)
		return -EBADMSG;
	int r = read_section(&at, head.faults_bytes, faults_head_tags, sizeof(faults_head_tags),
			     fault_tags, sizeof(fault_tags), &report.faults);
	if (r == 0)
		r = read_section(&at, head.flows_bytes, NULL, 0, flow_tags, sizeof(flow_tags),
				 &report.flows);
	if (r == 0)
		r = read_section(&at, head.zones_bytes, NULL, 0, zone_tags, sizeof(zone_tags),
				 &report.zones);
	if (r == 0)
		r = read_section(&at, head.approval_bytes, approval_tags, sizeof(approval_tags),
				 approval_tags, sizeof(approval_tags), &report.approval);
	if (r == 0)
		r = read_section(&at, head.evidence_bytes, evidence_head_tags,
				 sizeof(evidence_head_tags), contact_tags, sizeof(contact_tags),
				 &report.evidence);
	if (r == 0 && head.image_bytes)
		r = ruleset_image_read(at, head.image_bytes, &report.ruleset);
	if (r == 0 && !is_consistent(&report))
		r = -EBADMSG;
	if (r < 0)
		report_done(&report);
	else
		*ret = report;
	return r;
}

void report_done(struct report *report)
{
	control_rows_done(&report->faults);
	control_rows_done(&report->flows);
	control_rows_done(&report->zones);
	control_rows_done(&report->approval);
	control_rows_done(&report->evidence);
	ruleset_free(report->ruleset);
	*report = (struct report){ 0 };
}
