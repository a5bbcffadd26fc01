/* Keeps a log of what a process asks of the disk below POWER_ROOT, in order: preloaded into the writer of the test of power loss.
 *
 * A record is: what u8, file u64, at u64, lengths of two byte strings u32 u32, the two strings. Calls are made one at a time, so
 * the order of the log is that of the disk. What a process says on its standard output is in it too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char root[PATH_MAX];
static size_t root_len;

static void put(const void *bytes, size_t len) {
  for (const char *at = bytes; len > 0;) {
    ssize_t n = syscall(SYS_write, log_fd, at, len);
    if (n <= 0) abort(); /* A log with a hole proves nothing. */
    at += n;
    len -= (size_t)n;
  }
}

static void note(char what, uint64_t file, uint64_t at, const void *one, size_t one_len, const void *two, size_t two_len) {
  char head[1 + 8 + 8 + 4 + 4];
  uint32_t a = (uint32_t)one_len, b = (uint32_t)two_len;
  head[0] = what;
  memcpy(head + 1, &file, 8);
  memcpy(head + 9, &at, 8);
  memcpy(head + 17, &a, 4);
  memcpy(head + 21, &b, 4);
  put(head, sizeof head);
  put(one, one_len);
  put(two, two_len);
}

static void note_path(char what, uint64_t file, const char *path) { note(what, file, 0, path, strlen(path), "", 0); }

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("POWER_LOG"), *below = getenv("POWER_ROOT");
  if (!log || !below) return;
  root_len = strlen(below);
  memcpy(root, below, root_len + 1);
  log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_ours(const char *path) {
  return log_fd >= 0 && strncmp(path, root, root_len) == 0 && path[root_len] == '/';
}

/* Path of an open file; empty when it is none of ours. */
static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, PATH_MAX - 1);
  path[n < 0 ? 0 : n] = 0;
  return is_ours(path);
}

static int absolute(int dir, const char *path, char *out) {
  char base[PATH_MAX];
  if (path[0] == '/') {
    snprintf(out, PATH_MAX, "%s", path);
    return is_ours(out);
  }
  if (dir == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) return 0;
  } else if (!path_of(dir, base) && strcmp(base, root) != 0) {
    return 0;
  }
  if (snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
  return is_ours(out);
}

/* Number of an open regular file of ours; 0 when it is none. */
static uint64_t file_of(int fd, struct stat *found) {
  char path[PATH_MAX];
  if (log_fd < 0 || !path_of(fd, path) || fstat(fd, found) != 0 || !S_ISREG(found->st_mode)) return 0;
  return found->st_ino;
}

static int opened(int dir, const char *path, int flags, mode_t mode) {
  char full[PATH_MAX];
  struct stat found;
  pthread_mutex_lock(&lock);
  int ours = absolute(dir, path, full) && (flags & O_ACCMODE) != O_RDONLY;
  int was_there = ours && stat(full, &found) == 0;
  int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
  int why = errno;
  if (fd >= 0 && ours && fstat(fd, &found) == 0 && S_ISREG(found.st_mode)) {
    if (!was_there) note_path('C', found.st_ino, full);
    else if (flags & O_TRUNC) note('T', found.st_ino, 0, "", 0, "", 0);
  }
  pthread_mutex_unlock(&lock);
  errno = why;
  return fd;
}

#define MODE(flags)                                   \
  mode_t mode = 0;                                    \
  if (flags & (O_CREAT | O_TMPFILE)) {                \
    va_list more;                                     \
    va_start(more, flags);                            \
    mode = (mode_t)va_arg(more, int);                 \
    va_end(more);                                     \
  }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags) return opened(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags) return opened(dir, path, flags, mode); }

