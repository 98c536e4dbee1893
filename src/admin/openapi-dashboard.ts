import type { OperationId } from './operations.ts';
import { type Details, type Json, json, problemDetails, reference, searchParameter } from './openapi-parts.ts';

const file = (description: string, type: string): Json => ({
  description,
  content: { [type]: { schema: { type: 'string' } } },
});

const cookieHeader: Json = {
  'Set-Cookie': { schema: { type: 'string' }, description: 'The session: HttpOnly, SameSite=Strict, for 12 hours.' },
};

/** The operations that came with the dashboard. */
export const dashboardDetails = {
  readPage: {
    description:
      'Says nothing about the gateway by itself. `link` opens a session, once and within a minute, and leads to the page.',
    parameters: [searchParameter('link', 'The secret of a link that `makeLink` has made.')],
    responses: {
      200: file('The page.', 'text/html'),
      303: { description: 'To the page, with the session of the link or without one.', headers: cookieHeader },
      404: problemDetails('The gateway is part of another program, and has no dashboard.'),
      503: problemDetails('The files of the dashboard are missing.'),
    },
  },
  readAsset: {
    description: 'With a hash in its name it never changes.',
    parameters: [
      { name: 'name', in: 'path', required: true, schema: { type: 'string' }, description: 'The name of the file.' },
    ],
    responses: { 200: file('The file.', 'application/octet-stream'), 404: problemDetails('There is no such file.') },
  },
  readSession: {
    description: 'Also with a token, and over the unix socket: `ends_at` is null there.',
    responses: { 200: json('Who asks.', 'Session') },
  },
  openSession: {
    description: 'For browsers, over TCP. The session has the role of the token, and ends with it.',
    requestBody: { required: true, content: { 'application/json': { schema: reference('SessionRequest') } } },
    responses: {
      200: { ...json('Logged in.', 'Session'), headers: cookieHeader },
      404: problemDetails('The gateway is part of another program, and has no dashboard.'),
      409: problemDetails('The unix socket needs no session.'),
      422: problemDetails('The body has no token.'),
    },
  },
  endSession: {
    description: 'The session ends, and its cookie is deleted.',
    responses: { 204: { description: 'Logged out.' }, 409: problemDetails('The request has no session.') },
  },
  makeLink: {
    description:
      'Needs no body. The session of the link has the role of the requester, and depends on its token. `candor dashboard` opens such a link.',
    responses: {
      200: json('The link.', 'Link'),
      404: problemDetails('The gateway is part of another program, and has no dashboard.'),
    },
  },
} satisfies Partial<Record<OperationId, Details>>;
