import type { FilterAnswer } from '../../../core/filter.ts';

const common = [
  ['Cache-Control', 'no-store'],
  ['Referrer-Policy', 'no-referrer'],
] as const;

export function redirect(location: string, setCookie: readonly string[]): FilterAnswer {
  return {
    status: 303,
    headers: [['Location', location], ...common, ...setCookie.map((line) => ['Set-Cookie', line] as const)],
    body: new Uint8Array(0),
  };
}

/** A page of its own: any other one would begin a login again, which the provider may complete without asking. */
export function loggedOutPage(loginPath: string): FilterAnswer {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Logged out</title>
<body style="font:1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:4rem auto;padding:0 1rem">
<h1>You are logged out</h1><p><a href="${loginPath}">Log in again</a></p></body></html>
`;
  return {
    status: 200,
    headers: [['Content-Type', 'text/html; charset=utf-8'], ...common],
    body: Buffer.from(html),
  };
}
