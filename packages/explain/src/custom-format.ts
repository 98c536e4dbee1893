import type { Result } from '../../failures/src/result.ts';
import { failWith } from '../../failures/src/result.ts';
import type { Dialect } from './dialect.ts';
import { envoyLogFormat, isEnvoyFormat } from './envoy/log-format.ts';
import { haproxyLogFormat, isHaproxyFormat } from './haproxy/log-format.ts';
import { nginxLogFormat } from './nginx/log-format.ts';

/**
 * A dialect for a log format that a gateway's configuration has: a `log_format` of nginx, a format string of Envoy or a
 * `log-format` of HAProxy. Returns an error for people if it is none of them, or if its lines show no failures.
 */
export function customLogFormat(text: string): Result<Dialect, string> {
  if (isEnvoyFormat(text)) return named('Envoy', envoyLogFormat(text));
  if (/^\s*log_format\b|\$\{?[a-z]/.test(text)) return named('nginx', nginxLogFormat(text));
  if (/%[<>!\d,]{0,20}[<>]s\b|^\s*LogFormat\b/.test(text))
    return failWith(
      'It looks like a `LogFormat` of Apache, which Candor reads without this option where it is a usual one.',
    );
  if (isHaproxyFormat(text)) return named('HAProxy', haproxyLogFormat(text));
  if (text.trim() === '') return failWith('The log format is empty.');
  return failWith(
    'It has none of the variables of a `log_format` of nginx (`$status`), a format of Envoy (`%RESPONSE_CODE%`) or a `log-format` of HAProxy (`%ST`). In a shell, put it in single quotes.',
  );
}

/** The message says which gateway's format the text was taken for. */
function named(gateway: string, read: Result<Dialect, string>): Result<Dialect, string> {
  return read.ok ? read : failWith(`As a format of ${gateway}: ${read.failure}`);
}
