// What lies beside the records of an exported audit log: how to read and to verify them.
#ifndef SEKISHO_KEEP_AUDIT_TEXT_H
#define SEKISHO_KEEP_AUDIT_TEXT_H

extern const char audit_readme[], audit_readme_ja[];
extern const char audit_verify_script[]; // for sh; the same as in docs/audit-log.md

#endif
