/* preadv2(2): with the flag below it reads what is in memory and never waits for the disk. glibc only declares it for
   _GNU_SOURCE, which Swift's Glibc module is built without. */
#include <sys/types.h>
#include <sys/uio.h>

extern ssize_t preadv2(int descriptor, const struct iovec *vector, int count, off_t offset, int flags);

/* RWF_NOWAIT */
static const int CUIO_ONLY_CACHED = 0x00000008;
