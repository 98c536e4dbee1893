import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { parseRedirectLocation, withPath } from '../../schema/format/redirect-location.ts';
import { parsed, path } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';

export const absent = {
  status: declare(
    '307',
    'Keeps the method and is not remembered; a permanent redirect cannot be taken back from browsers.',
  ),
  keepPath: declare('true', 'Links, bookmarks and searches lead to pages, not to a home page.'),
};

const redirectLocation = parsed(parseRedirectLocation, { kind: 'path or URL' });

export const redirectKeys = {
  redirect: key(
    z.union([
      redirectLocation,
      section({
        location: key(
          redirectLocation,
          'Where to: a path or a URL. `{path}`, `{query}` (with its `?`), `{host}` (without a port) and other variables stand for those of the request.',
        ),
        map: key(
          path,
          'A file with a redirect in each line: `/old /new`, perhaps with a status behind it. Paths are compared as a whole, with their query if the line has one. Requests that no line is for go to `location`, or to `to`, or are 404.',
        ),
        keep_path: key(
          z.boolean(),
          'Whether a URL that names no page, such as `https://new.example`, gets the path and query of the request.',
          absent.keepPath,
        ),
        status: key(z.literal([301, 302, 303, 307, 308]), 'The status.', absent.status),
      }),
    ]),
    'Sends the client elsewhere: a location, or location and status. A URL without a path gets the path and query of the request.',
  ),
};

export type RedirectRead = z.output<z.ZodObject<typeof redirectKeys>>;

/** The location with what the request adds to it; null: there is none for all requests. */
export function locationIn({ redirect }: RedirectRead): string | null {
  if (redirect === undefined || typeof redirect === 'string') return redirect === undefined ? null : withPath(redirect);
  if (redirect.location === undefined) return null;
  return redirect.keep_path === false ? redirect.location : withPath(redirect.location);
}