/* One write; at < 0 is where the file stands. */
static ssize_t wrote(int fd, const void *bytes, size_t len, off_t at) {
  struct stat before;
  pthread_mutex_lock(&lock);
  uint64_t file = file_of(fd, &before);
  off_t place = at;
  if (file && at < 0) place = fcntl(fd, F_GETFL) & O_APPEND ? before.st_size : lseek(fd, 0, SEEK_CUR);
  /* What is said is in the log before anybody hears it. */
  if (log_fd >= 0 && fd == STDOUT_FILENO) note('A', 0, 0, bytes, len, "", 0);
  ssize_t n = at < 0 ? syscall(SYS_write, fd, bytes, len) : syscall(SYS_pwrite64, fd, bytes, len, at);
  int why = errno;
  if (file && n > 0) note('W', file, (uint64_t)place, bytes, (size_t)n, "", 0);
  pthread_mutex_unlock(&lock);
  errno = why;
  return n;
}

ssize_t write(int fd, const void *bytes, size_t len) { return wrote(fd, bytes, len, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) { return wrote(fd, bytes, len, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at) { return wrote(fd, bytes, len, at); }

/* A write that may be short: the rest comes in a call of its own. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
  for (int i = 0; i < count; i++)
    if (parts[i].iov_len > 0) return wrote(fd, parts[i].iov_base, parts[i].iov_len, -1);
  return 0;
}

static int cut(int fd, off_t len) {
  struct stat found;
  pthread_mutex_lock(&lock);
  uint64_t file = file_of(fd, &found);
  int answer = (int)syscall(SYS_ftruncate, fd, len);
  int why = errno;
  if (file && answer == 0) note('T', file, (uint64_t)len, "", 0, "", 0);
  pthread_mutex_unlock(&lock);
  errno = why;
  return answer;
}

int ftruncate(int fd, off_t len) { return cut(fd, len); }
int ftruncate64(int fd, off64_t len) { return cut(fd, len); }

/* Only what was written before the call is durable after it: nothing else is written meanwhile. */
static int synced(int fd, long call) {
  struct stat found;
  char path[PATH_MAX];
  pthread_mutex_lock(&lock);
  int answer = (int)syscall(call, fd);
  int why = errno;
  if (answer == 0 && log_fd >= 0 && fstat(fd, &found) == 0) {
    int ours = path_of(fd, path) || strcmp(path, root) == 0;
    if (ours && S_ISDIR(found.st_mode)) note_path('Y', 0, path);
    else if (ours) note('S', found.st_ino, 0, "", 0, "", 0);
  }
  pthread_mutex_unlock(&lock);
  errno = why;
  return answer;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }
/* Not durable: it flushes no cache of the disk and no metadata. Let through and left out of the log. */
int sync_file_range(int fd, off64_t at, off64_t len, unsigned flags) {
  return (int)syscall(SYS_sync_file_range, fd, at, len, flags);
}

static int renamed(int from_dir, const char *from, int to_dir, const char *to) {
  char one[PATH_MAX], two[PATH_MAX];
  pthread_mutex_lock(&lock);
  int ours = absolute(from_dir, from, one) && absolute(to_dir, to, two);
  int answer = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
  int why = errno;
  if (ours && answer == 0) note('M', 0, 0, one, strlen(one), two, strlen(two));
  pthread_mutex_unlock(&lock);
  errno = why;
  return answer;
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_dir, const char *from, int to_dir, const char *to) { return renamed(from_dir, from, to_dir, to); }

static int removed(int dir, const char *path, int flags) {
  char full[PATH_MAX];
  pthread_mutex_lock(&lock);
  int ours = absolute(dir, path, full);
  int answer = (int)syscall(SYS_unlinkat, dir, path, flags);
  int why = errno;
  if (ours && answer == 0) note_path('U', 0, full);
  pthread_mutex_unlock(&lock);
  errno = why;
  return answer;
}

int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int dir, const char *path, int flags) { return removed(dir, path, flags); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }

static int made(int dir, const char *path, mode_t mode) {
  char full[PATH_MAX];
  pthread_mutex_lock(&lock);
  int ours = absolute(dir, path, full);
  int answer = (int)syscall(SYS_mkdirat, dir, path, mode);
  int why = errno;
  if (ours && answer == 0) note_path('D', 0, full);
  pthread_mutex_unlock(&lock);
  errno = why;
  return answer;
}

int mkdir(const char *path, mode_t mode) { return made(AT_FDCWD, path, mode); }
int mkdirat(int dir, const char *path, mode_t mode) { return made(dir, path, mode); }
