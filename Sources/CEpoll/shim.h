// epoll and eventfd are not in the Glibc module.
#include <sys/epoll.h>
#include <sys/eventfd.h>
