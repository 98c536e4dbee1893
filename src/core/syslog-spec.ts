/** Where the lines of the log go over syslog. */
export interface SyslogSpec {
  readonly kind: 'udp' | 'tcp' | 'tls' | 'journal' | 'logger';
  /** As the file has it: 'udp://loghost:514', 'journal', 'logger'. */
  readonly name: string;
  /** Of a journal and of `logger`: the path of the socket. */
  readonly host: string;
  readonly port: number;
  /** RFC 5424 §6.2.1. */
  readonly facility: number;
  readonly tag: string;
  /** Authorities by which the receiver is trusted, in PEM; none: those of the system. */
  readonly authorities: readonly string[];
}

export const syslogFacilities: readonly string[] = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...['ntp', 'security', 'console', 'solaris_cron'],
  ...['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
];

/** Of systemd: a stream of lines, each with its severity. */
export const journalSocket = '/run/systemd/journal/stdout';

/** Of the syslogd of this machine; `logger` sends there. */
export const localSyslogSocket = '/dev/log';
