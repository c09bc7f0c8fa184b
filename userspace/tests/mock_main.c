// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a ptxctl of the real one and the mock kernel. The script is named by
 * PTX_MOCK, and the log by PTX_MOCK_LOG; without a script there is no module.
 */
#include <stdlib.h>
#include "mock_kernel.h"
#include "../ptxctl/ptxctl.h"

static void start(void) __attribute__((constructor));

static void start(void)
{
	const char *script = getenv("PTX_MOCK"), *log = getenv("PTX_MOCK_LOG");

	mock_install();
	if (log)
		mock_log_to(log);
	if (script)
		mock_script_file(script);
	else
		mock_script("absent\n");
	cli_root = mock_root();
}
