import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { parseMethod } from '../../schema/format/field.ts';
import { oneOrMany, parsed, path } from '../../schema/leaves.ts';
import { hide } from '../../schema/schema-parts.ts';
import { key, section } from '../../schema/section.ts';
import {
  type FeatureKeys,
  featureKeys,
  inForce,
  type NamedFile,
  reviewReplaced,
  type TextFile,
} from '../feature-keys.ts';
import { linkKeysIn, reviewLinkKeys } from './keys-file.ts';
import { signedLinksName, type SignedLinksSpec } from './settings.ts';

const absent = {
  methods: declare('[GET, HEAD]', 'A link that shows a file should not delete it.'),
  bound: declare('false', 'People change networks while they read.'),
};

const signedLinksSection = section({
  keys_file: hide(
    path.meta({
      description:
        'A file with a key of 32 characters or more in each line. Each may have signed a link, so that a key can be replaced while links of the one before are valid. A reload reads it again.',
    }),
    'file',
    'linkKeys',
  ),
  methods: key(
    oneOrMany(parsed(parseMethod, { kind: 'method', examples: ['GET'] })),
    'Methods that a link is for.',
    absent.methods,
  ),
  bound_to_address: key(
    z.boolean(),
    'Whether the address of the client is signed too: others cannot use the link.',
    absent.bound,
  ),
});

const signedLinksKeys = {
  signed_links: key(
    z.union([z.literal('none'), signedLinksSection]),
    'The route takes links alone that were signed with a key and have not expired (`candor sign`); others are refused with 403. Or `none`.',
  ),
};

type SignedLinksRead = z.output<typeof signedLinksSection> | 'none';

/** A route, or the file. */
interface ScopeRead {
  readonly signed_links?: SignedLinksRead;
}

function filesIn(read: SignedLinksRead | undefined): readonly NamedFile[] {
  if (read === undefined || read === 'none') return [];
  const { keys_file: file } = read;
  // Some keys of random text.
  const maker = 'openssl rand -hex 32 >>';
  const kind: TextFile = { what: 'a list of keys for links', bytesMax: 16 * 1024, isSecret: true, maker };
  return [{ kind, path: file, at: [signedLinksName, 'keys_file'], review: reviewLinkKeys(file) }];
}

export const signedLinks: FeatureKeys = featureKeys<ScopeRead, object, ScopeRead>({
  name: signedLinksName,
  routeKeys: signedLinksKeys,
  fileKeys: signedLinksKeys,
  forms: {
    signed_links: {
      example: '{ keys_file: link-keys }',
      off: 'write none',
      on: 'name a file of keys, such as { keys_file: link-keys }',
    },
  },
  ofRoute(route, file, { contentOf }): SignedLinksSpec | null {
    const read = inForce(signedLinksName, route, file);
    if (read === null) return null;
    return {
      linkKeys: linkKeysIn(contentOf(read.keys_file)).map(({ content }) => content),
      methods: read.methods ?? ['GET', 'HEAD'],
      isBoundToAddress: read.bound_to_address ?? false,
    };
  },
  filesOfRoute: ({ signed_links: read }) => filesIn(read),
  filesOfFile: ({ signed_links: read }) => filesIn(read),
  review(written, findings) {
    const { file, routes } = written;
    for (const { path: at, read, match } of routes) {
      const own = inForce(signedLinksName, read, file.read);
      if (own === null || read.signed_links === undefined) continue;
      const methods = own.methods ?? ['GET', 'HEAD'];
      if (match.methods.length > 0 && !match.methods.some((method) => methods.includes(method)))
        findings.warnAtKey(
          [...at, signedLinksName],
          'no request passes: links are for other methods than the route takes',
          `add "methods: ${match.methods.join(', ')}" to it`,
        );
    }
    reviewReplaced(signedLinksName, written, findings);
  },
});
