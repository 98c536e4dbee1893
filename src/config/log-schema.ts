import * as z from 'zod';
import { lineFormatError } from '../core/line-format.ts';
import { logFormatNames } from '../core/log-formats.ts';
import { journalSocket, localSyslogSocket, syslogFacilities, type SyslogSpec } from '../core/syslog-spec.ts';
import { foreignVariable } from '../core/template.ts';
import { type Result, succeed } from '#failures/result.ts';
import { orList, quoted, type ErrorDetail, reject } from '../schema/error-detail.ts';
import { parseHeaderName } from '../schema/format/field.ts';
import { oneOrMany, parsed, path, pathOrNone, sizeFromOrNone, text, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { defaults } from './defaults.ts';
import { suggestForLog } from './explain-short-form.ts';

type Receiver = Pick<SyslogSpec, 'kind' | 'name' | 'host' | 'port'>;

const usualPorts = { udp: 514, tcp: 514, tls: 6514 } as const;

function parseReceiver(written: string): Result<Receiver, ErrorDetail> {
  if (written === 'journal') return succeed({ kind: 'journal', name: written, host: journalSocket, port: 0 });
  if (written === 'logger') return succeed({ kind: 'logger', name: written, host: localSyslogSocket, port: 0 });
  const found = /^(udp|tcp|tls):\/\/(?:\[([\da-f:.]+)\]|([a-z\d](?:[\w.-]*[a-z\d])?))(?::(\d{1,5}))?\/?$/i.exec(
    written,
  );
  if (found === null && /\/dev\/log$/.test(written))
    return reject(`${quoted(written)} is the socket of the syslogd of this machine`, 'write logger, which sends there');
  if (found === null)
    return reject(
      `${quoted(written)} is no receiver of syslog`,
      'write udp://HOST:514, tcp://HOST:514 or tls://HOST:6514, journal for that of systemd, or logger for the syslogd of this machine',
    );
  const kind = (found[1] as string).toLowerCase() as keyof typeof usualPorts;
  const host = (found[2] ?? found[3]) as string;
  const port = found[4] === undefined ? usualPorts[kind] : Number(found[4]);
  if (port < 1 || port > 65_535) return reject(`${port} is no port`, 'write a number from 1 to 65535');
  return succeed({ kind, name: `${kind}://${host.includes(':') ? `[${host}]` : host}:${port}`, host, port });
}

function parseFormat(written: string): Result<string, ErrorDetail> {
  if (logFormatNames.includes(written)) return succeed(written);
  if (!written.includes('{') && foreignVariable(written) === null)
    return reject(
      `expected ${orList(logFormatNames)}, found the text ${quoted(written)}`,
      suggestForLog('format', written),
    );
  const error = lineFormatError(written);
  return error === null ? succeed(written) : reject(error.message, error.suggestion);
}

function parseTag(written: string): Result<string, ErrorDetail> {
  return /^[!-~]{1,48}$/.test(written)
    ? succeed(written)
    : reject(`${quoted(written)} is no tag`, 'write 1 to 48 visible characters of ASCII, without a space');
}

const receiver = parsed(parseReceiver, { kind: 'receiver', examples: ['udp://loghost:514', 'journal', 'logger'] });

const syslog = z.union([
  receiver,
  section({
    to: receiver.meta({ description: 'The receiver: `udp://HOST:PORT`, `tcp://…`, `tls://…`, `journal` or `logger`.' }),
    facility: key(z.enum(syslogFacilities), 'The facility of its messages (RFC 5424).', defaults.syslog.facility),
    tag: key(parsed(parseTag, { kind: 'tag' }), 'The name of the program in its messages.', defaults.syslog.tag),
    ca_file: key(
      oneOrMany(path),
      'Files of certificate authorities in PEM, by which a receiver over TLS is trusted instead of those of the system.',
    ),
  }),
]);

/** `log` of the file. */
export const log = section({
  path: key(pathOrNone, 'The exchange log: a file, `-` for standard output, or `none`.', defaults.logPath),
  rotate_at: key(
    sizeFromOrNone({
      written: '1MiB',
      why: 'that is some 3,000 exchanges, and a smaller file would be rotated again and again',
    }),
    'The size at which the file is rotated: renamed, and a new one begun. 1 MiB at least, or `none`.',
    defaults.logRotateAt,
  ),
  keep: key(whole(1, 1000), 'How many rotated files are kept.', defaults.logKeep),
  compress: key(
    z.enum(['zstd', 'gzip', 'none']),
    'How rotated files are compressed, all but the newest, in the background.',
    defaults.logCompress,
  ),
  syslog: key(
    syslog,
    'A receiver of syslog that gets each line beside the file, such as `udp://loghost:514`, `journal` for that of systemd, or `logger` for the syslogd of this machine, by the program of that name.',
    defaults.syslog.syslog,
  ),
  query_allowed: key(
    z.array(text),
    'Names of query values that may be kept; every other is redacted.',
    defaults.queryAllowed,
  ),
  secret_headers: key(
    z.array(text),
    'Further names whose values never reach records and events, wherever a text has them as `name: value` or `name=value`.',
    defaults.secretHeaders,
  ),
  headers: key(
    z.array(parsed(parseHeaderName, { kind: 'header name', examples: ['user-agent', 'referer'] })),
    'Request headers that are recorded, such as `user-agent`; `referer` without its query.',
    defaults.logHeaders,
  ),
  detail: key(
    z.enum(['brief', 'full']),
    'What is recorded of a success: `full` as much as of a failure, each step and the local port.',
    defaults.logDetail,
  ),
  format: key(
    parsed(parseFormat, {
      kind: 'format',
      examples: ['json', 'combined', '{client_address} {method} {path} {status}'],
    }),
    "`json`: records; `combined`: Apache's format for programs that read nothing else, without causes; or a line with variables, such as `{client_address} {method} {path} {status}`.",
    defaults.logFormat,
  ),
});

type LogRead = z.output<typeof log>;

/** `contentOf`: what stands in a file of authorities. */
export function buildSyslog(read: LogRead['syslog'], contentOf: (path: string) => string): SyslogSpec | null {
  if (read === undefined) return null;
  const { to, facility, tag, ca_file = [] } = 'to' in read ? read : { to: read };
  return {
    ...to,
    facility: syslogFacilities.indexOf(facility ?? defaults.syslog.facility.written),
    tag: tag ?? defaults.syslog.tag.written,
    authorities: ca_file.map(contentOf),
  };
}
