/* The daemon: source, rules, flow and stores wired together, in the foreground. */
#ifndef CDCD_DAEMON_H
#define CDCD_DAEMON_H

/* Runs until SIGTERM or SIGINT, or until only the operator can help; the exit code. SIGHUP loads
 * the rules again. */
int daemon_run(const char *config_path);

#endif
