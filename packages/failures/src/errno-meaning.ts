/**
 * What an errno means for a connection, whichever call returned it. The table has every errno that Node lists. One that it
 * lacks is counted as unclassified, and has to be added here.
 */
type ErrnoMeaning =
  | 'refused' // nothing listens, or the listener's queue is full
  | 'timed_out' // the system gave up waiting
  | 'unroutable' // there is no route to the address
  | 'missing' // there is no such socket in the file system
  | 'not_permitted' // file permissions, a firewall or a seccomp filter forbid it
  | 'reset' // the connection was established and is gone
  | 'ports_spent' // no local port is left
  | 'resources_spent' // no descriptor or memory is left
  | 'misuse'; // only a wrong system call by Candor returns it

/** A descriptor is free again when any connection closes. A gateway that has used all of them closes one within this time. */
export const connectionEndsS = 1;

const words = {
  refused: 'ECONNREFUSED EAGAIN EWOULDBLOCK',
  timed_out: 'ETIMEDOUT ETIME',
  unroutable:
    'EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN ENONET EAFNOSUPPORT EINVAL EMULTIHOP ENOLINK ENODEV ENXIO EUNATCH EPROTONOSUPPORT ESOCKTNOSUPPORT',
  missing: 'ENOENT ENOTDIR ENAMETOOLONG ELOOP EISDIR ESTALE',
  // A seccomp filter that refuses a call returns ENOSYS as often as EPERM.
  not_permitted: 'EACCES EPERM EROFS ENOSYS EOPNOTSUPP ENOTSUP',
  reset:
    'ECONNRESET ECONNABORTED EPIPE EPROTO EPROTOTYPE ENOTCONN ESHUTDOWN ENETRESET EREMOTEIO EIO EOF ECANCELED EIDRM',
  ports_spent: 'EADDRNOTAVAIL EADDRINUSE',
  resources_spent: 'EMFILE ENFILE ENOBUFS ENOMEM ENOSPC EDQUOT ENOSR ENOLCK',
  misuse:
    'E2BIG EALREADY EBADF EBADMSG EBUSY ECHARSET ECHILD EDEADLK EDESTADDRREQ EDOM EEXIST EFAULT EFBIG EFTYPE EILSEQ EINPROGRESS EINTR EISCONN EMLINK EMSGSIZE ENODATA ENOEXEC ENOMSG ENOPROTOOPT ENOSTR ENOTEMPTY ENOTSOCK ENOTTY EOVERFLOW ERANGE ESPIPE ESRCH ETXTBSY EXDEV UNKNOWN',
} as const satisfies Record<ErrnoMeaning, string>;

const meanings: ReadonlyMap<string, ErrnoMeaning> = new Map(
  Object.entries(words).flatMap(([meaning, errnos]) =>
    errnos.split(' ').map((errno) => [errno, meaning as ErrnoMeaning] as const),
  ),
);

/** Null for an errno that the table lacks. */
export function meaningOf(errno: string): ErrnoMeaning | null {
  return meanings.get(errno) ?? null;
}
