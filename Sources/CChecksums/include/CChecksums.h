/* SPDX-License-Identifier: Apache-2.0

   The cyclic redundancy checks of S3, and MD5. The three checks are of the reflected kind, start with all ones and end with an
   inversion, so one kernel serves them with different constants. */
#ifndef CCHECKSUMS_H
#define CCHECKSUMS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

enum cchecksums_crc {
    CCHECKSUMS_CRC32 = 0,     /* ISO-HDLC, RFC 1952: check value cbf43926 */
    CCHECKSUMS_CRC32C = 1,    /* Castagnoli, RFC 3720: check value e3069283 */
    CCHECKSUMS_CRC64NVME = 2, /* NVM Express: check value ae8b14860a799888 */
};

/* The check of some bytes followed by `count` bytes at `bytes`, where `crc` is the check of the first ones: 0 if there are
   none. Takes carry-less multiplication where the processor has it. Any thread, any alignment. */
uint64_t cchecksums_update(enum cchecksums_crc kind, uint64_t crc, const void *bytes, size_t count);

/* As above, with tables on every processor. */
uint64_t cchecksums_update_with_tables(enum cchecksums_crc kind, uint64_t crc, const void *bytes, size_t count);

struct cchecksums_message {
    const void *bytes;
    size_t count;
    uint8_t digest[16]; /* what is asked for */
};

/* How many messages `cchecksums_md5` digests side by side on this processor: 16 with AVX-512, 8 with AVX2. 0: it can't. */
int cchecksums_md5_lanes(void);

/* MD5 (RFC 1321) of messages of any number, length and alignment. Each step of MD5 needs the one before, so one message can't
   be digested faster than its steps follow one another; the lanes of a vector digest as many messages in little more time
   than one takes. `lanes` is 8 or 16, and at most what `cchecksums_md5_lanes` says. Any thread. */
void cchecksums_md5(struct cchecksums_message *messages, size_t count, int lanes);

#if defined(__cplusplus)
}
#endif

#endif
