/* Random bytes for a process that needs many: libsodium's generator asks the kernel for each; this one asks it for a key and draws
   the bytes from that (ChaCha20 with fast key erasure: what was given out cannot be computed from what is left).
   A virtual machine that is copied or set back must not say the same bytes twice, so a key is never used beyond the tick of
   the clock in which it came (CLOCK_MONOTONIC_COARSE, 1 to 10 ms), nor for more than 1 MiB, nor in a child after a fork. */
#ifndef TOGUNA_OS_RANDOM_H
#define TOGUNA_OS_RANDOM_H

/* Makes it libsodium's generator for all threads of this process. Before sodium_init() and before any thread. */
void random_use(void);

#endif
