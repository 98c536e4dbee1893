/** Headers that a route changes, or the file for all routes. */
import * as z from 'zod';
import { parseHeaderValue, parseLoneHeaderName } from '../schema/format/field.ts';
import { oneOrMany, parsed } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';
import { defaults } from './defaults.ts';

const fieldValue = parsed(parseHeaderValue);
const lines = z.record(z.string(), fieldValue);

const edits = {
  set: key(
    hide(lines, 'header'),
    'Headers to write, in place of any of that name. Values may have variables, such as `{client_address}`.',
  ),
  add: key(
    hide(z.record(z.string(), oneOrMany(fieldValue)), 'header'),
    'Headers to write beside those of that name. Values may have variables.',
  ),
  remove: key(oneOrMany(parsed(parseLoneHeaderName, { kind: 'header name' })), 'Names of headers to remove.'),
};

export const requestHeaders = section(edits);
export const responseHeaders = section({
  ...edits,
  default: key(
    hide(lines, 'header', 'ifAbsent'),
    'Headers to write where the response has none of that name. Values may have variables.',
  ),
});

export const securityHeaders = z.union([z.enum(['strict', 'none']), lines]);

export const headerKeysOfFile = {
  request_headers: key(
    requestHeaders,
    'Changes to the headers of requests on all routes; those of a route come after.',
  ),
  response_headers: key(
    responseHeaders,
    'Changes to the headers of responses on all routes, and of what the gateway answers without a route; those of a route come after.',
  ),
  security_headers: key(
    securityHeaders,
    'Headers by which browsers protect a page: `strict`, `none`, or names with values. A header that the application sends, or `response_headers` names, stays as it is.',
    defaults.securityHeaders,
  ),
};

type EditsRead = z.output<typeof requestHeaders>;
export type ResponseHeadersRead = z.output<typeof responseHeaders>;
export type SecurityHeadersRead = z.output<typeof securityHeaders>;
export type RequestHeadersRead = EditsRead;
