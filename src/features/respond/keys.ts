import { captureNames } from '../../core/path-match.ts';
import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { count } from '../../schema/fallback.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { parseEditedHeaderName, parseHeaderValue } from '../../schema/format/field.ts';
import { contentType, oneOrMany, parsed, whole } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { reviewPlainText, reviewText } from '../text-keys.ts';
import { respondName, type RespondSpec } from './settings.ts';

const absent = {
  status: declare('200', 'The answer is meant to be one.'),
  contentType: declare('text/plain; charset=utf-8', 'What is written in the file is text.'),
};

const respondKeys = {
  respond: key(
    z.union([
      z.literal('close'),
      section({
        status: key(whole(200, 599), 'The status.', absent.status),
        content_type: key(contentType, 'The Content-Type.', absent.contentType),
        headers: key(
          z.record(z.string(), oneOrMany(parsed(parseHeaderValue))),
          'Further headers. Values may have variables, such as `{host}`.',
        ),
        body: key(z.string(), 'The body of the response.'),
      }),
    ]),
    'Answers by itself, without any application. `close` answers nothing: the connection is closed, or the stream of HTTP/2 reset.',
  ),
};

type RouteRead = z.output<z.ZodObject<typeof respondKeys>>;

function reviewHeaders(
  headers: Readonly<Record<string, readonly string[]>>,
  path: Path,
  findings: Findings,
  captures: readonly string[],
): void {
  for (const [name, values] of Object.entries(headers)) {
    const parsedName = parseEditedHeaderName(name);
    if (!parsedName.ok) findings.errorAtKey([...path, name], parsedName.failure.message, parsedName.failure.suggestion);
    else if (name.toLowerCase() === 'content-type')
      findings.errorAtKey([...path, name], 'the type of the answer has a key of its own', 'write content_type');
    for (const value of values) reviewText(value, [...path, name], findings, null, captures);
  }
}

/** RFC 9110 §15.3.5, §15.3.6 and §15.4.5. */
const withoutBody: readonly number[] = [204, 205, 304];

export const respond: FeatureKeys = featureKeys<RouteRead, object>({
  name: respondName,
  isAction: true,
  routeKeys: respondKeys,
  forms: {
    respond: { example: '{ status: 200, body: OK }', off: 'remove the key', stands: ['status', 'body'] },
  },
  ofRoute({ respond: read }): RespondSpec | null {
    if (read === undefined) return null;
    if (read === 'close') return { closes: true };
    const headers = Object.entries(read.headers ?? {}).flatMap(([name, values]) =>
      values.map((value) => [name, value] as const),
    );
    return {
      status: count(read.status, absent.status),
      contentType: read.content_type ?? absent.contentType.written,
      body: read.body ?? '',
      ...(headers.length === 0 ? {} : { headers }),
    };
  },
  review({ routes }, findings) {
    for (const { path, read, match } of routes) {
      if (read.respond === undefined || read.respond === 'close') continue;
      const { status, body = '', headers = {} } = read.respond;
      reviewHeaders(headers, [...path, 'respond', 'headers'], findings, captureNames(match.paths ?? []));
      reviewPlainText(body, [...path, 'respond', 'body'], findings);
      if (status === 444 || status === 499)
        findings.errorAtValue(
          [...path, 'respond', 'status'],
          `${status} would be sent, and no client knows it`,
          'write respond: close to close the connection without an answer',
        );
      if (body !== '' && status !== undefined && withoutBody.includes(status))
        findings.errorAtValue(
          [...path, 'respond', 'body'],
          `a response with status ${status} has no body`,
          'remove the body, or use another status',
        );
    }
  },
});
