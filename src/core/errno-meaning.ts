/**
 * What an errno says of a connection, whichever call returned it. Every one that Node lists has its line: one without
 * would be counted as unclassified, which is a defect to be mended here.
 */
export type ErrnoMeaning =
  | 'refused' // nobody listens, or the queue of who does is full
  | 'timed_out' // the system gave up waiting
  | 'unroutable' // no way leads there
  | 'missing' // there is no such socket in the file system
  | 'not_permitted' // somebody forbids it: permissions, a filter
  | 'reset' // the connection was there and is gone
  | 'ports_spent' // no local port is left
  | 'resources_spent' // no descriptor or memory is left
  | 'misuse'; // no socket of the world says this: we have asked the system for something wrong

/** A descriptor is free again as soon as any connection ends; in a gateway that has used them all, that is at once. */
export const connectionEndsS = 1;

const words = {
  refused: 'ECONNREFUSED EAGAIN EWOULDBLOCK',
  timed_out: 'ETIMEDOUT ETIME',
  unroutable:
    'EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN ENONET EAFNOSUPPORT EINVAL EMULTIHOP ENOLINK ENODEV ENXIO EUNATCH EPROTONOSUPPORT ESOCKTNOSUPPORT',
  missing: 'ENOENT ENOTDIR ENAMETOOLONG ELOOP EISDIR ESTALE',
  // A seccomp filter that refuses a call says ENOSYS as often as EPERM.
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

/** Null for an errno that nobody has met. */
export function meaningOf(errno: string): ErrnoMeaning | null {
  return meanings.get(errno) ?? null;
}
