import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { bytesOrNone } from '../../schema/fallback.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { sizeOrNone } from '../../schema/leaves.ts';
import { quoted } from '../../schema/error-detail.ts';
import { key } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { reviewPlainText } from '../text-keys.ts';
import { replacementName, type ReplacementSpec } from './settings.ts';

const absent = {
  max: declare('1MiB', 'Pages and scripts are smaller; every byte of a body takes time of the gateway.'),
};

const routeKeys = {
  replace_text: key(
    z.record(z.string(), z.string()),
    'Replaces texts in the bodies of responses: pages, style sheets, scripts, JSON, XML and plain text. Upper and lower case differ, and of two texts that begin at the same place the longer one is replaced.',
  ),
  replace_text_max: key(
    sizeOrNone,
    'Bodies with a greater Content-Length are not changed; `none`: all are.',
    absent.max,
  ),
};

type RouteRead = z.output<z.ZodObject<typeof routeKeys>>;

/** Texts of one route, and bytes of one: the search has a table with a line for each byte. */
const textsMax = 100;
const textBytesMax = 1024;

export const textReplacement: FeatureKeys = featureKeys<RouteRead, object>({
  name: replacementName,
  routeKeys,
  forms: {
    replace_text: { example: '{ "http://old.example": "https://new.example" }', off: 'remove the key' },
    replace_text_max: { example: '1MiB', off: 'write none for no limit' },
  },
  needsUpstream: true,
  ofRoute({ replace_text, replace_text_max }): ReplacementSpec | null {
    const pairs = Object.entries(replace_text ?? {});
    return pairs.length === 0 ? null : { pairs, bytesMax: bytesOrNone(replace_text_max, absent.max) };
  },
  review({ routes }, findings) {
    for (const { path, read } of routes) reviewOne(read, path, findings);
  },
});

function reviewOne({ replace_text, replace_text_max }: RouteRead, path: Path, findings: Findings): void {
  const at = [...path, 'replace_text'];
  const texts = Object.keys(replace_text ?? {});
  if (texts.length === 0 && replace_text_max !== undefined)
    findings.warnAtKey([...path, 'replace_text_max'], 'it has no effect without "replace_text"', 'remove it');
  if (replace_text !== undefined && texts.length === 0)
    findings.warnAtKey(at, '"replace_text" replaces nothing', 'name a text and its replacement, or remove the key');
  if (texts.length > textsMax)
    findings.errorAtKey(
      at,
      `${texts.length} texts are replaced, and ${textsMax} is the most`,
      'divide them between routes',
    );
  for (const text of texts) {
    reviewPlainText(replace_text?.[text] ?? '', [...at, text], findings);
    if (text === '')
      findings.errorAtKey([...at, text], 'an empty text is everywhere', 'write the text that is to be replaced');
    else if (new TextEncoder().encode(text).length > textBytesMax)
      findings.errorAtKey([...at, text], `a text has at most ${textBytesMax} bytes`, 'write the beginning of it');
    else if (replace_text?.[text] === text)
      findings.warnAtKey([...at, text], `${quoted(text)} is replaced by itself`, 'remove it');
  }
}
