// The same as base/file.h.
#include "base/file.h"
