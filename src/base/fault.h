// Fault points: places where a test lets a real program die, or a call fail, as power cuts and full
// disks do.  A program that is started without SEKISHO_FAULT in its environment passes them for the
// price of one compare.
//
//	SEKISHO_FAULT=proposal-stored       killed by SIGKILL there
//	SEKISHO_FAULT=proposal-stored:3     the third time
//	SEKISHO_FAULT=audit-write=ENOSPC    fault_error() gives -ENOSPC there, each time
//	SEKISHO_FAULT=audit-write:3=EIO     the third time only
//
// Several are separated by commas.  The programs take nothing from the environment of their
// callers: whoever starts sekishod is root.
#ifndef SEKISHO_BASE_FAULT_H
#define SEKISHO_BASE_FAULT_H

// Dies here when told to.
void fault_point(const char *name);
// 0, or the negative errno that was asked for (EIO, ENOSPC, ENOMEM, EACCES, EROFS, ETIMEDOUT).
int fault_error(const char *name);

#endif
