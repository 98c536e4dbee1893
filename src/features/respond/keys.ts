import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { count } from '../../schema/fallback.ts';
import { contentType, whole } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { respondName, type RespondSpec } from './settings.ts';

const absent = {
  status: declare('200', 'The answer is meant to be one.'),
  contentType: declare('text/plain; charset=utf-8', 'What is written in the file is text.'),
};

const respondKeys = {
  respond: key(
    section({
      status: key(whole(200, 599), 'The status.', absent.status),
      content_type: key(contentType, 'The Content-Type.', absent.contentType),
      body: key(z.string(), 'The body of the response.'),
    }),
    'Answers by itself, without any application.',
  ),
};

type RouteRead = z.output<z.ZodObject<typeof respondKeys>>;

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
    return {
      status: count(read.status, absent.status),
      contentType: read.content_type ?? absent.contentType.written,
      body: read.body ?? '',
    };
  },
  review({ routes }, findings) {
    for (const { path, read } of routes) {
      const { status, body = '' } = read.respond ?? {};
      if (status === 444 || status === 499)
        findings.warnAtValue(
          [...path, 'respond', 'status'],
          `${status} closes no connection here: it is sent, and no client knows it`,
          'write 404, or another status that clients know',
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
