/* What a role gives up before it reads a byte that came from the network: root's rights, new
 * privileges, the file system outside of what it needs, core dumps (sandbox_enter, while there is
 * one thread), and then most system calls (sandbox_seal, once its layers are up; all threads). One
 * table says what each role keeps (sandbox.c). A system call that is not in it ends the process;
 * the log names its number.
 *
 * Builds with a sanitizer have no sandbox: its runtime needs what the sandbox forbids. */
#ifndef SOTTO_APP_SANDBOX_H
#define SOTTO_APP_SANDBOX_H

#include "app/config.h"
#include "ipc/role_msg.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_BUILT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_BUILT 0
#endif
#endif
#ifndef SANDBOX_BUILT
#define SANDBOX_BUILT 1
#endif

/* -errno where something that every kernel has cannot be had. A kernel without Landlock is logged
 * and gone on with. */
int sandbox_enter(enum role_kind role, const struct app_config *c) MUST_CHECK;
int sandbox_seal(enum role_kind role) MUST_CHECK;

#endif
