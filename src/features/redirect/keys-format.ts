import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { withPath } from '../../schema/format/redirect-location.ts';
import { redirectLocation } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';

export const absent = {
  status: declare(
    '307',
    'Keeps the method and is not remembered; a permanent redirect cannot be taken back from browsers.',
  ),
  keepPath: declare('true', 'Links, bookmarks and searches lead to pages, not to a home page.'),
};

export const redirectKeys = {
  redirect: key(
    z.union([
      redirectLocation,
      section({
        location: redirectLocation.meta({
          description:
            'Where to: a path or a URL. `{path}`, `{query}` (with its `?`) and `{host}` (without a port) stand for those of the request.',
        }),
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

/** The location with what the request adds to it; null: the route does not redirect. */
export function locationIn({ redirect }: RedirectRead): string | null {
  if (redirect === undefined || typeof redirect === 'string') return redirect === undefined ? null : withPath(redirect);
  return redirect.keep_path === false ? redirect.location : withPath(redirect.location);
}
