/* SPDX-License-Identifier: Apache-2.0

   The cyclic redundancy checks of S3. All three are of the reflected kind, start with all ones and end with an inversion, so
   one kernel serves them with different constants. */
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

#if defined(__cplusplus)
}
#endif

#endif
