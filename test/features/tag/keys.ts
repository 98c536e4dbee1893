import * as z from 'zod';
import { type FeatureKeys, featureKeys } from '../../../src/features/feature-keys.ts';
import { declare } from '../../../src/schema/default.ts';
import { parseHeaderName } from '../../../src/schema/format/field.ts';
import { parsed, text } from '../../../src/schema/leaves.ts';
import { key, section } from '../../../src/schema/section.ts';
import { tagName, type TagSpec } from './settings.ts';

const absent = { value: declare('yes', 'Most readers ask whether there is a tag, and not which.') };

const routeKeys = {
  tag: key(
    section({
      header: parsed(parseHeaderName, { kind: 'header name', examples: ['x-tag'] }).meta({
        description: 'The header of responses that has the tag.',
      }),
      value: key(text, 'Its value.', absent.value),
    }),
    'Marks the responses of the route, and counts them.',
  ),
};

type RouteRead = z.output<z.ZodObject<typeof routeKeys>>;

export const tag: FeatureKeys = featureKeys<RouteRead, object>({
  name: tagName,
  routeKeys,
  ofRoute: ({ tag: read }): TagSpec | null =>
    read === undefined ? null : { header: read.header, value: read.value ?? absent.value.written },
  review({ routes }, findings) {
    for (const { path, read } of routes)
      if (read.tag?.header.toLowerCase() === 'content-length')
        findings.errorAtKey([...path, 'tag', 'header'], 'a tag may not be Content-Length', 'write another name');
  },
});
