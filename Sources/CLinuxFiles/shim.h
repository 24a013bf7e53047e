// The Glibc module is built without _GNU_SOURCE and so lacks these.
#include <sys/types.h>

extern int renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned int flags);
extern ssize_t copy_file_range(int fd_in, __off64_t *off_in, int fd_out, __off64_t *off_out, size_t len, unsigned int flags);
extern int syncfs(int fd);
extern int setfsuid(__uid_t fsuid);
extern int setfsgid(__gid_t fsgid);
extern int fallocate(int fd, int mode, __off_t offset, __off_t len);

// linux/fs.h and linux/falloc.h
static const unsigned int CLINUX_RENAME_NOREPLACE = 1;
static const int CLINUX_FALLOC_FL_KEEP_SIZE = 1;
