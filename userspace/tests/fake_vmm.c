// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_vmm: what a VMM looks like to ptxctl run. Says what it was given, then
 * ends as FAKE_VMM says: "exit N", "kill N", or "wait" for a signal, whose
 * number it says.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const settings[] = {
	"PTX_DEVICES", "PTX_DEVICE_ARGS", "PTX_LEASE_ID",
};

static int wait_signal(void)
{
	sigset_t set;
	int sig = 0;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	sigwait(&set, &sig);
	printf("signal %d\n", sig);
	return 0;
}

/* Where it may run, and where its memory comes from. */
static void say_place(void)
{
	static const char key[] = "Cpus_allowed_list:";
	char line[4096], *policy;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			printf("cpus %s", line + strlen(key) + 1);
	}
	if (f)
		fclose(f);
	f = fopen("/proc/self/numa_maps", "re");
	policy = f && fgets(line, sizeof(line), f) ? strchr(line, ' ') : NULL;
	if (policy) {
		size_t n = strcspn(++policy, " \n");

		/* That of several nodes is called "prefer (many)". */
		if (!strncmp(policy + n, " (", 2))
			n += 1 + strcspn(policy + n + 1, " \n");
		printf("memory %.*s\n", (int)n, policy);
	}
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	const char *how = getenv("FAKE_VMM"), *fd = getenv("PTX_LEASE_FD");
	struct rlimit limit;

	for (int i = 0; i < argc; i++)
		printf("arg %s\n", argv[i]);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		printf("env %s=%s\n", settings[i],
		       getenv(settings[i]) ? getenv(settings[i]) : "(none)");
	printf("lease fd %s\n", fd && fcntl(atoi(fd), F_GETFD) >= 0 ? "open" : "missing");
	printf("other fds %s\n", fd && fcntl(atoi(fd) + 1, F_GETFD) >= 0 ? "open" : "none");
	if (!getrlimit(RLIMIT_MEMLOCK, &limit))
		printf("memlock %s\n", limit.rlim_cur == RLIM_INFINITY ? "unlimited" : "limited");
	printf("uid %d\n", (int)getuid());
	say_place();
	fflush(stdout);
	if (!how)
		return 0;
	if (!strncmp(how, "exit ", 5))
		return atoi(how + 5);
	if (!strncmp(how, "kill ", 5))
		raise(atoi(how + 5));
	if (!strcmp(how, "wait"))
		return wait_signal();
	return 99;
}
