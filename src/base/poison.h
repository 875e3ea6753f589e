/* Functions that this project never calls: each writes without a bound or hides an error.
 * Included before everything else by the build, so the system's headers come first. */
#ifndef SOTTO_BASE_POISON_H
#define SOTTO_BASE_POISON_H

#ifndef __cplusplus
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf sscanf gets strtok mktemp tmpnam
#endif

#endif
